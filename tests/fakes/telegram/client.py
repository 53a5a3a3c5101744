"""The real client library in front of the fake server."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from telegram import Bot
from telegram.request import HTTPXRequest

from tests.fakes.telegram.server import telegram
from tests.fakes.telegram.world import World

PLAIN = {"verify": False}  # there is no TLS here, and reading certificates takes longer than a test


@asynccontextmanager
async def connected(**options: Any) -> AsyncIterator[tuple[Bot, World]]:
    """A bot of python-telegram-bot and its world; in the end the bot has done nothing that it should not."""
    async with telegram(**options) as world:
        async with client(world) as bot:
            yield bot, world
        assert not world.problems, world.problems


def client(world: World) -> Bot:
    """To be entered."""
    return Bot(
        world.token,
        base_url=world.api_url,
        base_file_url=world.file_url,
        request=HTTPXRequest(httpx_kwargs=PLAIN),
        get_updates_request=HTTPXRequest(httpx_kwargs=PLAIN),
    )
