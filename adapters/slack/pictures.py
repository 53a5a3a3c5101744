"""What a running turn looks like: a native stream in a direct message, one edited message in a channel.

A stream is ended before Slack ends it (its age, its size, its cards); what follows is edited into the same message, so
that an answer stays one message.
"""

import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from adapters import running
from adapters.slack.errors import DONE_ALREADY, SlackTrouble
from adapters.slack.inbound import Place
from adapters.slack.markdown import Page, pages
from adapters.slack.pacing import POST, START, STREAM, UPDATE
from adapters.slack.sending import Chunk, Sender
from adapters.slack.writing import escaped, streamable
from adapters.text import MARKS, card_title, step_text
from orchestrator.messages import StepState
from orchestrator.words import say

log = logging.getLogger(__name__)

QUICK = 0.4  # seconds: what is answered by then needs no picture
QUICK_IN_CHANNELS = 1.5  # seconds: there a picture is a message, which people are notified of
STREAM_PACE, EDIT_PACE = 0.4, 3.0  # seconds between two changes
STATUS_PACE = 60.0  # seconds: Slack takes a status away after two minutes
MOST_FAILURES = 3
LONGEST = 1_800.0  # seconds that one turn has a picture
STREAM_SECONDS = 240.0  # Slack ends a stream after about five minutes
STREAM_BYTES = 9_000  # Slack refuses more than about 10,600 bytes, cards included
STREAM_CARDS = 45
ROOM = 0.5  # share of the updates of a minute that must be left for a message that will need some
STATES: dict[StepState, str] = {
    "waiting": "pending",
    "running": "in_progress",
    "done": "complete",
    "failed": "error",
    "skipped": "complete",
    "asking": "pending",
}

Noted = Callable[[str | None], Awaitable[None]]
"""Hears of the message that shows a running turn; None where it does not any more."""


@dataclass(slots=True)
class Stream:
    """A native stream: what it shows so far."""

    ts: str
    began: float
    text: str = ""
    cards: bool = False
    bytes: int = 0

    @property
    def is_full(self) -> bool:
        return self.bytes > STREAM_BYTES or time.monotonic() - self.began > STREAM_SECONDS


