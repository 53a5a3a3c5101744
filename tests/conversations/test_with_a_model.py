"""With a model: the calls are counted by a real server, and no provider's trouble reaches the person."""

from pathlib import Path
from typing import Any

import pytest

from orchestrator.messages import Answer, Question
from orchestrator.tools.builtin import BUILTIN
from orchestrator.tools.functions import Functions, tool
from tests.conversations.talk import Talk, talking
from tests.conversations.test_first_conversation import first_run_tools
from tests.fakes.model_server import (
    Behaviour,
    Call,
    Cut,
    Fail,
    Garbage,
    Hang,
    ModelServer,
    Say,
    asked_for,
)

PLAN = 'a: compute_tax(amount=80, rate_percent=19)\nb: calculate(expression="${a.tax} * 2")'


def assistant(request: dict[str, Any]) -> Behaviour:
    """A small sensible assistant."""
    text = asked_for(request)
    if not request.get("tools"):
        return Say(f"In short: {'09:00' if '+09:00' in text else 'it worked'}.")
    if "time" in text and "Tokyo" in text:
        zones = ("Asia/Tokyo", "America/New_York")
        return Call([("time__get_current_time", {"timezone": zone}) for zone in zones])
    if text.startswith("Convert"):
        return Call([("ask", {"questions": [{"text": "To which zone?", "choices": ["New York", "Paris"]}]})])
    if "tax" in text:
        return Call([("plan", {"steps": PLAN})])
    if "pizza" in text:
        return Call([("refuse", {"reason": "I cannot order anything, sorry. I can tell times."})])
    return Say("Hello from the model")


def settings(server: ModelServer, *others: ModelServer, **more: Any) -> dict[str, Any]:
    return {"router": "openai:first", "openai_base_url": server.url, "openai_api_key": "obviously-fake-key", **more}


@pytest.mark.proves("model.direct_one_call", "model.streams")
async def test_a_direct_answer_is_one_call_and_is_streamed(tmp_path: Path) -> None:
    async with ModelServer(assistant) as server, talking(tmp_path, **settings(server)) as talk:
        assert await talk.answered("Good day, model") == "Hello from the model "
        assert server.calls == 1
        assert "Hello " in talk.drafts()
        (call,) = await talk.app.store.model_calls("t1")
        assert (call.component, call.model, call.error) == ("router", "openai:first", None)
        assert call.input_tokens is not None
        assert call.input_tokens > 0
        assert "openai:first as router: answered" in await talk.told("/why")


@pytest.mark.proves("chain.options")
async def test_a_temperature_of_its_own_reaches_the_provider(tmp_path: Path) -> None:
    async with ModelServer(assistant) as server:
        chain = settings(server, router="openai:first?temperature=0.7&seconds=5")
        async with talking(tmp_path, **chain) as talk:
            await talk.answered("Good day, model")
        async with talking(tmp_path, **{**chain, "router": "openai:first?temperature=none"}) as talk:
            await talk.answered("Good day, model")
        assert [request.get("temperature") for request in server.requests] == [0.7, None]
        assert {request["model"] for request in server.requests} == {"first"}


@pytest.mark.proves("model.question_one_call", "model.refuse")
async def test_a_question_is_one_call_and_its_answer_is_routed_with_the_history(tmp_path: Path) -> None:
    async with ModelServer(assistant) as server, talking(tmp_path, **settings(server)) as talk:
        question = await talk.asked("Convert 14:30 from Tokyo")
        assert (question.text, question.fields[0].choices) == ("To which zone?", ("New York", "Paris"))
        assert server.calls == 1
        await talk.answered("New York")
        assert "To which zone?" in str(server.requests[-1]["messages"])
        assert "cannot order" in await talk.answered("order me a pizza")
        assert "no question is open" in await talk.told("/status")


