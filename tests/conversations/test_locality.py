"""Local first: who is asked is counted at a real server of models, a small one nearby and a large one elsewhere."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from orchestrator.facts import Facts, read_facts
from orchestrator.limits import Limits, Payer
from orchestrator.models import ModelReply
from orchestrator.tools.functions import Functions, tool
from storage.records import Amount
from tests.conversations.talk import Talk, talking
from tests.conversations.test_budgets import NOW
from tests.conversations.test_files_in import REPORT, holding
from tests.conversations.test_plans import Models, calls
from tests.fakes.model_server import Behaviour, Call, Cut, Fail, Garbage, Hang, ModelServer, OpenAiWire, Say, asked_for

Script = Callable[[dict[str, Any]], Behaviour]
STEPS = 'a: weather(place="Rome")\nb: weather(place="Oslo")'


def by_model(**scripts: Script | Behaviour) -> Script:
    """Each model by its own script."""

    def script(request: dict[str, Any]) -> Behaviour:
        mine = scripts[request["model"]]
        return mine(request) if callable(mine) else mine

    return script


def settings(server: ModelServer, **more: Any) -> dict[str, Any]:
    given = {"local": "openai:small", "router": "openai:large", "openai_base_url": server.url, "model_retries": 0}
    return {**given, "openai_api_key": "obviously-fake-key", **more}


def asked(server: ModelServer) -> list[str]:
    return [request["model"] for request in server.requests]


def plan(steps: str, **more: str) -> Call:
    return Call([("plan", {"steps": steps, **more})])


class Weather:
    """`weather(place)`, and how often it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

        @tool(read_only=True)
        def weather(place: str) -> str:
            """The weather."""
            self.asked.append(place)
            return f"sunny in {place}"

        self.tools = [Functions([weather])]


async def facts(talk: Talk, turn: str = "t1") -> Facts:
    record = await talk.app.store.turn(turn)
    assert record is not None
    return read_facts(record.dossier)


@pytest.mark.proves("local.simple_first")
async def test_a_simple_request_is_decided_by_the_local_model_alone(tmp_path: Path) -> None:
    async with (
        ModelServer(by_model(small=Say("Hello from nearby"), large=Fail(500))) as server,
        talking(tmp_path, **settings(server)) as talk,
    ):
        assert await talk.answered("Good day, who are you?") == "Hello from nearby "
        assert asked(server) == ["small"]
        assert "Hello from " in talk.drafts()
        assert "held to be simple, so the local model decided" in await talk.told("/why")
        locality = (await facts(talk)).locality
        assert locality is not None
        assert (locality.level, locality.chain, locality.escalated) == ("simple", "local", "")


@pytest.mark.proves("local.complex_elsewhere")
@pytest.mark.parametrize(
    ("request_", "why"),
    [
        ("Research which heat pumps are quiet", "it asks for research"),
        ("Kannst du mir ein Skript in Python schreiben?", "it asks for code generation"),
        ("Bitte prüfe unsere Systemarchitektur", "it asks for architecture review"),
        ("- book a room\n- find a flight\n- rent a car\n- tell Ann", "it asks for 4 things, more than 3"),
        ("Draft an answer to the tender of Monday", "it is about tender"),
        ("Tell me more " * 40, "more than 400"),
    ],
)
async def test_a_complex_request_goes_straight_to_the_external_model(tmp_path: Path, request_: str, why: str) -> None:
    async with (
        ModelServer(by_model(small=Fail(500), large=Say("Done"))) as server,
        talking(tmp_path, **settings(server, complex_work="legal review, tender")) as talk,
    ):
        assert await talk.answered(request_) == "Done "
        assert asked(server) == ["large"]
        told = await talk.told("/why")
        assert "held to be complex (" in told
        assert why in told
        locality = (await facts(talk)).locality
        assert locality is not None
        assert (locality.level, locality.chain) == ("complex", "external")


@pytest.mark.proves("local.complex_elsewhere")
async def test_a_request_with_a_file_goes_straight_to_the_external_model(tmp_path: Path) -> None:
    async with (
        ModelServer(by_model(small=Fail(500), large=Say("Done"))) as server,
        talking(tmp_path, channel=lambda: holding({"r1": b"a,b"}), **settings(server)) as talk,
    ):
        await talk.say("Sum it up", REPORT)
        assert asked(server) == ["large"]


