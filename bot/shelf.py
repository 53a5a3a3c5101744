"""What a channel gets from the app: a place of its own in the store, kept files, the slash words."""

from collections.abc import Mapping, Sequence

from bot.app import App
from bot.wiring import commands_of
from orchestrator.messages import Attachment
from storage.errors import StorageFileUnknown
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


async def content(app: App, file: Attachment) -> bytes | None:
    """A kept file; None where somebody has deleted it."""
    try:
        return await app.files.read(file.file)
    except StorageFileUnknown:
        return None


def slash_words(app: App) -> Sequence[tuple[str, str]]:
    """The slash words with what they do."""
    return commands_of(app.parts).menu()
