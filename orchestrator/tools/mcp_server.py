"""One MCP server: kept connected by a task of its own, and called."""

import asyncio
import logging
import math
import random
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal

import anyio
from mcp import Client, MCPError
from mcp.client import IncomingMessage
from mcp.client.subscriptions import SubscriptionLost
from mcp_types import CONNECTION_CLOSED, CallToolResult, Tool, ToolListChangedNotification
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import ValidationError

from orchestrator.errors import OutcomeUnknown, ToolError, ToolTimedOut, ToolUnavailable
from orchestrator.tools.mcp_config import ServerSettings
from orchestrator.tools.mcp_shapes import Offer, Unusable, clean, offer, prefix, to_result
from orchestrator.tools.mcp_transports import NOT_SENT, LastWords, transport_to
from orchestrator.tools.spec import Arguments, ToolResult, ToolsetHealth

log = logging.getLogger(__name__)

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.2, 30.0
HEALTHY_AFTER_SECONDS = 5.0  # a connection that lasted this long starts the pauses from the first again
PATIENCE_SECONDS = 10.0  # how long a call waits for a server that is coming up
FAREWELL_SECONDS = 2.0  # to end an HTTP session properly
RELISTEN_SECONDS = 2.0
PAGE_LIMIT = 100
REASON_LIMIT = 400

LOSSES = ("Connection closed", "SSE stream ", "HTTP ")
"""How mcp and our transports begin a CONNECTION_CLOSED of their own; a server may use the same code for anything."""


@dataclass(frozen=True, slots=True)
class _Link:
    """One connection. Once it is lost it is never used again."""

    client: Client
    lost: asyncio.Event


class _Lost(Exception):
    """The connection broke under a call. Unless `sent`, the server cannot have seen it."""

    def __init__(self, *, sent: bool) -> None:
        self.sent = sent


class _Unreadable(Exception):
    """An answer came that breaks the protocol or the tool's own schema."""


