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
from tests.fakes.telegram import TOKEN, FakeTelegram


@asynccontextmanager
async def errand_on(
    fake: FakeTelegram,
    folder: Path,
    *,
    toolsets: Sequence[Toolset] = (),
    model: Callable[[str], Model] | None = None,
    **settings: Any,
) -> AsyncIterator[App]:
    """Errand with a database in this folder, listening to the fake Telegram. Everybody may talk to it."""
    given = {
        "database": str(folder / "errand.db"),
        "servers": str(folder / "none.json"),
        "files": str(folder / "files"),
        "telegram_token": TOKEN,
        "telegram_api": fake.api,
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
            listens = ("getUpdates", "setWebhook")
            await fake.until(lambda: serving.done() or any(fake.world.calls[each] for each in listens), "a listener")
            yield app
        finally:
            serving.cancel()
            with suppress(asyncio.CancelledError):
                await serving
