"""The host against servers that others have written: killed in mid-call, hung, restarted with other tools."""

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from orchestrator.errors import OutcomeUnknown, ToolTimedOut
from orchestrator.tools.asking import Asking
from orchestrator.tools.calling import calling_with
from orchestrator.tools.mcp import McpTools
from orchestrator.tools.mcp_config import ServerSettings
from orchestrator.tools.spec import ToolResult
from tests.node_packages import installed

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300), pytest.mark.proves("tools.mcp.real_servers")]


@asynccontextmanager
async def running(*servers: ServerSettings) -> AsyncIterator[McpTools]:
    tools = McpTools(servers, wait_seconds=30)
    await tools.start()
    try:
        assert [health.state for health in tools.health()] == ["ready"] * len(servers), tools.health()
        yield tools
    finally:
        await tools.stop()


async def call(tools: McpTools, name: str, timeout_seconds: float = 30.0, /, **arguments: Any) -> ToolResult:
    return await tools.call(name, arguments, key="t1/s1", timeout_seconds=timeout_seconds)


def of_npm(config: pytest.Config, name: str, *arguments: str, **more: Any) -> ServerSettings:
    program = installed("servers", config) / "@modelcontextprotocol" / f"server-{name}" / "dist" / "index.js"
    return ServerSettings(name, command="node", args=(str(program), *arguments), **more)


def children() -> set[int]:
    """The processes that we have started and that still run."""
    listing = subprocess.run(["ps", "-eo", "pid=,ppid=,comm="], capture_output=True, text=True, check=True)
    lines = (line.split(None, 2) for line in listing.stdout.splitlines())
    return {int(pid) for pid, parent, name in lines if int(parent) == os.getpid() and name != "ps"}


@pytest.fixture
def server() -> Callable[[], int]:
    """The process of the one server that a test has started. By difference: programs give themselves other names."""
    before = children()

    def pid() -> int:
        (found,) = children() - before
        return found

    return pid


async def test_time(server: Callable[[], int]) -> None:
    async with running(ServerSettings("time", command="mcp-server-time")) as tools:
        assert "Europe/Rome" in (await call(tools, "time__get_current_time", timezone="Europe/Rome")).text
        os.kill(server(), signal.SIGKILL)
        assert "Asia/Tokyo" in (await call(tools, "time__get_current_time", timezone="Asia/Tokyo")).text


async def test_git(tmp_path: Path) -> None:
    if shutil.which("mcp-server-git", path=str(Path(sys.executable).parent)) is None:
        pytest.skip("mcp-server-git is not here: pip install mcp-server-git")
    for command in (["init", "-q", "-b", "trunk"], ["commit", "-q", "--allow-empty", "-m", "first words"]):
        who = ["-c", "user.name=Ann", "-c", "user.email=ann@corp.example"]
        subprocess.run(["git", "-C", str(tmp_path), *who, *command], check=True)
    git = ServerSettings("git", command="mcp-server-git", args=("--repository", str(tmp_path)))
    async with running(git) as tools:
        known = {spec.name: spec for spec in tools.specs()}
        assert known["git__git_log"].read_only
        assert not known["git__git_commit"].read_only
        assert "first words" in (await call(tools, "git__git_log", repo_path=str(tmp_path))).text


async def test_files_stay_in_their_folder(tmp_path: Path, pytestconfig: pytest.Config) -> None:
    async with running(of_npm(pytestconfig, "filesystem", str(tmp_path))) as tools:
        place = str(tmp_path / "note.txt")
        await call(tools, "filesystem__write_file", path=place, content="milk")
        assert (await call(tools, "filesystem__read_text_file", path=place)).text == "milk"
        assert (await call(tools, "filesystem__read_text_file", path="/etc/passwd")).is_error


@pytest.mark.proves("tools.mcp.isolation_of_people")
async def test_a_memory_that_is_one_for_all_is_one_for_each(tmp_path: Path, pytestconfig: pytest.Config) -> None:
    env = {"MEMORY_FILE_PATH": f"{tmp_path}/${{person}}.json"}
    async with running(of_npm(pytestconfig, "memory", env=env, isolation="person")) as tools:
        moon = [{"name": "moon", "entityType": "thing", "observations": ["round"]}]
        with calling_with(channel="x", person="ann"):
            await call(tools, "memory__create_entities", entities=moon)
            assert "round" in (await call(tools, "memory__read_graph")).text
        with calling_with(channel="x", person="bob"):
            assert "round" not in (await call(tools, "memory__read_graph")).text
    assert sorted(file.name for file in tmp_path.iterdir()) == ["x-ann.json"]


@pytest.fixture
def everything(pytestconfig: pytest.Config) -> ServerSettings:
    return of_npm(pytestconfig, "everything")