WORKERS = '@general(task="Look at ${a}", tools=["weather"])'
DOUBTS: Mapping[str, tuple[Script | Behaviour, str]] = {
    "unsure": (plan(f"{STEPS} sure 0.5"), "its plan is 0.5 sure, less than 0.75"),
    "handed over": (plan(f"{STEPS}\nc: {WORKERS}\nd: {WORKERS}"), "its plan has 2 hand-overs, more than 1"),
    "declined": (Call([("refuse", {"reason": "I cannot tell the weather."})]), "it declined"),
    "invalid": (plan('a: weather(town="Rome")\nb: whether(place="Oslo")'), "its plan could not run, twice"),
    "busy": (Fail(503), "it did not answer"),
    "garbage": (Garbage(), "it did not answer"),
    "slow": (Hang(), "it did not answer"),
    "cut": (Cut("It is rain"), "it did not answer"),
}


@pytest.mark.proves("local.goes_on", "local.once")
@pytest.mark.parametrize("doubt", DOUBTS)
async def test_where_the_local_word_does_not_do_the_external_model_decides_in_the_same_turn(
    tmp_path: Path, doubt: str
) -> None:
    weather = Weather()
    small, why = DOUBTS[doubt]
    large = plan(STEPS, answer="{{a}}, {{b}}")
    async with (
        ModelServer(by_model(small=small, large=large)) as server,
        talking(
            tmp_path,
            toolsets=weather.tools,
            **settings(server, local_hand_overs=1, first_model_seconds=0.5 if doubt == "slow" else 10),
        ) as talk,
    ):
        turn = await talk.send("What is the weather in Rome and in Oslo?")
        answer = (await talk.outcome(turn)).text
        assert answer == "sunny in Rome, sunny in Oslo"
        assert sorted(weather.asked) == ["Oslo", "Rome"], "no step has run twice"
        assert asked(server)[-1] == "large"
        assert asked(server).count("large") == 1
        assert talk.drafts()[-1:] in ([], [""]), "what the local one had begun to say is taken back"
        assert len([each for each in talk.channel.shown.values() if each.turn == turn]) == 1, "one answer is seen"
        assert f"the local model's word did not do: {why}" in await talk.told("/why")
        locality = (await facts(talk)).locality
        assert locality is not None
        assert (locality.level, locality.chain, locality.escalated) == ("simple", "external", why)
        expected = {"unsure": "plan", "handed over": "plan", "declined": "refuse"}.get(doubt)
        assert (locality.set_aside.kind if locality.set_aside else None) == expected


@pytest.mark.proves("local.once")
async def test_no_step_of_a_local_plan_begins_before_the_plan_is_accepted(tmp_path: Path) -> None:
    weather = Weather()
    small = plan('a: weather(place="Rome")\nb: weather(place="Rome")\nc: weather(place="Rome") sure 0.5')
    models = by_model(small=small, large=plan('a: weather(place="Oslo")', answer="{{a}}"))
    async with (
        ModelServer(models, OpenAiWire(finely=True)) as server,
        talking(tmp_path, toolsets=weather.tools, **settings(server)) as talk,
    ):
        assert await talk.answered("Is it sunny in Rome or Oslo?") == "sunny in Oslo"
        assert weather.asked == ["Oslo"]


@pytest.mark.proves("local.once")
async def test_words_beside_a_local_plan_that_does_not_do_are_taken_back(tmp_path: Path) -> None:
    unsure = replace(calls(("plan", {"steps": f"{STEPS} sure 0.5"})), text="It may rain")
    models = Models(small=lambda _: unsure, large=lambda _: ModelReply("It is sunny", "large"))
    given: dict[str, Any] = {"local": "small", "router": "large"}
    async with talking(tmp_path, toolsets=(weather := Weather()).tools, model=models, **given) as talk:
        assert await talk.answered("Is it sunny in Rome?") == "It is sunny"
        assert talk.drafts() == ["It", "It may", "It may rain", "", "It", "It is", "It is sunny"]
        assert models.names() == ["small", "large"]
        assert weather.asked == []


@pytest.mark.proves("local.once")
async def test_a_local_plan_that_does_is_run_and_nobody_else_is_asked_to_plan(tmp_path: Path) -> None:
    weather = Weather()
    async with (
        ModelServer(by_model(small=plan(STEPS, answer="{{a}}, {{b}}"), large=Fail(500))) as server,
        talking(tmp_path, toolsets=weather.tools, **settings(server)) as talk,
    ):
        assert await talk.answered("What is the weather in Rome and Oslo?") == "sunny in Rome, sunny in Oslo"
        assert asked(server) == ["small"]
        assert sorted(weather.asked) == ["Oslo", "Rome"]


