"""A running Errand on the fake Telegram, through the real client."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from bot.app import App, build
from bot.channels import channels_of
from bot.settings import read_settings
from orchestrator.models import Model
from orchestrator.tools.spec import Toolset
from tests.fakes.telegram import TOKEN, Chat, Person, Shown, World


@asynccontextmanager
async def errand_on(
    fake: World,
    folder: Path,
    *,
    toolsets: Sequence[Toolset] | None = (),
    model: Callable[[str], Model] | None = None,
    **settings: Any,
) -> AsyncIterator[App]:
    """Errand with a database in this folder, listening to the fake Telegram. Everybody may talk to it."""
    given = {
        "database": str(folder / "errand.db"),
        "servers": str(folder / "none.json"),
        "policy_file": str(folder / "policy.toml"),
        "files": str(folder / "files"),
        "telegram_token": TOKEN,
        "telegram_api": fake.url,
        "telegram_people": "*",
        "drain_seconds": 1.0,
        **settings,
    }
    chosen = read_settings(**given)
    async with (
        build(chosen, toolsets=toolsets, model=model) as app,
        channels_of(chosen, app, lines=False, live=True) as channels,
    ):
        serving = asyncio.ensure_future(app.serve(channels))
        try:
            async with asyncio.timeout(20):
                while not (serving.done() or fake.updates.is_held or fake.calls["setWebhook"]):
                    await asyncio.sleep(0.01)
            yield app
        finally:
            serving.cancel()
            with suppress(asyncio.CancelledError):
                await serving


async def pressed(person: Person, message: Shown, label: str) -> str:
    """Press the first button with these words; the alert that comes back, empty where there is none."""
    known = next((each for row in message.buttons for each in row if label in each), label)
    return await (await person.presses(message, known)).answered()


async def drafted(chat: Chat, words: str) -> str:
    """The draft, once it has these words."""
    return (await chat.shows_draft(words)).text


def answers_to(message: Shown) -> int | None:
    """The message to which this is a reply."""
    replied = message.wire.get("reply_to_message")
    return int(replied["message_id"]) if replied else None
