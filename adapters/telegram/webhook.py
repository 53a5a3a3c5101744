"""Updates by webhook: Telegram is answered 200 once they are durable, and brings them again otherwise."""

import asyncio
import hmac
import json
import logging
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from telegram import Bot, Update

from adapters.hooks import Hooks, body_of
from adapters.telegram.polling import WANTED

log = logging.getLogger(__name__)

SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 - the name of a header
PATH = "/telegram"

Take = Callable[[Update], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where Telegram reaches us: its public `url`, and the address and port on which we listen for it, or the `hooks`
    of a server that is there.

    `secret` comes with each call, so that nobody else can bring updates.
    """

    url: str
    secret: str
    host: str = "127.0.0.1"
    port: int = 8443
    hooks: Hooks | None = None


async def listen(bot: Bot, take: Take, webhook: Webhook, *, ready: Callable[[int], None] | None = None) -> None:
    """Serve the webhook until cancelled. `ready` hears the port."""

    async def arrived(request: Request) -> Response:
        if not hmac.compare_digest(request.headers.get(SECRET_HEADER, ""), webhook.secret):
            return Response(status_code=403)
        body = await body_of(request)
        if body is None:
            return Response(status_code=413)
        try:
            update = Update.de_json(json.loads(body), bot)
        except (ValueError, KeyError, TypeError):
            return Response(status_code=400)
        try:
            await take(update)
        except Exception:  # an edge: it comes again, as we do not say that we have it
            log.exception("an update was not taken")
            return Response(status_code=503, headers={"Retry-After": "1"})
        return Response()

    async def healthy(request: Request) -> Response:
        return Response("ok")

    async def begin() -> None:
        await bot.set_webhook(webhook.url, secret_token=webhook.secret, allowed_updates=WANTED)

    route = Route(PATH, arrived, methods=["POST"])
    if webhook.hooks:
        with webhook.hooks.opened([route]):
            await begin()
            await asyncio.Event().wait()
    app = Starlette(routes=[route, Route("/healthz", healthy)])
    server = _Server(uvicorn.Config(app, log_config=None, lifespan="off"))
    with _bound(webhook) as listening:
        async with asyncio.TaskGroup() as tasks:
            serving = tasks.create_task(server.serve([listening]), name="webhook")
            try:
                if ready:
                    ready(listening.getsockname()[1])
                await begin()
                await asyncio.shield(serving)
            finally:
                server.should_exit = True


def _bound(webhook: Webhook) -> socket.socket:
    """A socket at the webhook's address. Raises OSError where that is taken."""
    listening = socket.socket(proto=socket.IPPROTO_TCP)  # without it asyncio does not set TCP_NODELAY
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind((webhook.host, webhook.port))
    return listening


class _Server(uvicorn.Server):
    """A server that leaves the signals to us."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
