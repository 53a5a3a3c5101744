"""The server's time: the real one, a faster one, or one that a test moves."""

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    """Seconds since 1970, and a way to wait by them."""

    def __call__(self) -> float: ...

    async def sleep(self, seconds: float) -> None: ...


class FastClock:
    """Runs so many times as fast as the real one: three seconds for an ack pass in 0.3 at `FastClock(10)`."""

    def __init__(self, times: float = 1) -> None:
        self._times = times
        self._since = time.time()

    def __call__(self) -> float:
        return self._since + (time.time() - self._since) * self._times

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self._times)


class VirtualClock:
    """Stands still until it is moved: `clock.advance(3)`. It starts now, as times of signatures are real ones."""

    def __init__(self, now: float | None = None) -> None:
        self._now = float(int(time.time())) if now is None else now
        self._sleeping: list[tuple[float, asyncio.Event]] = []

    def __call__(self) -> float:
        return self._now

    @property
    def is_awaited(self) -> bool:
        """Whether anything waits for a later time."""
        return bool(self._sleeping)

    def advance(self, seconds: float) -> None:
        """What waits until then goes on, once the test awaits something."""
        self._now += seconds
        for due, woken in self._sleeping:
            if due <= self._now:
                woken.set()

    async def sleep(self, seconds: float) -> None:
        sleeper = (self._now + seconds, asyncio.Event())
        self._sleeping.append(sleeper)
        try:
            await sleeper[1].wait()
        finally:
            self._sleeping.remove(sleeper)
