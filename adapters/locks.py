"""Locks by key: who holds one keeps out everybody with the same key, and nobody else."""

import asyncio
from collections.abc import Hashable
from weakref import WeakValueDictionary


class Locks:
    """A lock for each key, which is forgotten when nobody holds it or waits for it."""

    def __init__(self) -> None:
        self._held: WeakValueDictionary[Hashable, asyncio.Lock] = WeakValueDictionary()

    def of(self, key: Hashable) -> asyncio.Lock:
        """The lock of this key: `async with locks.of(key):`."""
        return self._held.setdefault(key, asyncio.Lock())
