"""A local collector of traces: it takes what OpenTelemetry's exporter posts, and shows it as plain spans."""

import asyncio
import gzip
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.fakes.model_server import Loopback

OK, ERROR = 1, 2  # of a status, as OTLP counts them


@dataclass(frozen=True)
class Seen:
    """A span that has arrived."""

    name: str
    trace: str
    id: str
    above: str
    began: int
    attributes: Mapping[str, Any]
    events: Sequence[str]
    failed: bool
    said: str
    resource: Mapping[str, Any]


class Collector(Loopback):
    """`requests` counts what came, `headers` and `bodies` are those of each; `status` is what it answers, as soon as
    `answers` is set. `reached` is set once something has come."""

    def __init__(self, *, status: int = 200) -> None:
        super().__init__([Route("/{path:path}", self._take, methods=["GET", "POST"])])
        self.status = status
        self.requests = 0
        self.headers: list[Mapping[str, str]] = []
        self.bodies: list[bytes] = []
        self.spans: list[Seen] = []
        self.reached, self.answers = asyncio.Event(), asyncio.Event()
        self.answers.set()

    def of(self, trace: str, name: str = "") -> list[Seen]:
        """The spans of a trace, in the order in which they began; those of a name alone."""
        mine = [span for span in self.spans if span.trace == trace and name in {"", span.name}]
        return sorted(mine, key=lambda span: span.began)

    def starting(self, words: str) -> list[Seen]:
        return [span for span in self.spans if span.name.startswith(words)]

    def named(self, name: str) -> list[Seen]:
        return [span for span in self.spans if span.name == name]

    def one(self, name: str) -> Seen:
        (span,) = self.named(name)
        return span

    def path(self, span: Seen) -> list[str]:
        """The names from the top to this one."""
        by_id = {each.id: each for each in self.spans}
        above = self.path(by_id[span.above]) if span.above else []
        return [*above, span.name]

    async def _take(self, request: Request) -> Response:
        self.requests += 1
        self.reached.set()
        await self.answers.wait()
        self.headers.append(dict(request.headers))
        body = await request.body()
        body = gzip.decompress(body) if request.headers.get("content-encoding") == "gzip" else body
        self.bodies.append(body)
        if self.status == 200:
            assert request.url.path == "/v1/traces"
            self.spans += _spans(ExportTraceServiceRequest.FromString(body))
        return Response(status_code=self.status)


def _spans(request: ExportTraceServiceRequest) -> Iterator[Seen]:
    for resource in request.resource_spans:
        about = _plain(resource.resource.attributes)
        for scope in resource.scope_spans:
            for span in scope.spans:
                yield Seen(
                    name=span.name,
                    trace=span.trace_id.hex(),
                    id=span.span_id.hex(),
                    above=span.parent_span_id.hex(),
                    began=span.start_time_unix_nano,
                    attributes=_plain(span.attributes),
                    events=[event.name for event in span.events],
                    failed=span.status.code == ERROR,
                    said=span.status.message,
                    resource=about,
                )


def _plain(pairs: Any) -> dict[str, Any]:
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in pairs}
