"""One call of a tool over one connection, in both eras of the protocol, with what the server asks meanwhile.

A server of 2026-07-28 ends its answer with a question, and takes the call again with the answers. An older one asks in
the middle of the call: there the call stays open, in the connection's own tasks, while nobody waits for it.
"""

import asyncio
import json
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, cast

import anyio
from anyio.abc import TaskGroup
from mcp import Client, MCPError
from mcp.client import ClientRequestContext
from mcp.shared.dispatcher import ProgressFnT
from mcp_types import (
    CONNECTION_CLOSED,
    HEADER_MISMATCH,
    INVALID_PARAMS,
    URL_ELICITATION_REQUIRED,
    CallToolResult,
    ElicitationRequiredErrorData,
    ElicitRequest,
    ElicitRequestFormParams,
    ElicitRequestParams,
    ElicitRequestURLParams,
    ElicitResult,
    InputRequiredResult,
    InputResponses,
    RequestParamsMeta,
)
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import ValidationError

from orchestrator.errors import OutcomeUnknown, ToolError, ToolUnavailable
from orchestrator.tools.asking import Asking, Inquiry
from orchestrator.tools.calling import Calling, Tell, calling
from orchestrator.tools.hidden import clean
from orchestrator.tools.mcp_transports import NOT_SENT
from orchestrator.tools.spec import Arguments
from orchestrator.watching import traceparent

REASON_LIMIT = 400
MESSAGE_LIMIT = 4000  # characters of a question
LONGEST_HOLD_SECONDS = 24 * 3600.0  # how long an older server's call stays open for an answer
MOST_ROUNDS = 100  # in which a server asks for nothing but to be called again
ROUND_SECONDS = 0.25  # between two of them
TELL_SECONDS = 0.3  # between two words on the progress: a card is no log

LOSSES = ("Connection closed", "SSE stream ", "HTTP ")
"""How mcp and our transports begin a CONNECTION_CLOSED of their own; a server may use the same code for anything."""


class Lost(Exception):
    """The connection broke under a call. Unless `sent`, the server cannot have seen it."""

    def __init__(self, *, sent: bool) -> None:
        self.sent = sent


class Unreadable(Exception):
    """An answer came that breaks the protocol or the tool's own schema."""


class _Forgotten(Exception):
    """The server knows nothing any more of the call in which it asked. With `open_end` that call had begun to work."""

    def __init__(self, *, open_end: bool) -> None:
        self.open_end = open_end


class Exchange:
    """A call under way at an older server: it may ask, and goes on with the answer."""

    def __init__(self, caller: str) -> None:
        self.caller = caller
        self.question: ElicitRequestParams | None = None
        self.tell: Tell | None = None
        self.scope = anyio.CancelScope()
        self._answer: asyncio.Future[ElicitResult] | None = None
        self._outcome: CallToolResult | Exception | None = None
        self._news = asyncio.Event()

    async def run(self, request: Callable[[], Awaitable[CallToolResult]]) -> None:
        """The call itself, as a task of its connection."""
        try:
            with self.scope:
                self._outcome = await request()
        except Exception as error:  # noqa: BLE001 - an edge: it is raised where the outcome is waited for
            self._outcome = error
        finally:
            self._outcome = self._outcome or Lost(sent=True)
            self._news.set()

    async def ask(self, question: ElicitRequestParams) -> ElicitResult:
        """What the person answers; nothing, after a day."""
        self._answer = asyncio.get_running_loop().create_future()
        self.question, self.tell = question, None
        self._news.set()
        try:
            async with asyncio.timeout(LONGEST_HOLD_SECONDS):
                return await self._answer
        except TimeoutError:
            self._news.clear()
            return ElicitResult(action="cancel")
        finally:
            self.question = self._answer = None

    def answer(self, result: ElicitResult) -> None:
        if self._answer is not None and not self._answer.done():
            self._news.clear()
            self._answer.set_result(result)

    async def outcome(self) -> CallToolResult | ElicitRequestParams:
        """The next thing that comes of it. Raises what the call raised; cancelled, it ends the call."""
        try:
            await self._news.wait()
        except asyncio.CancelledError:
            self.scope.cancel()
            raise
        if isinstance(self._outcome, Exception):
            raise self._outcome
        if self._outcome is None and self.question is not None:
            return self.question
        assert self._outcome is not None
        return self._outcome


