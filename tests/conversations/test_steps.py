"""Steps that do not work: fallbacks in their order, honest failures, and what depends on them."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from orchestrator.errors import BadInput, OutcomeUnknown, ToolError, ToolTimedOut, ToolUnavailable
from orchestrator.messages import Answer, Notice
from orchestrator.tools.functions import Functions, IdempotencyKey, tool
from orchestrator.tools.spec import Arguments, ToolResult
from tests.conversations.talk import talking

called: list[str] = []


@tool(read_only=True)
def snapshot(symbol: str) -> str:
    """The finance snapshot, which is down today."""
    called.append("snapshot")
    raise BadInput("the exchange is closed")


@tool(read_only=True)
def analytics(symbol: str) -> str:
    """The slower way to the same figure."""
    called.append("analytics")
    return f"{symbol} stands at 42"


@tool
def buy(symbol: str) -> str:
    """Something else entirely, that costs money."""
    called.append("buy")
    return "bought"


TOOLS = [Functions([snapshot, analytics, buy])]


def plan(*fallbacks: str) -> str:
    first = {"id": "a", "tool": "snapshot", "arguments": {"symbol": "ACME"}, "fallbacks": fallbacks}
    then = {"id": "b", "tool": "analytics", "arguments": {"symbol": "${a}"}}
    return "/plan " + json.dumps({"steps": [first, then]})


@pytest.fixture(autouse=True)
def nothing_called() -> None:
    called.clear()


@pytest.mark.proves("steps.fallback", "adherence.told")
async def test_a_tool_that_does_not_work_is_replaced_by_its_fallback_and_that_is_on_record(tmp_path: Path) -> None:
    async with talking(tmp_path, toolsets=TOOLS) as talk:
        assert "ACME stands at 42 stands at 42" in await talk.answered(plan("analytics"))
        assert called == ["snapshot", "analytics", "analytics"]
        assert "`analytics` after snapshot did not work" in (why := await talk.told("/why"))
        assert "deviation: a: the fallback `analytics` ran in place of `snapshot`" in why
        assert "the plan was kept to 50%" in why


@pytest.mark.proves("steps.fallback", "approval.asked")
async def test_a_fallback_that_may_change_something_is_not_run_in_place_of_one_that_does_not(tmp_path: Path) -> None:
    async with talking(tmp_path, toolsets=TOOLS) as talk:
        answer = await talk.answered(plan("buy"))
        assert "the exchange is closed" in answer
        assert "a step before it did not work" in answer
        assert called == ["snapshot"]


class Flaky:
    """Tools whose first calls do not get through: one that changes nothing, one that does, and one that takes a key."""

    def __init__(self, failures: int) -> None:
        self.calls: list[str] = []
        self._failures = failures

        @tool(read_only=True)
        def look(what: str) -> str:
            """Look."""
            return self._answer(f"look {what}")

        @tool
        def post(text: str) -> str:
            """Post."""
            return self._answer(f"post {text}")

        @tool
        def pay(amount: int, key: IdempotencyKey) -> str:
            """Pay."""
            return self._answer(f"pay {amount} under {key}")

        self.functions = Unreliable([look, post, pay], self)

    def _answer(self, call: str) -> str:
        return f"done: {call}"

    def gets_through(self, tool_name: str, key: str) -> bool:
        self.calls.append(f"{tool_name} {key}")
        return len(self.calls) > self._failures


class Unreliable(Functions):
    """Functions behind a connection that breaks."""

    def __init__(self, functions: list[Any], flaky: Flaky) -> None:
        super().__init__(functions)
        self._flaky = flaky

    async def call(self, tool: str, arguments: Arguments, *, key: str, timeout_seconds: float) -> ToolResult:
        if not self._flaky.gets_through(tool, key):
            raise ToolUnavailable("the connection broke")
        return await super().call(tool, arguments, key=key, timeout_seconds=timeout_seconds)


@pytest.mark.proves("steps.retries")
async def test_a_harmless_call_is_tried_again_after_trouble_that_may_pass(tmp_path: Path) -> None:
    flaky = Flaky(2)
    async with talking(tmp_path, toolsets=[flaky.functions], step_retry_seconds=0.001) as talk:
        assert "done: look x" in await talk.answered("/look what=x")
        assert len(flaky.calls) == 3
        assert '"attempts":3' in (await talk.app.store.steps("t1"))[0].body


@pytest.mark.proves("steps.retries")
async def test_a_call_is_tried_only_so_often_and_a_risky_one_once(tmp_path: Path) -> None:
    flaky = Flaky(99)
    async with talking(tmp_path, toolsets=[flaky.functions], step_retry_seconds=0.001) as talk:
        assert "the connection broke" in await talk.answered("/look what=x")
        assert len(flaky.calls) == 3
        await talk.asked("/post text=x")
        assert "the connection broke" in await talk.answered("yes")
        assert len(flaky.calls) == 4


@pytest.mark.proves("steps.retries")
async def test_a_tool_that_takes_the_key_gets_the_same_one_at_every_try(tmp_path: Path) -> None:
    flaky = Flaky(1)
    async with talking(tmp_path, toolsets=[flaky.functions], step_retry_seconds=0.001) as talk:
        await talk.asked("/pay amount=3")
        assert "done: pay 3 under t1/s1" in await talk.answered("yes")
    assert flaky.calls == ["pay t1/s1", "pay t1/s1"]


class Failing(Functions):
    """Functions whose every call fails in one way; each is counted."""

    def __init__(self, error: ToolError) -> None:
        @tool(read_only=True)
        def look() -> str:
            """Change nothing."""
            return ""

        @tool(idempotent=True)
        def put() -> str:
            """Change the same, however often."""
            return ""

        @tool
        def pay(key: IdempotencyKey) -> str:
            """Change once a key."""
            return ""

        @tool
        def post() -> str:
            """Change more each time."""
            return ""

        super().__init__([look, put, pay, post])
        self.keys: list[str] = []
        self.called = asyncio.Event()
        self._error = error

    async def call(self, tool: str, arguments: Arguments, *, key: str, timeout_seconds: float) -> ToolResult:
        self.keys.append(key)
        self.called.set()
        raise self._error


@pytest.mark.proves("steps.retries")
@pytest.mark.parametrize("name", ["look", "put", "pay", "post"])
@pytest.mark.parametrize(
    ("error", "may_pass"),
    [(ToolUnavailable(), True), (ToolTimedOut(), True), (OutcomeUnknown(), True), (ToolError("no such row"), False)],
    ids=["unavailable", "timed out", "outcome unknown", "refused"],
)
async def test_only_trouble_that_may_pass_is_met_again_and_only_by_a_call_that_may_be_repeated(
    tmp_path: Path, name: str, error: ToolError, *, may_pass: bool
) -> None:
    failing = Failing(error)
    async with talking(tmp_path, toolsets=[failing], step_retries=3, step_retry_seconds=0.001) as talk:
        part = await talk.say(f"/{name}")
        if name != "look":  # the others may change something
            part = await talk.say("yes")
        assert failing.keys == ["t1/s1"] * (4 if may_pass and name != "post" else 1)
        assert isinstance(part, Answer) != isinstance(error, OutcomeUnknown), "whether it happened is put to the person"


@pytest.mark.proves("steps.retries", "stop.now")
async def test_a_stop_ends_the_pause_before_a_further_try(tmp_path: Path) -> None:
    failing = Failing(ToolUnavailable())
    async with talking(tmp_path, toolsets=[failing], step_retry_seconds=3600) as talk, asyncio.timeout(20):
        turn = await talk.send("/look")
        await failing.called.wait()
        await talk.send("/stop")
        assert isinstance(await talk.outcome(turn), Notice)
        assert len(failing.keys) == 1


@pytest.mark.proves("steps.input_size")
async def test_an_argument_that_is_too_long_fails_its_step_with_its_name_and_the_way_out(tmp_path: Path) -> None:
    written = 'a: analytics(symbol="ACME")\nb: analytics(symbol=${a})'
    async with talking(tmp_path, toolsets=TOOLS, step_input_characters=10) as talk:
        answer = await talk.answered(f"/plan {written}")
        assert "the argument 'symbol' has 17 characters; a step takes 10" in answer
        assert called == ["analytics"]


@pytest.mark.proves("resources.never")
async def test_a_step_for_which_there_never_is_room_fails_and_says_so(tmp_path: Path) -> None:
    step = {"id": "a", "tool": "analytics", "arguments": {"symbol": "ACME"}, "needs": {"gpu_mb": 24_000}}
    async with talking(tmp_path, toolsets=TOOLS, gpu_mb=8_000) as talk:
        written = json.dumps({"steps": [step]})
        assert "24000 MB of GPU memory, and there are 8000" in await talk.answered(f"/plan {written}")


@pytest.mark.proves("durations.learned")
async def test_how_long_a_tool_takes_is_learned_over_restarts(tmp_path: Path) -> None:
    async with talking(tmp_path, toolsets=TOOLS) as talk:
        await talk.answered("/analytics symbol=ACME")
        first = (await talk.app.store.durations())["analytics"]
        assert first > 0
    async with talking(tmp_path, toolsets=TOOLS) as talk:
        assert await talk.app.store.durations() == {"analytics": first}


@pytest.mark.proves("durations.learned")
async def test_a_step_that_needed_a_second_try_or_a_fallback_teaches_nothing_about_its_tool(tmp_path: Path) -> None:
    flaky = Flaky(1)
    async with talking(tmp_path, toolsets=[flaky.functions, *TOOLS], step_retry_seconds=0.001) as talk:
        assert "done: look x" in await talk.answered("/look what=x")
        first = {"id": "a", "tool": "snapshot", "arguments": {"symbol": "ACME"}, "fallbacks": ["analytics"]}
        assert "ACME stands at 42" in await talk.answered("/plan " + json.dumps({"steps": [first]}))
        assert await talk.app.store.durations() == {}
