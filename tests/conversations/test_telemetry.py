"""Traces: with the ids of dossier and log, to where the operator wants them, and never in the way of an answer."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from bot import tracing
from orchestrator.messages import INBOUND
from orchestrator.tools.functions import Functions, tool
from orchestrator.tools.mcp import McpTools
from orchestrator.tools.mcp_config import ServerSettings
from orchestrator.watching import Span, trace_of
from storage.store import open_store
from tests.conversations.talk import Talk, talking
from tests.conversations.watched import CANARY, WORDS, account, log_of, mind, shop, stop_of
from tests.fakes.channel import FakeChannel
from tests.fakes.collector import Collector

HOME = Path(__file__).parents[2]
STEP = ("errand.turn", "errand.plan", "errand.step")


@asynccontextmanager
async def traced(folder: Path, **more: Any) -> AsyncIterator[tuple[Talk, Collector]]:
    """A talk in the shop, and the collector to which its traces go: all of them have arrived after it."""
    given = {"toolsets": shop(), "model": mind, "router": "scripted:mind", "replans": 0, "step_retry_seconds": 0.001}
    with log_of("orchestrator.watching") as log:
        async with Collector() as collector, talking(folder, otlp_endpoint=collector.url, **{**given, **more}) as talk:
            yield talk, collector
    assert log.saying("a span was not told") == []


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spans are sent at once, and nobody waits long for a collector."""
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "1")
    monkeypatch.setattr(tracing, "EXPORT_SECONDS", 0.2)
    monkeypatch.setattr(tracing, "FAREWELL_SECONDS", 0.1)


@pytest.mark.proves("telemetry.trace")
async def test_a_turns_trace_shows_what_was_done_inside_of_what(tmp_path: Path) -> None:
    async with traced(tmp_path, review="always") as (talk, collector):
        await talk.asked(WORDS)  # so that nothing begins before its plan is known
        await talk.answered("yes")
    first, second = [span.trace for span in sorted(collector.named("errand.turn"), key=lambda span: span.began)]
    assert [collector.path(span) for span in collector.of(first)] == [
        ["errand.turn"],
        ["errand.turn", "errand.decision"],
        ["errand.turn", "errand.decision", "chat mind"],
    ]
    assert sorted(collector.path(span) for span in collector.of(second)) == [
        ["errand.turn"],
        ["errand.turn", "chat mind"],
        ["errand.turn", "errand.decision"],
        ["errand.turn", "errand.plan"],
        *4 * [[*STEP]],
        *3 * [[*STEP, "execute_tool price"]],  # tea at the second try, and gold
        [*STEP, "execute_tool run_code"],
        *2 * [[*STEP, "execute_tool run_code", "execute_tool price"]],
        [*STEP, "invoke_agent general"],
        *2 * [[*STEP, "invoke_agent general", "chat mind"]],
        [*STEP, "invoke_agent general", "execute_tool price"],
    ]


@pytest.mark.proves("telemetry.trace", "telemetry.log")
async def test_every_call_of_a_model_and_a_tool_has_the_ids_of_dossier_and_log(tmp_path: Path) -> None:
    with log_of("bot", "orchestrator") as log:
        async with traced(tmp_path) as (talk, collector):
            assert "All that I know" in await talk.answered(WORDS)
            told = await account(talk, "t1")
    assert {span.trace for span in collector.spans} == {told.trace}
    assert {span.attributes["errand.turn"] for span in collector.spans} == {told.turn}
    models, tools = collector.named("chat mind"), collector.starting("execute_tool")
    assert {span.id for span in models} == {call.span for call in told.model_calls}
    assert [call.step for call in told.model_calls] == ["", "w", "w", ""]
    assert {span.attributes["errand.plan"] for span in tools} == {told.plan}
    assert {span.attributes["errand.step"] for span in tools} == {step.id for step in told.steps} == set("abcw")
    ahead = [span for span in collector.named("errand.step") if span.attributes["errand.ahead"]]
    assert "a" in {span.attributes["errand.step"] for span in ahead}
    assert all(collector.path(span) == ["errand.turn", "errand.decision", "errand.step"] for span in ahead)
    keys = sorted(span.attributes["gen_ai.tool.call.id"] for span in tools)
    assert keys == ["t1/a", "t1/a", "t1/b", "t1/c", "t1/c/1", "t1/c/2", "t1/w/1.1"]
    for kind, spans in (("model", models), ("tool", tools)):
        lines = log.saying(f"{kind} ended")
        assert {(line["trace_id"], line["span_id"]) for line in lines} == {(span.trace, span.id) for span in spans}
        assert all(line["turn"] == "t1" and line["channel"] == "fake" and line["session"] for line in lines)