@pytest.mark.proves("model.plan_two_calls")
async def test_a_plan_is_at_most_two_calls(tmp_path: Path) -> None:
    tools = first_run_tools()
    async with ModelServer(assistant) as server, talking(tmp_path, toolsets=tools, **settings(server)) as talk:
        assert "09:00" in await talk.answered("What time is it in Tokyo and in New York?")
        assert server.calls == 2
        assert talk.cards()[-1].mode == "parallel"
        assert "it worked" in await talk.answered("What is 19 % tax on 80, and the double of it?")
        assert server.calls == 4
        assert talk.cards("t2")[-1].mode == "sequential"
        assert "<result" in server.requests[-1]["messages"][-1]["content"]
        assert "30.4" in server.requests[-1]["messages"][-1]["content"]


@pytest.mark.proves("model.repair")
async def test_a_plan_that_cannot_run_is_sent_back_once_with_its_problems(tmp_path: Path) -> None:
    def script(request: dict[str, Any]) -> Behaviour:
        if request["messages"][-1]["role"] == "tool":
            return Call([("calculate", {"expression": "80 * 0.19"})])
        return Call([("compute_vat", {"amount": 80})])

    functions = [Functions(BUILTIN)]
    async with ModelServer(script) as server, talking(tmp_path, toolsets=functions, **settings(server)) as talk:
        assert "15.2" in await talk.answered("19 % of 80")
        assert server.calls == 2
        assert "'compute_vat', which does not exist" in server.requests[1]["messages"][-1]["content"]


@pytest.mark.proves("model.falls_to_second", "model.no_provider_text")
@pytest.mark.parametrize(
    "trouble",
    [Fail(401), Fail(404), Fail(429, {"retry-after": "30"}), Fail(500), Fail(503), Garbage(), Hang(), Cut("Hel lo")],
    ids=lambda trouble: f"{trouble.__class__.__name__}{getattr(trouble, 'status', '')}",
)
async def test_a_broken_first_model_leads_to_the_second(tmp_path: Path, trouble: Behaviour) -> None:
    def script(request: dict[str, Any]) -> Behaviour:
        return trouble if request["model"] == "first" else Say("the second is here")

    async with ModelServer(script) as server:
        chain = settings(server, router="openai:first, openai:second", first_model_seconds=0.5, model_retries=0)
        async with talking(tmp_path, **chain) as talk:
            assert (await talk.answered("tell me something")).strip() == "the second is here"
            assert server.calls == 2
            why = await talk.told("/why")
            assert "openai:second as router: answered" in why
            _no_provider_words(talk)


@pytest.mark.slow
@pytest.mark.proves("model.falls_to_offline", "model.no_provider_text")
async def test_when_no_model_answers_the_tier_without_one_does(tmp_path: Path) -> None:
    async with ModelServer(lambda _: Fail(503)) as server:
        chain = settings(server, router="openai:first, openai:second")
        async with talking(tmp_path, toolsets=first_run_tools(), **chain) as talk:
            assert "(UTC+09:00)" in await talk.answered("What time is it in Tokyo?")
            assert "My model does not answer right now" in await talk.answered("order me a pizza")
            assert isinstance(await talk.say("Convert 14:30 from Tokyo"), Question)
            assert isinstance(await talk.say("New York"), Answer)
            assert "no model of the chain answered" in await talk.told("/why t1")
            _no_provider_words(talk)


@pytest.mark.proves("guard.grounding")
async def test_a_receiver_that_the_model_made_up_is_asked_for(tmp_path: Path) -> None:
    sent = []

    @tool
    def send_mail(to: str, text: str) -> str:
        """Send a mail."""
        sent.append((to, text))
        return "sent"

    script = Call([("send_mail", {"to": "boss@corp.example", "text": "the report"})])
    tools = [Functions([send_mail])]
    async with ModelServer(lambda _: script) as server, talking(tmp_path, toolsets=tools, **settings(server)) as talk:
        assert "which **to**?" in (await talk.asked("mail the report")).text
        assert "May I run" in (await talk.asked("ann@corp.example")).text
        assert "sent" in await talk.answered("yes")
    assert sent == [("ann@corp.example", "the report")]


def _no_provider_words(talk: Talk) -> None:
    seen = " ".join(delivery.model_dump_json() for delivery in talk.channel.shown.values())
    assert "SECRET PROVIDER WORDS" not in seen
    assert "fake-key" not in seen
