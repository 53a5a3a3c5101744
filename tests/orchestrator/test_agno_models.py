"""Real provider clients against local servers of their formats: every answer, and every error typed."""

import asyncio
import gc
import importlib.util
import json
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from orchestrator.agno_models import AgnoModel, Models
from orchestrator.errors import (
    ModelBusy,
    ModelError,
    ModelMalformed,
    ModelRefused,
    ModelTimedOut,
    ModelUnreachable,
    SettingsInvalid,
)
from orchestrator.models import CallSoFar, ChatMessage, ToolCall
from tests.fakes.anthropic_server import AnthropicWire
from tests.fakes.azure_server import AzureWire, FoundryWire
from tests.fakes.gemini_server import GeminiWire
from tests.fakes.model_server import (
    SECRET,
    Behaviour,
    Call,
    Cut,
    Fail,
    Garbage,
    Hang,
    ModelServer,
    OpenAiWire,
    Pace,
    Say,
    Stumble,
    TransformersWire,
    Wire,
)
from tests.fakes.ollama_server import OllamaWire
from tests.orchestrator.tooling import spec

HELLO = [ChatMessage("system", "be kind"), ChatMessage("user", "hello")]
TOOL = spec("look", required=["place"], place={"type": "string"})
KEY = "obviously-fake-key"
SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
ROME = '{"city": "Rome"}'


@dataclass(frozen=True)
class Case:
    """A model of one provider and its server. `halves` says whether a call's arguments stream in parts, `counts`
    whether a stream tells its tokens; `native` finds the schema in a request, where the provider has a place for it."""

    name: str
    wire: Callable[[], Wire]
    halves: bool = True
    counts: bool = True
    native: Callable[[Mapping[str, Any]], Any] | None = None

    @property
    def provider(self) -> str:
        return self.name.partition(":")[0]


def chat_schema(request: Mapping[str, Any]) -> Any:
    return request["response_format"]["json_schema"]["schema"]


CASES = {
    case.provider: case
    for case in (
        Case("openai:some-model", OpenAiWire, native=chat_schema),
        Case("openrouter:some/model", OpenAiWire, native=chat_schema),
        Case("azure:some-model", AzureWire, native=chat_schema),
        Case(
            "anthropic:some-model", AnthropicWire, native=lambda request: request["output_config"]["format"]["schema"]
        ),
        Case(
            "gemini:some-model",
            GeminiWire,
            halves=False,
            native=lambda request: request["generationConfig"]["responseJsonSchema"],
        ),
        Case("ollama:some-model", OllamaWire, halves=False, native=lambda request: request["format"]),
        Case("foundry:some-model", FoundryWire, counts=False),
        Case("litellm:openai/some-model", OpenAiWire),
        Case("transformers:some-model", TransformersWire, counts=False),
        Case("gpu2:some-model", OpenAiWire, native=chat_schema),
    )
}
if not (HAS_LITELLM := importlib.util.find_spec("litellm") is not None):
    del CASES["litellm"]
every_provider = pytest.mark.parametrize("case", CASES.values(), ids=CASES)
both_ways = pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])


@asynccontextmanager
async def asking(
    case: Case, *answers: Behaviour, pace: Pace | None = None
) -> AsyncIterator[tuple[AgnoModel, ModelServer]]:
    """The model, and its server, which gives these answers, the last one for ever."""
    left = list(answers)

    def next_answer(_: object) -> Behaviour:
        return left.pop(0) if len(left) > 1 else left[0]

    async with ModelServer(next_answer, case.wire(), pace=pace) as server:
        models = Models(base_urls={case.provider: server.url}, api_keys={case.provider: KEY})
        try:
            yield models.named(case.name), server
        finally:
            await models.aclose()