class McpServer:
    """A server that is connected, or about to be, from `start` to `stop`."""

    def __init__(self, settings: ServerSettings, *, connect_timeout_seconds: float, result_limit: int) -> None:
        self.settings = settings
        self.prefix = prefix(settings.name)
        self.offers: tuple[Offer, ...] = ()
        self._state: Literal["connecting", "ready", "failed"] = "connecting"
        self._detail = "it is starting"
        self._left_out: tuple[str, ...] = ()
        self._connect_timeout = connect_timeout_seconds
        self._result_limit = result_limit
        self._mode = settings.protocol
        self._link: _Link | None = None
        self._failures = 0
        self._stopping = False
        self._scope = anyio.CancelScope()
        self._news = asyncio.Event()
        self._hurry = asyncio.Event()
        self._owner: asyncio.Task[None] | None = None

    def start(self) -> None:
        # Not in a TaskGroup: the connection outlives the call that starts it, and stop() is what ends it.
        self._owner = asyncio.create_task(self._supervise(), name=f"mcp {self.settings.name}")

    async def stop(self) -> None:
        """Leave the server, and end its process group. Takes at most ten seconds."""
        self._stopping = True
        self._hurry.set()
        if self._link is None:
            self._scope.cancel()
        else:
            self._link.lost.set()
        if self._owner is not None:
            await asyncio.wait({self._owner})

    async def settled(self) -> None:
        """Wait until it is ready, or its first try has failed."""
        while self._state == "connecting" and not self._failures:
            await self._news.wait()

    def health(self, ambiguous: AbstractSet[str] = frozenset()) -> ToolsetHealth:
        """How it is doing. `ambiguous` are names that are there twice, and so not on offer."""
        usable = [offered for offered in self.offers if offered.spec.name not in ambiguous]
        twice = [f"{o.tool} (another tool becomes {o.spec.name} too)" for o in self.offers if o not in usable]
        without = ", ".join([*self._left_out, *twice])
        detail = f"{self._detail}; left out: {without}" if without else self._detail
        return ToolsetHealth(self.settings.name, self._state, detail, len(usable))

    # --- Calls ----------------------------------------------------------------------------------------

    async def call(self, offered: Offer, arguments: Arguments, *, timeout_seconds: float) -> ToolResult:
        """Call a tool. Where the connection breaks under it, call a repeatable tool once more.

        `timeout_seconds` bounds the whole: waiting for a connection, and both calls.
        Raises ToolUnavailable, ToolTimedOut, OutcomeUnknown, and ToolError for a protocol error of the server.
        """
        sent = 0  # how often the server may have set to work
        failure: type[ToolError] = ToolUnavailable
        why = "lost its connection"
        try:
            async with asyncio.timeout(timeout_seconds):
                while sent == 0 or (sent == 1 and offered.spec.is_repeatable):
                    link = await self.connected(persist=sent > 0)
                    sent += 1
                    try:
                        return to_result(await _ask(link, offered.tool, arguments), self._result_limit)
                    except _Lost as loss:
                        sent -= 0 if loss.sent else 1
                    if offered.spec.is_repeatable:
                        await _check(link)
        except TimeoutError:
            if sent == 0:
                raise self._unavailable() from None
            failure, why = ToolTimedOut, f"did not answer within {timeout_seconds:g} s"
        except ToolUnavailable:
            if sent == 0 or offered.spec.read_only:
                raise
        except _Unreadable as error:
            failure, why = ToolError, f"gave an answer that cannot be read: {error}"
        if not offered.spec.read_only:
            raise OutcomeUnknown(f"{offered.tool} of {self.settings.name} {why}: it may have happened, or not.")
        raise failure(f"{offered.tool} of {self.settings.name} {why}.")

    async def connected(self, *, persist: bool = False) -> _Link:
        """The live connection, or the one that is coming up. With `persist`, wait on over tries that fail.

        Raises ToolUnavailable.
        """
        failures = self._failures
        self._hurry.set()  # somebody needs it: no pause before the next try
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_SECONDS):
                while not self._stopping and (persist or self._failures == failures):
                    if self._link is not None and not self._link.lost.is_set():
                        return self._link
                    await self._news.wait()
        raise self._unavailable()

    def _unavailable(self) -> ToolUnavailable:
        return ToolUnavailable(f"{self.settings.name} is not connected: {self._detail}.")

    # --- The connection -------------------------------------------------------------------------------

    async def _supervise(self) -> None:
        """Connect, again and again, until stopped. The pauses between failures double, and are jittered."""
        loop = asyncio.get_running_loop()
        pause = FIRST_PAUSE_SECONDS
        while not self._stopping:
            self._hurry.clear()
            began = loop.time()
            self._scope = anyio.CancelScope(deadline=began + self._connect_timeout)
            # In a task of its own: mcp lets a broken transport cancel the task that entered the Client, and
            # wait() does not re-raise what comes of it.
            connection = asyncio.create_task(self._connect(self._scope))
            await asyncio.wait({connection})
            self._note_end("was cancelled" if connection.cancelled() else connection.result())
            pause = FIRST_PAUSE_SECONDS if loop.time() - began > HEALTHY_AFTER_SECONDS else pause
            with anyio.move_on_after(pause * random.uniform(0.5, 1)):  # noqa: S311 - jitter, no secret
                await self._hurry.wait()
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    async def _connect(self, scope: anyio.CancelScope) -> str:
        """Connect, and stay until the connection is lost. Why it ended, for the operator."""
        lost, words = asyncio.Event(), LastWords()
        reason = ""
        try:
            # Both deadlines are this outer scope's. A timeout by task.cancel() that meets a second cancel during
            # mcp's cleanup leaves it hanging, and an inner scope cannot close around a Client that stays open.
            with scope:
                await self._stay(scope, lost, words)
        except Exception as error:  # noqa: BLE001 - an edge: whatever a server or mcp does ends this connection only
            reason = _in_words(error)
        finally:
            lost.set()
        if words.exit_code is not None:
            reason = f"its process ended with code {words.exit_code}"
        elif scope.cancelled_caught and self._link is None:
            reason = f"it did not answer within {self._connect_timeout:g} s"
        return clean(": ".join(filter(None, (reason or "its connection was lost", str(words)))), REASON_LIMIT)

    async def _stay(self, scope: anyio.CancelScope, lost: asyncio.Event, words: LastWords) -> None:
        stale = asyncio.Event()

        async def hear(message: IncomingMessage) -> None:
            if isinstance(message, ToolListChangedNotification):
                stale.set()

        transport = transport_to(self.settings, lost=lost, words=words, connect_timeout_seconds=self._connect_timeout)
        async with (
            Client(transport, mode=self._mode, message_handler=hear, cache=None) as client,
            anyio.create_task_group() as tasks,
        ):
            await self._refresh(client)
            scope.deadline = math.inf
            self._note_ready(_Link(client, lost))
            tasks.start_soon(self._keep_fresh, client, stale)
            if _tells_of_changes(client):
                tasks.start_soon(_listen, client, stale, lost)
            await lost.wait()
            scope.deadline = anyio.current_time() + FAREWELL_SECONDS
            tasks.cancel_scope.cancel()

    def _note_ready(self, link: _Link) -> None:
        protocol = link.client.protocol_version
        self._link, self._state = link, "ready"
        self._detail = f"protocol {protocol} over {self.settings.transport}"
        # The probe of "auto" costs an older server a screenful of complaints: once known, go straight there.
        self._mode = "auto" if protocol in MODERN_PROTOCOL_VERSIONS else "legacy"
        log.info(
            "MCP server is ready",
            extra={"server": self.settings.name, "tools": len(self.offers), "protocol": protocol},
        )
        self._tell()

    def _note_end(self, reason: str) -> None:
        """After a loss the tools stay on offer, since calls wait for the next try. After a failed try they go."""
        if self._link is None or self._stopping:
            self._state, self.offers = "failed", ()
            self._failures += 1
            self._mode = self.settings.protocol
        else:
            self._state = "connecting"
        if not self._stopping and reason != self._detail:  # said once, not at every try
            log.warning("MCP server is not connected", extra={"server": self.settings.name, "reason": reason})
        self._link, self._detail = None, "it is stopped" if self._stopping else reason
        self._tell()

    def _tell(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    # --- Its tools ------------------------------------------------------------------------------------

    async def _keep_fresh(self, client: Client, stale: asyncio.Event) -> None:
        while True:
            await stale.wait()
            stale.clear()
            try:
                with anyio.fail_after(self._connect_timeout):
                    await self._refresh(client)
            except (MCPError, ValidationError, TimeoutError) as error:
                log.warning(
                    "MCP tools could not be listed again; the old ones stay",
                    extra={"server": self.settings.name, "reason": _in_words(error)},
                )

    async def _refresh(self, client: Client) -> None:
        tools: list[Tool] = []
        cursor: str | None = None
        for _ in range(PAGE_LIMIT if client.server_capabilities.tools else 0):
            page = await client.list_tools(cursor=cursor)
            tools += page.tools
            cursor = page.next_cursor
            if cursor is None:
                break
        self._take(tools)

    def _take(self, tools: Sequence[Tool]) -> None:
        offers, left_out = [], []
        for tool in filter(self._is_wanted, tools):
            try:
                offers.append(offer(self.settings.name, tool))
            except Unusable as why:
                left_out.append(f"{clean(tool.name, 64)} ({why})")
        self.offers, self._left_out = tuple(offers), tuple(left_out)

    def _is_wanted(self, tool: Tool) -> bool:
        allow, deny = self.settings.allow or ("*",), self.settings.deny
        return _matches(tool.name, allow) and not _matches(tool.name, deny)


def _matches(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _tells_of_changes(client: Client) -> bool:
    """Whether changes of the tools come over a stream that the client has to hold open. Older servers just say so."""
    tools = client.server_capabilities.tools
    return client.protocol_version in MODERN_PROTOCOL_VERSIONS and tools is not None and bool(tools.list_changed)


async def _listen(client: Client, stale: asyncio.Event, lost: asyncio.Event) -> None:
    """Hold the stream open on which a server says that its tools have changed; the message handler hears of it.

    A proxy may cut a quiet stream at any time: that is no loss of the server, whose other calls go on.
    """
    while True:
        try:
            with suppress(SubscriptionLost):
                async with client.listen(tools_list_changed=True) as changes:
                    stale.set()  # they may have changed while nobody listened
                    async for _ in changes:
                        pass
        except MCPError as error:
            if error.code == NOT_SENT:
                lost.set()
            if error.code != CONNECTION_CLOSED:
                return
        await anyio.sleep(RELISTEN_SECONDS)


async def _check(link: _Link) -> None:
    """See whether a connection that lost one answer still works, before it is used again."""
    try:
        await link.client.list_tools()
    except Exception:  # an edge, as below
        log.info("MCP connection does not work any more", exc_info=True)
        link.lost.set()


async def _ask(link: _Link, tool: str, arguments: Arguments) -> CallToolResult:
    """One request. Raises _Lost, _Unreadable, and ToolError for an error that the server answered."""
    try:
        return await link.client.call_tool(tool, dict(arguments))
    except MCPError as error:
        is_loss = error.code == CONNECTION_CLOSED and error.message.startswith(LOSSES)
        if error.code == NOT_SENT or error.message == LOSSES[0]:
            link.lost.set()
        if is_loss or error.code == NOT_SENT:
            raise _Lost(sent=is_loss) from error
        raise ToolError(clean(error.message, REASON_LIMIT)) from error
    except Exception as error:  # an edge: whatever mcp makes of a strange answer is the trouble of this call only
        raise _Unreadable(_in_words(error)) from error


def _in_words(error: BaseException) -> str:
    """An error for the operator; of a group, the first in it."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    match error:
        case ValidationError():
            first = error.errors()[0]
            words = f"the answer breaks the protocol at {'.'.join(map(str, first['loc']))}: {first['msg']}"
        case OSError():
            words = f"it cannot be started: {error}"
        case MCPError() | ToolUnavailable():
            words = str(error)
        case _:
            words = f"{type(error).__name__}: {error}"
    return clean(words, REASON_LIMIT)