class Picture(running.Picture):
    """One running turn as it is seen. `message` is the one that an earlier process has left to show it, and `began_by`
    the one that began the turn."""

    def __init__(
        self,
        sender: Sender,
        place: Place,
        *,
        began_by: str | None,
        title: str = "",
        noted: Noted,
        message: str | None = None,
    ) -> None:
        super().__init__(longest=LONGEST)
        self._sender = sender
        self._place = place
        self._title = title
        self._noted = noted
        self.began_by = began_by
        self.message = message
        self.stream: Stream | None = None
        self.shown_at_all = False
        self._told: tuple[str, float] = ("", 0.0)
        self._steps: dict[str, str] = {}
        self._shown: Page | None = None
        self._shown_at = 0.0
        self._failures = 0
        self._too_late = False

    async def end(self) -> None:
        await super().end()
        self._too_late = self._is_late and self.message is None

    async def run(self) -> None:
        await super().run()
        if self._too_late and self.message:
            await self._withdraw(self.message)

    async def _withdraw(self, message: str) -> None:
        """Take away what was shown too late: the answer stands in a message of its own by now."""
        if self.stream:
            await self._sender.cosmetic(self._sender.stop_stream(self._place, message))
        await self._sender.cosmetic(self._sender.delete(self._place, message))
        await self._noted(None)

    async def _run(self) -> None:
        if await self._ends_within(QUICK):
            return
        started = time.monotonic()
        self.shown_at_all = True
        await self._sender.session(self._place, "processing", title=self._title or None)
        while not self._ended.is_set() and self._failures < MOST_FAILURES:
            now = time.monotonic()
            await self._tell(now)
            if self._is_due(now, started):
                await self._show()
            await self._ends_within(STREAM_PACE if self._streams else EDIT_PACE / 4)

    @property
    def _streams(self) -> bool:
        """Whether it is shown as a stream. In a channel only one person would see that live."""
        if self.stream is None and self.message is not None:
            return False
        return self._place.is_private and self._sender.has_streams and self._place.thread is not None

    async def _tell(self, now: float) -> None:
        """What goes on, in a word below the thread."""
        words = self._status or say("is working on it")
        known, at = self._told
        if words != known or now - at >= STATUS_PACE:
            self._told = (words, now)
            await self._sender.status(self._place, words)

    def _is_due(self, now: float, started: float) -> bool:
        if not self._changed.is_set() or not (self.card or self._text):
            return False
        if self._streams:
            return now - self._shown_at >= STREAM_PACE
        return now - started >= QUICK_IN_CHANNELS - QUICK and now - self._shown_at >= EDIT_PACE

    async def _show(self) -> None:
        streams, pacer = self._streams, self._sender.api.pacer
        shown = STREAM if self.stream else START
        method = shown if streams else UPDATE if self.message else POST
        if method == POST and pacer.share_left(UPDATE) < ROOM:
            return
        if not pacer.may_show(method, self._place.channel):
            return
        self._changed.clear()
        self._shown_at = time.monotonic()
        await self._tried(self._streamed() if streams else self._edited())

    async def _streamed(self) -> None:
        chunks = self._news()
        if self.stream is None:
            if not chunks:
                return
            await self._begin_stream(chunks)
        elif self.stream.is_full or len(self._steps) > STREAM_CARDS:
            await self._close_stream()
        elif chunks:
            try:
                await self._sender.append(self._place, self.stream.ts, chunks)
                self._keep(chunks)
            except SlackTrouble as trouble:
                if not (trouble.code in DONE_ALREADY or trouble.is_about_form):
                    raise
                await self._close_stream()

    async def _begin_stream(self, chunks: list[Chunk]) -> None:
        try:
            ts = await self._sender.start_stream(self._place, chunks)
        except SlackTrouble as trouble:
            if trouble.unclear and (left := await self._sender.unmarked(self._place, after=self.began_by or "0")):
                self.message = left
                await self._noted(left)
                await self._sender.cosmetic(self._sender.stop_stream(self._place, left))
            raise
        if ts is None:
            self._changed.set()
            self._shown_at = 0.0  # nothing was shown, so that an edit need not wait
            return
        self.stream, self.message = Stream(ts, time.monotonic()), ts
        self._keep(chunks)
        await self._noted(ts)

    async def _close_stream(self) -> None:
        """Go on with edits of the same message."""
        assert self.stream is not None
        await self._sender.cosmetic(self._sender.stop_stream(self._place, self.stream.ts))
        self.stream = None
        self._changed.set()

    def _news(self) -> list[Chunk]:
        """What the stream does not show yet. An answer that has changed its beginning is written at the end."""
        chunks: list[Chunk] = []
        if self.card:
            if not self._steps:
                chunks.append({"type": "plan_update", "title": card_title(self.card)[:250]})
            chunks += [
                {"type": "task_update", "id": step.id, "title": step_text(step)[:250], "status": STATES[step.state]}
                for step in self.card.steps
                if self._steps.get(step.id) != f"{step.state} {step.note}"
            ]
        shown = self.stream.text if self.stream else ""
        text = streamable(self._text)
        if text.startswith(shown) and len(text) > len(shown):
            chunks.append({"type": "markdown_text", "text": text[len(shown) :]})
        return chunks

    def _keep(self, chunks: list[Chunk]) -> None:
        assert self.stream is not None
        for chunk in chunks:
            self.stream.bytes += len(str(chunk).encode())
            if chunk["type"] == "markdown_text":
                self.stream.text += chunk["text"]
            else:
                self.stream.cards = True
        if self.card:
            self._steps = {step.id: f"{step.state} {step.note}" for step in self.card.steps}

    async def _edited(self) -> None:
        page = self._page()
        if page is None or page == self._shown:
            return
        if self.message is None:
            self.message = await self._sender.post(self._place, page, at_once=True)
            await self._noted(self.message)
        elif not await self._sender.update(self._place, self.message, page, at_once=True):
            self._failures += 1
        self._shown = page

    def _page(self) -> Page | None:
        """The plan and how far it is, and below it the answer so far."""
        parts = []
        if self.card:
            lines = "\n".join(f"- {MARKS[step.state]} {escaped(step_text(step))}" for step in self.card.steps)
            parts.append(f"**{card_title(self.card)}**\n\n{lines}")
        if self._text:
            parts.append(self._text)
        return pages("\n\n".join(parts))[-1] if parts else None

    async def _tried(self, request: Awaitable[object]) -> None:
        """Make a request of no importance."""
        try:
            await request
        except SlackTrouble as trouble:
            self._failures += trouble.seconds is None
            log.info("a live part was not shown", extra={"reason": str(trouble)})
