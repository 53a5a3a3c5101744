"""The terminal as a channel: one person, one conversation."""

import asyncio
import sys
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from adapters.base import DeliveryError, Unanswered, reason_of
from adapters.face import Face, Interrupted
from adapters.piped import Piped
from adapters.text import file_lines
from orchestrator.messages import Accept, Address, Answer, Delivery, Inbound, Live, Message, Person, Stop

WORDS = ("/help", "/new", "/status", "/stop", "/why", "/tools", "/quit")
LEAVING = {"/quit", "/exit"}
GREETING = "/help says what I know. Ctrl-C stops what runs, Ctrl-D leaves.\n"


class Console:
    """A chat in the terminal, or over a pipe where standard input or output is none.

    `about` is said first. `first` is sent as if it had been typed. `where` tells the place of a kept file. In a pipe, a
    line is read once the one before it has been answered, so that the answer to a question can stand in the next line.
    """

    name = "console"

    def __init__(
        self,
        person: str,
        *,
        about: str = "",
        first: str | None = None,
        where: Callable[[str], Path] | None = None,
        source: TextIO | None = None,
        target: TextIO | None = None,
        echo: bool = False,
        leave_seconds: float = 10.0,
    ) -> None:
        self._person = Person(id=person or "local", name=person)
        self._address = Address(channel=self.name, chat=person or "local")
        self._about = about
        self._first = first
        self._where = where
        self._leave_seconds = leave_seconds
        self._face = _face(source or sys.stdin, target or sys.stdout, echo=echo)
        self._unanswered = Unanswered()
        self._is_stopping = False
        self._is_gone = False

    async def run(self, accept: Accept) -> None:
        with self._face.opened():
            try:
                await self._greet()
                await self._listen(accept)
                await self._leave()
            except DeliveryError:  # nobody reads any more, and that is an end too
                return

    async def show(self, address: Address, turn: str, part: Live) -> None:
        await self._face.show(turn, part)

    async def deliver(self, delivery: Delivery) -> None:
        try:
            await self._face.deliver(self._with_files(delivery))
        except DeliveryError:
            self._is_gone = True
            self._unanswered.give_up()
            raise
        self._unanswered.answered(delivery.turn)

    def _with_files(self, delivery: Delivery) -> Delivery:
        """The same with a line below the answer for each of its files: a terminal can show no more of them."""
        part = delivery.part
        if not isinstance(part, Answer) or not part.files:
            return delivery
        text = "\n".join([part.text, "", *file_lines(part.files, self._where)])
        return delivery.model_copy(update={"part": part.model_copy(update={"text": text})})

    async def _greet(self) -> None:
        if self._about:
            await self._face.tell(self._about)
        if self._face.is_interactive:
            await self._face.tell(GREETING)

    async def _listen(self, accept: Accept) -> None:
        """Take what is said until the end. What was not taken is offered again."""
        offered = await self._take(self._first, accept) if self._first else ""
        while not self._is_gone:
            try:
                text = await self._face.read(offered)
            except EOFError:
                return
            except Interrupted as interrupted:
                offered = await self._interrupt(interrupted.typed, accept)
                continue
            if text.strip() in LEAVING:
                return
            offered = await self._take(text, accept) if text.strip() else ""

    async def _take(self, text: str, accept: Accept) -> str:
        """Pass a message on. What comes back is to be offered again: all of it where it was not taken."""
        if not await self._is_accepted(Message(**self._arrival(), text=text), accept):
            return text
        self._is_stopping = False
        if not self._face.is_interactive:
            await self._unanswered.none_left()
        return ""

    async def _interrupt(self, typed: str, accept: Accept) -> str:
        """Ctrl-C: stop what runs, and keep what is being typed; where nothing runs, say how to leave."""
        if not self._unanswered or self._is_stopping:
            await self._face.tell("Ctrl-D or /quit leaves.")
            return ""
        self._is_stopping = await self._is_accepted(Stop(**self._arrival()), accept)
        return typed

    async def _is_accepted(self, inbound: Inbound, accept: Accept) -> bool:
        try:
            await self._unanswered.accepted(accept, inbound)
        except Exception as error:  # noqa: BLE001 - an edge: the person is told that it was not taken, and why
            await self._face.tell(f"I could not take that. {reason_of(error)} {self._whereabouts(inbound)}")
            return False
        return True

    def _whereabouts(self, inbound: Inbound) -> str:
        if not isinstance(inbound, Message):
            return ""
        return "Your words are back at the prompt." if self._face.is_interactive else f"You wrote: {inbound.text}"

    async def _leave(self) -> None:
        """Wait for what is still to be answered; a person not for long."""
        if not self._face.is_interactive:
            await self._unanswered.none_left()
        elif self._unanswered:
            await self._face.tell("One moment: something is still running. Ctrl-C leaves at once.")
            try:
                async with asyncio.timeout(self._leave_seconds):
                    await self._unanswered.none_left()
            except TimeoutError:
                await self._face.tell("It goes on when you come back.")

    def _arrival(self) -> dict[str, Any]:
        return {
            "event_id": uuid.uuid4().hex,
            "address": self._address,
            "person": self._person,
            "sent_at": datetime.now(UTC),
            "private": True,
        }


def _face(source: TextIO, target: TextIO, *, echo: bool) -> Face:
    if not (source.isatty() and target.isatty()):
        return Piped(source, target, echo=echo)
    from adapters.terminal import Terminal  # noqa: PLC0415 - a pipe needs no prompt_toolkit

    return Terminal(source, target, words=WORDS)
