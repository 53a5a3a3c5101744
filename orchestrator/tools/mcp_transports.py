"""The ways to an MCP server: a child process of ours, and an HTTP endpoint of today or of before."""

import asyncio
import os
import shutil
import signal
import sys
from asyncio.subprocess import PIPE, SubprocessStreamProtocol
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import httpx2
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.client._transport import TransportStreams
from mcp.client.auth import OAuthFlowError
from mcp.client.sse import sse_client
from mcp.client.stdio import get_default_environment
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.message import SessionMessage
from mcp_types import CONNECTION_CLOSED, INVALID_REQUEST, METHOD_NOT_FOUND, jsonrpc_message_adapter
from pydantic import ValidationError

from orchestrator.errors import ToolUnavailable
from orchestrator.tools.mcp_access import RenewalDue
from orchestrator.tools.mcp_config import ServerSettings

MESSAGE_LIMIT = 32 * 2**20  # bytes of one message; mcp's own limit for one SSE event is 1 MiB, too small for a page
GRACE_SECONDS = 2.0  # what the specification's shutdown leaves to the client: as long as mcp 2.3 gives
POLL_SECONDS = 0.01

NOT_SENT = -32098
"""Our own error code: the request has not reached the server, so repeating it is safe."""


SIGN_IN = -32097
"""Our own error code: the server wants a sign-in, and there is none that it takes."""


class LastWords:
    """What a server left behind: the last lines that it wrote beside the protocol, and its exit code.

    For the operator, and not to be trusted.
    """

    def __init__(self) -> None:
        self._lines: deque[str] = deque(maxlen=3)
        self.exit_code: int | None = None

    def note(self, line: bytes) -> None:
        if words := line[:2000].decode(errors="replace").strip():
            self._lines.append(words)

    def __str__(self) -> str:
        return " / ".join(self._lines)


def transport_to(
    settings: ServerSettings,
    *,
    lost: asyncio.Event,
    words: LastWords,
    connect_timeout_seconds: float,
    auth: httpx2.Auth | None = None,
) -> AbstractAsyncContextManager[TransportStreams]:
    """The way to one server, to be entered once. `lost` is set as soon as it is known to be gone."""
    match settings.transport:
        case "http":
            return _http(settings, connect_timeout_seconds, auth)
        case "sse":
            return _sse(settings, connect_timeout_seconds, auth, lost)
        case "stdio":
            return _process(settings, lost, words)


# --- A child process ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Child:
    """A running server. Its pid is also the number of its process group."""

    transport: asyncio.SubprocessTransport
    stdin: asyncio.StreamWriter
    stdout: asyncio.StreamReader
    stderr: asyncio.StreamReader


@asynccontextmanager
async def _process(
    settings: ServerSettings, lost: asyncio.Event, words: LastWords
) -> AsyncGenerator[TransportStreams, None]:
    """A server's pipes as streams of messages.

    Not mcp's stdio_client: that one ends the process group only where the server outlives its stdin, so a server
    that leaves politely leaves its own children behind (run 2026-11, mcp 2.3.0), and it keeps the exit to itself.
    """
    child = await _spawn(settings)
    to_session, from_server = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    to_server, from_session = anyio.create_memory_object_stream[SessionMessage](0)
    async with to_session, from_server, to_server, from_session, anyio.create_task_group() as tasks:
        tasks.start_soon(_read, child.stdout, to_session, lost, words)
        tasks.start_soon(_write, child.stdin, from_session, lost)
        tasks.start_soon(_overhear, child.stderr, words)
        try:
            yield from_server, to_server
        finally:
            with anyio.CancelScope(shield=True):
                left_by_itself = lost.is_set()
                await _end(child)
                words.exit_code = child.transport.get_returncode() if left_by_itself else None
            tasks.cancel_scope.cancel()


