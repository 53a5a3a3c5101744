"""The MCP host against real servers: the time server of PyPI, our own over both transports, and one with no manners."""

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from orchestrator.errors import OutcomeUnknown, ToolError, ToolTimedOut, ToolUnavailable
from orchestrator.tools import mcp_server, mcp_transports
from orchestrator.tools.mcp import McpTools
from orchestrator.tools.mcp_config import ServerProblem, ServerSettings
from orchestrator.tools.spec import ToolResult, ToolsetHealth, ToolSpec
from tests.fakes import odd_mcp_server

ROOT = str(Path(__file__).parents[3])
LONG = 600.0  # seconds that no test waits
SECRET = "ERRAND_TEST_SECRET"

FAKE = ("-m", "tests.fakes.mcp_server")
TIME = ServerSettings("time", command="mcp-server-time", args=("--local-timezone=Europe/Rome",))
MISSING = ServerSettings("missing", command="no-such-server", place="mcpServers.missing", file="mcp.json")
MUTE = ServerSettings("mute", command="sleep", args=("999",))


class Calls:
    """What the fake servers wrote down."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def all(self, tool: str = "") -> list[dict[str, Any]]:
        lines = self.path.read_text().splitlines() if self.path.exists() else []
        return [entry for entry in map(json.loads, lines) if tool in ("", entry["tool"])]

    def pids(self, tool: str) -> list[int]:
        return [entry["pid"] for entry in self.all(tool)]


@pytest.fixture
def calls(tmp_path: Path) -> Calls:
    return Calls(tmp_path / "calls")


def fake(calls: Calls, *args: str, **settings: Any) -> ServerSettings:
    env = {"ERRAND_TEST_CALLS": str(calls.path)}
    return ServerSettings("fake", command="python", args=(*FAKE, *args), cwd=ROOT, env=env, **settings)


def odd(name: str = "odd", **script: Any) -> ServerSettings:
    args = ("-m", "tests.fakes.odd_mcp_server", json.dumps(script))
    return ServerSettings(name, command="python", args=args, cwd=ROOT)


def tool(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "inputSchema": {"type": "object"}, **more}


READ_ONLY = {"annotations": {"readOnlyHint": True}}


@asynccontextmanager
async def running(*servers: ServerSettings, **options: Any) -> AsyncIterator[McpTools]:
    tools = McpTools(servers, **{"wait_seconds": 20.0, **options})
    await tools.start()
    try:
        yield tools
    finally:
        await tools.stop()


async def call(tools: McpTools, name: str, /, timeout_seconds: float = 20.0, **arguments: Any) -> ToolResult:
    return await tools.call(name, arguments, key="t1/s1", timeout_seconds=timeout_seconds)


def health(tools: McpTools, name: str) -> ToolsetHealth:
    return next(each for each in tools.health() if each.name == name)


def specs(tools: McpTools) -> Mapping[str, ToolSpec]:
    return {spec.name: spec for spec in tools.specs()}


async def eventually(is_so: Callable[[], bool]) -> None:
    """Wait for something in another process: at most 5 s."""
    async with asyncio.timeout(20):
        while not is_so():
            await asyncio.sleep(0.01)


def is_alive(pid: int) -> bool:
    """A zombie is not: a grandchild stays one where nobody above reaps it."""
    listing = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return listing.stdout.strip()[:1] not in ("", "Z")


# --- One set of servers for all tests that leave them as they are -------------------------------------


@pytest.fixture(scope="module")
def shared_calls(tmp_path_factory: pytest.TempPathFactory) -> Calls:
    return Calls(tmp_path_factory.mktemp("mcp") / "calls")


@pytest.fixture(scope="module")
def secret() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(SECRET, "not for servers")
        yield


@pytest.fixture(scope="module")
async def shared(shared_calls: Calls, secret: None, anyio_backend: str) -> AsyncIterator[McpTools]:
    async with running(fake(shared_calls), TIME, MISSING) as tools:
        yield tools


@pytest.mark.proves("tools.mcp.stdio")
async def test_the_time_server_from_pypi_converts_a_time(shared: McpTools) -> None:
    result = await call(
        shared,
        "time__convert_time",
        source_timezone="Europe/Rome",
        time="12:00",
        target_timezone="Asia/Tokyo",
    )
    assert not result.is_error
    assert re.search(r"T(19|20):00:00\+09:00", result.data["target"]["datetime"])
    assert json.loads(result.text) == result.data


@pytest.mark.proves("tools.mcp.stdio")
async def test_tools_come_with_their_servers_name_and_promises(shared: McpTools) -> None:
    known = specs(shared)
    assert known["time__get_current_time"].read_only
    assert known["time__get_current_time"].source == "mcp:time"
    assert "timezone" in known["time__get_current_time"].properties
    assert known["fake__add"].required == ("a", "b")
    assert not known["fake__note"].read_only, "no hint means no promise"
    assert not known["fake__note"].is_repeatable


async def test_structured_content_is_data(shared: McpTools) -> None:
    assert (await call(shared, "fake__add", a=2, b=3)).data == {"sum": 5}


async def test_a_picture_is_named_and_not_shown(shared: McpTools) -> None:
    assert (await call(shared, "fake__picture")).text == "a cat\n[image image/png, 3.0 kB]"


async def test_a_tools_own_no_is_a_result(shared: McpTools) -> None:
    result = await call(shared, "fake__fail", text="the shop is closed")
    assert result.is_error
    assert "the shop is closed" in result.text


async def test_wrong_arguments_are_the_tools_own_no(shared: McpTools) -> None:
    assert (await call(shared, "fake__add", a="x")).is_error


async def test_twenty_calls_are_under_way_at_once(shared: McpTools) -> None:
    """The tool answers only once all twenty have arrived."""
    async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
        under_way = [tasks.create_task(call(shared, "fake__meet", parties=20)) for _ in range(20)]
    assert {task.result().text for task in under_way} == {"all are here"}


async def test_cancelling_a_call_cancels_it_at_the_server_and_leaves_the_session_usable(
    shared: McpTools, shared_calls: Calls
) -> None:
    before = len(shared_calls.all("slow"))
    under_way = asyncio.create_task(call(shared, "fake__slow", seconds=LONG))
    await eventually(lambda: len(shared_calls.all("slow")) == before + 1)
    under_way.cancel()
    with pytest.raises(asyncio.CancelledError):
        await under_way
    await eventually(lambda: "cancelled" in shared_calls.all("slow")[-1])
    await call(shared, "fake__echo", text="still there")
    assert shared_calls.pids("echo")[-1] == shared_calls.pids("slow")[-1]


async def test_a_slow_read_only_call_times_out(shared: McpTools) -> None:
    with pytest.raises(ToolTimedOut, match=r"slow of fake did not answer within 0\.2 s"):
        await call(shared, "fake__slow", 0.2, seconds=LONG)


@pytest.mark.proves("tools.mcp.outcome_unknown")
async def test_a_slow_call_that_changes_something_has_an_unknown_outcome(shared: McpTools) -> None:
    with pytest.raises(OutcomeUnknown, match=r"slow_note of fake .* it may have happened, or not"):
        await call(shared, "fake__slow_note", 0.2, seconds=LONG)
    assert (await call(shared, "fake__echo", text="on")).text == "on"


async def test_a_changed_list_of_tools_is_read_again(shared: McpTools) -> None:
    await call(shared, "fake__learn", name="juggle")
    await eventually(lambda: "fake__juggle" in specs(shared))


async def test_a_tool_that_nobody_has_is_unavailable(shared: McpTools) -> None:
    with pytest.raises(ToolUnavailable, match="There is no tool 'fake__fly'"):
        await call(shared, "fake__fly")


@pytest.mark.proves("tools.mcp.isolation")
async def test_a_servers_environment_holds_none_of_our_secrets(shared: McpTools) -> None:
    seen = (await call(shared, "fake__variables")).data
    assert SECRET not in seen
    assert "ERRAND_TEST_CALLS" in seen, "what its own entry names is there"
    assert "PATH" in seen


@pytest.mark.proves("tools.mcp.missing_binary")
async def test_a_missing_program_is_said_with_the_fix(shared: McpTools) -> None:
    expected = "command 'no-such-server' was not found: install it or fix mcpServers.missing.command in mcp.json"
    assert health(shared, "missing") == ToolsetHealth("missing", "failed", expected)
    with pytest.raises(ToolUnavailable, match="missing is not connected: command 'no-such-server' was not found"):
        await call(shared, "missing__anything")


async def test_health_tells_state_protocol_and_number_of_tools(shared: McpTools) -> None:
    assert health(shared, "time") == ToolsetHealth("time", "ready", "protocol 2026-07-28 over stdio", 2)


# --- Servers that die ---------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.proves("tools.mcp.reconnect", "tools.mcp.outcome_unknown")
async def test_a_server_that_dies_under_a_call_is_asked_again_only_for_what_changes_nothing(
    calls: Calls, tmp_path: Path
) -> None:
    async with running(fake(calls)) as tools:
        found = await call(tools, "fake__lookup", key="moon", crash_marker=str(tmp_path / "lookup"))
        assert found.text == "value of moon"
        assert len(set(calls.pids("lookup"))) == 2, "the second call went to a new process"

        with pytest.raises(OutcomeUnknown, match=r"note of fake lost its connection: it may have happened, or not\."):
            await call(tools, "fake__note", text="milk", crash_marker=str(tmp_path / "note"))
        assert len(calls.all("note")) == 1, "and it is never repeated by itself"
        assert (await call(tools, "fake__note", text="bread")).text == "noted bread"


@pytest.mark.slow
@pytest.mark.proves("tools.mcp.reconnect")
async def test_a_server_that_was_killed_while_idle_serves_the_next_call(calls: Calls) -> None:
    async with running(fake(calls)) as tools:
        await call(tools, "fake__echo", text="one")
        os.kill(calls.pids("echo")[0], signal.SIGKILL)
        assert (await call(tools, "fake__echo", text="two")).text == "two"
        assert len(set(calls.pids("echo"))) == 2


@pytest.mark.proves("tools.mcp.reconnect")
async def test_a_death_is_noticed_without_a_call_and_the_tools_stay_on_offer(calls: Calls) -> None:
    async with running(fake(calls)) as tools:
        await call(tools, "fake__echo", text="one")
        os.kill(calls.pids("echo")[0], signal.SIGKILL)
        await eventually(lambda: health(tools, "fake").state == "connecting")
        assert "its process ended with code -9" in health(tools, "fake").detail
        assert "fake__note" in specs(tools)
        assert (await call(tools, "fake__note", text="milk")).text == "noted milk", "it waits for the new process"
        assert len(calls.all("note")) == 1


@pytest.mark.slow
@pytest.mark.proves("tools.mcp.isolation")
async def test_the_death_of_a_server_leaves_a_neighbours_call_alone(calls: Calls, tmp_path: Path) -> None:
    other = Calls(tmp_path / "other")
    neighbour = ServerSettings(
        "other", command="python", args=FAKE, cwd=ROOT, env={"ERRAND_TEST_CALLS": str(other.path)}
    )
    async with running(fake(calls), neighbour) as tools, asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(call(tools, "other__meet", parties=2))
        await eventually(lambda: len(other.all("meet")) == 1)
        with pytest.raises(OutcomeUnknown):
            await call(tools, "fake__die")
        await call(tools, "other__meet", parties=2)
        assert (await waiting).text == "all are here"


async def test_a_server_that_leaves_at_once_is_reported_with_its_last_words() -> None:
    leaver = ServerSettings("leaver", command="python", args=("-c", "raise SystemExit('no licence\\x1b[31m')"))
    async with running(leaver) as tools:
        assert health(tools, "leaver").state == "failed"
        assert health(tools, "leaver").detail == "its process ended with code 1: no licence[31m"


@pytest.mark.slow
@pytest.mark.proves("tools.mcp.isolation")
async def test_a_server_that_never_answers_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mcp_transports, "GRACE_SECONDS", 0.3)
    async with running(odd(pages=[[tool("hello")]]), MUTE, connect_timeout_seconds=3.0, wait_seconds=0.1) as tools:
        await eventually(lambda: "odd__hello" in specs(tools))
        assert health(tools, "mute").state == "connecting"
        await eventually(lambda: health(tools, "mute").state == "failed")
        assert health(tools, "mute").detail == "it did not answer within 3 s"


async def test_a_call_waits_for_a_server_that_is_still_starting(calls: Calls) -> None:
    async with running(fake(calls), wait_seconds=0.0) as tools:
        assert tools.specs() == []
        assert (await call(tools, "fake__echo", text="good morning")).text == "good morning"


@pytest.fixture
def endless_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mcp_server, "FIRST_PAUSE_SECONDS", LONG)


@pytest.mark.usefixtures("endless_pauses")
async def test_a_server_that_failed_is_tried_again_at_once_when_it_is_needed(tmp_path: Path) -> None:
    script = json.dumps({"pages": [[tool("hello")]], "answers": {"hello": {"content": []}}})
    args = (str(Path(odd_mcp_server.__file__)), script)
    server = ServerSettings("odd", command="python", args=args, cwd=str(tmp_path / "later"))
    async with running(server) as tools:
        assert health(tools, "odd").state == "failed"
        (tmp_path / "later").mkdir()
        assert not (await call(tools, "odd__hello")).is_error


@pytest.mark.usefixtures("endless_pauses")
async def test_stopping_does_not_wait_for_the_next_try() -> None:
    async with asyncio.timeout(20), running(MISSING) as tools:
        assert health(tools, "missing").state == "failed"


# --- The end ------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.proves("tools.mcp.process_group")
async def test_stopping_ends_servers_and_all_that_they_started(calls: Calls, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mcp_transports, "GRACE_SECONDS", 0.3)
    stubborn = ServerSettings(
        "stubborn", command="python", args=(*FAKE, "--stubborn"), cwd=ROOT, env={"ERRAND_TEST_CALLS": str(calls.path)}
    )
    async with running(fake(calls), stubborn, MUTE, wait_seconds=0.1) as tools:
        grandchildren = [(await call(tools, name)).data["result"] for name in ("fake__spawn", "stubborn__spawn")]
        await call(tools, "fake__echo", text="x")
        await call(tools, "stubborn__echo", text="x")
        servers = calls.pids("echo")
        assert all(map(is_alive, [*servers, *grandchildren]))
        await tools.stop()
        assert not any(map(is_alive, [*servers, *grandchildren]))
        assert len(calls.all("stay")) == 2, "the stubborn one was asked twice before"
        assert all(os.getpgid(0) != pid for pid in servers), "they were no part of our own group"
    assert health(tools, "mute") == ToolsetHealth("mute", "failed", "it is stopped"), "a second stop does no harm"


@pytest.mark.proves("tools.mcp.process_group")
async def test_a_server_and_its_children_die_even_if_their_cleanup_is_cancelled_twice(calls: Calls) -> None:
    """As on a second Ctrl-C, while a stubborn server is given its time."""
    others = asyncio.all_tasks()
    tools = McpTools([fake(calls, "--stubborn")], wait_seconds=20.0)
    await tools.start()
    grandchild = (await call(tools, "fake__spawn")).data["result"]
    ours = asyncio.all_tasks() - others
    async with asyncio.timeout(20):
        stopping = asyncio.create_task(tools.stop())
        await eventually(lambda: bool(calls.all("stay")))
        for _ in range(2):
            for task in ours:
                task.cancel()
            await asyncio.sleep(0)
        await asyncio.wait([stopping, *ours])
    await eventually(lambda: not is_alive(grandchild) and not is_alive(calls.pids("stay")[0]))


async def test_stopping_what_was_never_started_is_fine() -> None:
    await McpTools([TIME]).stop()


def test_a_run_without_servers_does_not_load_mcp() -> None:
    program = (
        "import asyncio, sys; from orchestrator.tools.mcp import McpTools; asyncio.run(McpTools([]).start());"
        "print('mcp' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


# --- Servers without manners --------------------------------------------------------------------------


async def test_all_pages_are_listed_and_a_change_is_heard_from_an_older_server() -> None:
    server = odd(
        pages=[[tool("one")], [tool("two")], [tool("three")]],
        grown=[[tool("one"), tool("four")]],
        answers={"one": {"content": [{"type": "text", "text": "[1, 2]"}]}},
    )
    async with running(server) as tools:
        assert list(specs(tools)) == ["odd__one", "odd__two", "odd__three"]
        assert (await call(tools, "odd__one")).data == [1, 2], "text that is one JSON document is data too"
        await eventually(lambda: list(specs(tools)) == ["odd__one", "odd__four"])
        assert health(tools, "odd").detail == "protocol 2025-11-25 over stdio"


async def test_names_fit_every_provider_and_two_that_become_one_are_left_out() -> None:
    long = "a_very_long_name_" * 8
    pages = [[tool("mail/send"), tool("mail.send"), tool(long + "x"), tool(long + "y"), tool("grüße")]]
    async with running(odd("my notes", pages=pages)) as tools:
        names = list(specs(tools))
        assert len(names) == 3
        assert all(re.fullmatch(r"[A-Za-z0-9_-]{1,64}", name) for name in names)
        assert names[0] != names[1]
        assert names[2] == "my_notes__gr__e"
        assert health(tools, "my notes").tools == 3
        assert "mail/send (another tool becomes my_notes__mail_send too)" in health(tools, "my notes").detail


async def test_tools_that_we_cannot_serve_are_left_out_and_named() -> None:
    pages = [
        [
            tool("research", execution={"taskSupport": "required"}),
            tool("broken", inputSchema={"type": "object", "properties": {"a": {"type": "strnig"}}}),
            tool("fine"),
        ]
    ]
    async with running(odd(pages=pages)) as tools:
        assert list(specs(tools)) == ["odd__fine"]
        detail = health(tools, "odd").detail
        assert "left out: research (works only as a task), broken (its schema is none: 'strnig'" in detail


async def test_descriptions_hold_nothing_that_a_person_would_not_see() -> None:
    hidden = "Adds.\u200b\u202eevil\u2066\x1b[8m\U000e0041"
    schema = {"type": "object", "properties": {"a": {"type": "string", "description": hidden, "enum": ["\u200b"]}}}
    async with running(odd(pages=[[tool("a", description=hidden + "x" * 9000, inputSchema=schema)]])) as tools:
        (spec,) = tools.specs()
    assert spec.description.startswith("Adds.evil[8mxxx")
    assert len(spec.description) == 4000
    assert (spec.source, spec.version) == ("mcp:odd", "1"), "whose it is, and of which version of the server"
    assert spec.properties["a"]["description"] == "Adds.evil[8m"
    assert spec.properties["a"]["enum"] == ["\u200b"], "values stay as they are"


@pytest.mark.proves("tools.mcp.isolation")
async def test_an_answer_that_breaks_the_protocol_is_the_trouble_of_one_call() -> None:
    server = odd(
        pages=[[tool("look", **READ_ONLY), tool("buy"), tool("typed", outputSchema={"type": "object"}, **READ_ONLY)]],
        answers={
            "look": {"content": "no list"},
            "buy": {"content": [{"type": "smell"}]},
            "typed": {"content": []},
        },
    )
    async with running(server) as tools:
        with pytest.raises(ToolError, match="look of odd gave an answer that cannot be read: the answer breaks") as e:
            await call(tools, "odd__look")
        assert type(e.value) is ToolError
        with pytest.raises(OutcomeUnknown, match="buy of odd gave an answer that cannot be read"):
            await call(tools, "odd__buy")
        with pytest.raises(ToolError, match="did not return structured content"):
            await call(tools, "odd__typed")
        assert health(tools, "odd").state == "ready"


async def test_an_error_of_the_protocol_is_a_tool_error_even_with_the_code_of_a_lost_connection() -> None:
    answers = {"a": {"error": {"code": -32000, "message": "quota used up"}}}
    async with running(odd(pages=[[tool("a")]], answers=answers)) as tools:
        with pytest.raises(ToolError, match="quota used up") as e:
            await call(tools, "odd__a")
        assert type(e.value) is ToolError
        assert health(tools, "odd").state == "ready"


async def test_a_list_that_breaks_the_protocol_is_said() -> None:
    async with running(odd(pages=[[{"name": "a"}]])) as tools:
        assert health(tools, "odd").state == "failed"
        assert "the answer breaks the protocol at tools.0.inputSchema: Field required" in health(tools, "odd").detail


async def test_a_large_result_is_cut_and_says_so() -> None:
    answers = {
        "text": {"content": [{"type": "text", "text": "x" * 5000}]},
        "data": {"content": [], "structuredContent": {"rows": ["y" * 5000]}},
    }
    async with running(odd(pages=[[tool("text"), tool("data")]], answers=answers), result_limit=1000) as tools:
        text = await call(tools, "odd__text")
        assert text.text == "x" * 1000 + "\n[cut: this is the beginning, 1000 of 5000 characters]"
        data = await call(tools, "odd__data")
        assert data.text.startswith('{"rows": ["yyy')
        assert data.data is None


# --- Settings of one server ---------------------------------------------------------------------------


async def test_allow_and_deny_choose_among_a_servers_tools() -> None:
    pages = [[tool("read_file"), tool("read_secret"), tool("write_file")]]
    chosen = odd(pages=pages)
    chosen = ServerSettings(
        "odd", command=chosen.command, args=chosen.args, cwd=ROOT, allow=("read_*",), deny=("*_secret",)
    )
    async with running(chosen) as tools:
        assert list(specs(tools)) == ["odd__read_file"]


async def test_a_servers_own_timeout_stands_before_the_callers(calls: Calls) -> None:
    async with running(fake(calls, timeout_seconds=0.2)) as tools:
        with pytest.raises(ToolTimedOut, match=r"within 0\.2 s"):
            await call(tools, "fake__slow", LONG, seconds=LONG)


async def test_disabled_servers_and_problems_of_the_file_are_in_the_health() -> None:
    problem = ServerProblem("files", "mcp.json", 7, "mcpServers.files.args[1]", "must be text, and is null", "write it")
    disabled = ServerSettings("mail", disabled=True, file="mcp.json")
    async with running(disabled, problems=[problem]) as tools:
        assert tools.health() == [
            ToolsetHealth(
                "files", "failed", "mcp.json line 7: mcpServers.files.args[1] must be text, and is null: write it"
            ),
            ToolsetHealth("mail", "disabled", "it is disabled in mcp.json"),
        ]


async def test_a_folder_that_is_not_there_is_said_with_the_fix() -> None:
    server = ServerSettings("a", command="python", cwd="/no/such", place="mcpServers.a", file="mcp.json")
    async with running(server) as tools:
        assert (
            health(tools, "a").detail == "folder '/no/such' is not there: create it or fix mcpServers.a.cwd in mcp.json"
        )


# --- Streamable HTTP ----------------------------------------------------------------------------------


class HttpServer:
    """The fake server as a process on a port that stays the same over restarts."""

    def __init__(self, calls: Calls) -> None:
        self.calls = calls
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.process: asyncio.subprocess.Process | None = None

    def settings(self, **more: Any) -> ServerSettings:
        return ServerSettings("web", url=f"http://127.0.0.1:{self.port}/mcp", transport="http", **more)

    async def start(self) -> None:
        self.process = await asyncio.create_subprocess_exec(
            sys.executable,
            *FAKE,
            "--http",
            str(self.port),
            cwd=ROOT,
            env={**os.environ, "ERRAND_TEST_CALLS": str(self.calls.path)},
            stderr=asyncio.subprocess.DEVNULL,
        )
        async with asyncio.timeout(20):
            while not await self._answers():
                await asyncio.sleep(0.01)

    async def _answers(self) -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return False
        writer.close()
        await writer.wait_closed()
        return True

    async def hang_up_on_the_next(self) -> None:
        """Take one connection on the port, and drop it without a word."""
        dropped = asyncio.Event()

        async def drop(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.close()
            dropped.set()

        async with asyncio.timeout(20), await asyncio.start_server(drop, "127.0.0.1", self.port):
            await dropped.wait()

    async def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            await self.process.wait()
            self.process = None


@pytest.fixture
async def web(calls: Calls) -> AsyncIterator[HttpServer]:
    server = HttpServer(calls)
    await server.start()
    try:
        yield server
    finally:
        await server.kill()


@pytest.mark.proves("tools.mcp.http")
async def test_a_server_is_called_over_http_with_its_headers(web: HttpServer) -> None:
    async with running(web.settings(headers={"X-Team": "blue"})) as tools:
        assert (await call(tools, "web__add", a=1, b=2)).data == {"sum": 3}
        assert (await call(tools, "web__header", name="x-team")).text == "blue"
        assert health(tools, "web").detail == "protocol 2026-07-28 over http"


@pytest.mark.proves("tools.mcp.http")
async def test_cancelling_a_call_over_http_cancels_it_at_the_server(web: HttpServer, calls: Calls) -> None:
    async with running(web.settings()) as tools:
        with pytest.raises(ToolTimedOut):
            await call(tools, "web__slow", 0.3, seconds=LONG)
        await eventually(lambda: "cancelled" in calls.all("slow")[-1])
        assert (await call(tools, "web__echo", text="on")).text == "on"


@pytest.mark.proves("tools.mcp.http", "tools.mcp.reconnect")
@pytest.mark.parametrize("protocol", ["auto", "legacy"])
async def test_an_http_server_that_was_away_serves_again(web: HttpServer, calls: Calls, protocol: Any) -> None:
    """What never reached it is not "unknown": even a tool that changes something is called, exactly once."""
    async with running(web.settings(protocol=protocol)) as tools:
        await call(tools, "web__echo", text="one")
        await web.kill()
        with pytest.raises(ToolUnavailable, match=r"web is not connected: 127\.0\.0\.1 cannot be reached"):
            await call(tools, "web__note", text="lost")
        await web.start()
        assert (await call(tools, "web__note", text="milk")).text == "noted milk"
        await web.kill()
        await web.start()  # an older session is forgotten now, without a moment of silence
        assert (await call(tools, "web__note", text="bread")).text == "noted bread"
        assert [entry["arguments"]["text"] for entry in calls.all("note")] == ["milk", "bread"]


@pytest.mark.slow
@pytest.mark.proves("tools.mcp.http", "tools.mcp.outcome_unknown")
async def test_an_http_server_that_dies_under_calls(web: HttpServer, calls: Calls) -> None:
    async with running(web.settings()) as tools, asyncio.TaskGroup() as tasks:
        looking = tasks.create_task(call(tools, "web__slow", seconds=1.0))
        noting = asyncio.create_task(call(tools, "web__slow_note", seconds=LONG))
        await eventually(lambda: len(calls.all()) == 2)
        await web.kill()
        with pytest.raises(OutcomeUnknown, match="slow_note of web lost its connection"):
            await noting
        await web.hang_up_on_the_next()  # asking again meets a dying server: that must not count as the second try
        await web.start()
        assert (await looking).text == "at last"
        assert len(calls.all("slow_note")) == 1


@asynccontextmanager
async def answering(status: str) -> AsyncIterator[int]:
    """An HTTP server that has one answer to everything; its port."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


@pytest.mark.parametrize("status", ["401 Unauthorized", "404 Not Found", "502 Bad Gateway"])
async def test_an_http_refusal_is_said_as_it_is(status: str) -> None:
    async with answering(status) as port:
        url = f"http://127.0.0.1:{port}/mcp"
        async with running(ServerSettings("web", url=url, transport="http")) as tools:
            assert health(tools, "web") == ToolsetHealth("web", "failed", f"HTTP {status}")
