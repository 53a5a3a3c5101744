"""HTTP mode: Slack posts its requests, signed, to an address of ours; and people install the app there."""

import asyncio
import logging
from dataclasses import dataclass

from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request

from adapters.base import ChannelClosed
from adapters.slack.bolt import Orderly
from adapters.slack.manifest import EVENTS, INSTALL, INSTALLED

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Listen:
    """Where to listen: a host and a port."""

    host: str
    port: int


async def listen_on_http(app: Orderly, at: Listen) -> None:
    """Take what is posted until cancelled. Raises ChannelClosed where the port is taken."""

    async def take(request: web.Request) -> web.Response:
        return await to_aiohttp_response(await app.async_dispatch(await to_bolt_request(request)))

    async def install(request: web.Request) -> web.Response:
        assert app.oauth_flow is not None
        return await to_aiohttp_response(await app.oauth_flow.handle_installation(await to_bolt_request(request)))

    async def installed(request: web.Request) -> web.Response:
        assert app.oauth_flow is not None
        return await to_aiohttp_response(await app.oauth_flow.handle_callback(await to_bolt_request(request)))

    server = web.Application()
    server.router.add_post(EVENTS, take)
    if app.oauth_flow is not None:
        server.router.add_get(INSTALL, install)
        server.router.add_get(INSTALLED, installed)
    runner = web.AppRunner(server, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, at.host, at.port).start()
        log.info("Slack is listened for", extra={"host": at.host, "port": at.port})
        await asyncio.Event().wait()
    except OSError as error:
        reason = error.strerror or str(error)
        raise ChannelClosed(f"{at.host}:{at.port} cannot be listened on: {reason} (setting slack_listen).") from None
    finally:
        await runner.cleanup()
