"""Steps that do not work: fallbacks in their order, honest failures, and what depends on them."""

import json
from pathlib import Path

import pytest

from orchestrator.errors import BadInput
from orchestrator.tools.functions import Functions, tool
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


@pytest.mark.proves("steps.fallback")
async def test_a_tool_that_does_not_work_is_replaced_by_its_fallback_and_that_is_on_record(tmp_path: Path) -> None:
    async with talking(tmp_path, toolsets=TOOLS) as talk:
        assert "ACME stands at 42 stands at 42" in await talk.answered(plan("analytics"))
        assert called == ["snapshot", "analytics", "analytics"]
        assert "`analytics` after snapshot did not work" in await talk.told("/why")


@pytest.mark.proves("steps.fallback", "approval.asked")
async def test_a_fallback_that_may_change_something_is_not_run_in_place_of_one_that_does_not(tmp_path: Path) -> None:
    async with talking(tmp_path, toolsets=TOOLS) as talk:
        answer = await talk.answered(plan("buy"))
        assert "the exchange is closed" in answer
        assert "a step before it did not work" in answer
        assert called == ["snapshot"]
