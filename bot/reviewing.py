"""`errand review`: the review queue for the operator, while the bot does not run."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TypeVar

from bot.settings import Settings
from bot.wiring import cases_of, people_of
from orchestrator.cases import Cases
from storage.store import open_store

T = TypeVar("T")


async def on_cases(settings: Settings, work: Callable[[Cases], Awaitable[T]]) -> T:
    """What comes of some work on the review queue. Raises BadInput, StorageError."""
    store = await open_store(settings.database)
    try:
        return await work(cases_of(settings, store, people_of(settings, store), now=lambda: datetime.now(UTC)))
    finally:
        await store.close()
