"""Lets tests wait until the world looks as they expect."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")

LOOK_AGAIN = 0.05  # seconds: what a test looks at may change where this server does not hear of it


class Changes:
    """Something has changed: everybody who waits looks again."""

    def __init__(self) -> None:
        self._next = asyncio.Event()

    def tell(self) -> None:
        told, self._next = self._next, asyncio.Event()
        told.set()

    async def next(self) -> None:
        """Wait until something has changed."""
        await self._next.wait()

    async def until(self, seen: Callable[[], T | None], *, seconds: float, failing: Callable[[], str]) -> T:
        """What `seen` returns once it is not None. Raises AssertionError with the words of `failing` in the end."""
        try:
            async with asyncio.timeout(seconds):
                while (found := seen()) is None:
                    with suppress(TimeoutError):
                        async with asyncio.timeout(LOOK_AGAIN):
                            await self.next()
        except TimeoutError:
            raise AssertionError(failing()) from None
        return found