@pytest.mark.proves("telemetry.log")
async def test_whatever_is_logged_in_a_turn_says_where_it_belongs(tmp_path: Path) -> None:
    given: dict[str, Any] = {"router": "scripted:mind", "replans": 0, "step_retry_seconds": 0.001}
    with log_of("bot", "orchestrator") as log:
        async with talking(tmp_path, toolsets=shop(), model=mind, **given) as talk:
            await talk.answered(WORDS)
            told = await account(talk, "t1")
    asked = [
        (line["item"], line["step"], line.get("agent"), line["attempt"]) for line in log.saying("a price is asked for")
    ]
    assert sorted(asked, key=str) == [
        ("bread", "c", None, 1),
        ("gold", "b", None, 1),
        ("milk", "c", None, 1),
        ("tea", "a", None, 1),
        ("tea", "a", None, 2),
        ("tea", "w", "general", 1),
    ]
    assert {line["trace_id"] for line in log.saying("a price is asked for")} == {told.trace}
    (turn,) = log.saying("turn ended")
    assert (turn["level"], turn["outcome"], turn["turn"]) == ("INFO", "plan", "t1")
    assert not any(word in json.dumps(log.lines) for word in (WORDS, CANARY)), "nothing that people or tools say"


@pytest.mark.proves("telemetry.trace")
async def test_calls_of_models_and_tools_are_told_by_the_conventions_for_generative_ai(tmp_path: Path) -> None:
    async with traced(tmp_path) as (talk, collector):
        await talk.answered(WORDS)
    turn, chat = collector.one("errand.turn"), collector.named("chat mind")[0]
    assert turn.attributes["errand.outcome"] == "plan"
    assert turn.attributes["errand.adherence"] == 0.75
    assert turn.resource["service.name"] == "errand"
    assert {name: value for name, value in chat.attributes.items() if name.startswith("gen_ai")} == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "scripted",
        "gen_ai.request.model": "mind",
        "gen_ai.response.model": "mind-1",
        "gen_ai.usage.input_tokens": 100,
        "gen_ai.usage.output_tokens": 20,
        "gen_ai.conversation.id": turn.attributes["errand.session"],
    }
    errors = {
        (span.attributes["errand.step"], span.attributes["error.type"]) for span in collector.spans if span.failed
    }
    assert errors == {("a", "ToolUnavailable"), ("b", "tool_error"), ("b", "step_failed")}


@pytest.mark.proves("telemetry.trace")
async def test_a_plan_that_cannot_run_is_an_event_of_its_decision(tmp_path: Path) -> None:
    async with traced(tmp_path) as (talk, collector):
        await talk.answered("something else")
    assert collector.one("errand.decision").events == ["errand.plan_invalid", "errand.plan_invalid"]


@pytest.mark.proves("telemetry.trace")
async def test_a_turn_that_is_stopped_is_one_trace(tmp_path: Path) -> None:
    started = asyncio.Event()

    @tool(read_only=True)
    async def wait(text: str) -> str:
        """Wait for ever."""
        started.set()
        await asyncio.Event().wait()
        return "never"

    async with traced(tmp_path, toolsets=[Functions([wait])]) as (talk, collector):
        turn = await talk.send("/wait text=x")
        await asyncio.wait_for(started.wait(), 5)
        await talk.channel.push(stop_of(talk))
        assert "Stopped" in (await talk.outcome(turn)).text
        told = await account(talk, turn)
    ended = {span.attributes.get("errand.outcome"): span for span in collector.of(told.trace, "errand.turn")}
    assert ended.keys() == {None, "stopped"}
    assert ended[None].attributes["error.type"] == "cancelled"
    assert [span.attributes["error.type"] for span in collector.of(told.trace, "execute_tool wait")] == ["cancelled"]


@pytest.mark.proves("telemetry.trace")
async def test_a_turn_that_another_process_goes_on_with_stays_in_its_trace(tmp_path: Path) -> None:
    inbound = FakeChannel().message("Hi")
    address = inbound.address
    store = await open_store(str(tmp_path / "errand.db"))
    arrived = await store.remember(
        channel="fake",
        event_id=inbound.event_id,
        session=address.session,
        address=address.model_dump_json(),
        payload=INBOUND.dump_json(inbound).decode(),
    )
    await store.close()
    assert arrived is not None
    async with talking(tmp_path) as talk:
        await talk.outcome("t1")
        told = await account(talk, "t1")
    assert told.trace == trace_of("fake", inbound.event_id, arrived.received_at.isoformat())