class Listener:
    """Remembers all that it is shown."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.calls: list[list[CallSoFar]] = []

    async def on_text(self, text: str) -> None:
        self.texts.append(text)

    async def on_calls(self, calls: Sequence[CallSoFar]) -> None:
        self.calls.append(list(calls))


async def shown(text: str) -> None:
    """Nobody looks."""


@pytest.mark.slow
@pytest.mark.proves("models.openai_compatible", "models.providers", "models.streaming")
@every_provider
@both_ways
async def test_text_usage_and_the_prompt_go_over_the_wire(case: Case, streamed: bool) -> None:
    listener = Listener()
    async with asking(case, Say("good day to you")) as (model, server):
        on_text = listener.on_text if streamed else None
        reply = await model.reply(HELLO, tools=[TOOL], on_text=on_text, timeout_seconds=5)
    assert reply.text.strip() == "good day to you"
    assert reply.model == case.name
    if case.counts or not streamed:
        assert reply.usage.input_tokens
        assert reply.usage.output_tokens
    assert server.keys == [KEY]
    asked = json.dumps(server.requests[0])
    assert "be kind" in asked
    assert "hello" in asked
    assert "look of the tests" in asked
    assert [text.strip() for text in listener.texts] == (
        ["good", "good day", "good day to", "good day to you"] if streamed else []
    )


@pytest.mark.proves("models.tool_calls")
@every_provider
@both_ways
async def test_tool_calls_are_handed_back_and_never_run_by_the_client(case: Case, streamed: bool) -> None:
    wanted = Call([("look", {"place": "Rome"}), ("look", {"place": "Ärmelkanal"}), ("look", "" if case.halves else {})])
    async with asking(case, wanted) as (model, server):
        reply = await model.reply(HELLO, tools=[TOOL], on_text=shown if streamed else None, timeout_seconds=5)
        assert server.calls == 1
    assert [(call.name, call.arguments) for call in reply.tool_calls] == [
        ("look", {"place": "Rome"}),
        ("look", {"place": "Ärmelkanal"}),
        ("look", {}),
    ]
    assert len({call.id for call in reply.tool_calls}) == 3


@pytest.mark.proves("models.tool_calls")
@every_provider
@both_ways
async def test_calls_and_the_answers_to_them_go_back_and_forth(case: Case, streamed: bool) -> None:
    both = Call([("look", {"place": "Rome"}), ("look", {"place": "Oslo"})])
    on_text = shown if streamed else None
    talk = [*HELLO]
    async with asking(case, both, both, Say("sunny in both")) as (model, server):
        for _ in range(2):
            reply = await model.reply(talk, tools=[TOOL], on_text=on_text, timeout_seconds=5)
            talk.append(ChatMessage("assistant", reply.text, tool_calls=reply.tool_calls))
            talk += [
                ChatMessage("tool", f"sun over {call.arguments}", tool_call_id=call.id) for call in reply.tool_calls
            ]
        reply = await model.reply(talk, tools=[TOOL], on_text=on_text, timeout_seconds=5)
    assert reply.text.strip() == "sunny in both"
    assert json.dumps(server.requests[-1]).count("sun over") == 4


@pytest.mark.proves("models.tool_calls")
@every_provider
async def test_calls_that_another_model_made_are_understood(case: Case) -> None:
    calls = (ToolCall("c1", "look", {"place": "Rome"}), ToolCall("c2", "look", {}))
    answers = [ChatMessage("tool", "sunny", tool_call_id="c1"), ChatMessage("tool", "", tool_call_id="c2")]
    async with asking(case, Say("fine")) as (model, server):
        await model.reply([*HELLO, ChatMessage("assistant", "", calls), *answers], tools=[TOOL], timeout_seconds=5)
    assert "sunny" in json.dumps(server.requests)


@pytest.mark.proves("models.calls_streaming")
@every_provider
async def test_calls_are_shown_while_they_come(case: Case) -> None:
    listener = Listener()
    wanted = Call([("look", {"place": "Rome"}), ("look", {"place": "Oslo"})])
    async with asking(case, wanted) as (model, _):
        reply = await model.reply(HELLO, tools=[TOOL], on_calls=listener.on_calls, timeout_seconds=5)
    assert [json.loads(call.arguments) for call in listener.calls[-1]] == [call.arguments for call in reply.tool_calls]
    for before, after in zip(listener.calls, listener.calls[1:], strict=False):
        assert len(before) <= len(after)
        assert all(new.arguments.startswith(old.arguments) for old, new in zip(before, after, strict=False))
    half = listener.calls[-1][0].arguments[: len('{"place": "Rome"}') // 2]
    assert ([CallSoFar("look", half)] in listener.calls) is case.halves


@pytest.mark.proves("models.schema")
@every_provider
@both_ways
async def test_an_answer_by_schema_is_json(case: Case, streamed: bool) -> None:
    listener = Listener()
    fenced = f"Here it is:\n```json\n{ROME}\n```"
    async with asking(case, Say(ROME if case.native else fenced)) as (model, server):
        on_text = listener.on_text if streamed else None
        reply = await model.reply(HELLO, schema=SCHEMA, on_text=on_text, timeout_seconds=5)
    assert json.loads(reply.text) == {"city": "Rome"}
    request = server.requests[0]
    if case.native:
        assert case.native(request) == SCHEMA
    else:
        assert "additionalProperties" in str(request["messages"])
        assert "response_format" not in request
    assert "be kind" in json.dumps(request)


@pytest.mark.proves("models.schema")
@every_provider
async def test_a_schema_that_leaves_things_open_is_asked_for_too(case: Case) -> None:
    for schema in ({"type": "object"}, {"type": "object", "properties": {"any": {}}}):
        async with asking(case, Say(ROME)) as (model, _):
            reply = await model.reply(HELLO, schema=schema, timeout_seconds=5)
        assert json.loads(reply.text) == {"city": "Rome"}


@pytest.mark.proves("models.schema")
@every_provider
async def test_an_answer_by_schema_that_is_no_json_is_malformed(case: Case) -> None:
    async with asking(case, Say("I would rather not")) as (model, _):
        with pytest.raises(ModelMalformed):
            await model.reply(HELLO, schema=SCHEMA, timeout_seconds=5)


@pytest.mark.proves("models.schema")
@every_provider
async def test_a_schema_leaves_room_for_tool_calls(case: Case) -> None:
    async with asking(case, Call([("look", {"place": "Rome"})])) as (model, _):
        reply = await model.reply(HELLO, tools=[TOOL], schema=SCHEMA, timeout_seconds=5)
    assert reply.tool_calls[0].arguments == {"place": "Rome"}


@pytest.mark.proves("models.errors_typed")
@every_provider
@both_ways
@pytest.mark.parametrize(
    ("trouble", "kind"),
    [
        (Fail(400), ModelRefused),
        (Fail(401), ModelRefused),
        (Fail(404), ModelRefused),
        (Fail(429, {"retry-after": "30"}), ModelBusy),
        (Fail(500), ModelUnreachable),
        (Fail(503), ModelUnreachable),
        (Garbage(), ModelMalformed),
        (Say(""), ModelMalformed),
        (Say("as far as it", until="limit"), ModelMalformed),
    ],
    ids=str,
)
async def test_every_trouble_is_a_typed_error_without_the_providers_words(
    case: Case, trouble: Behaviour, kind: type[ModelError], streamed: bool
) -> None:
    if case.provider == "litellm" and trouble == Garbage() and not streamed:
        kind = ModelUnreachable  # LiteLLM calls it an internal server error
    async with asking(case, trouble) as (model, server):
        with pytest.raises(kind) as raised:
            await model.reply(HELLO, tools=[TOOL], on_text=shown if streamed else None, timeout_seconds=5)
        assert server.calls == 1, "one provider call, no hidden retries"
    assert SECRET not in str(raised.value)
    assert KEY not in str(raised.value)


@pytest.mark.proves("models.errors_typed")
@every_provider
@pytest.mark.parametrize("trouble", [Cut("half an"), Cut("half an", abruptly=True)], ids=str)
async def test_a_stream_that_is_cut_is_no_answer(case: Case, trouble: Behaviour) -> None:
    listener = Listener()
    async with asking(case, trouble) as (model, _):
        with pytest.raises(ModelMalformed, match="breaks off"):
            await model.reply(HELLO, on_text=listener.on_text, timeout_seconds=5)
    assert listener.texts[0].strip() == "half"


@pytest.mark.proves("models.errors_typed")
@every_provider
async def test_an_error_that_is_told_midway_is_no_answer(case: Case) -> None:
    async with asking(case, Stumble("half an")) as (model, _):
        with pytest.raises(ModelError) as raised:
            await model.reply(HELLO, on_text=shown, timeout_seconds=5)
    assert SECRET not in str(raised.value)


@pytest.mark.proves("models.errors_typed")
@pytest.mark.parametrize("case", [case for case in CASES.values() if case.halves], ids=lambda case: case.provider)
@both_ways
async def test_broken_arguments_are_never_run(case: Case, streamed: bool) -> None:
    for broken in ('{"place": ', "[1]"):
        async with asking(case, Call([("look", broken)])) as (model, _):
            with pytest.raises(ModelMalformed):
                await model.reply(HELLO, tools=[TOOL], on_text=shown if streamed else None, timeout_seconds=5)


@pytest.mark.proves("models.timeouts")
@every_provider
@both_ways
async def test_a_model_that_hangs_times_out_and_a_cancelled_call_lets_go_of_the_server(
    case: Case, streamed: bool
) -> None:
    on_text = shown if streamed else None
    async with asking(case, Hang()) as (model, server), asyncio.timeout(20):
        with pytest.raises(ModelTimedOut):
            await model.reply(HELLO, on_text=on_text, timeout_seconds=0.5)
        await server.gone.wait()
        server.gone.clear()
        call = asyncio.ensure_future(model.reply(HELLO, on_text=on_text, timeout_seconds=60))
        while server.calls < 2:
            await asyncio.sleep(0)
        call.cancel()
        await asyncio.wait({call})
        await server.gone.wait()
        assert call.cancelled()


@pytest.mark.proves("models.errors_typed")
@every_provider
@both_ways
async def test_a_server_that_is_not_there_is_unreachable(case: Case, streamed: bool) -> None:
    models = Models(base_urls={case.provider: "http://127.0.0.1:9"}, api_keys={case.provider: KEY})
    with pytest.raises(ModelUnreachable):
        await models.named(case.name).reply(HELLO, on_text=shown if streamed else None, timeout_seconds=5)
    await models.aclose()


@pytest.mark.proves("models.timeouts")
@pytest.mark.parametrize("provider", ["openai", "openrouter", "azure", "gpu2"])
async def test_a_stream_that_nobody_listens_to_any_more_is_closed_at_once(provider: str) -> None:
    async def stumble(text: str) -> None:
        raise LookupError(text)

    async with asking(CASES[provider], Say("a word " * 500), pace=Pace(0, 50)) as (model, server):
        gc.disable()
        try:
            with pytest.raises(LookupError):
                await model.reply(HELLO, on_text=stumble, timeout_seconds=5)
            async with asyncio.timeout(3):
                while server.is_writing:
                    await asyncio.sleep(0.01)
        finally:
            gc.enable()


@every_provider
async def test_what_a_listener_raises_goes_through(case: Case) -> None:
    async def stumble(text: str) -> None:
        raise LookupError(text)

    async with asking(case, Say("a few words")) as (model, _):
        with pytest.raises(LookupError):
            await model.reply(HELLO, on_text=stumble, timeout_seconds=5)


@pytest.mark.skipif(not HAS_LITELLM, reason="LiteLLM has an environment of its own: make litellm")
def test_litellm_is_among_the_providers_that_are_tested() -> None:
    assert "litellm" in CASES


@pytest.mark.proves("models.cached")
def test_a_model_is_made_once() -> None:
    models = Models(api_keys={"openai": KEY})
    assert models.named("openai:x") is models.named("openai:x")
    assert models.named("openai:x") is not models.named("openai:y")


@pytest.mark.proves("models.extra")
def test_a_client_that_is_not_installed_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "agno.models.openai.like", None)
    with pytest.raises(SettingsInvalid, match=r"pip install '\.\[openai\]'"):
        Models(api_keys={"openai": KEY}).named("openai:x")
