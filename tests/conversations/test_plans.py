"""Plans of a model: written by a planner of its own, in a hurry, too large, or anew after steps that did not work."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from orchestrator.messages import Answer, Question
from orchestrator.models import CallSoFar, ChatMessage, Model, ModelReply, OnCalls, OnText, Scripted, ToolCall
from orchestrator.tools.functions import Functions, tool
from orchestrator.tools.spec import ToolSpec
from tests.conversations.talk import outgoing, talking
from tests.fakes.model_server import Call, ModelServer, OpenAiWire


def calls(*made: tuple[str, dict[str, Any]]) -> ModelReply:
    return ModelReply("", "fake", tuple(ToolCall(f"c{at}", name, given) for at, (name, given) in enumerate(made)))


def plan(*lines: str, **more: str) -> ModelReply:
    return calls(("plan", {"steps": "\n".join(lines), **more}))


class Models:
    """Scripted models by name, each with its own script; they remember what they were asked."""

    def __init__(self, **scripts: Callable[[Sequence[ChatMessage]], ModelReply]) -> None:
        self.asked: list[tuple[str, Sequence[ChatMessage], Sequence[ToolSpec]]] = []
        self._scripts = scripts

    def __call__(self, name: str) -> Model:
        def script(messages: Sequence[ChatMessage], tools: Sequence[ToolSpec]) -> ModelReply:
            self.asked.append((name, messages, tools))
            return self._scripts[name](messages)

        return Scripted(script, name=name)

    def names(self) -> list[str]:
        return [name for name, _, _ in self.asked]


class Weather:
    """`weather(place)` that does not work for some places, and `almanac(place)` that always does."""

    def __init__(self, *broken: str) -> None:
        self.asked: list[str] = []

        @tool(read_only=True)
        def weather(place: str) -> str:
            """Weather."""
            self.asked.append(f"weather {place}")
            if place in broken:
                raise ValueError("no station there")
            return f"sunny in {place}"

        @tool(read_only=True)
        def almanac(place: str) -> str:
            """Almanac."""
            self.asked.append(f"almanac {place}")
            return f"mostly dry in {place}"

        self.functions = Functions([weather, almanac])


@pytest.mark.proves("planner.hand_over")
async def test_with_a_planner_of_its_own_the_front_call_hands_plans_over(tmp_path: Path) -> None:
    weather = Weather()
    models = Models(
        small=lambda messages: (
            calls(("plan", {"goal": "the weather in Rome"})) if "weather" in messages[-1].text else ModelReply("Hi", "")
        ),
        large=lambda _: plan('a: weather(place="Rome")', answer="It is {{a}}."),
    )
    async with talking(tmp_path, toolsets=[weather.functions], model=models, router="small", planner="large") as talk:
        assert await talk.answered("the weather in Rome please") == "It is sunny in Rome."
        assert models.names() == ["small", "large"]
        assert models.asked[1][1][-1].text == "Goal: the weather in Rome"
        assert await talk.answered("hello you") == "Hi"
        assert models.names() == ["small", "large", "small"]
        assert "as planner: answered" in await talk.told("/why t1")


@pytest.mark.proves("planner.hand_over")
async def test_where_the_planner_is_away_the_router_plans(tmp_path: Path) -> None:
    def broken(messages: Sequence[ChatMessage]) -> ModelReply:
        from orchestrator.errors import ModelRefused

        raise ModelRefused("away")

    def small(messages: Sequence[ChatMessage]) -> ModelReply:
        if messages[-1].text.startswith("Goal"):
            return plan('a: weather(place="Rome")', answer="{{a}}")
        return calls(("plan", {"goal": "the weather in Rome"}))

    models = Models(small=small, large=broken)
    async with talking(tmp_path, toolsets=[Weather().functions], model=models, router="small", planner="large") as talk:
        assert await talk.answered("the weather in Rome please") == "sunny in Rome"
        assert models.names() == ["small", "large", "small"]


class Slow:
    """Writes a plan a line at a time, and goes on only when the first tool call has been made."""

    name = "slow"

    def __init__(self, events: list[str], first_call: asyncio.Event) -> None:
        self._events = events
        self._first_call = first_call

    async def reply(
        self,
        messages: Sequence[ChatMessage],
        *,
        tools: Sequence[ToolSpec] = (),
        schema: object = None,
        on_text: OnText | None = None,
        on_calls: OnCalls | None = None,
        timeout_seconds: float,
    ) -> ModelReply:
        assert on_calls is not None
        await on_calls([CallSoFar("plan", '{"steps": "a: look(place=\\"Rome\\")\\n')])
        async with asyncio.timeout(20):
            await self._first_call.wait()
        self._events.append("the plan ends")
        return plan('a: look(place="Rome")', 'b: look(place="Oslo")', answer="{{a}}, {{b}}")


@pytest.mark.proves("headstart.begins")
async def test_the_first_tool_starts_before_the_plan_has_ended(tmp_path: Path) -> None:
    events: list[str] = []
    first_call = asyncio.Event()

    @tool(read_only=True)
    def look(place: str) -> str:
        """Look."""
        events.append(f"look at {place}")
        first_call.set()
        return f"seen {place}"

    async with talking(
        tmp_path, toolsets=[Functions([look])], model=lambda _: Slow(events, first_call), router="slow"
    ) as talk:
        assert await talk.answered("look at Rome and Oslo") == "seen Rome, seen Oslo"
    assert events == ["look at Rome", "the plan ends", "look at Oslo"]


@pytest.mark.proves("headstart.begins")
async def test_the_log_of_a_real_server_shows_the_first_tool_before_the_plans_end(tmp_path: Path) -> None:
    called = asyncio.Event()
    steps = 'a: look(place="Rome")\nb: look(place="Oslo")'
    answer = Call([("plan", {"steps": steps, "answer": "{{a}}, {{b}}"})], held=called)
    async with ModelServer(lambda _: answer, OpenAiWire(finely=True)) as server:

        @tool(read_only=True)
        def look(place: str) -> str:
            """Look."""
            server.log.append(f"look at {place}")
            called.set()
            return f"seen {place}"

        given: dict[str, Any] = {"openai_base_url": server.url, "openai_api_key": "obviously-fake-key"}
        async with talking(tmp_path, toolsets=[Functions([look])], router="openai:one", **given) as talk:
            assert await talk.answered("look at Rome and Oslo") == "seen Rome, seen Oslo"
        assert server.log == ["asked", "a line", "look at Rome", "ended", "look at Oslo"]
        assert server.calls == 1


@pytest.mark.proves("replan.observations")
async def test_after_a_step_that_did_not_work_the_planner_sees_the_results_and_goes_on(tmp_path: Path) -> None:
    weather = Weather("Oslo")

    def script(messages: Sequence[ChatMessage]) -> ModelReply:
        if messages[-1].role == "tool":
            assert "no station there" in messages[-1].text
            assert "sunny in Rome" in messages[-1].text
            return plan('b: almanac(place="Oslo")', answer="{{a}}; {{b}}")
        return plan('a: weather(place="Rome")', 'b: weather(place="Oslo")')

    models = Models(one=script)
    async with talking(tmp_path, toolsets=[weather.functions], model=models, router="one") as talk:
        assert await talk.answered("weather in Rome and Oslo") == "sunny in Rome; mostly dry in Oslo"
        assert weather.asked == ["weather Rome", "weather Oslo", "almanac Oslo"], "what is done is not done again"
        assert len(models.asked) == 2


@pytest.mark.proves("replan.bounded")
async def test_a_plan_is_made_anew_only_so_often(tmp_path: Path) -> None:
    weather = Weather("Oslo")

    def script(messages: Sequence[ChatMessage]) -> ModelReply:
        if messages[-1].text.startswith("Request"):
            return ModelReply("No luck.", "")
        return plan('a: weather(place="Oslo")')

    models = Models(one=script)
    async with talking(tmp_path, toolsets=[weather.functions], model=models, router="one", replans=2) as talk:
        assert "did not work: " in await talk.answered("weather in Oslo")
        assert len(weather.asked) == 3, "the first plan and two more"


@pytest.mark.proves("replan.observations")
async def test_the_planner_may_answer_with_what_there_is(tmp_path: Path) -> None:
    def script(messages: Sequence[ChatMessage]) -> ModelReply:
        if messages[-1].role == "tool":
            return ModelReply("Rome is sunny. I know nothing of Oslo.", "")
        return plan('a: weather(place="Rome")', 'b: weather(place="Oslo")')

    tools = [Weather("Oslo").functions]
    async with talking(tmp_path, toolsets=tools, model=Models(one=script), router="one") as talk:
        answer = await talk.answered("weather in Rome and Oslo")
        assert answer.startswith("Rome is sunny.")
        assert "did not work: " in answer, "the failure is told, whatever the model says"


@pytest.mark.proves("replan.asks_again")
async def test_a_risky_step_of_a_new_plan_asks_for_itself(tmp_path: Path) -> None:
    sent, outbox = outgoing()

    def script(messages: Sequence[ChatMessage]) -> ModelReply:
        if messages[-1].role == "tool":
            return plan('b: send(text="the weather is unknown")')
        return plan('a: weather(place="Oslo")', "b: send(text=${a})")

    tools = [Weather("Oslo").functions, outbox]
    async with talking(tmp_path, toolsets=tools, model=Models(one=script), router="one") as talk:
        part = await talk.say("send the weather in Oslo, or that it is unknown")
        assert isinstance(part, Question)
        assert "the weather is unknown" in part.text
        assert sent == []
        assert isinstance(await talk.say("yes"), Answer)
    assert sent == ["the weather is unknown"]


@pytest.mark.proves("plan.limits")
async def test_a_plan_that_is_too_large_is_sent_back(tmp_path: Path) -> None:
    def script(messages: Sequence[ChatMessage]) -> ModelReply:
        if messages[-1].role == "tool":
            assert "may have 2 steps, this one has 3" in messages[-1].text
            return plan('a: weather(place="Rome")', answer="{{a}}")
        return plan(*(f'{name}: weather(place="Rome")' for name in "abc"))

    tools = [Weather().functions]
    async with talking(tmp_path, toolsets=tools, model=Models(one=script), router="one", plan_steps=2) as talk:
        assert await talk.answered("weather in Rome") == "sunny in Rome"


@pytest.mark.proves("synthesis.template")
async def test_an_answer_that_the_planner_wrote_needs_no_further_call(tmp_path: Path) -> None:
    models = Models(one=lambda _: plan('a: weather(place="Rome")', answer="Today: {{a}}."))
    async with talking(tmp_path, toolsets=[Weather().functions], model=models, router="one") as talk:
        assert await talk.answered("weather in Rome") == "Today: sunny in Rome."
        assert len(models.asked) == 1
