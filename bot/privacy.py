"""`errand forget` and `errand export`."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from datetime import UTC, datetime
from functools import partial

from bot.caretaker import clean
from bot.settings import Settings, files_folder, redaction_of
from orchestrator.errors import BadInput
from orchestrator.exporting import export
from orchestrator.forgetting import forgotten, whose
from storage.files import FileStore
from storage.store import open_store


async def found(settings: Settings, channel: str, person: str) -> Mapping[str, int]:
    """How many rows forgetting somebody would concern, by table."""
    store = await open_store(settings.database)
    try:
        return await store.forgettable(channel, person, whose)
    finally:
        await store.close()


async def forget(settings: Settings, channel: str, person: str) -> Mapping[str, int]:
    """Forget somebody: how many rows that concerned, by table."""
    store = await open_store(settings.database)
    try:
        changes = partial(forgotten, channel)
        counts = await store.forget(channel, person, whose, waits=False, changes=changes)
        await clean(store, FileStore(files_folder(settings)))
    finally:
        await store.close()
    return counts or {}


async def exported(settings: Settings, person: str, since: datetime | None) -> AsyncGenerator[str, None]:
    """The lines of an export of all, or of a person such as telegram:42. Raises BadInput."""
    channel, _, who = person.partition(":")
    if person and not (channel and who):
        raise BadInput(f"Write a person as CHANNEL:ID, such as telegram:4711: not {person!r}.")
    store = await open_store(settings.database)
    try:
        whom = (channel, who) if person else None
        since = since and since.replace(tzinfo=since.tzinfo or UTC)
        lines = export(store, redaction_of(settings), now=datetime.now(UTC), person=whom, since=since)
        async with aclosing(lines):
            async for line in lines:
                yield line
    finally:
        await store.close()
