"""Real provider clients against a local server: every answer, and every error typed."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

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
from orchestrator.models import ChatMessage, ToolCall
from tests.fakes.model_server import Behaviour, Call, Cut, Fail, Garbage, Hang, ModelServer, Say
from tests.orchestrator.tooling import spec

HELLO = [ChatMessage("system", "be kind"), ChatMessage("user", "hello")]
TOOL = spec("look", required=["place"], place={"type": "string"})
KEY = "obviously-fake-key"


@asynccontextmanager
async def asking(answer: Behaviour) -> AsyncIterator[tuple[AgnoModel, ModelServer]]:
    async with ModelServer(lambda _: answer) as server:
        models = Models(base_urls={"openai": server.url}, api_keys={"openai": KEY})
        try:
            yield models.named("openai:some-model"), server
        finally:
            await models.aclose()


async def shown(text: str) -> None:
    """Nobody looks."""


@pytest.mark.proves("models.openai_compatible", "models.streaming")
@pytest.mark.parametrize("streamed", [False, True])
async def test_text_usage_and_the_prompt_go_over_the_wire(streamed: bool) -> None:
    seen: list[str] = []

    async def show(text: str) -> None:
        seen.append(text)

    async with asking(Say("good day to you")) as (model, server):
        reply = await model.reply(HELLO, tools=[TOOL], on_text=show if streamed else None, timeout_seconds=5)
    assert reply.text.strip() == "good day to you"
    assert reply.model == "openai:some-model"
    assert reply.usage.input_tokens
    assert reply.usage.output_tokens
    assert [message["role"] for message in server.requests[0]["messages"]] == ["system", "user"]
    assert server.requests[0]["tools"][0]["function"]["name"] == "look"
    assert [text.strip() for text in seen] == (
        ["good", "good day", "good day to", "good day to you"] if streamed else []
    )


@pytest.mark.proves("models.tool_calls")
@pytest.mark.parametrize("streamed", [False, True])
async def test_tool_calls_are_handed_back_and_never_run_by_the_client(streamed: bool) -> None:
    wanted = Call([("look", {"place": "Rome"}), ("look", {"place": "Ärmelkanal"}), ("look", "")])
    async with asking(wanted) as (model, server):
        reply = await model.reply(HELLO, tools=[TOOL], on_text=shown if streamed else None, timeout_seconds=5)
        assert [(call.name, call.arguments) for call in reply.tool_calls] == [
            ("look", {"place": "Rome"}),
            ("look", {"place": "Ärmelkanal"}),
            ("look", {}),
        ]
        assert server.calls == 1
        asked = ChatMessage("assistant", "", tool_calls=(ToolCall("c1", "look", {"place": "Rome"}),))
        await model.reply([*HELLO, asked, ChatMessage("tool", "sunny", tool_call_id="c1")], timeout_seconds=5)
        *_, call, answer = server.requests[1]["messages"]
        assert (answer["role"], answer["content"]) == ("tool", "sunny")
        assert answer["tool_call_id"] == call["tool_calls"][0]["id"], "agno renames ids, but both alike"


@pytest.mark.proves("models.errors_typed")
@pytest.mark.parametrize("streamed", [False, True])
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
        (Call([("look", '{"place": ')]), ModelMalformed),
        (Call([("look", "[1]")]), ModelMalformed),
    ],
    ids=str,
)
async def test_every_trouble_is_a_typed_error_without_the_providers_words(
    trouble: Behaviour, kind: type[ModelError], streamed: bool
) -> None:
    async with asking(trouble) as (model, server):
        with pytest.raises(kind) as raised:
            await model.reply(HELLO, tools=[TOOL], on_text=shown if streamed else None, timeout_seconds=5)
        assert server.calls == 1, "one provider call, no hidden retries"
    assert "SECRET PROVIDER WORDS" not in str(raised.value)
    assert KEY not in str(raised.value)


@pytest.mark.proves("models.errors_typed")
async def test_a_stream_that_is_cut_is_no_answer() -> None:
    async with asking(Cut("half an")) as (model, _):
        with pytest.raises(ModelMalformed, match="breaks off"):
            await model.reply(HELLO, on_text=shown, timeout_seconds=5)


@pytest.mark.proves("models.timeouts")
async def test_a_model_that_hangs_times_out_and_a_cancelled_call_lets_go_of_the_server() -> None:
    async with asking(Hang()) as (model, server):
        with pytest.raises(ModelTimedOut):
            await model.reply(HELLO, timeout_seconds=0.1)
        async with asyncio.timeout(5):
            await server.gone.wait()
            server.gone.clear()
            call = asyncio.ensure_future(model.reply(HELLO, timeout_seconds=60))
            while server.calls < 2:
                await asyncio.sleep(0)
            call.cancel()
            await asyncio.wait({call})
            await server.gone.wait()
        assert call.cancelled()


async def test_a_server_that_is_not_there_is_unreachable() -> None:
    models = Models(base_urls={"openai": "http://127.0.0.1:9/v1"}, api_keys={"openai": KEY})
    with pytest.raises(ModelUnreachable):
        await models.named("openai:x").reply(HELLO, timeout_seconds=5)
    await models.aclose()


@pytest.mark.proves("models.cached")
def test_a_model_is_made_once() -> None:
    models = Models(api_keys={"openai": KEY})
    assert models.named("openai:x") is models.named("openai:x")
    assert models.named("openai:x") is not models.named("openai:y")


@pytest.mark.parametrize("name", ["gpt-4o", "nobody:model", "openai:", ":x"])
def test_a_name_that_is_none_is_told_with_the_form_and_the_providers(name: str) -> None:
    with pytest.raises(SettingsInvalid, match=r"provider:model.*openai, openrouter"):
        Models().named(name)


def test_a_provider_without_a_key_names_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(SettingsInvalid, match="OPENAI_API_KEY"):
        Models().named("openai:x")


@pytest.mark.proves("models.extra")
def test_a_client_that_is_not_installed_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "agno.models.openai.like", None)
    with pytest.raises(SettingsInvalid, match=r"pip install 'errand\[openai\]'"):
        Models(api_keys={"openai": KEY}).named("openai:x")
