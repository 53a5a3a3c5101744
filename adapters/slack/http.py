"""HTTP mode: Slack posts its requests, signed, to an address of ours; and people install the app there."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.adapter.starlette.async_handler import to_async_bolt_request, to_starlette_response
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from adapters.base import ChannelClosed
from adapters.hooks import Hooks, body_of
from adapters.slack.bolt import Orderly
from adapters.slack.manifest import EVENTS, INSTALL, INSTALLED

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Listen:
    """Where to listen: a host and a port."""

    host: str
    port: int


async def listen_on_hooks(app: Orderly, hooks: Hooks) -> None:
    """Take what is posted to a server that is there, until cancelled."""

    async def take(request: Request) -> Response:
        return await _answered(request, app.async_dispatch)

    routes = [Route(EVENTS, take, methods=["POST"])]
    if flow := app.oauth_flow:

        async def install(request: Request) -> Response:
            return await _answered(request, flow.handle_installation)

        async def installed(request: Request) -> Response:
            return await _answered(request, flow.handle_callback)

        routes += [Route(INSTALL, install), Route(INSTALLED, installed)]
    with hooks.opened(routes):
        log.info("Slack is listened for on the page's server")
        await asyncio.Event().wait()


async def _answered(request: Request, by: Callable[[AsyncBoltRequest], Awaitable[BoltResponse]]) -> Response:
    body = await body_of(request)
    if body is None:
        return Response(status_code=413)
    try:
        asked = to_async_bolt_request(request, body)
    except UnicodeDecodeError:
        return Response(status_code=400)
    return to_starlette_response(await by(asked))


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
