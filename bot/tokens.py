"""`errand token`: who may use the HTTP API."""

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from adapters.web.api.archive import NAME as API
from adapters.web.api.tokens import Tokens
from bot.settings import Settings
from bot.shelf import StoreShelf
from orchestrator.errors import BadInput
from storage.store import open_store

NAME = re.compile(r"[\w.@-]{1,64}")


async def added(settings: Settings, name: str, person: str) -> str:
    """A new token. Raises BadInput, StorageError."""
    for each in (name, person or name):
        if not NAME.fullmatch(each):
            raise BadInput(f"{each!r} is no name: take up to 64 letters, digits, dots, dashes and @.")
    async with _tokens(settings) as tokens:
        if any(each.name == name for each in await tokens.listed()):
            raise BadInput(f"There is a token {name!r}. Take another name, or `errand token remove {name}` first.")
        return await tokens.add(name, person or name)


async def listed(settings: Settings) -> Sequence[str]:
    """A line for each token, oldest first. Raises StorageError."""
    async with _tokens(settings) as tokens:
        known = await tokens.listed()
    return [f"{each.name}: {API}:{each.person}, since {each.made_at:%Y-%m-%d %H:%M}" for each in known]


async def removed(settings: Settings, name: str) -> None:
    """Take a token away. Raises BadInput, StorageError."""
    async with _tokens(settings) as tokens:
        if not await tokens.remove(name):
            raise BadInput(f"There is no token {name!r}; `errand token list` names them.")


@asynccontextmanager
async def _tokens(settings: Settings) -> AsyncIterator[Tokens]:
    store = await open_store(settings.database)
    try:
        yield Tokens(StoreShelf(store, API))
    finally:
        await store.close()
