"""What one server's connection can do beside calls: many at once, several people, progress, resources, prompts, SSE."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from orchestrator.errors import ToolError, ToolUnavailable
from orchestrator.tools.calling import calling_with
from orchestrator.tools.mcp import McpTools
from orchestrator.tools.mcp_config import ServerSettings
from orchestrator.tools.spec import ToolResult
from tests.fakes.web_mcp_server import WebMcpServer

ROOT = str(Path(__file__).parents[3])


def fake(folder: Path, **more: Any) -> ServerSettings:
    env = {"ERRAND_TEST_CALLS": str(folder / "calls"), **more.pop("env", {})}
    return ServerSettings("fake", command="python", args=("-m", "tests.fakes.mcp_server"), cwd=ROOT, env=env, **more)


@asynccontextmanager
async def running(*servers: ServerSettings) -> AsyncIterator[McpTools]:
    tools = McpTools(servers, wait_seconds=20)
    await tools.start()
    try:
        yield tools
    finally:
        await tools.stop()


async def call(tools: McpTools, name: str, timeout_seconds: float = 20.0, /, **arguments: Any) -> ToolResult:
    return await tools.call(f"fake__{name}", arguments, key="t1/s1", timeout_seconds=timeout_seconds)


def children() -> set[int]:
    """The processes that we have started and that still run."""
    listing = subprocess.run(["ps", "-eo", "pid=,ppid=,stat=,comm="], capture_output=True, text=True, check=True)
    lines = (line.split(None, 3) for line in listing.stdout.splitlines())
    return {int(pid) for pid, parent, stat, name in lines if int(parent) == os.getpid() and name != "ps"}


async def until_noted(folder: Path, tool: str) -> None:
    async with asyncio.timeout(20):
        while not (folder / "calls").exists() or f'"{tool}"' not in (folder / "calls").read_text():
            await asyncio.sleep(0.01)


@pytest.mark.slow
@pytest.mark.timeout(180)
@pytest.mark.proves("tools.mcp.no_child_left")
async def test_fifty_four_connections_leave_no_process() -> None:
    before = children()
    script = '{"pages": [[]]}'
    servers = [
        ServerSettings(f"s{number}", command=sys.executable, args=("tests/fakes/odd_mcp_server.py", script), cwd=ROOT)
        for number in range(9)
    ]
    for _ in range(6):
        async with running(*servers) as tools:
            assert [health.state for health in tools.health()] == ["ready"] * 9
            assert len(children() - before) == 9
    assert children() == before


@pytest.mark.proves("tools.mcp.concurrency")
async def test_no_more_calls_are_under_way_than_a_server_takes(tmp_path: Path) -> None:
    async with running(fake(tmp_path, concurrency=1)) as tools, asyncio.TaskGroup() as tasks:
        long = tasks.create_task(call(tools, "slow", 600, seconds=600))
        await until_noted(tmp_path, "slow")
        with pytest.raises(ToolUnavailable, match="fake is busy with other calls"):
            await call(tools, "echo", 0.3, text="x")
        long.cancel()
        assert (await call(tools, "echo", text="my turn")).text == "my turn"


@pytest.mark.parametrize("protocol", ["auto", "legacy"])
@pytest.mark.proves("tools.mcp.progress")
async def test_how_far_a_call_is_comes_while_it_runs(tmp_path: Path, protocol: Any) -> None:
    told: asyncio.Queue[str] = asyncio.Queue()
    async with running(fake(tmp_path, protocol=protocol)) as tools, asyncio.TaskGroup() as tasks:
        with calling_with(tell=told.put):
            counting = tasks.create_task(call(tools, "count", to=4))
        async with asyncio.timeout(20):
            assert await told.get() == "25%: at 1"
        await call(tools, "go_on")
        assert (await counting).text == "counted to 4"


@pytest.mark.parametrize("protocol", ["auto", "legacy"])
@pytest.mark.proves("tools.mcp.elicitation_refused")
async def test_a_question_that_nobody_can_answer_is_cancelled(tmp_path: Path, protocol: Any) -> None:
    async with running(fake(tmp_path, protocol=protocol)) as tools:
        assert (await call(tools, "book", train="ICE1")).is_error
        assert (await call(tools, "echo", text="on")).text == "on"


@pytest.mark.proves("tools.mcp.isolation_of_people")
async def test_an_older_servers_question_goes_to_nobody_where_it_may_be_anothers(tmp_path: Path) -> None:
    async with running(fake(tmp_path, protocol="legacy")) as tools:
        with calling_with(channel="x", person="bob", can_ask=True):
            others = asyncio.ensure_future(call(tools, "slow", 600, seconds=600))
        await until_noted(tmp_path, "slow")
        with calling_with(channel="x", person="ann", can_ask=True):
            refused = await call(tools, "book", train="ICE1")
            assert refused.asks is None
            assert refused.is_error
        others.cancel()


@pytest.mark.slow
@pytest.mark.proves("tools.mcp.isolation_of_people")
async def test_isolated_people_have_a_server_each(tmp_path: Path) -> None:
    env = {"MEMORY": "/memories/${person}.json"}
    async with running(fake(tmp_path, isolation="person", env=env)) as tools:
        seen = {}
        for person in ("ann", "bob", "ann"):
            with calling_with(channel="telegram", person=person):
                seen[person] = (await call(tools, "variables")).data["MEMORY"]
        assert seen == {"ann": "/memories/telegram-ann.json", "bob": "/memories/telegram-bob.json"}


@pytest.mark.proves("tools.mcp.resources")
async def test_resources_are_listed_and_read_by_a_harmless_tool(tmp_path: Path) -> None:
    async with running(fake(tmp_path)) as tools:
        reading = next(spec for spec in tools.specs() if spec.name == "read_resource")
        assert reading.read_only
        listed = await tools.call("read_resource", {}, key="t1/s1", timeout_seconds=20)
        assert listed.text == "fake: notes://shopping (What to buy.)"
        read = await tools.call("read_resource", {"uri": "notes://shopping"}, key="t1/s1", timeout_seconds=20)
        assert read.text == "milk and bread"
        with pytest.raises(ToolError, match="fake cannot give 'notes://none'"):
            await tools.call("read_resource", {"uri": "notes://none"}, key="t1/s1", timeout_seconds=20)


@pytest.mark.proves("tools.mcp.sse")
async def test_a_server_is_called_over_sse_and_again_after_it_was_away(tmp_path: Path) -> None:
    web = WebMcpServer(tmp_path / "calls", "sse")
    async with web, running(ServerSettings("fake", url=web.url, transport="sse")) as tools:
        assert tools.health()[0].detail.endswith("over sse")
        assert (await call(tools, "add", a=1, b=2)).data == {"sum": 3}
        await web.kill()
        await web.start()
        assert (await call(tools, "echo", text="again")).text == "again"