@pytest.mark.proves("local.goes_on")
async def test_a_local_model_hands_over_to_the_planner_whose_plan_is_not_doubted(tmp_path: Path) -> None:
    weather = Weather()
    handed = Call([("plan", {"goal": "the weather of two towns"})])
    models = by_model(small=handed, large=Fail(500), planner=plan(f"{STEPS} sure 0.7", answer="{{a}}, {{b}}"))
    async with (
        ModelServer(models) as server,
        talking(tmp_path, toolsets=weather.tools, **settings(server, planner="openai:planner")) as talk,
    ):
        assert await talk.answered("What is the weather in Rome and Oslo?") == "sunny in Rome, sunny in Oslo"
        assert asked(server) == ["small", "planner"]
        assert sorted(weather.asked) == ["Oslo", "Rome"]


@pytest.mark.proves("local.complex_elsewhere")
async def test_the_answer_to_a_question_is_as_complex_as_the_request_behind_it(tmp_path: Path) -> None:
    def large(request: dict[str, Any]) -> Behaviour:
        period = Call([("ask", {"questions": [{"text": "Which years?"}]})])
        return period if asked_for(request).startswith("Research") else Say("Here they are")

    async with (
        ModelServer(by_model(small=Say("Hello"), large=large)) as server,
        talking(tmp_path, **settings(server)) as talk,
    ):
        await talk.asked("Research the prices of heat pumps")
        assert await talk.answered("the last five") == "Here they are "
        assert await talk.answered("Thank you very much") == "Hello "
        assert asked(server) == ["large", "large", "small"]


@pytest.mark.proves("local.goes_on")
async def test_a_local_model_that_fails_again_and_again_is_let_rest(tmp_path: Path) -> None:
    async with (
        ModelServer(by_model(small=Fail(500), large=Say("Hello"))) as server,
        talking(tmp_path, **settings(server)) as talk,
    ):
        for _ in range(4):
            assert await talk.answered("Good day to you") == "Hello "
        assert asked(server) == ["small", "large"] * 3 + ["large"]
        assert "it rests, as it has failed too often" in await talk.told("/why")


@pytest.mark.proves("local.thrifty")
async def test_with_little_left_of_a_budget_the_local_model_writes_the_answer_too(tmp_path: Path) -> None:
    def small(request: dict[str, Any]) -> Behaviour:
        return plan(STEPS) if request.get("tools") else Say("Sunny in both.")

    rules = "person day 90000 tokens"
    async with (
        ModelServer(by_model(small=small, large=Say("Sun everywhere."))) as server,
        talking(tmp_path, toolsets=Weather().tools, **settings(server, budgets=rules)) as talk,
    ):
        assert await talk.answered("What is the weather in Rome and Oslo?") == "Sun everywhere."
        (day,) = Limits.read(rules).holding_for(Payer("fake", "ann", "1"), NOW)
        await talk.app.store.reserve("r", Amount(82_500), [day])
        await talk.app.store.settle("r", None)
        assert "Sunny in both." in await talk.answered("And the weather in Rome and Oslo?")
        assert asked(server) == ["small", "large", "small", "small"]


@pytest.mark.proves("local.simple_first")
async def test_a_local_model_alone_decides_on_everything(tmp_path: Path) -> None:
    async with (
        ModelServer(by_model(small=Say("Hello"))) as server,
        talking(tmp_path, **settings(server, router="")) as talk,
    ):
        assert await talk.answered("Research the moon") == "Hello "
        assert "openai:small" in await talk.told("/status")
        assert "held to be" not in await talk.told("/why t1")


@pytest.mark.proves("plan.one_call")
async def test_related_subtasks_of_a_message_are_planned_in_one_call(tmp_path: Path) -> None:
    weather = Weather()
    towns = ("Rome", "Oslo", "Paris", "Bern", "Riga")
    steps = "\n".join(f'{town.lower()}: weather(place="{town}")' for town in towns)

    def large(request: dict[str, Any]) -> Behaviour:
        return plan(steps) if request.get("tools") else Say("Sunny everywhere.")

    async with (
        ModelServer(by_model(large=large)) as server,
        talking(tmp_path, toolsets=weather.tools, **settings(server, local="")) as talk,
    ):
        answer = await talk.answered("\n".join(f"- tell me the weather in {town}" for town in towns))
        assert answer == "Sunny everywhere."
        assert sorted(weather.asked) == sorted(towns)
        assert server.calls == 2, "one plans all five, one answers"
        assert [call.component for call in await talk.app.store.model_calls("t1")] == ["router", "synthesizer"]
