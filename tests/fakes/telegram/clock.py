"""The server's time: the real one, or one that a test moves."""

from collections.abc import Callable

Clock = Callable[[], float]  # seconds since 1970


class VirtualClock:
    """Stands still until it is moved: `clock.advance(30)`."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self._now = now

    def __call__(self) -> float:
        return self._now

    def advance(self, seconds: float) -> None:
        self._now += seconds
