"""The terminal as a channel: one person, one conversation."""

import asyncio
import sys
import uuid
from datetime import UTC, datetime
from typing import TextIO

from adapters.terminal import Pipe, Screen, Terminal
from adapters.terminal_view import card_lines, delivery_text, safe
from orchestrator.messages import Accept, Address, Delivery, Draft, Live, Message, Person, PlanCard, Status

WORDS = ["/help", "/new", "/status", "/stop", "/why", "/tools", "/quit"]
LEAVE = {"/quit", "/exit"}
CTRL_C = "\x03"


class Console:
    """A chat in the terminal, or over a pipe where standard input is none.

    `about` is said first. `first` is sent as if it had been typed. In a pipe, a line is read once the one before it
    has been answered, so that an answer to a question can stand in the next line.
    """

    name = "console"

    def __init__(
        self,
        person: str,
        *,
        about: str = "",
        first: str | None = None,
        source: TextIO | None = None,
        target: TextIO | None = None,
        echo: bool = False,
    ) -> None:
        self._person = Person(id=person, name=person)
        self._address = Address(channel=self.name, chat=person)
        self._about = about
        self._first = first
        self._terminal = _terminal(source or sys.stdin, target or sys.stdout, echo=echo)
        self._cards: dict[str, PlanCard] = {}
        self._running: set[str] = set()
        self._changed = asyncio.Condition()

    async def run(self, accept: Accept) -> None:
        if self._about:
            self._terminal.write(self._about)
        if not self._terminal.waits_for_replies:
            self._terminal.write("/help says what I know. Ctrl-C stops what runs, Ctrl-D leaves.\n")
        if self._first:
            await self._take(self._first, accept)
        async for text in self._terminal.lines():
            if text.strip() in LEAVE:
                return
            if text == CTRL_C:
                if not self._running:
                    self._terminal.write("Nothing is running. Ctrl-D leaves.")
                    continue
                text = "/stop"  # noqa: PLW2901
            if text.strip():
                await self._take(text, accept)

    async def show(self, address: Address, turn: str, part: Live) -> None:
        match part:
            case PlanCard():
                for line in card_lines(part, self._cards.get(turn)):
                    self._terminal.write(line)
                self._cards[turn] = part
            case Draft(text=text) | Status(text=text):
                self._terminal.status(text)

    async def deliver(self, delivery: Delivery) -> None:
        self._terminal.status("")
        self._terminal.write(f"\n{delivery_text(delivery)}\n", markdown=True)
        self._cards.pop(delivery.turn, None)
        async with self._changed:
            self._running.discard(delivery.turn)
            self._changed.notify_all()

    async def _take(self, text: str, accept: Accept) -> None:
        message = Message(
            event_id=uuid.uuid4().hex, address=self._address, person=self._person, sent_at=datetime.now(UTC), text=text
        )
        try:
            receipt = await accept(message)
        except Exception as error:  # noqa: BLE001 - an edge: the person is told that it was not taken, and why
            self._terminal.write(f"\nI could not take that: {safe(str(error))}\nYour words are back at the prompt.\n")
            self._terminal.offer(text)
            return
        if receipt.turn is not None:
            self._running.add(receipt.turn)
            if self._terminal.waits_for_replies:
                async with self._changed:
                    await self._changed.wait_for(lambda: receipt.turn not in self._running)


def _terminal(source: TextIO, target: TextIO, *, echo: bool) -> Terminal:
    if source is sys.stdin and sys.stdin.isatty() and sys.stdout.isatty():
        return Screen(lambda: WORDS)
    return Pipe(source, target, echo=echo)
