"""Traces for OpenTelemetry: ended spans become its spans, and go to a collector in the background.

What a span says about models and tools follows the conventions for generative AI; all else begins with "errand.".
Nothing waits for the collector: what it does not take in time is dropped.
"""

import asyncio
import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, Status, StatusCode, TraceFlags
from opentelemetry.trace.propagation import set_span_in_context

from bot.conventions import model_names, version_of_errand
from orchestrator.models import ChatMessage, ModelReply, ToolCall
from orchestrator.redaction import Redaction
from orchestrator.watching import Kind, Span

EXPORT_SECONDS = 5.0  # that a collector has to take a batch
FAREWELL_SECONDS = 2.0  # that a stop waits for the last batch, at most EXPORT_SECONDS more where it is under way
CONTENT_CHARACTERS = 20_000  # of one prompt, one result

KINDS: Mapping[Kind, SpanKind] = {"turn": SpanKind.SERVER, "model": SpanKind.CLIENT}


class Traces:
    """Hands ended spans to a collector at this address. With `contents` they say what was said, secrets struck out."""

    def __init__(
        self, endpoint: str, *, headers: Mapping[str, str] | None, contents: bool, redaction: Redaction
    ) -> None:
        self._contents = contents
        self._redaction = redaction
        self._ids = _Ids()
        self._sender = _Sender(endpoint, headers)
        resource = Resource.create({"service.name": "errand", "service.version": version_of_errand()})
        self._provider = TracerProvider(
            sampler=ALWAYS_ON, resource=resource, id_generator=self._ids, shutdown_on_exit=False
        )
        self._provider.add_span_processor(BatchSpanProcessor(self._sender))
        self._tracer = self._provider.get_tracer("errand", version_of_errand())

    def hears(self, span: Span) -> None:
        """Queue a span for the collector."""
        self._ids.next = span
        told = self._tracer.start_span(
            _name(span),
            context=_around(span),
            kind=KINDS.get(span.kind, SpanKind.INTERNAL),
            attributes=self._clean(dict(self._attributes(span))),
            start_time=span.began_ns,
        )
        for event in span.events:
            told.add_event(f"errand.{event.name}", self._clean(event.facts), timestamp=event.at_ns)
        if span.error:
            problem = self._clean({"problem": span.problem})["problem"] if self._contents else None
            told.set_status(Status(StatusCode.ERROR, problem))
        told.end(end_time=span.began_ns + round(span.seconds * 1e9))

    async def close(self) -> None:
        """Send what is left, as long as the collector takes it quickly."""
        hurry = asyncio.get_running_loop().call_later(FAREWELL_SECONDS, self._sender.shutdown)
        try:
            await asyncio.to_thread(self._provider.shutdown)
        finally:
            hurry.cancel()

    def _clean(self, facts: Mapping[str, Any]) -> Any:
        return self._redaction.value(facts)

    def _attributes(self, span: Span) -> Iterator[tuple[str, Any]]:
        yield from ((f"errand.{name}", value) for name, value in span.ids.items())
        if session := span.ids.get("session"):
            yield "gen_ai.conversation.id", session
        if span.error:
            yield "error.type", span.error
        match span.kind:
            case "model":
                yield from _of_model(span)
            case "tool":
                yield from _of_tool(span)
            case "worker":
                yield from (("gen_ai.operation.name", "invoke_agent"), ("gen_ai.agent.name", span.ids["agent"]))
                yield from _ours(span.facts)
            case _:
                yield from _ours(span.facts)
        if self._contents:
            yield from ((name, self._written(value)) for name, value in _contents(span))

    def _written(self, content: Any) -> str:
        """A content as JSON, cleaned while its names still tell which parts of it are secrets."""
        return json.dumps(self._clean(content), ensure_ascii=False, default=str)[:CONTENT_CHARACTERS]


def _name(span: Span) -> str:
    match span.kind:
        case "model":
            return f"chat {model_names(span.facts['model'])[1]}"
        case "tool":
            return f"execute_tool {span.facts['tool']}"
        case "worker":
            return f"invoke_agent {span.ids['agent']}"
        case kind:
            return f"errand.{kind}"


