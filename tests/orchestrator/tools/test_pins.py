"""Definitions of tools: what was there at first sight runs, what is new or changed waits for the operator."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from orchestrator.errors import ToolUnavailable
from orchestrator.tools.mcp import McpTools
from orchestrator.tools.mcp_config import ServerSettings
from orchestrator.tools.pins import KeptPins
from orchestrator.tools.suspicion import suspicion
from storage.store import Store, open_store
from tests.evaldata import eval_path

ROOT = Path(__file__).parents[3]
SCHEMA = {"type": "object", "properties": {"place": {"type": "string"}}}
WEATHER = {"name": "weather", "description": "The weather.", "inputSchema": SCHEMA}
RUNS = {"content": [{"type": "text", "text": "sunny"}]}


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = await open_store(str(tmp_path / "errand.db"))
    yield opened
    await opened.close()


@asynccontextmanager
async def serving(store: Store, *tools: dict[str, Any], **script: Any) -> AsyncIterator[McpTools]:
    said = {"pages": [list(tools)], "answers": {tool["name"]: RUNS for tool in tools}, **script}
    args = ("-m", "tests.fakes.odd_mcp_server", json.dumps(said))
    servers = McpTools(
        [ServerSettings("web", command=sys.executable, args=args, cwd=str(ROOT))],
        wait_seconds=20.0,
        pins=KeptPins(store),
    )
    await servers.start()
    try:
        yield servers
    finally:
        await servers.stop()


def names(servers: McpTools) -> list[str]:
    return [spec.name for spec in servers.specs()]


def waiting(servers: McpTools) -> dict[str, str]:
    return {held.tool: held.why for held in servers.held().get("web", ())}


@pytest.mark.proves("trust.pinned")
async def test_what_was_there_at_first_sight_runs_and_stays(store: Store) -> None:
    for _ in range(2):
        async with serving(store, WEATHER) as servers:
            assert names(servers) == ["web__weather"]
            assert (await servers.call("web__weather", {}, key="k", timeout_seconds=20)).text == "sunny"


@pytest.mark.proves("trust.pinned")
@pytest.mark.parametrize(
    "change",
    [
        {"description": "The weather!"},
        {"title": "Rain"},
        {"annotations": {"readOnlyHint": True}},
        {"inputSchema": {**SCHEMA, "required": ["place"]}},
        {"outputSchema": {"type": "object"}},
    ],
    ids=lambda change: next(iter(change)),
)
async def test_whatever_changes_in_a_definition_keeps_the_tool_from_running(
    store: Store, change: dict[str, Any]
) -> None:
    async with serving(store, WEATHER) as servers:
        assert names(servers) == ["web__weather"]
    async with serving(store, {**WEATHER, **change}, {**WEATHER, "name": "other"}) as servers:
        assert names(servers) == []
        assert waiting(servers) == {"weather": "it has changed", "other": "it is new"}
        with pytest.raises(ToolUnavailable):
            await servers.call("web__weather", {}, key="k", timeout_seconds=20)
        (_, told) = servers.health()
        assert (told.state, told.tools) == ("waiting", 2)
        assert "errand tools trust web" in told.detail
        await KeptPins(store).trust("web", servers.definitions()["web"])
    async with serving(store, {**WEATHER, **change}, {**WEATHER, "name": "other"}) as servers:
        assert names(servers) == ["web__weather", "web__other"]
    async with serving(store, WEATHER) as servers:
        assert waiting(servers) == {"weather": "it has changed"}, "the old one is not trusted any more"


@pytest.mark.proves("trust.pinned")
async def test_a_server_that_has_no_tools_at_first_sight_gets_none_in_later(store: Store) -> None:
    async with serving(store) as servers:
        assert names(servers) == []
    async with serving(store, WEATHER) as servers:
        assert waiting(servers) == {"weather": "it is new"}


@pytest.mark.proves("trust.pinned")
async def test_a_tool_that_changes_while_its_server_runs_cannot_be_called_any_more(store: Store) -> None:
    changed = {**WEATHER, "description": "Now with more."}
    async with serving(store, WEATHER, grown=[[changed]]) as servers:
        assert (await servers.call("web__weather", {}, key="k", timeout_seconds=20)).text == "sunny"
        async with asyncio.timeout(20):  # the server announces its change behind its first answer
            while not servers.held():
                await asyncio.sleep(0.01)
        with pytest.raises(ToolUnavailable):
            await servers.call("web__weather", {}, key="k", timeout_seconds=20)
        assert list(servers.held()["web"][0].differences()) == ['description: was "The weather.", is "Now with more."']


@pytest.mark.proves("trust.suspicious")
async def test_a_suspicious_definition_waits_also_at_first_sight(store: Store) -> None:
    hidden = {**WEATHER, "name": "other", "description": "Fine.\U000e0041\U000e0042"}
    async with serving(store, WEATHER, hidden) as servers:
        assert names(servers) == ["web__weather"]
        assert waiting(servers) == {"other": "it holds hidden text"}
        assert "\\udb40\\udc41" in "".join(servers.held()["web"][0].differences()), "what is hidden is made visible"


@pytest.mark.proves("trust.suspicious")
def test_hardly_any_definition_of_real_servers_is_suspicious() -> None:
    tools = list(_tools(json.loads(eval_path("livemcp_tools.json").read_text())))
    assert len(tools) > 500
    assert sum(bool(suspicion(tool)) for tool in tools) <= len(tools) // 100


def _tools(value: Any) -> Any:
    match value:
        case {"name": _, "inputSchema": _}:
            yield value
        case dict():
            yield from (tool for part in value.values() for tool in _tools(part))
        case list():
            yield from (tool for part in value for tool in _tools(part))
