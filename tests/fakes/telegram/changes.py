"""Lets tests wait until the world looks as they expect."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


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
                    await self.next()
        except TimeoutError:
            raise AssertionError(failing()) from None
        return found
