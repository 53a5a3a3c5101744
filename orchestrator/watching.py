"""What goes on in a turn, as spans that nest, for whoever watches. Where nobody does, they are ids for the log.

The core knows no library of telemetry: bot/telemetry.py hands the spans on to those who want traces and metrics.
"""

import hashlib
import logging
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Literal

log = logging.getLogger(__name__)

Kind = Literal["turn", "decision", "plan", "step", "worker", "tool", "model"]
TOLD: frozenset[Kind] = frozenset({"turn", "decision"})  # each is one line of the log at INFO; the others at DEBUG


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened in a span at a moment (nanoseconds since 1970)."""

    name: str
    at_ns: int
    facts: Mapping[str, Any]


@dataclass(slots=True)
class Span:
    """A stretch of work. `trace` (32 hexadecimal digits) is the same for all of a turn, `id` has 16 of them.

    `ids` say what it belongs to, and so does all that is inside of it: turn, session, channel, plan, step, agent,
    attempt. `facts` are what came of it: words and numbers, none of them from people or tools. `contents` are what was
    said, as it is: whoever watches asks the operator first. `error` is the kind of its failure in one word, `problem`
    the sentence, which counts as content. One that is not `counted` was no work after all, and nobody hears of it.
    """

    kind: Kind
    trace: str
    id: str
    above: "Span | None"
    ids: dict[str, Any]
    facts: dict[str, Any]
    began_ns: int
    seconds: float = 0.0
    error: str = ""
    problem: str = ""
    counted: bool = True
    contents: dict[str, Any] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)

    def note(self, **facts: Any) -> None:
        """Put down what came of it."""
        self.facts |= facts

    def times(self, event: str) -> int:
        """How often something of this name has happened in it."""
        return sum(each.name == event for each in self.events)

    def failed(self, error: str, problem: str = "") -> None:
        """Put down that it did not work: `error` in one word of a few."""
        self.error, self.problem = error, problem


@dataclass(frozen=True, slots=True)
class Watcher:
    """Somebody who watches: `hears` of each span once it has ended, and must take no time over it.

    With `traces` the ids are told to the servers of tools, so that their own spans join in.
    """

    hears: Callable[[Span], None]
    traces: bool = False


NOBODY = Watcher(lambda span: None)
_watcher: ContextVar[Watcher] = ContextVar("watcher", default=NOBODY)
_here: ContextVar[Span | None] = ContextVar("here", default=None)


@contextmanager
def watched_by(watcher: Watcher) -> Iterator[None]:
    """Let this one hear of all spans that begin inside of it."""
    token = _watcher.set(watcher)
    try:
        yield
    finally:
        _watcher.reset(token)


@contextmanager
def span(kind: Kind, ids: Mapping[str, Any] | None = None, *, trace: str = "", **facts: Any) -> Iterator[Span]:
    """A span around what is done inside. What it raises is its error. `trace` begins one that was named before."""
    above = _around()
    known = {**above.ids, **(ids or {})} if above else {**(ids or {})}
    name = above.trace if above else trace or secrets.token_hex(16)
    mine = Span(kind, name, secrets.token_hex(8), above, known, facts, time.time_ns())
    began, token = time.perf_counter(), _here.set(mine)
    try:
        yield mine
    except BaseException as error:
        cancelled = type(error).__name__ == "CancelledError"
        mine.failed("cancelled" if cancelled else type(error).__name__, str(error))
        raise
    finally:
        mine.seconds = time.perf_counter() - began
        if mine.counted:
            _tell(mine)
        _here.reset(token)


def here() -> Span | None:
    """The span that is going on."""
    return _here.get()


def note(**facts: Any) -> None:
    """Put down what came of the span that is going on."""
    if mine := _here.get():
        mine.note(**facts)


def quote(**contents: Any) -> None:
    """Keep at hand, in the span that is going on, what was said in it."""
    if mine := _here.get():
        mine.contents |= contents


def happened(name: str, **facts: Any) -> None:
    """Put down that something happened in the span that is going on."""
    if mine := _here.get():
        mine.events.append(Event(name, time.time_ns(), facts))


def attempt(number: int) -> None:
    """Let this be the number of the try, in the span that is going on and all that begins in it from now on."""
    if mine := _here.get():
        mine.ids["attempt"] = number


def known_ids() -> dict[str, Any]:
    """What a line of the log belongs to: trace and span, and what they know. Empty outside of any."""
    mine = _here.get()
    return {"trace_id": mine.trace, "span_id": mine.id, **mine.ids} if mine else {}


def trace_of(*names: str) -> str:
    """A trace's id that is the same each time for these names: a turn has one, however often it is begun."""
    return hashlib.sha256("\n".join(names).encode()).hexdigest()[:32]


def traceparent() -> str:
    """The span that is going on as W3C Trace Context writes it (https://www.w3.org/TR/trace-context-1/, read 2026-11).
    Empty where nobody wants it."""
    mine = _here.get()
    return f"00-{mine.trace}-{mine.id}-01" if mine and _watcher.get().traces else ""


def _around() -> Span | None:
    """What a new span is inside of. A call of a model has nothing in it: what begins while it is heard stands beside
    it."""
    around = _here.get()
    return around.above if around and around.kind == "model" else around


def _tell(mine: Span) -> None:
    level = logging.INFO if mine.kind in TOLD else logging.DEBUG
    if log.isEnabledFor(level):
        error = {"reason": mine.error} if mine.error else {}
        told = {**mine.ids, **mine.facts, "seconds": round(mine.seconds, 3), **error}
        log.log(level, "%s ended", mine.kind, extra=told)
    try:
        _watcher.get().hears(mine)
    except Exception:  # an edge: who watches must not change what is watched
        log.exception("a span was not told")
