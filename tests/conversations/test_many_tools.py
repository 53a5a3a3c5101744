"""A catalogue that no prompt can hold: what fits is shown, and models look for the rest."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from orchestrator.errors import BadInput
from orchestrator.messages import Question
from orchestrator.reading import MOST_SEARCHES
from orchestrator.tools.fitting import SCHEMA_TOKENS
from orchestrator.tools.functions import Functions, Registered, tool
from orchestrator.tools.spec import ToolSpec
from tests.conversations.talk import talking
from tests.fakes.model_server import Behaviour, Call, ModelServer, Say


def filler(number: int) -> Registered:
    def run(note: str = "") -> str:
        return "nothing"

    run.__name__, run.__doc__ = f"drawer_{number}", f"Open drawer {number}, which holds paper. " * 30
    return tool(read_only=True)(run)


@tool(read_only=True)
def post_letter(to: str) -> str:
    """Post a letter.

    Args:
        to: Who gets it.
    """
    return f"posted to {to}"


MANY = Functions([*map(filler, range(300)), post_letter])


def settings(server: ModelServer, **more: Any) -> dict[str, Any]:
    return {"router": "openai:one", "openai_base_url": server.url, "openai_api_key": "obviously-fake-key", **more}


def shown(request: dict[str, Any]) -> list[str]:
    return [each["function"]["name"] for each in request.get("tools") or ()]


def tokens(request: dict[str, Any]) -> int:
    functions = [each["function"] for each in request["tools"]]
    return sum(ToolSpec(each["name"], each["description"], each["parameters"], "").tokens for each in functions)


def looks_first(calls: Sequence[tuple[str, dict[str, Any]]]) -> Callable[[dict[str, Any]], Behaviour]:
    """A model that looks for a tool, and calls it once it sees it."""

    def script(request: dict[str, Any]) -> Behaviour:
        if not request.get("tools"):
            return Say("Done.")
        if "post_letter" in shown(request):
            return Call(list(calls))
        return Call([("find_tools", {"capability": "post a letter"}), ("drawer_1", {})])

    return script


@pytest.mark.proves("tools.find.front")
async def test_a_model_that_misses_a_tool_finds_it_and_calls_it(tmp_path: Path) -> None:
    script = looks_first([("post_letter", {"to": "Ann"})])
    async with ModelServer(script) as server, talking(tmp_path, toolsets=[MANY], **settings(server)) as talk:
        assert await talk.answered("open a drawer for Ann")
        first, second, *_ = server.requests
        assert "find_tools" in shown(first)
        assert "post_letter" in shown(second)
        assert told(second)[0] == "You can call these now:\npost_letter: Post a letter."
        assert told(second)[1].startswith("Not made yet")
        assert [step.title for step in talk.cards()[-1].steps] == ["post letter (Ann)"]
        assert all(tokens(request) <= SCHEMA_TOKENS for request in server.requests if request.get("tools"))


@pytest.mark.proves("tools.find.front")
async def test_a_planner_of_its_own_looks_for_tools_too(tmp_path: Path) -> None:
    finds = looks_first([("plan", {"steps": 'a: post_letter(to="Ann")\nb: post_letter(to=${a})'})])

    def script(request: dict[str, Any]) -> Behaviour:
        is_router = request["model"] == "one" and request.get("tools")
        return Call([("plan", {"goal": "write"})]) if is_router else finds(request)

    async with ModelServer(script) as server:
        given = settings(server, planner="openai:two")
        async with talking(tmp_path, toolsets=[MANY], **given) as talk:
            assert await talk.answered("open a drawer for Ann")
            assert [step.title for step in talk.cards()[-1].steps] == ["post letter (Ann)", "post letter (‹a›)"]
        assert [request["model"] for request in server.requests][:3] == ["one", "two", "two"]


@pytest.mark.proves("tools.find.front")
async def test_a_model_that_only_looks_for_tools_is_not_asked_for_ever(tmp_path: Path) -> None:
    def script(request: dict[str, Any]) -> Behaviour:
        if "find_tools" in shown(request):
            return Call([("find_tools", {"capability": "fly to the moon"})])
        return Say("I cannot do that.")

    async with ModelServer(script) as server, talking(tmp_path, toolsets=[MANY], **settings(server)) as talk:
        assert (await talk.answered("open the moon")).strip() == "I cannot do that."
        assert server.calls == MOST_SEARCHES + 1
        assert "No tool fits these words" in str(server.requests[-1]["messages"])


def of_worker(server: ModelServer) -> list[dict[str, Any]]:
    return [each for each in server.requests if each["messages"][0]["content"].startswith("You are a worker")]


def told(request: dict[str, Any]) -> list[str]:
    return [message["content"] for message in request["messages"] if message["role"] == "tool"]


def gives_work(tools: Sequence[str], work: Callable[[list[str]], Behaviour]) -> Callable[[dict[str, Any]], Behaviour]:
    """A model that gives a worker these tools, and does its work by what it was told so far."""

    def script(request: dict[str, Any]) -> Behaviour:
        if request["messages"][0]["content"].startswith("You are a worker"):
            return work(told(request))
        plan = f'w: @general(task="see to the letter or to drawer 59", tools={json.dumps(list(tools))})'
        return Call([("plan", {"steps": plan, "answer": "{{w}}"})]) if request.get("tools") else Say("Done.")

    return script


@pytest.mark.proves("tools.find.worker")
async def test_a_worker_that_may_look_for_tools_finds_one_and_calls_it(tmp_path: Path) -> None:
    def work(told: list[str]) -> Behaviour:
        if not told:
            return Call([("post_letter", {"to": "too early"}), ("find_tools", {"capability": "letter"})])
        return Say(told[-1]) if len(told) > 2 else Call([("post_letter", {"to": "Ann"})])

    script = gives_work(["find_tools"], work)
    async with ModelServer(script) as server, talking(tmp_path, toolsets=[MANY], **settings(server)) as talk:
        assert "posted to Ann" in await talk.answered("see to it")
        assert "post_letter` ran" not in await talk.told("/why"), "what was looked for is no deviation"
    first, second, *_ = of_worker(server)
    assert shown(first) == ["find_tools"]
    assert shown(second) == ["post_letter", "find_tools"]
    assert "post_letter is not allowed" in told(second)[0]


@pytest.mark.proves("tools.find.worker")
async def test_a_worker_with_more_tools_than_fit_looks_among_them_alone(tmp_path: Path) -> None:
    def work(told: list[str]) -> Behaviour:
        return Say(told[-1]) if told else Call([("find_tools", {"capability": "post a letter, or open drawer 59"})])

    script = gives_work([f"drawer_{number}" for number in range(60)], work)
    async with ModelServer(script) as server, talking(tmp_path, toolsets=[MANY], **settings(server)) as talk:
        answer = await talk.answered("see to it")
    assert "drawer_59" in answer
    assert "post_letter" not in answer
    assert "find_tools" in shown(of_worker(server)[0])
    assert all(tokens(request) <= SCHEMA_TOKENS for request in of_worker(server))


def writes(request: dict[str, Any]) -> Behaviour:
    """A model that opens a drawer first, and posts a letter where it hears of trouble."""
    if not request.get("tools"):
        return Say("Done.")
    is_new = request["messages"][-1]["role"] == "user"
    return Call([("drawer_1", {})] if is_new else [("post_letter", {"to": "Ann"})])


@pytest.mark.proves("tools.per_request")
async def test_a_request_that_names_its_tools_sees_and_runs_no_other(tmp_path: Path) -> None:
    async with ModelServer(writes) as server, talking(tmp_path, toolsets=[MANY], **settings(server)) as talk:
        await talk.outcome(await talk.send("write to Ann", tools=["post_*"]))
        first, second, *_ = server.requests
        assert shown(first) == ["post_letter", "ask", "refuse", "plan"]
        assert "wants the tool 'drawer_1', which does not exist" in str(second["messages"][-1])
        assert [step.title for step in talk.cards()[-1].steps] == ["post letter (Ann)"]
        before = server.calls
        await talk.outcome(await talk.send("write to Ann", tools=[]))
        assert shown(server.requests[before]) == ["ask", "refuse", "plan"]


@pytest.mark.proves("tools.per_request")
async def test_the_tools_of_a_request_hold_for_what_comes_of_its_questions(tmp_path: Path) -> None:
    @tool
    def drawer_1() -> str:
        """Ask first, and do not work."""
        raise BadInput("it is out of order")

    toolsets = [Functions([drawer_1, post_letter])]
    async with ModelServer(writes) as server, talking(tmp_path, toolsets=toolsets, **settings(server)) as talk:
        assert isinstance(await talk.outcome(await talk.send("mend it", tools=["drawer_*"])), Question)
        before = server.calls
        await talk.say("yes")
        again = [request for request in server.requests[before:] if request.get("tools")]
        assert again, "a new plan is asked for"
        assert all("post_letter" not in shown(request) for request in again)