class Exchanges:
    """The calls under way over one connection to an older server."""

    def __init__(self) -> None:
        self._open: dict[str, Exchange] = {}

    async def asked(self, context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        """A question of the server's, put to the call that it belongs to. Which one that is, is not said: where
        several people are served at once, it is put to none of them."""
        waiting = [each for each in self._open.values() if each.question is None]
        if len({each.caller for each in waiting}) != 1:
            return ElicitResult(action="cancel")
        return await waiting[0].ask(params)

    @property
    def are_open(self) -> bool:
        return bool(self._open)

    def begin(self, caller: str) -> tuple[str, Exchange]:
        name, exchange = uuid.uuid4().hex, Exchange(caller)
        self._open[name] = exchange
        return name, exchange

    def find(self, name: str) -> Exchange | None:
        return self._open.get(name)

    def end(self, name: str) -> None:
        self._open.pop(name, None)


@dataclass(frozen=True, slots=True)
class Link:
    """One connection. Once it is lost it is never used again. `tasks` live as long as it does."""

    client: Client
    lost: asyncio.Event
    tasks: TaskGroup
    exchanges: Exchanges = field(default_factory=Exchanges)

    @property
    def is_modern(self) -> bool:
        return self.client.protocol_version in MODERN_PROTOCOL_VERSIONS


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be called, and at whose server."""

    server: str
    tool: str
    arguments: Arguments
    repeatable: bool


async def ask(link: Link, request: Request) -> CallToolResult | Asking:
    """The answer to one call, or what the server wants to know before. Answers that are known go with it.

    Where the server has forgotten its question it is called anew, and gets the same answers to the same question.
    Raises Lost, Unreadable, OutcomeUnknown, and ToolError for an error that the server answered.
    """
    known = calling()
    outcome = await _asked_anew(link, request, known)
    if isinstance(outcome, Asking) and known.can_ask and not known.private and outcome.opens_pages:
        await _heard(link, request, known, outcome.model_copy(update={"refused": "cancel"}))
        raise ToolError(f"{request.server} wants to send you to a page that is for you alone: ask me in private.")
    while isinstance(outcome, Asking) and not known.can_ask:  # nobody can answer, and the tool must not wait
        outcome = await _heard(link, request, known, outcome.model_copy(update={"refused": "cancel"}))
    return outcome


async def _asked_anew(link: Link, request: Request, known: Calling) -> CallToolResult | Asking:
    """The call with its answers; where the server has forgotten what it asked, from the beginning."""
    try:
        return await _heard(link, request, known, known.asked)
    except _Forgotten as forgotten:
        if forgotten.open_end and not request.repeatable:
            raise OutcomeUnknown(
                f"{request.server} cannot take the answer any more: the connection on which it asked has ended. "
                f"{request.tool} may have happened in part, or not at all."
            ) from None
    anew = await _heard(link, request, known, None)
    if isinstance(anew, Asking) and known.asked and known.asked.asks_the_same(anew):
        return await _heard(link, request, known, known.asked.model_copy(update={"state": anew.state}))
    return anew


async def _heard(link: Link, request: Request, known: Calling, asked: Asking | None) -> CallToolResult | Asking:
    """One call, with what mcp makes of it in our own words."""
    try:
        if link.is_modern:
            return await _in_rounds(link, request, known, asked)
        return await _in_one(link, request, known, asked)
    except MCPError as error:
        if error.code == URL_ELICITATION_REQUIRED:
            return _addresses(request.server, error)
        if asked is not None and error.code == INVALID_PARAMS and "requeststate" in error.message.casefold():
            raise _Forgotten(open_end=False) from error
        is_loss = error.code == CONNECTION_CLOSED and error.message.startswith(LOSSES)
        if error.code == NOT_SENT or error.message == LOSSES[0]:
            link.lost.set()
        if is_loss or error.code == NOT_SENT:
            raise Lost(sent=is_loss) from error
        raise ToolError(clean(error.message, REASON_LIMIT)) from error
    except (Lost, Unreadable, _Forgotten):
        raise
    except Exception as error:  # an edge: whatever mcp makes of a strange answer is the trouble of this call only
        raise Unreadable(in_words(error)) from error


# --- The protocol of 2026-07-28 -----------------------------------------------------------------------


async def _in_rounds(link: Link, request: Request, known: Calling, asked: Asking | None) -> CallToolResult | Asking:
    responses: InputResponses | None = {each.key: _answer(asked, each) for each in asked.inquiries} if asked else None
    state = json.loads(asked.state) if asked and asked.state else None
    for _ in range(MOST_ROUNDS):
        result = await _sent(link, request, responses=responses, state=state, progress=_progress(lambda: known.tell))
        if isinstance(result, CallToolResult):
            return result
        if result.input_requests:
            inquiries = tuple(_inquiry(key, each, request) for key, each in result.input_requests.items())
            return Asking(source=request.server, inquiries=inquiries, state=json.dumps(result.request_state))
        responses, state = None, result.request_state
        await anyio.sleep(ROUND_SECONDS)
    raise Unreadable("it wants to be called again and again")


async def _sent(
    link: Link, request: Request, *, responses: InputResponses | None, state: str | None, progress: ProgressFnT
) -> CallToolResult | InputRequiredResult:
    """One round. Where the tool's listed schema is stale, so that its headers do not match, it is listed once more."""

    async def send() -> CallToolResult | InputRequiredResult:
        return await link.client.session.call_tool(
            request.tool,
            dict(request.arguments),
            progress_callback=progress,
            meta=_trace(),
            input_responses=responses,
            request_state=state,
            allow_input_required=True,
        )

    try:
        return await send()
    except MCPError as error:
        if error.code != HEADER_MISMATCH:
            raise
    await every_page(link.client.list_tools)
    return await send()


def _inquiry(key: str, asked: Any, request: Request) -> Inquiry:
    if not isinstance(asked, ElicitRequest):
        raise Unreadable(f"{request.tool} asks for what was not offered: {asked.method}")
    return _as_inquiry(key, asked.params)


# --- Older protocols ----------------------------------------------------------------------------------


async def _in_one(link: Link, request: Request, known: Calling, asked: Asking | None) -> CallToolResult | Asking:
    """A call that may ask on its way. As long as it waits for an answer, its exchange stays open."""
    if asked is None or not asked.state:
        name, exchange = link.exchanges.begin(known.account)
        exchange.tell = known.tell
        link.tasks.start_soon(exchange.run, lambda: _once(link, request, exchange))
    else:
        name = json.loads(asked.state)
        if (found := link.exchanges.find(name)) is None:
            raise _Forgotten(open_end=True)
        exchange = found
        exchange.tell = known.tell
        exchange.answer(_answer(asked, asked.inquiries[0]))
    try:
        outcome = await exchange.outcome()
    except BaseException:
        link.exchanges.end(name)
        raise
    if isinstance(outcome, CallToolResult):
        link.exchanges.end(name)
        return outcome
    return Asking(source=request.server, inquiries=(_as_inquiry("", outcome),), state=json.dumps(name))


async def _once(link: Link, request: Request, exchange: Exchange) -> CallToolResult:
    return await link.client.session.call_tool(
        request.tool, dict(request.arguments), progress_callback=_progress(lambda: exchange.tell), meta=_trace()
    )


def _addresses(server: str, error: MCPError) -> Asking:
    """The pages that must be visited before a call is made anew."""
    data = ElicitationRequiredErrorData.model_validate(error.data)
    inquiries = (_as_inquiry(each.elicitation_id or str(n), each) for n, each in enumerate(data.elicitations))
    return Asking(source=server, inquiries=tuple(inquiries))


# --- Both ---------------------------------------------------------------------------------------------


def _trace() -> RequestParamsMeta | None:
    """The trace that a call is a part of (SEP-414), where the operator has traces."""
    parent = traceparent()
    return cast(RequestParamsMeta, {"traceparent": parent}) if parent else None


def _as_inquiry(key: str, asked: ElicitRequestParams) -> Inquiry:
    message = clean(asked.message, MESSAGE_LIMIT)
    match asked:
        case ElicitRequestURLParams(url=url):
            return Inquiry(key=key, message=message, url=url)
        case ElicitRequestFormParams(requested_schema=form):
            return Inquiry(key=key, message=message, form=form)


def _answer(asked: Asking, inquiry: Inquiry) -> ElicitResult:
    if asked.refused:
        return ElicitResult(action=asked.refused)
    if inquiry.url:
        return ElicitResult(action="accept")
    return ElicitResult(action="accept", content=inquiry.filled(asked.given.get(inquiry.key, {})))


def _progress(listener: Callable[[], Tell | None]) -> ProgressFnT:
    """Passes on how far a call is, now and then, to whoever listens at that time."""
    told = -TELL_SECONDS

    async def note(progress: float, total: float | None, message: str | None) -> None:
        nonlocal told
        tell = listener()
        if tell is None or time.monotonic() - told < TELL_SECONDS:
            return
        told = time.monotonic()
        share = f"{progress / total:.0%}" if total else f"{progress:g}"
        await tell(clean(": ".join(filter(None, (share, message))), 100))

    return note


PAGE_LIMIT = 100


async def every_page(fetch: Callable[..., Awaitable[Any]]) -> list[Any]:
    """All pages of a list of a Client's."""
    pages: list[Any] = []
    cursor: str | None = None
    for _ in range(PAGE_LIMIT):
        pages.append(await fetch(cursor=cursor))
        cursor = pages[-1].next_cursor
        if cursor is None:
            break
    return pages


def in_words(error: BaseException) -> str:
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
