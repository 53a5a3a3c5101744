"""The live log: the newest lines, kept in memory without secrets, and told to the pages that look."""

import asyncio
import json
import logging
import re
from collections import deque
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from adapters.web.console.frame import badge
from adapters.web.events import HEARTBEAT_SECONDS, event
from adapters.web.html import Html, tag
from orchestrator.words import say

KEPT = 500  # lines
PACE_SECONDS = 0.2  # between two looks: more nobody can read
LEVELS = ("INFO", "WARNING", "ERROR")
TONES = {"WARNING": "ask", "ERROR": "bad", "CRITICAL": "bad"}
TURN = re.compile(r"t\d{1,9}")
SHOWN = frozenset({"time", "level", "logger", "message", "error"})  # what has a place of its own in a line
LONG = frozenset({"trace_id", "span_id"})  # what is told where a mouse rests


@dataclass(frozen=True, slots=True)
class Line:
    """One record: `fields` are what it says besides its message."""

    number: int
    level: str
    time: str
    logger: str
    message: str
    error: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)


class LogTail(logging.Handler):
    """Keeps the newest lines. Its formatter writes a record as a JSON object, of which `redact` strikes secrets out."""

    def __init__(self, redact: Callable[[Any], Any]) -> None:
        super().__init__(logging.INFO)
        self._redact = redact
        self._lines: deque[Line] = deque(maxlen=KEPT)
        self._count = 0
        self._wake: dict[asyncio.Event, asyncio.AbstractEventLoop] = {}
        self._is_closed = False

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._take(self._redact(json.loads(self.format(record))))
        except Exception:  # noqa: BLE001 - as every handler does: logging must not break what is logged
            self.handleError(record)

    def _take(self, told: Mapping[str, Any]) -> None:
        self._count += 1
        fields = {name: str(value) for name, value in told.items() if name not in SHOWN}
        level, time, logger, message, error = (
            str(told.get(name, "")) for name in ("level", "time", "logger", "message", "error")
        )
        self._lines.append(Line(self._count, level, time, logger, message, error, fields))
        self._tell()

    @contextmanager
    def listening(self, ours: Collection[str]) -> Iterator[None]:
        """Hear of all that is logged meanwhile: warnings of everybody, and what these loggers say at INFO too. At the
        end every page that looks is sent away."""
        root, levels = logging.getLogger(), {name: logging.getLogger(name).level for name in ours}
        root.addHandler(self)
        for name in ours:
            logger = logging.getLogger(name)
            logger.setLevel(min(logging.INFO, logger.getEffectiveLevel()))
        try:
            yield
        finally:
            for name, level in levels.items():
                logging.getLogger(name).setLevel(level)
            root.removeHandler(self)
            self._is_closed = True
            self._tell()

    def lines(self, level: str, *, after: int = 0) -> list[Line]:
        """The lines of at least this level behind a number."""
        known = logging.getLevelNamesMapping()
        self.acquire()  # records come from any thread
        try:
            newer = [each for each in self._lines if each.number > after]
        finally:
            self.release()
        return [each for each in newer if known.get(each.level, 0) >= known[level]]

    async def follow(self, level: str) -> AsyncIterator[str]:
        """All lines, and then new ones as they come, as server-sent events."""
        news, last, is_first = asyncio.Event(), 0, True
        self._wake[news] = asyncio.get_running_loop()
        try:
            while not self._is_closed:
                news.clear()
                lines = self.lines(level, after=last)
                if lines or is_first:
                    yield event("lines", items=[shown(each) for each in lines], all=is_first)
                last, is_first = lines[-1].number if lines else last, False
                if not await _told(news):
                    yield ": still here\n\n"
                await asyncio.sleep(PACE_SECONDS)
        finally:
            del self._wake[news]

    @property
    def pages(self) -> int:
        """How many pages look."""
        return len(self._wake)

    def _tell(self) -> None:
        for news, loop in [*self._wake.items()]:
            loop.call_soon_threadsafe(news.set)


async def _told(news: asyncio.Event) -> bool:
    try:
        async with asyncio.timeout(HEARTBEAT_SECONDS):
            return await news.wait()
    except TimeoutError:
        return False


def log_page(lines: Sequence[Line], level: str) -> list[Html]:
    levels = tag("div", *(_level(each, level) for each in LEVELS), class_="choices", role="group")
    hint = say("The newest lines of this process, without secrets. They are gone after a restart.")
    name = say("Log")
    listed = tag(
        "div",
        *map(shown, lines),
        id="log",
        class_="log",
        tabindex=0,
        role="log",
        aria_live="off",
        aria_label=name,
        data_events=f"/console/log/events?level={level}",
        data_says_lost=say("No connection. I try again."),
    )
    return [tag("p", hint, class_="hint"), levels, listed, tag("p", id="connection", role="status", class_="hint")]


def _level(each: str, current: str) -> Html:
    names = {"INFO": say("all"), "WARNING": say("warnings"), "ERROR": say("errors")}
    chosen = "true" if each == current else None
    return tag("a", names[each], href=f"/console/log?level={each}", class_="choice", aria_current=chosen)


def shown(line: Line) -> Html:
    """A line as it stands in the list."""
    return tag(
        "div",
        tag("time", line.time[11:19], datetime=line.time),
        badge(line.level, TONES.get(line.level, "plain")),
        tag("span", line.message, class_="message", title=line.fields.get("trace_id")),
        tag("span", *(_field(*field) for field in line.fields.items() if field[0] not in LONG), class_="fields"),
        tag("span", line.logger, class_="logger"),
        tag("pre", line.error) if line.error else None,
        class_="entry",
    )


def _field(name: str, value: str) -> Html:
    if name == "turn" and TURN.fullmatch(value):
        return tag("a", f"{name}={value}", href=f"/console/turns/{value}")
    return tag("span", f"{name}={value}")
