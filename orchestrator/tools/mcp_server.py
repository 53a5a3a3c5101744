"""One MCP server: kept connected by a task of its own, and called."""

import asyncio
import logging
import math
import random
from collections.abc import AsyncIterator
from collections.abc import Set as AbstractSet
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Literal

import anyio
from mcp import Client, MCPError
from mcp.client import IncomingMessage
from mcp.client.subscriptions import SubscriptionLost
from mcp_types import (
    CONNECTION_CLOSED,
    Implementation,
    PromptListChangedNotification,
    ResourceListChangedNotification,
    ToolListChangedNotification,
)
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import ValidationError

from orchestrator.errors import OutcomeUnknown, ToolError, ToolTimedOut, ToolUnavailable
from orchestrator.tools.addresses import refuse_private
from orchestrator.tools.asking import Asking
from orchestrator.tools.hidden import clean
from orchestrator.tools.mcp_access import Access, SignIn, sign_in_wanted
from orchestrator.tools.mcp_calls import (
    REASON_LIMIT,
    Exchanges,
    Link,
    Lost,
    Request,
    Unreadable,
    ask,
    in_words,
)
from orchestrator.tools.mcp_config import ServerSettings
from orchestrator.tools.mcp_shapes import (
    Offer,
    Template,
    prefix,
    to_contents,
    to_result,
    to_words,
)
from orchestrator.tools.mcp_stock import Stock, tells_of_changes
from orchestrator.tools.mcp_transports import NOT_SENT, LastWords, transport_to
from orchestrator.tools.pins import NoPins, Pins
from orchestrator.tools.spec import Arguments, ToolResult, ToolsetHealth

log = logging.getLogger(__name__)

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.2, 30.0
HEALTHY_AFTER_SECONDS = 5.0  # a connection that lasted this long starts the pauses from the first again
PATIENCE_SECONDS = 10.0  # how long a call waits for a server that is coming up
FAREWELL_SECONDS = 2.0  # to end an HTTP session properly
RELISTEN_SECONDS = 2.0
SIGN_IN_SECONDS = 900.0  # that a person has to sign in; what authorization servers commonly give

CHANGES = (ToolListChangedNotification, PromptListChangedNotification, ResourceListChangedNotification)


@dataclass(slots=True)
class _Tries:
    """How often a server may have set to work on a call."""

    sent: int = 0