async def _spawn(settings: ServerSettings) -> _Child:
    loop = asyncio.get_running_loop()
    transport, pipes = await loop.subprocess_exec(
        lambda: SubprocessStreamProtocol(limit=MESSAGE_LIMIT, loop=loop),
        find_command(settings),
        *settings.args,
        stdin=PIPE,
        stdout=PIPE,
        stderr=PIPE,
        env=environment(settings),
        cwd=settings.cwd,
        start_new_session=True,
    )
    assert pipes.stdin and pipes.stdout and pipes.stderr  # noqa: PT018 - three times PIPE
    return _Child(transport, pipes.stdin, pipes.stdout, pipes.stderr)


def environment(settings: ServerSettings) -> dict[str, str]:
    """What a server may know: where home and the programs are, and what its entry names. Never our own secrets."""
    return get_default_environment() | dict(settings.env)


def find_command(settings: ServerSettings) -> str:
    """The program's path. A bare name is looked for beside our own Python first: there pip puts servers."""
    command = settings.command or ""
    if settings.cwd is not None and not Path(settings.cwd).is_dir():
        raise ToolUnavailable(f"folder {settings.cwd!r} is not there: create it or fix {_spot(settings, 'cwd')}")
    if os.sep in command:
        found = shutil.which(Path(settings.cwd or "") / command)
    else:
        places = str(Path(sys.executable).parent), environment(settings).get("PATH", os.defpath)
        found = shutil.which(command, path=os.pathsep.join(places))
    if found is None:
        raise ToolUnavailable(f"command {command!r} was not found: install it or fix {_spot(settings, 'command')}")
    return found


def _spot(settings: ServerSettings, field: str) -> str:
    return f"{settings.place}.{field} in {settings.file}"


async def _read(
    stdout: asyncio.StreamReader,
    into: MemoryObjectSendStream[SessionMessage | Exception],
    lost: asyncio.Event,
    words: LastWords,
) -> None:
    async with into:
        while line := await stdout.readline():
            try:
                message = jsonrpc_message_adapter.validate_json(line, by_name=False)
            except ValidationError:
                words.note(line)  # a banner or a stray print
                continue
            # Nobody may listen any more. Read on: a server with a full pipe could not leave.
            with suppress(anyio.BrokenResourceError):
                await into.send(SessionMessage(message))
        lost.set()


async def _write(
    stdin: asyncio.StreamWriter, messages: MemoryObjectReceiveStream[SessionMessage], lost: asyncio.Event
) -> None:
    try:
        async for item in messages:
            stdin.write(item.message.model_dump_json(by_alias=True, exclude_unset=True).encode() + b"\n")
            await stdin.drain()
    except ConnectionError:
        lost.set()


async def _overhear(stderr: asyncio.StreamReader, words: LastWords) -> None:
    """Read stderr, always: a server with a full pipe would stand still."""
    while chunk := await stderr.read(2**16):
        for line in chunk.splitlines():
            words.note(line)


async def _end(child: _Child) -> None:
    """Ask, then insist: stdin closed, SIGTERM, SIGKILL, the signals to the whole group. At most six seconds."""
    group = child.transport.get_pid()
    try:
        child.stdin.close()
        await _until(lambda: child.transport.get_returncode() is not None)
        for sign in (signal.SIGTERM, signal.SIGKILL):
            if not _signal(group, sign):
                return
            await _until(lambda: not _signal(group, 0))
    finally:  # also where this cleanup itself was cancelled
        _signal(group, signal.SIGKILL)
        child.transport.close()


async def _until(is_so: Callable[[], bool]) -> None:
    """Wait until it is so, at most the grace. By polling: a process whose children hold its pipes never
    "ends" for asyncio, and the end of a group is announced by nobody."""
    with anyio.move_on_after(GRACE_SECONDS):
        while not is_so():  # noqa: ASYNC110 - as said above
            await asyncio.sleep(POLL_SECONDS)


def _signal(group: int, sign: int) -> bool:
    """Signal a process group; False if nobody is left. Its number is the pid of the server, who leads it."""
    try:
        os.killpg(group, sign)
    except (ProcessLookupError, PermissionError):  # macOS says EPERM for a group of zombies
        return False
    return True


# --- An HTTP endpoint ---------------------------------------------------------------------------------


