"""What leaves the machine where the operator wants it: traces with the ids of dossier and log, and nothing else."""

import json
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bot.logs import JsonLines
from orchestrator.account import Account, account_of
from orchestrator.errors import BadInput
from orchestrator.models import ChatMessage, Model, ModelReply, Scripted, ToolCall, Usage
from orchestrator.tools.code import Code
from orchestrator.tools.functions import Functions, tool
from orchestrator.tools.spec import Toolset, ToolSpec
from tests.conversations.talk import Talk, talking
from tests.fakes.collector import Collector

PLAN = """\
a: price(item="tea")
b: price(item="gold")
c: run_code(code="output = price('milk')['eur'] + price('bread')['eur']", tools=["price"])
w: @general(task="who sells ${a.item}?", tools=["price"])"""
WORDS = "what do tea, gold, milk and bread cost?"
CANARY = "obviously-fake-canary-key-123456"


def shop() -> list[Toolset]:
    @tool(read_only=True)
    def price(item: str) -> dict[str, Any]:
        """The price of an item."""
        if item == "gold":
            raise BadInput(f"we have no gold, and no {CANARY}")
        return {"item": item, "eur": len(item)}

    return [Functions([price]), Code()]


def thinking(messages: Sequence[ChatMessage], tools: Sequence[ToolSpec]) -> ModelReply:
    """Plans a plan of all kinds of steps; as a worker it asks for a price; as a synthesizer it sums up."""

    def reply(text: str = "", *calls: tuple[str, dict[str, Any]]) -> ModelReply:
        made = tuple(ToolCall(f"call{number}", name, given) for number, (name, given) in enumerate(calls))
        return ModelReply(text, "scripted:mind-1", made, Usage(100, 20))

    if messages[0].text.startswith("You are a worker"):
        heard = [message for message in messages if message.role == "tool"]
        return reply("Ann sells it.") if heard else reply("", ("price", {"item": "tea"}))
    if any(spec.name == "plan" for spec in tools):
        return reply("", ("plan", {"steps": PLAN}))
    return reply(f"All that I know, and {CANARY}.")


def mind(name: str) -> Model:
    return Scripted(thinking, name=name)