class McpServer:
    """A server that is connected, or about to be, from `start` to `stop`."""

    def __init__(
        self,
        settings: ServerSettings,
        *,
        connect_timeout_seconds: float,
        result_limit: int,
        access: Access | None = None,
        pins: Pins | None = None,
    ) -> None:
        self.settings = settings
        self.prefix = prefix(settings.name)
        self.stock = Stock(settings, pins or NoPins())
        self._state: Literal["connecting", "ready", "failed"] = "connecting"
        self._detail = "it is starting"
        self._connect_timeout = connect_timeout_seconds
        self._result_limit = result_limit
        self._mode = settings.protocol
        self._access = access
        self._slots = asyncio.Semaphore(settings.concurrency)
        self._calls = 0
        self._link: Link | None = None
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

    @property
    def is_idle(self) -> bool:
        """Whether no call is under way, and none waits for an answer."""
        return not self._calls and not (self._link and self._link.exchanges.are_open)

    @property
    def needs_sign_in(self) -> bool:
        """Whether there is no way in without a person."""
        return self._link is None and self._access is not None and self._access.needs_sign_in

    async def settled(self) -> None:
        """Wait until it is ready, or its first try has failed."""
        while self._state == "connecting" and not self._failures:
            await self._news.wait()

    def health(self, ambiguous: AbstractSet[str] = frozenset()) -> ToolsetHealth:
        """How it is doing. `ambiguous` are names that are there twice, and so not on offer."""
        without = ", ".join(self.stock.missing(ambiguous))
        detail = f"{self._detail}; left out: {without}" if without else self._detail
        state = "sign in" if self.needs_sign_in else self._state
        return ToolsetHealth(self.settings.name, state, detail, len(self.stock.usable(ambiguous)))

    # --- Calls ----------------------------------------------------------------------------------------

    async def call(self, offered: Offer, arguments: Arguments, *, timeout_seconds: float) -> ToolResult:
        """Call a tool. Where the connection breaks under it, call a repeatable tool once more.

        `timeout_seconds` bounds the whole: waiting for a free place and a connection, and both calls. The result may
        be a question. Raises ToolUnavailable, ToolTimedOut, OutcomeUnknown, and ToolError for a protocol error of the
        server.
        """
        tries = _Tries()
        request = Request(self.settings.name, offered.tool, arguments, repeatable=offered.spec.is_repeatable)
        try:
            async with asyncio.timeout(timeout_seconds), self._place():
                if not self.settings.allow_private:
                    await refuse_private(offered.spec, arguments, server=self.settings.name)
                return await self._answered(request, tries)
        except TimeoutError:
            if not tries.sent:
                raise self._unavailable() from None
            failure: type[ToolError] = ToolTimedOut
            why = f"did not answer within {timeout_seconds:g} s"
        except ToolUnavailable:
            if not tries.sent or offered.spec.read_only:
                raise
            failure, why = ToolUnavailable, "lost its connection"
        except Lost:
            failure, why = ToolUnavailable, "lost its connection"
        except Unreadable as error:
            failure, why = ToolError, f"gave an answer that cannot be read: {error}"
        if not offered.spec.read_only:
            raise OutcomeUnknown(f"{offered.tool} of {self.settings.name} {why}: it may have happened, or not.")
        raise failure(f"{offered.tool} of {self.settings.name} {why}.")

    async def _answered(self, request: Request, tries: "_Tries") -> ToolResult:
        """What comes of a call: of a second one, where the first may be repeated and its connection broke."""
        while True:
            link = await self.connected(persist=tries.sent > 0)
            if request.tool in {each.tool for each in self.stock.held}:  # it has changed while it was away
                raise ToolUnavailable(f"{request.tool} of {self.settings.name} has changed, and waits for an operator.")
            tries.sent += 1
            try:
                outcome = await ask(link, request)
            except Lost as loss:
                tries.sent -= 0 if loss.sent else 1
                if request.repeatable:
                    await _check(link)
                if tries.sent > (1 if request.repeatable else 0):
                    raise
            else:
                if isinstance(outcome, Asking):
                    return ToolResult("\n".join(each.message for each in outcome.inquiries), asks=outcome)
                return to_result(outcome, self._result_limit)

    @asynccontextmanager
    async def _place(self) -> AsyncIterator[None]:
        """One of the places for calls that may be under way at once."""
        self._calls += 1
        try:
            async with self._slots:
                yield
        finally:
            self._calls -= 1

    async def look_again(self) -> None:
        """Read anew what it offers; where it is away, it is read when it comes back. Raises ToolTimedOut, ToolError."""
        if self._link is not None:
            async with self._asking("cannot list its tools", self._connect_timeout) as client:
                await self.stock.refresh(client)

    async def read(self, uri: str, *, timeout_seconds: float) -> ToolResult:
        """A resource. Raises ToolUnavailable, ToolTimedOut, ToolError."""
        async with self._asking(f"cannot give {uri!r}", timeout_seconds) as client:
            return to_contents(await client.read_resource(uri), self._result_limit)

    async def fill(self, template: Template, arguments: dict[str, str], *, timeout_seconds: float) -> str:
        """A prompt's text with these words in it. Raises ToolUnavailable, ToolTimedOut, ToolError."""
        async with self._asking("cannot give its prompt", timeout_seconds) as client:
            return to_words(await client.get_prompt(template.prompt, arguments), self._result_limit)

    @asynccontextmanager
    async def _asking(self, failing: str, timeout_seconds: float) -> AsyncIterator[Client]:
        """A connection for a question that changes nothing."""
        link = await self.connected()
        try:
            async with asyncio.timeout(timeout_seconds):
                yield link.client
        except TimeoutError:
            raise ToolTimedOut(f"{self.settings.name} did not answer within {timeout_seconds:g} s.") from None
        except (MCPError, ValidationError, RuntimeError) as error:
            raise ToolError(f"{self.settings.name} {failing}: {in_words(error)}.") from error

    # --- Signing in -----------------------------------------------------------------------------------

    async def begin_sign_in(self) -> str:
        """Where the person has to go to sign in; empty where there is no need to. Raises ToolUnavailable."""
        if self._access is None:
            raise ToolUnavailable(f"{self.settings.name} knows no sign-in.")
        if self._access.sign_in is not None and self._access.sign_in.link:
            return self._access.sign_in.link
        signing = self._access.sign_in = SignIn(self._give_time)
        if self._link is not None and self._access.wants_more:
            await self._access.drop_tokens()
            await self._leave(self._link)
        return await self._sent_to(signing)

    async def end_sign_in(self, address: str) -> str:
        """Take the address at which the sign-in has ended, and connect. As `begin_sign_in`; raises BadInput too."""
        if self._access is None or self._access.sign_in is None:
            raise ToolUnavailable(f"No sign-in to {self.settings.name} is under way; begin with /signin.")
        self._access.sign_in.back_at(address)
        return await self._sent_to(self._access.sign_in)

    async def _sent_to(self, signing: SignIn) -> str:
        """Where the person is sent; empty once there is a connection."""
        failures = self._failures
        self._hurry.set()
        with suppress(TimeoutError):
            async with asyncio.timeout(self._connect_timeout):
                while self._link is None and not signing.link and self._failures < failures + 2:
                    await self._news.wait()
        if not signing.link and self._link is None:
            raise self._unavailable()
        if not signing.link and self._access is not None and not self._access.has_tokens:
            raise ToolUnavailable(
                f"{self.settings.name} lets everybody in. If it wants a sign-in only in the middle of a call: "
                "that is more than I can do yet."
            )
        return signing.link

    async def sign_out(self) -> None:
        """Forget the tokens, and the connection that uses them."""
        if self._access is not None:
            await self._access.forget()
        if self._link is not None:
            await self._leave(self._link)

    async def _leave(self, link: Link) -> None:
        link.lost.set()
        while self._link is link:
            await self._news.wait()

    def _give_time(self) -> None:
        self._scope.deadline = anyio.current_time() + SIGN_IN_SECONDS
        self._tell()

    async def connected(self, *, persist: bool = False) -> Link:
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
        if self._link is not None:
            return ToolUnavailable(f"{self.settings.name} is busy with other calls.")
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
            # Without a sign-in nothing changes by itself: no pause is long enough.
            jittered = math.inf if self.needs_sign_in else pause * random.uniform(0.5, 1)  # noqa: S311 - no secret
            with anyio.move_on_after(jittered):
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
            reason = in_words(error)
            # Not by the error: after a refused probe mcp tries an older protocol, and fails with that one's trouble.
            if self._access is not None and self._access.needs_sign_in:
                reason = sign_in_wanted(self.settings.name)
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
            if isinstance(message, CHANGES):
                stale.set()

        exchanges = Exchanges()
        transport = transport_to(
            self.settings,
            lost=lost,
            words=words,
            connect_timeout_seconds=self._connect_timeout,
            auth=await self._access.auth() if self._access else None,
        )
        async with (
            Client(
                transport,
                mode=self._mode,
                message_handler=hear,
                elicitation_callback=exchanges.asked,
                client_info=_us(),
                cache=None,
            ) as client,
            anyio.create_task_group() as tasks,
        ):
            await self.stock.refresh(client)
            scope.deadline = math.inf
            self._note_ready(Link(client, lost, tasks, exchanges))
            tasks.start_soon(self._keep_fresh, client, stale)
            if tells_of_changes(client):
                tasks.start_soon(_listen, client, stale, lost)
            await lost.wait()
            scope.deadline = anyio.current_time() + FAREWELL_SECONDS
            tasks.cancel_scope.cancel()

    def _note_ready(self, link: Link) -> None:
        protocol = link.client.protocol_version
        self._link, self._state = link, "ready"
        if self._access is not None:
            self._access.sign_in = None
        self._detail = f"protocol {protocol} over {self.settings.transport}"
        # The probe of "auto" costs an older server a screenful of complaints: once known, go straight there.
        self._mode = "auto" if protocol in MODERN_PROTOCOL_VERSIONS else "legacy"
        log.info(
            "MCP server is ready",
            extra={"server": self.settings.name, "tools": len(self.stock.offers), "protocol": protocol},
        )
        self._tell()

    def _note_end(self, reason: str) -> None:
        """After a loss the tools stay on offer, since calls wait for the next try. After a failed try they go."""
        if self._link is None or self._stopping:
            self._state = "failed"
            self.stock.clear()
            self._failures += 1
            self._mode = self.settings.protocol
        else:
            self._state = "connecting"
        if not self._stopping and reason != self._detail:  # said once, not at every try
            log.warning("MCP server is not connected", extra={"server": self.settings.name, "reason": reason})
        if self._access is not None and self._access.sign_in is not None and self._access.sign_in.was_sent:
            self._access.sign_in = None  # the way that this connection had begun cannot be gone on
        self._link, self._detail = None, "it is stopped" if self._stopping else reason
        self._tell()

    def _tell(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    async def _keep_fresh(self, client: Client, stale: asyncio.Event) -> None:
        while True:
            await stale.wait()
            stale.clear()
            try:
                with anyio.fail_after(self._connect_timeout):
                    await self.stock.refresh(client)
            except (MCPError, ValidationError, TimeoutError) as error:
                log.warning(
                    "MCP tools could not be listed again; the old ones stay",
                    extra={"server": self.settings.name, "reason": in_words(error)},
                )


def _us() -> Implementation:
    try:
        return Implementation(name="errand", title="Errand", version=version("errand"))
    except PackageNotFoundError:  # a checkout that is not installed
        return Implementation(name="errand", title="Errand", version="checkout")


async def _listen(client: Client, stale: asyncio.Event, lost: asyncio.Event) -> None:
    """Hold the stream open on which a server says what has changed; the message handler hears of it.

    A proxy may cut a quiet stream at any time: that is no loss of the server, whose other calls go on.
    """
    offered = client.server_capabilities
    while True:
        try:
            with suppress(SubscriptionLost):
                async with client.listen(
                    tools_list_changed=True,
                    prompts_list_changed=bool(offered.prompts),
                    resources_list_changed=bool(offered.resources),
                ) as changes:
                    stale.set()  # they may have changed while nobody listened
                    async for _ in changes:
                        pass
        except MCPError as error:
            if error.code == NOT_SENT:
                lost.set()
            if error.code != CONNECTION_CLOSED:
                return
        await anyio.sleep(RELISTEN_SECONDS)


async def _check(link: Link) -> None:
    """See whether a connection that lost one answer still works, before it is used again."""
    try:
        await link.client.list_tools()
    except Exception:  # an edge, as below
        log.info("MCP connection does not work any more", exc_info=True)
        link.lost.set()
