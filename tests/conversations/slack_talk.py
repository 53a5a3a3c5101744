"""A running Errand on the fake Slack, through the real Bolt client."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from bot.app import App, build
from bot.channels import channels_of
from bot.settings import read_settings
from orchestrator.models import Model
from orchestrator.tools.spec import Toolset
from tests.fakes.slack import Person, Shown, Slack
from tests.fakes.slack.acting import Acted

Serving = asyncio.Future[None]


@asynccontextmanager
async def errand_on(
    fake: Slack,
    folder: Path,
    *,
    toolsets: Sequence[Toolset] | None = (),
    model: Callable[[str], Model] | None = None,
    http: bool = False,
    **settings: Any,
) -> AsyncIterator[App]:
    """Errand with a database in this folder, listening to the fake Slack over its socket, or to its requests."""
    way: dict[str, Any] = {"slack_app_token": fake.app_token}
    if http:
        port = int(settings.pop("port", 0)) or free_port()
        way = {"slack_signing_secret": fake.signing_secret, "slack_listen": f"127.0.0.1:{port}"}

    async def listens(serving: Serving) -> None:
        if http:
            await _listens(port, serving)
            await fake.verifies(f"http://127.0.0.1:{port}/slack/events")
        else:
            connected = asyncio.ensure_future(fake.sockets.connected())
            await asyncio.wait({connected, serving}, return_when=asyncio.FIRST_COMPLETED, timeout=10)
            connected.cancel()

    token = None if settings.get("slack_client_id") else fake.bot_token
    known = {"slack_bot_token": token, "slack_api": fake.api_url, **way, **settings}
    async with errand_at(folder, listens=listens, toolsets=toolsets, model=model, **known) as app:
        yield app


@asynccontextmanager
async def errand_at(
    folder: Path,
    *,
    listens: Callable[[Serving], Awaitable[None]],
    toolsets: Sequence[Toolset] | None = (),
    model: Callable[[str], Model] | None = None,
    **settings: Any,
) -> AsyncIterator[App]:
    """Errand with a database in this folder, talking to the Slack of these settings, once `listens` says that it is
    there."""
    given = {
        "database": str(folder / "errand.db"),
        "servers": str(folder / "none.json"),
        "policy_file": str(folder / "policy.toml"),
        "files": str(folder / "files"),
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
            await listens(serving)
            yield app
        finally:
            serving.cancel()
            with suppress(asyncio.CancelledError):
                await serving


async def pressed(person: Person, message: Shown, label: str) -> Acted:
    """Press the first button whose label begins so; what Slack was told, once it was."""
    known = next((each for each in message.buttons if each.startswith(label)), label)
    acted = await person.presses(message, known)
    await acted.acked()
    return acted


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


async def _listens(port: int, serving: Serving) -> None:
    async with asyncio.timeout(20):
        while not serving.done():
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.02)
            else:
                writer.close()
                await writer.wait_closed()
                return
