"""Requests of platforms on a server that is open anyway: the page's. Each channel brings the routes of its own."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router
from starlette.types import Receive, Scope, Send

PATHS = ("/telegram", "/slack/")  # where a path ends with a slash, all below it
MOST_BYTES = 1_000_000  # of one request; those of platforms are far smaller
SECONDS = 20.0


class Hooks:
    """An ASGI app for PATHS. What comes while its channel does not listen is told to come again."""

    def __init__(self) -> None:
        self._open: list[Route] = []

    @contextmanager
    def opened(self, routes: Sequence[Route]) -> Iterator[None]:
        """These are answered for as long as it is held open."""
        self._open += routes
        try:
            yield
        finally:
            self._open = [each for each in self._open if each not in routes]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await Router(self._open, default=_later)(scope, receive, send)


async def body_of(request: Request) -> bytes | None:
    """What came with a request; None where it is larger than one can be, or does not come."""
    read = b""
    try:
        async with asyncio.timeout(SECONDS):
            async for chunk in request.stream():
                read += chunk
                if len(read) > MOST_BYTES:
                    return None
    except TimeoutError:
        return None
    return read


async def _later(scope: Scope, receive: Receive, send: Send) -> None:
    await Response(status_code=503, headers={"Retry-After": "2"})(scope, receive, send)
