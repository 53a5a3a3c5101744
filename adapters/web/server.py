"""The server under the page: a socket of our own, no signals, no waiting for those who never finish their request."""

import asyncio
import errno
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import h11
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from adapters.base import ChannelClosed

REQUEST_SECONDS = 15.0  # that the head of a request may take, from the first byte or the end of the one before
CONNECTIONS = 400  # at once; what comes then is told to come later
LEAVING_SECONDS = 2  # that answers under way have at the end
FURTHER_PORTS = 20  # that are tried where one was not asked for by name


def bound(host: str, port: int, *, further: bool = False) -> socket.socket:
    """A socket at this address; 0 is any free port. Where that one is taken, `further` ones are tried.

    Raises ChannelClosed.
    """
    for candidate in range(port, port + (FURTHER_PORTS if further and port else 1)):
        try:
            return _bound(host, candidate)
        except OSError as error:
            trouble = error
            if error.errno != errno.EADDRINUSE:
                break
    reason = trouble.strerror or str(trouble)
    raise ChannelClosed(
        f"The page cannot be at {host}:{port}: {reason}. Choose others with web_host and web_port (0: any free one), "
        "or do without it: web=false."
    )


def _bound(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    listening = socket.socket(family, kind, protocol)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen()  # who comes before the server has started waits for it
    except OSError:
        listening.close()
        raise
    return listening


class Server(uvicorn.Server):
    """Serves an app on a bound socket until told to leave."""

    def __init__(self, app: ASGIApp, listening: socket.socket) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=Impatient,
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                proxy_headers=False,  # who a request is from is told by its connection
                server_header=False,
                limit_concurrency=CONNECTIONS,
                timeout_graceful_shutdown=LEAVING_SECONDS,
            )
        )
        self._listening = listening

    async def run_until_told(self) -> None:
        await self.serve([self._listening])

    def leave(self) -> None:
        self.should_exit = True

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leaves the signals to us."""
        yield


class Impatient(H11Protocol):
    """Ends connections whose request does not come: uvicorn waits for the head of one for ever."""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._due = self._later()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._due.cancel()
        self._due = self._later()

    def connection_lost(self, exc: Exception | None) -> None:
        self._due.cancel()
        super().connection_lost(exc)

    def _later(self) -> asyncio.TimerHandle:
        return self.loop.call_later(REQUEST_SECONDS, self._end_if_none_came)

    def _end_if_none_came(self) -> None:
        if self.conn.their_state is h11.IDLE:
            self.transport.close()
