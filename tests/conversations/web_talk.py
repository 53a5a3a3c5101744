"""A running Errand with its web page, and people who have it open."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from adapters.web.api.channel import Api
from adapters.web.channel import Web
from bot.app import App, build
from bot.on_api import api_of
from bot.on_web import web_of
from bot.settings import read_settings
from orchestrator.models import Model
from orchestrator.tools.spec import Toolset
from tests.fakes.web_visitor import LONGEST_WAIT, Visitor, visitor

PROXY: dict[str, Any] = {"web_proxy_header": "X-Forwarded-User", "web_trusted_proxies": "127.0.0.1"}


@asynccontextmanager
async def page_at(
    folder: Path,
    *,
    toolsets: Sequence[Toolset] | None = (),
    model: Callable[[str], Model] | None = None,
    **settings: Any,
) -> AsyncIterator[tuple[App, Web]]:
    """Errand with a database in this folder and a page at a free port. Leaving it is stopping the process."""
    given = {
        "database": str(folder / "errand.db"),
        "servers": str(folder / "none.json"),
        "files": str(folder / "files"),
        "person": "ann",
        "web_port": 0,
        "drain_seconds": 1.0,
        **settings,
    }
    chosen = read_settings(**given)
    async with build(chosen, toolsets=toolsets, model=model) as app:
        api = api_of(chosen, app)
        async with web_of(chosen, app, api=api) as web, _served(app, web, api):
            yield app, web


@asynccontextmanager
async def _served(app: App, web: Web, api: Api) -> AsyncIterator[None]:
    serving = asyncio.ensure_future(app.serve(web.channels))
    try:
        async with asyncio.timeout(LONGEST_WAIT):
            while (web._doing.accept is None or api._taking.accept is None) and not serving.done():
                await asyncio.sleep(0.001)  # it tells nobody
        yield
    finally:
        serving.cancel()
        with suppress(asyncio.CancelledError):
            await serving


def api_of_page(web: Web) -> Api:
    """The API beside the page."""
    _, api = web.channels
    assert isinstance(api, Api)
    return api


@asynccontextmanager
async def at_the_page(folder: Path, **given: Any) -> AsyncIterator[Visitor]:
    """Ann, alone at the page of her machine."""
    async with page_at(folder, **given) as (_, web), visitor(web.address) as ann:
        yield ann
