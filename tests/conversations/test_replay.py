"""Shadow replay: another chain decides what was decided, and nobody but the operator sees it."""

import json
from pathlib import Path
from typing import Any

import pytest

from bot.replay import as_data, replayed, told
from bot.settings import read_settings
from orchestrator.agno_models import Models
from orchestrator.tools.functions import Functions, tool
from tests.bot.command import errand
from tests.conversations.talk import Talk, talking
from tests.conversations.test_dossier import rewrite, settings
from tests.fakes.model_server import Behaviour, Call, Fail, ModelServer, Say, asked_for

asked: list[str] = []


@tool(read_only=True)
def weather(place: str) -> str:
    """The weather."""
    asked.append(place)
    return f"sunny in {place}"


TOOLS = [Functions([weather])]


@pytest.fixture(autouse=True)
def nothing_asked() -> None:
    asked.clear()


def script(request: dict[str, Any]) -> Behaviour:
    """Two models that agree on everything but the spelling of Rome."""
    if asked_for(request).startswith("weather"):
        return Call([("weather", {"place": "Rome" if request["model"] == "gpt-4o" else "Roma"})])
    return Say("Hello")


async def again(talk: Talk, server: ModelServer, *, chain: str, last: int = 10) -> dict[str, Any]:
    """The newest turns, decided again."""
    with_models = read_settings(**settings(server, "openai:gpt-4o"))
    models = Models(base_urls={"openai": server.url}, api_keys={"openai": "obviously-fake-key"})
    try:
        records = await talk.app.store.recent_turns(last=last)
        outcomes = await replayed(talk.app, with_models, records, chain=chain, model=models.named)
    finally:
        await models.aclose()
    whole: dict[str, Any] = json.loads(as_data(chain, outcomes))
    return {**whole, "told": told(chain, outcomes)}


@pytest.mark.proves("replay.decides", "replay.differences")
async def test_another_chain_decides_stored_turns_and_the_differences_are_told(tmp_path: Path) -> None:
    async with (
        ModelServer(script) as server,
        talking(tmp_path, toolsets=TOOLS, **settings(server, "openai:gpt-4o")) as talk,
    ):
        await talk.answered("Good day")
        await talk.answered("weather in Rome or Roma")
        await talk.answered("/weather place=Oslo")
        result = await again(talk, server, chain="openai:gpt-4o-mini")
    assert result["summary"] == {"same": 1, "different": {"arguments": 1}}
    hello, rome = result["turns"]
    assert (hello["turn"], hello["differences"]) == ("t1", [])
    (difference,) = rome["differences"]
    assert difference == {"what": "arguments", "old": 'weather(place="Rome")', "new": 'weather(place="Roma")'}
    assert 0 < rome["new"]["cost_usd"] < rome["old"]["cost_usd"]
    assert result["left_out"][0]["why"] == "it was a command"
    assert "1 same, 1 different (arguments 1)" in result["told"]
    assert "t2 “weather in Rome or Roma”: different" in result["told"]


@pytest.mark.proves("replay.harmless")
async def test_a_replay_runs_no_tool_stores_nothing_and_shows_nobody_anything(tmp_path: Path) -> None:
    async with (
        ModelServer(script) as server,
        talking(tmp_path, toolsets=TOOLS, **settings(server, "openai:gpt-4o")) as talk,
    ):
        await talk.answered("weather in Rome or Roma")
        shown, live = dict(talk.channel.shown), list(talk.channel.live)
        await again(talk, server, chain="openai:gpt-4o-mini")
        assert asked == ["Rome"]
        assert (talk.channel.shown, talk.channel.live) == (shown, live)
        assert [each.turn for each in await talk.app.store.recent_turns(last=10)] == ["t1"]
        assert len(await talk.app.store.model_calls("t1")) == 1
        assert await talk.app.store.unfinished(channels=["fake", "replay"]) == []


@pytest.mark.proves("replay.decides")
async def test_the_other_chain_sees_the_talk_as_it_was_then(tmp_path: Path) -> None:
    def ask_first(request: dict[str, Any]) -> Behaviour:
        return Call([("ask", {"questions": [{"text": "Which one?"}]})]) if len(server.requests) < 2 else Say("Well")

    async with (
        ModelServer(ask_first) as server,
        talking(tmp_path, toolsets=TOOLS, **settings(server, "openai:gpt-4o")) as talk,
    ):
        await talk.asked("Do it")
        await talk.answered("The first one")
        await talk.told("/new")
        await talk.answered("Something else")
        then = [_without_the_time(request) for request in server.requests]
        await again(talk, server, chain="openai:other")
        assert [_without_the_time(request) for request in server.requests[len(then) :]] == then
        assert "Which one?" in str(then[1])
        assert "Which one?" not in str(then[2])


@pytest.mark.proves("replay.decides")
async def test_the_other_chain_decides_at_the_time_of_the_turn(tmp_path: Path) -> None:
    async with ModelServer(script) as server:
        async with talking(tmp_path, toolsets=TOOLS, **settings(server, "openai:gpt-4o")) as talk:
            await talk.answered("Good day")
        rewrite(tmp_path, "update turns set started_at = '2020-02-03 04:05:06.000000'")
        async with talking(tmp_path, toolsets=TOOLS) as talk:
            await again(talk, server, chain="openai:other")
    assert "Monday 2020-02-03 04:05 UTC" in server.requests[-1]["messages"][0]["content"]


def _without_the_time(request: dict[str, Any]) -> tuple[Any, Any]:
    system, *rest = request["messages"]
    lines = [line for line in system["content"].splitlines() if not line.startswith("Now:")]
    return [lines, *rest], request["tools"]


@pytest.mark.proves("replay.decides")
async def test_a_chain_that_does_not_answer_is_a_difference_and_no_end(tmp_path: Path) -> None:
    def only_the_old_one(request: dict[str, Any]) -> Behaviour:
        return script(request) if request["model"] == "gpt-4o" else Fail(503)

    async with (
        ModelServer(only_the_old_one) as server,
        talking(tmp_path, toolsets=TOOLS, **settings(server, "openai:gpt-4o")) as talk,
    ):
        await talk.answered("Good day")
        result = await again(talk, server, chain="openai:gpt-4o-mini")
    (difference,) = result["turns"][0]["differences"]
    assert difference["new"].startswith("none: ")
    assert result["turns"][0]["new"]["cost_usd"] == "unknown"


@pytest.mark.slow
@pytest.mark.proves("replay.decides")
async def test_the_command_replays_what_the_database_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with ModelServer(script) as server:
        async with talking(tmp_path, toolsets=TOOLS, **settings(server, "openai:gpt-4o")) as talk:
            await talk.answered("Good day")
        monkeypatch.setenv("ERRAND_OPENAI_BASE_URL", server.url)
        monkeypatch.setenv("ERRAND_OPENAI_API_KEY", "obviously-fake-key")
        done = await errand(tmp_path, "replay", "--planner", "openai:gpt-4o-mini", "t1")
        assert "t1 “Good day”: same (" in done.stdout
        missing = await errand(tmp_path, "replay", "--planner", "openai:gpt-4o-mini", "t7")
    assert "no finished turn 't7'" in missing.stderr
