"""Telemetry as the settings want it: traces to a collector, metrics for a scrape. Without either, nothing is loaded."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from functools import partial
from typing import TYPE_CHECKING

from bot.settings import Settings, redaction_of
from bot.standing import Look
from orchestrator.errors import SettingsInvalid
from orchestrator.watching import NOBODY, Span, Watcher

if TYPE_CHECKING:
    from bot.metrics import Metrics
    from bot.tracing import Traces


class Telemetry:
    """Who watches the turns, and what is counted of them, served at `listen` ("host:port") if that is not empty."""

    def __init__(self, watcher: Watcher = NOBODY, metrics: "Metrics | None" = None, *, listen: str = "") -> None:
        self.watcher = watcher
        self.metrics = metrics
        self._listen = listen
        self._address: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def address(self) -> str:
        """Where the metrics are, once they are served."""
        return await self._address

    async def serve(self, look: Look) -> None:
        """Serve the metrics until cancelled. Raises SettingsInvalid where the address cannot be listened on."""
        if self.metrics and self._listen:
            from bot.scraping import serve_metrics  # noqa: PLC0415 - only who wants metrics needs a server

            endpoint = partial(self.metrics.respond, look=look)
            await serve_metrics(endpoint, self._listen, ready=self._address.set_result)


@asynccontextmanager
async def telemetry_of(settings: Settings) -> AsyncIterator[Telemetry]:
    """The telemetry of the settings; at the end, what is left is sent. Raises SettingsInvalid."""
    async with AsyncExitStack() as parts:
        metrics = _metrics() if settings.metrics else None
        traces = _traces(settings) if settings.otlp_endpoint else None
        if traces:
            parts.push_async_callback(traces.close)
        hearers = [each.hears for each in (metrics, traces) if each]
        watcher = Watcher(_all(hearers), traces=traces is not None) if hearers else NOBODY
        yield Telemetry(watcher, metrics, listen=settings.metrics_listen)


def _metrics() -> "Metrics":
    with _packages():
        from bot.metrics import Metrics  # noqa: PLC0415 - packages that most do without
    return Metrics()


def _traces(settings: Settings) -> "Traces":
    with _packages():
        from bot.tracing import Traces  # noqa: PLC0415 - as above
    return Traces(
        settings.otlp_endpoint,
        headers=headers_of(settings),
        contents=settings.otlp_contents,
        redaction=redaction_of(settings),
    )


@contextmanager
def _packages() -> Iterator[None]:
    """Says what is to be installed where something is not."""
    try:
        yield
    except ImportError as missing:
        words = f"Traces and metrics need packages: pip install '.[telemetry]' in Errand's folder ({missing.name})"
        raise SettingsInvalid(words) from None


def _all(hearers: Sequence[Callable[[Span], None]]) -> Callable[[Span], None]:
    def hear(span: Span) -> None:
        for each in hearers:
            each(span)

    return hear


def headers_of(settings: Settings) -> Mapping[str, str] | None:
    """What the collector wants with each export. Raises SettingsInvalid."""
    if settings.otlp_headers is None:
        return None
    pairs = [pair.partition("=") for pair in settings.otlp_headers.get_secret_value().split(",") if pair.strip()]
    if not all(name.strip() and value.strip() for name, _, value in pairs):
        raise SettingsInvalid("otlp_headers is wrong; write name=value, name=value.")
    return {name.strip().lower(): value.strip() for name, _, value in pairs}