def _around(span: Span) -> Context:
    if span.above is None:
        return Context()
    sampled = TraceFlags(TraceFlags.SAMPLED)
    above = SpanContext(int(span.trace, 16), int(span.above.id, 16), is_remote=False, trace_flags=sampled)
    return set_span_in_context(NonRecordingSpan(above), Context())


def _ours(facts: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    return ((f"errand.{name}", value) for name, value in facts.items() if value not in (None, ""))


def _of_model(span: Span) -> Iterator[tuple[str, Any]]:
    provider, model = model_names(span.facts["model"])
    yield from (("gen_ai.operation.name", "chat"), ("gen_ai.provider.name", provider), ("gen_ai.request.model", model))
    yield "errand.component", span.facts["component"]
    if answered_by := span.facts.get("answered_by"):
        yield "gen_ai.response.model", model_names(answered_by)[1]
    for name in ("input_tokens", "output_tokens"):
        if (tokens := span.facts.get(name)) is not None:
            yield f"gen_ai.usage.{name}", tokens


def _of_tool(span: Span) -> Iterator[tuple[str, Any]]:
    source, name = span.facts["source"], span.facts["tool"]
    yield from (("gen_ai.operation.name", "execute_tool"), ("gen_ai.tool.name", name))
    yield from (("gen_ai.tool.type", "function"), ("gen_ai.tool.call.id", span.facts["call"]))
    yield "errand.source", source


# --- What was said


def _contents(span: Span) -> Iterator[tuple[str, Any]]:
    match span.kind, span.contents:
        case "model", {"messages": messages, **rest}:
            system = [message.text for message in messages if message.role == "system"]
            yield "gen_ai.system_instructions", [_text(text) for text in system]
            yield "gen_ai.input.messages", [_message(each) for each in messages if each.role != "system"]
            if isinstance(reply := rest.get("reply"), ModelReply):
                parts = [*([_text(reply.text)] if reply.text else []), *map(_call, reply.tool_calls)]
                yield "gen_ai.output.messages", [{"role": "assistant", "parts": parts}]
        case "tool", contents:
            yield from ((f"gen_ai.tool.call.{name}", value) for name, value in contents.items())


def _message(message: ChatMessage) -> dict[str, Any]:
    if message.role == "tool":
        answer = {"type": "tool_call_response", "id": message.tool_call_id, "response": message.text}
        return {"role": "tool", "parts": [answer]}
    pictures = [{"type": "blob", "modality": "image", "mime_type": each.mime} for each in message.images]
    words = [_text(message.text)] if message.text else []
    return {"role": message.role, "parts": [*words, *map(_call, message.tool_calls), *pictures]}


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "content": text}


def _call(call: ToolCall) -> dict[str, Any]:
    return {"type": "tool_call", "id": call.id, "name": call.name, "arguments": dict(call.arguments)}


# --- OpenTelemetry


class _Ids(IdGenerator):
    """Gives the next span the ids that it has in the log and in the dossier."""

    next: Span

    def generate_span_id(self) -> int:
        return int(self.next.id, 16)

    def generate_trace_id(self) -> int:
        return int(self.next.trace, 16)


class _Sender(SpanExporter):
    """The way to the collector, which can be closed from outside while something is under way on it."""

    def __init__(self, endpoint: str, headers: Mapping[str, str] | None) -> None:
        base = endpoint.rstrip("/")
        address = base if base.endswith("/v1/traces") else f"{base}/v1/traces"
        given = dict(headers) if headers else None  # without any, those of OTEL_EXPORTER_OTLP_HEADERS
        self._exporter = OTLPSpanExporter(address, headers=given, timeout=EXPORT_SECONDS, compression=Compression.Gzip)
        self._closed = threading.Event()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return SpanExportResult.FAILURE if self._closed.is_set() else self._exporter.export(spans)

    def shutdown(self) -> None:
        if not self._closed.is_set():
            self._closed.set()
            self._exporter.shutdown()  # type: ignore[no-untyped-call]
