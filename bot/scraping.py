"""Serves /metrics at an address of its own."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Route

from bot.metrics import Endpoint
from orchestrator.errors import SettingsInvalid

LEAVING_SECONDS = 2  # that answers under way have at the end


async def serve_metrics(endpoint: Endpoint, listen: str, *, ready: Callable[[str], None]) -> None:
    """Serve until cancelled; `ready` hears the address. Raises SettingsInvalid where `listen` cannot be listened on."""
    server = _Server(
        uvicorn.Config(
            Starlette(routes=[Route("/metrics", endpoint)]),
            log_config=None,
            lifespan="off",
            access_log=False,
            timeout_graceful_shutdown=LEAVING_SECONDS,
        )
    )
    with _bound(listen) as listening:
        host, port = listening.getsockname()[:2]
        ready(f"http://{host}:{port}/metrics")
        try:
            await server.serve([listening])
        finally:
            if server.started:  # it was cancelled, and the loop still listens on what we are about to close
                await server.shutdown([listening])


def _bound(listen: str) -> socket.socket:
    host, _, port = listen.rpartition(":")
    listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, proto=socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host.strip("[]"), int(port)))
        listening.listen()  # who comes before the server has started waits for it
    except OSError as error:
        listening.close()
        reason = error.strerror or str(error)
        raise SettingsInvalid(f"{listen} cannot be listened on: {reason} (setting metrics_listen).") from None
    return listening


class _Server(uvicorn.Server):
    """A server that leaves the signals to us."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
