"""`errand people`: roles for the operator, while the bot does not run."""

from collections.abc import Awaitable, Callable

from bot.settings import Settings
from bot.wiring import people_of
from orchestrator.appointing import Appointing
from storage.store import open_store


async def on_roles(settings: Settings, work: Callable[[Appointing], Awaitable[str]]) -> str:
    """What comes of some work on roles. Raises BadInput, SettingsInvalid, StorageError."""
    store = await open_store(settings.database)
    try:
        return await work(Appointing(store, people_of(settings, store)))
    finally:
        await store.close()
