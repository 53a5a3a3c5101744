"""Plans over a real MCP server: side by side where they can be, in order where one needs the other."""

import sys
from pathlib import Path
from typing import Any

import pytest

from orchestrator.tools.mcp import McpTools
from orchestrator.tools.mcp_config import ServerSettings
from tests.conversations.program import calls_made
from tests.conversations.talk import talking
from tests.fakes.model_server import Behaviour, Call, ModelServer, Say, asked_for

HOME = Path(__file__).parents[2]


def real_server(folder: Path) -> McpTools:
    variables = {"PYTHONPATH": str(HOME), "ERRAND_TEST_CALLS": str(folder / "calls")}
    command = ("-m", "tests.fakes.mcp_server")
    return McpTools([ServerSettings(name="tests", command=sys.executable, args=command, env=variables)])


def assistant(request: dict[str, Any]) -> Behaviour:
    text = asked_for(request)
    if not request.get("tools"):
        return Say("Oslo is the warmer one." if '"degrees": 12' in text else f"I was told: {text[-300:]}")
    if text.startswith("Compare"):
        return Call([("weather", {"place": place, "together": 2}) for place in ("Rome", "Oslo")])
    steps = (
        'a: weather(place="Rome")\nb: send(to="ann@corp.example", text="It is ${a.sky} in Rome, ${a.degrees} degrees")'
    )
    return Call([("plan", {"steps": steps})])


def settings(server: ModelServer) -> dict[str, Any]:
    return {"router": "openai:one", "openai_base_url": server.url, "openai_api_key": "obviously-fake-key"}


@pytest.mark.proves("plan.parallel_on_servers", "model.plan_two_calls")
async def test_two_places_are_compared_side_by_side(tmp_path: Path) -> None:
    tools = [real_server(tmp_path)]
    async with ModelServer(assistant) as server, talking(tmp_path, toolsets=tools, **settings(server)) as talk:
        assert "Oslo is the warmer one." in await talk.answered("Compare the weather in Rome and Oslo")
        assert talk.cards()[-1].mode == "parallel"
        assert server.calls == 2
    assert sorted(str(given["place"]) for _, given in calls_made(tmp_path)) == ["Oslo", "Rome"]


@pytest.mark.slow
@pytest.mark.proves("plan.in_order_on_servers", "approval.asked")
async def test_what_is_fetched_first_is_sent_then(tmp_path: Path) -> None:
    tools = [real_server(tmp_path)]
    async with ModelServer(assistant) as server, talking(tmp_path, toolsets=tools, **settings(server)) as talk:
        question = await talk.asked("Get the weather in Rome, then send it to ann@corp.example")
        assert "It is cloudy in Rome, 12 degrees" in question.text, "what is agreed to is what will be sent"
        assert [tool for tool, _ in calls_made(tmp_path)] == ["weather"]
        await talk.answered("yes")
        assert talk.cards()[-1].mode == "sequential"
    sent = {"to": "ann@corp.example", "text": "It is cloudy in Rome, 12 degrees"}
    assert calls_made(tmp_path) == [("weather", {"place": "Rome"}), ("send", sent)]