async def test_everything_is_read_as_it_is_meant(everything: ServerSettings) -> None:
    async with running(everything) as tools:
        known = {spec.name for spec in tools.specs()}
        assert "read_resource" in known
        assert not [name for name in known if "research" in name], "what works only as a task is hidden"
        assert (await call(tools, "everything__get-sum", a=2, b=3)).text == "The sum of 2 and 3 is 5."
        structured = await call(tools, "everything__get-structured-content", location="Chicago")
        assert structured.data["temperature"]
        (picture,) = (await call(tools, "everything__get-tiny-image")).files
        assert picture.mime == "image/png"
        assert "[link " in (await call(tools, "everything__get-resource-links", count=2)).text
        filled = await tools.fill("everything__args-prompt", {"city": "Rome"}, timeout_seconds=30)
        assert "Rome" in filled


async def test_progress_comes_while_it_runs(everything: ServerSettings) -> None:
    told: list[str] = []

    async def tell(words: str) -> None:
        told.append(words)

    async with running(everything) as tools:
        with calling_with(tell=tell):
            await call(tools, "everything__trigger-long-running-operation", duration=2, steps=4)
    assert told
    assert all("%" in words for words in told)


async def test_a_server_is_killed_in_the_middle_of_a_call(
    everything: ServerSettings, server: Callable[[], int]
) -> None:
    async with running(everything) as tools:
        long = "everything__trigger-long-running-operation"
        under_way = asyncio.ensure_future(call(tools, long, duration=600, steps=600))
        with calling_with(tell=_nothing):
            await call(tools, "everything__echo", message="it is at work")
        os.kill(server(), signal.SIGKILL)
        repeatable = next(spec for spec in tools.specs() if spec.name == long).is_repeatable
        if repeatable:
            under_way.cancel()
        else:
            with pytest.raises(OutcomeUnknown):
                await under_way
        assert (await call(tools, "everything__echo", message="again")).text == "Echo: again"


async def _nothing(words: str) -> None:
    pass


async def test_a_server_hangs_and_goes_on(everything: ServerSettings, server: Callable[[], int]) -> None:
    async with running(everything) as tools:
        pid = server()
        os.kill(pid, signal.SIGSTOP)
        with pytest.raises((ToolTimedOut, OutcomeUnknown)):
            await call(tools, "everything__echo", 0.5, message="anybody?")
        os.kill(pid, signal.SIGCONT)
        assert (await call(tools, "everything__echo", message="back")).text == "Echo: back"


async def test_its_question_is_answered(everything: ServerSettings) -> None:
    async with running(everything) as tools:
        with calling_with(channel="x", person="ann", can_ask=True):
            asked = (await call(tools, "everything__trigger-elicitation-request")).asks
            assert isinstance(asked, Asking)
            (inquiry,) = asked.inquiries
            given = {inquiry.key: dict.fromkeys(inquiry.required, "Ann")}
            with calling_with(asked=asked.model_copy(update={"given": given})):
                assert "Ann" in (await call(tools, "everything__trigger-elicitation-request")).text


async def test_it_is_restarted_with_other_tools(
    tmp_path: Path, pytestconfig: pytest.Config, server: Callable[[], int]
) -> None:
    """The same command, and behind it another server."""
    root = installed("servers", pytestconfig) / "@modelcontextprotocol"
    program = tmp_path / "server.mjs"
    program.write_text(f"await import({str(root / 'server-everything/dist/index.js')!r})")
    async with running(ServerSettings("it", command="node", args=(str(program),))) as tools:
        assert "it__echo" in {spec.name for spec in tools.specs()}
        files = f"await import({str(root / 'server-filesystem/dist/index.js')!r})"
        program.write_text(f"process.argv.push({str(tmp_path)!r}); {files}")
        os.kill(server(), signal.SIGKILL)
        async with asyncio.timeout(30):
            while "it__read_text_file" not in {spec.name for spec in tools.specs()}:
                await asyncio.sleep(0.05)
        assert "it__echo" not in {spec.name for spec in tools.specs()}


async def test_everything_over_http_goes_on_after_it_was_away(pytestconfig: pytest.Config) -> None:
    program = installed("servers", pytestconfig) / "@modelcontextprotocol/server-everything/dist/index.js"
    port = free_port()
    env = {**os.environ, "PORT": str(port)}

    async def started() -> asyncio.subprocess.Process:
        none = asyncio.subprocess.DEVNULL
        process = await asyncio.create_subprocess_exec(
            "node", program, "streamableHttp", env=env, stdout=none, stderr=none
        )
        async with asyncio.timeout(30):
            while not await listens(port):
                await asyncio.sleep(0.05)
        return process

    process = await started()
    try:
        url = f"http://127.0.0.1:{port}/mcp"
        async with running(ServerSettings("everything", url=url, transport="http")) as tools:
            assert (await call(tools, "everything__echo", message="one")).text == "Echo: one"
            process.kill()
            await process.wait()
            process = await started()
            assert (await call(tools, "everything__echo", message="two")).text == "Echo: two"
    finally:
        process.kill()
        await process.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    await writer.wait_closed()
    return True