@asynccontextmanager
async def _http(
    settings: ServerSettings, connect_timeout_seconds: float, auth: httpx2.Auth | None
) -> AsyncGenerator[TransportStreams, None]:
    # No read timeout: calls have their own, and mcp's 300 s would cut a longer call and its whole connection.
    timeout = httpx2.Timeout(connect_timeout_seconds, read=None)
    async with (
        _Http(headers=dict(settings.headers), timeout=timeout, auth=auth) as client,
        streamable_http_client(settings.url or "", http_client=client, max_sse_event_size=MESSAGE_LIMIT) as streams,
    ):
        yield streams


@asynccontextmanager
async def _sse(
    settings: ServerSettings, connect_timeout_seconds: float, auth: httpx2.Auth | None, lost: asyncio.Event
) -> AsyncGenerator[TransportStreams, None]:
    """The transport of before 2025: one stream that brings every answer. Its end is the connection's."""

    def client(
        headers: dict[str, str] | None = None, timeout: httpx2.Timeout | None = None, auth: httpx2.Auth | None = None
    ) -> httpx2.AsyncClient:
        limited = httpx2.Timeout(connect_timeout_seconds, read=None)
        return httpx2.AsyncClient(headers=headers, timeout=limited, auth=auth)

    to_session, from_server = anyio.create_memory_object_stream[SessionMessage | Exception](0)

    async def pass_on(messages: MemoryObjectReceiveStream[SessionMessage | Exception]) -> None:
        async with to_session:
            async for message in messages:
                await to_session.send(message)
        lost.set()

    async with (
        to_session,
        from_server,
        sse_client(settings.url or "", dict(settings.headers), httpx_client_factory=client, auth=auth) as (
            messages,
            to_server,
        ),
        anyio.create_task_group() as tasks,
    ):
        tasks.start_soon(pass_on, messages)
        yield from_server, to_server
        tasks.cancel_scope.cancel()


class _Http(httpx2.AsyncClient):
    """Answers with a JSON-RPC error where a request fails below MCP.

    mcp 2.3 lets such a failure end the connection and all calls on it, and cancels the task that entered it
    (python-sdk#3560). This way it is the error of one request, and says whether the request was sent.
    """

    async def send(self, request: httpx2.Request, **options: Any) -> httpx2.Response:
        try:
            response = await super().send(request, **options)
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout) as error:
            return _refusal(request, 503, NOT_SENT, f"{request.url.host} cannot be reached: {error}")
        except httpx2.TransportError as error:
            return _refusal(request, 502, CONNECTION_CLOSED, f"HTTP connection lost: {type(error).__name__}")
        except OAuthFlowError as error:
            return _refusal(request, 401, NOT_SENT if isinstance(error, RenewalDue) else SIGN_IN, str(error))
        if "mcp-session-id" in request.headers and await _has_forgotten(response):
            return _refusal(request, 404, NOT_SENT, "the server has forgotten the session")
        if response.is_error and b"jsonrpc" not in await response.aread():
            status = f"HTTP {response.status_code} {response.reason_phrase}"
            return _refusal(request, response.status_code, _code(response.status_code), status)
        return response


async def _has_forgotten(response: httpx2.Response) -> bool:
    """Whether a server knows nothing of our session: 404 by the protocol, 400 by servers after the examples of its
    TypeScript SDK (server-everything 2026.8.31)."""
    if response.status_code != 400:
        return response.status_code == 404
    return b"session" in (await response.aread()).lower()


def _code(status: int) -> int:
    """The JSON-RPC error that stands for an HTTP one; behind a 5xx of some proxy the server may have worked."""
    if status >= 500:
        return CONNECTION_CLOSED
    return METHOD_NOT_FOUND if status == 404 else INVALID_REQUEST


def _refusal(request: httpx2.Request, status: int, code: int, message: str) -> httpx2.Response:
    error = {"jsonrpc": "2.0", "id": None, "error": {"code": code, "message": message}}
    return httpx2.Response(status, json=error, request=request)