@pytest.mark.slow
@pytest.mark.proves("telemetry.joined")
@pytest.mark.parametrize("protocol", ["auto", "legacy"])
async def test_an_mcp_server_is_told_of_the_trace_where_there_are_traces(tmp_path: Path, protocol: Any) -> None:
    async def joined(folder: Path, **settings: Any) -> Any:
        folder.mkdir()
        variables = {"PYTHONPATH": str(HOME), "ERRAND_TEST_CALLS": str(folder / "calls")}
        server = ServerSettings(
            name="tests",
            command=sys.executable,
            args=("-m", "tests.fakes.mcp_server"),
            env=variables,
            protocol=protocol,
        )
        async with talking(folder, toolsets=[McpTools([server], wait_seconds=30)], **settings) as talk:
            await talk.answered("/tests__echo text=hello")
        return json.loads((folder / "calls").read_text()).get("trace")

    async with Collector() as collector:
        told = await joined(tmp_path / "traced", otlp_endpoint=collector.url)
    called = collector.one("execute_tool tests__echo")
    assert told == [called.trace, called.id]
    assert await joined(tmp_path / "not_traced") is None


@pytest.mark.proves("telemetry.contents")
async def test_what_people_models_and_tools_say_is_in_no_span(tmp_path: Path) -> None:
    async with traced(tmp_path) as (talk, collector):
        await talk.answered(WORDS)
    assert len(collector.spans) > 15
    for said in (WORDS, "All that I know", "we have no gold", "bread", CANARY):
        assert not any(said.encode() in body for body in collector.bodies), said


@pytest.mark.proves("telemetry.contents")
async def test_contents_are_in_spans_where_the_operator_wants_it_and_known_secrets_never(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_API_KEY", CANARY)
    given = {"otlp_contents": True, "otlp_headers": f"authorization=Bearer {CANARY}"}
    async with traced(tmp_path, **given) as (talk, collector):
        await talk.answered(f"{WORDS} My key is {CANARY}.")
    asked = json.loads(collector.named("chat mind")[0].attributes["gen_ai.input.messages"])
    assert WORDS in asked[-1]["parts"][0]["content"]
    computed = collector.one("execute_tool run_code").attributes
    assert "output = price('milk')" in json.loads(computed["gen_ai.tool.call.arguments"])["code"]
    assert computed["gen_ai.tool.call.result"] == '"9"'
    assert any("we have no gold" in span.said for span in collector.spans)
    assert not any(CANARY.encode() in body for body in collector.bodies)
    assert {headers["authorization"] for headers in collector.headers} == {f"Bearer {CANARY}"}


@pytest.mark.proves("telemetry.off")
async def test_nothing_is_sent_where_nothing_is_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with Collector() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        async with talking(tmp_path, toolsets=shop(), model=mind, router="scripted:mind") as talk:
            await talk.answered(WORDS)
            told = await account(talk, "t1")
    assert collector.requests == 0
    assert told.trace, "the dossier and the log have it all the same"


@pytest.mark.proves("telemetry.never_in_the_way")
@pytest.mark.parametrize("status", [400, 503])
@pytest.mark.usefixtures("hasty")
async def test_a_collector_that_refuses_costs_nobody_their_answer(tmp_path: Path, status: int) -> None:
    async with Collector(status=status) as collector, talking(tmp_path, otlp_endpoint=collector.url) as talk:
        assert "Hello" in await talk.answered("Hi")
    assert collector.requests


@pytest.mark.proves("telemetry.never_in_the_way")
@pytest.mark.usefixtures("hasty")
async def test_a_collector_that_is_away_costs_nobody_their_answer(tmp_path: Path) -> None:
    async with Collector() as collector:
        address = collector.url
    async with talking(tmp_path, otlp_endpoint=address) as talk:
        assert "Hello" in await talk.answered("Hi")


@pytest.mark.proves("telemetry.never_in_the_way")
@pytest.mark.usefixtures("hasty")
async def test_a_collector_that_never_answers_holds_up_neither_an_answer_nor_the_end(tmp_path: Path) -> None:
    async with Collector() as collector:
        collector.answers.clear()
        async with talking(tmp_path, otlp_endpoint=collector.url) as talk:
            assert "Hello" in await talk.answered("Hi")
            await asyncio.wait_for(collector.reached.wait(), 5)
            assert "Hello" in await talk.answered("Hi")
        collector.answers.set()


@pytest.mark.proves("telemetry.never_in_the_way")
async def test_telemetry_that_breaks_is_logged_and_costs_nobody_their_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(traces: tracing.Traces, span: Span) -> None:
        raise RuntimeError("no more room")

    monkeypatch.setattr(tracing.Traces, "hears", breaks)
    with log_of("orchestrator.watching") as log:
        async with Collector() as collector, talking(tmp_path, otlp_endpoint=collector.url) as talk:
            assert "Hello" in await talk.answered("Hi")
    assert "no more room" in log.saying("a span was not told")[0]["error"]
