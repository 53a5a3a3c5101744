"""A channel's own place in the store."""

from collections.abc import Mapping

from storage.store import Store


class StoreShelf:
    """The Shelf of one channel."""

    def __init__(self, store: Store, channel: str) -> None:
        self._store = store
        self._channel = channel

    async def note(self, written: Mapping[str, str | None]) -> None:
        await self._store.note(self._channel, written)

    async def noted(self, key: str) -> str | None:
        return await self._store.noted(self._channel, key)

    async def notes(self, prefix: str) -> Mapping[str, str]:
        return await self._store.notes(self._channel, prefix)

    async def knows(self, event_id: str) -> bool:
        return await self._store.payload(self._channel, event_id) is not None