class Written(logging.Handler):
    """Every line of the log, as JSON."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[dict[str, Any]] = []
        self.setFormatter(JsonLines())

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(json.loads(self.format(record)))

    def ended(self, kind: str) -> list[dict[str, Any]]:
        return [line for line in self.lines if line["message"] == f"{kind} ended"]


@contextmanager
def log_of(*names: str) -> Iterator[Written]:
    """What is logged inside, all of it."""
    written, loggers = Written(), [logging.getLogger(name) for name in names]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.addHandler(written)
        logger.setLevel(logging.DEBUG)
    try:
        yield written
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.removeHandler(written)
            logger.setLevel(level)


async def account(talk: Talk, turn: str) -> Account:
    record = await talk.app.store.turn(turn)
    assert record is not None
    return await account_of(talk.app.store, record)


def settings(collector: Collector, **more: Any) -> dict[str, Any]:
    return {"otlp_endpoint": collector.url, "router": "scripted:mind?temperature=0", "replans": 0, **more}


@pytest.mark.proves("telemetry.trace")
async def test_a_turns_trace_has_every_model_and_tool_call_with_the_ids_of_dossier_and_log(tmp_path: Path) -> None:
    with log_of("orchestrator.watching") as log:
        async with Collector() as collector:
            async with talking(tmp_path, toolsets=shop(), model=mind, **settings(collector)) as talk:
                assert "All that I know" in await talk.answered(WORDS)
                told = await account(talk, "t1")
    paths = sorted(" > ".join(collector.path(span)) for span in collector.spans)
    turn, decision, plan = "errand.turn", "errand.turn > errand.decision", "errand.turn > errand.plan > errand.step"
    inside = [path for path in paths if path.startswith(plan)]
    ahead = [path for path in paths if path.startswith(f"{decision} > errand.step")]
    assert turn in paths
    assert f"{decision} > chat mind" in paths
    assert f"{turn} > chat mind" in paths, "the synthesizer's"
    steps = [path.rpartition("errand.step")[2] for path in (*inside, *ahead)]
    assert sorted(steps) == [
        "",
        "",
        "",
        "",
        " > execute_tool price",
        " > execute_tool price",
        " > execute_tool run_code",
        " > execute_tool run_code > execute_tool price",
        " > execute_tool run_code > execute_tool price",
        " > invoke_agent general",
        " > invoke_agent general > chat mind",
        " > invoke_agent general > chat mind",
        " > invoke_agent general > execute_tool price",
    ]
    # the same ids everywhere
    assert {span.trace for span in collector.spans} == {told.trace} == {line["trace_id"] for line in log.lines}
    assert {span.attributes["errand.turn"] for span in collector.spans} == {told.turn} == {"t1"}
    models = [span for span in collector.spans if span.name == "chat mind"]
    assert {span.id for span in models} == {call.span for call in told.model_calls}
    assert len(models) == len(told.model_calls) == 4
    assert [call.step for call in told.model_calls] == ["", "w", "w", ""]
    tools = [span for span in collector.spans if span.name.startswith("execute_tool")]
    assert {span.id for span in (*models, *tools)} == {
        line["span_id"] for line in (*log.ended("model"), *log.ended("tool"))
    }
    assert {span.attributes["errand.plan"] for span in tools} == {told.plan}
    assert {span.attributes["errand.step"] for span in tools} == {step.id for step in told.steps} == set("abcw")
    keys = sorted(span.attributes["gen_ai.tool.call.id"] for span in tools)
    assert keys == ["t1/a", "t1/b", "t1/c", "t1/c/1", "t1/c/2", "t1/w/1.1"]
    (worker,) = collector.named("invoke_agent general")
    assert worker.attributes["errand.agent"] == "general"
    assert worker.attributes["errand.attempt"] == 1


@pytest.mark.proves("telemetry.trace")
async def test_calls_of_models_and_tools_speak_the_conventions_for_generative_ai(tmp_path: Path) -> None:
    async with Collector() as collector:
        async with talking(tmp_path, toolsets=shop(), model=mind, **settings(collector)) as talk:
            await talk.answered(WORDS)
    turn, chat = collector.one("errand.turn"), collector.named("chat mind")[0]
    assert turn.attributes["errand.outcome"] == "plan"
    assert turn.attributes["errand.adherence"] == 0.75
    assert turn.resource["service.name"] == "errand"
    told = {name: value for name, value in chat.attributes.items() if name.startswith("gen_ai")}
    assert told == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "scripted",
        "gen_ai.request.model": "mind",
        "gen_ai.response.model": "mind-1",
        "gen_ai.usage.input_tokens": 100,
        "gen_ai.usage.output_tokens": 20,
        "gen_ai.conversation.id": turn.attributes["errand.session"],
    }
    failed = [span for span in collector.named("execute_tool price") if span.failed]
    assert [span.attributes["error.type"] for span in failed] == ["tool_error"]
    assert failed[0].attributes["errand.step"] == "b"


@pytest.mark.proves("telemetry.contents")
async def test_what_people_models_and_tools_say_is_in_no_span(tmp_path: Path) -> None:
    async with Collector() as collector:
        async with talking(tmp_path, toolsets=shop(), model=mind, **settings(collector)) as talk:
            await talk.answered(WORDS)
    assert len(collector.spans) > 15
    for said in (WORDS, "All that I know", "we have no gold", "bread", CANARY):
        assert not any(said.encode() in body for body in collector.bodies), said


@pytest.mark.proves("telemetry.contents")
async def test_contents_are_in_spans_where_the_operator_wants_it_and_known_secrets_never(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_API_KEY", CANARY)
    async with Collector() as collector:
        given = settings(collector, otlp_contents=True, otlp_headers=f"authorization=Bearer {CANARY}")
        async with talking(tmp_path, toolsets=shop(), model=mind, **given) as talk:
            await talk.answered(f"{WORDS} My key is {CANARY}.")
    asked = json.loads(collector.named("chat mind")[0].attributes["gen_ai.input.messages"])
    assert WORDS in asked[-1]["parts"][0]["content"]
    (computed,) = collector.named("execute_tool run_code")
    assert "output = price('milk')" in json.loads(computed.attributes["gen_ai.tool.call.arguments"])["code"]
    assert computed.attributes["gen_ai.tool.call.result"] == '"9"'
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
