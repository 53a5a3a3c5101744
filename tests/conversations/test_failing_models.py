"""Every way in which a model can fail, on every member of every chain: one useful outcome, no side effect twice."""

import json
from pathlib import Path
from typing import Any

import pytest

from orchestrator.messages import Answer, Question
from orchestrator.tools.functions import Functions, tool
from tests.conversations.talk import Talk, outgoing, talking
from tests.fakes.model_server import Behaviour, Call, Cut, Fail, Garbage, Hang, ModelServer, Say

TROUBLES: dict[str, Behaviour] = {
    "401": Fail(401),
    "404": Fail(404),
    "429": Fail(429, {"retry-after": "1"}),
    "500": Fail(500),
    "503": Fail(503),
    "garbage": Garbage(),
    "hang": Hang(),
    "cut": Cut("Half of an ans"),
    "empty": Say(""),
    "broken arguments": Call([("plan", '{"steps": "a: lo')]),
    "unknown tool": Call([("nothing_like_it", {"x": 1})]),
    "no arguments": Call([("plan", {})]),
}
COMPONENTS = ("router", "planner", "worker", "synthesizer")
STEPS = 'a: look(place="Rome")\nw: @general(task="put ${a} into a few words")\nb: send(text=${w})'


@tool(read_only=True)
def look(place: str) -> str:
    """Look up the weather of a place."""
    return json.dumps({"place": place, "sky": "clear", "wind": "none", "source": "the weather station " * 40})


def component_of(request: dict[str, Any]) -> str:
    """Who is asking: models are named after their component and their place in the chain, as in "planner-2"."""
    return str(request["model"]).partition("-")[0]


def well(request: dict[str, Any]) -> Behaviour:
    """What a model in order says to each component."""
    match component_of(request):
        case "router":
            return Call([("plan", {"goal": "look up the weather of Rome and send it"})])
        case "planner":
            return Call([("plan", {"steps": STEPS})])
        case "worker":
            return Say("Rome has a clear sky.")
        case _:
            return Say("Rome is clear, and it is sent.")


def settings(server: ModelServer) -> dict[str, Any]:
    chains = {name: f"openai:{name}-1, openai:{name}-2" for name in COMPONENTS}
    return {
        **chains,
        "openai_base_url": server.url,
        "openai_api_key": "obviously-fake-key",
        "first_model_seconds": 0.4,
        "next_model_seconds": 0.4,
        "retry_seconds": 0.01,
    }


async def conversation(talk: Talk) -> list[str]:
    """Ask for the weather to be sent, agree to whatever is asked, and see how each turn ends."""
    part = await talk.say("look up the weather of Rome and send it")
    ends: list[str] = [part.kind]
    while isinstance(part, Question) and len(ends) < 5:
        part = await talk.say("yes" if "May I run" in part.text else "the weather is clear")
        ends.append(part.kind)
    assert isinstance(part, Answer), part
    assert part.text.strip()
    return ends


@pytest.mark.slow
@pytest.mark.proves("model.falls_to_second", "model.every_trouble")
@pytest.mark.parametrize("component", COMPONENTS)
@pytest.mark.parametrize("trouble", TROUBLES)
async def test_a_first_member_in_trouble_changes_nothing_for_the_person(
    tmp_path: Path, component: str, trouble: str
) -> None:
    sent, outbox = outgoing()

    def script(request: dict[str, Any]) -> Behaviour:
        return TROUBLES[trouble] if request["model"] == f"{component}-1" else well(request)

    tools = [Functions([look]), outbox]
    async with ModelServer(script) as server, talking(tmp_path, toolsets=tools, **settings(server)) as talk:
        await conversation(talk)
        _nothing_leaked(talk)
    assert len(sent) <= 1


@pytest.mark.slow
@pytest.mark.proves("model.every_trouble", "model.falls_to_offline")
@pytest.mark.parametrize("component", COMPONENTS)
@pytest.mark.parametrize("trouble", TROUBLES)
async def test_a_whole_chain_in_trouble_still_ends_in_one_useful_outcome(
    tmp_path: Path, component: str, trouble: str
) -> None:
    sent, outbox = outgoing()

    def script(request: dict[str, Any]) -> Behaviour:
        return TROUBLES[trouble] if component_of(request) == component else well(request)

    tools = [Functions([look]), outbox]
    async with ModelServer(script) as server, talking(tmp_path, toolsets=tools, **settings(server)) as talk:
        await conversation(talk)
        _nothing_leaked(talk)
    assert len(sent) <= 1


def _nothing_leaked(talk: Talk) -> None:
    seen = " ".join(delivery.model_dump_json() for delivery in talk.channel.shown.values())
    assert "SECRET PROVIDER WORDS" not in seen
    assert "fake-key" not in seen
    assert len(talk.channel.shown) == len({delivery.turn for delivery in talk.channel.shown.values()}), "one each"
