"""What people see: a picture of the turn that runs in a thread, then its final part, and no buttons that are over."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from adapters.asked import Asked, OpenQuestions
from adapters.base import Shelf
from adapters.locks import Locks
from adapters.running import InLine
from adapters.slack.blocks import frozen, plan_note, question_page, rating
from adapters.slack.errors import SlackTrouble, as_delivery_error
from adapters.slack.finals import Finals
from adapters.slack.inbound import Place
from adapters.slack.markdown import Page, pages
from adapters.slack.pictures import Picture
from adapters.slack.sending import Sender, mark
from orchestrator.messages import Address, Answer, Delivery, Live, Question

LIVE, CARD, OPEN, PRIVATE = "live/", "card/", "open/", "private/"  # begin keys of notes
CORNER = "@"  # begins a "thread" that only one person sees: what they say by slash words in a channel
TITLE = 60  # characters of a conversation's title


@dataclass(frozen=True, slots=True)
class Reader:
    """Who alone sees the end of a turn. At the `response_url` they can be told it where the app is not."""

    person: str
    response_url: str = ""


class Showing:
    """The way out. Pictures run in `tasks`; the turns of one thread are shown one after the other."""

    def __init__(
        self, sender: Sender, finals: Finals, shelf: Shelf, questions: OpenQuestions, *, tasks: asyncio.TaskGroup
    ) -> None:
        self._sender = sender
        self._finals = finals
        self._shelf = shelf
        self._tasks = tasks
        self._lines = InLine[Picture](tasks)
        self._questions = questions
        self._arriving = Locks()  # by session
        self._private: dict[str, Reader] = {}  # by turn
        self._suspended: set[str] = set()
        self._asking: dict[str, str | None] = {}  # questions that are being shown; words, where one is over already

    async def open(self) -> None:
        """Remember whose turns are for one person alone."""
        noted = await self._shelf.notes(PRIVATE)
        self._private = {key.removeprefix(PRIVATE): Reader(**json.loads(note)) for key, note in noted.items()}

    def end(self) -> None:
        """Show no pictures any more."""
        self._lines.stop()

    def arriving(self, session: str) -> asyncio.Lock:
        """While something of this session arrives, nothing of it is delivered: first it is known whose it is."""
        return self._arriving.of(session)

    def expect(self, turn: str, place: Place, *, message: str | None, words: str = "") -> None:
        """A turn was accepted: `message` began it. It is shown once those before it have ended."""
        if self._lines.find(turn, place.address.session) is None:
            self._append(turn, place, began_by=message, title=" ".join(words.split())[:TITLE])

    async def expect_private(self, turn: str, reader: Reader) -> None:
        """The end of this turn is for one person's eyes."""
        self._private[turn] = reader
        await self._shelf.note({f"{PRIVATE}{turn}": json.dumps(asdict(reader))})

    def runs_for(self, message: str, place: Place) -> bool:
        """Whether the turn that this message began is the one that runs now."""
        first = self._lines.first(place.address.session)
        return first is not None and first.began_by == message

    async def show(self, address: Address, turn: str, part: Live) -> None:
        """Take a live part. One of a turn that an earlier process has begun goes on in the message that it left."""
        if turn in self._private or (address.thread or "").startswith(CORNER):
            return
        picture = self._lines.find(turn, address.session)
        if picture is None:
            left = await self._left_message(address, turn)
            picture = self._lines.find(turn, address.session)  # two parts may come at once
        if picture is None:
            picture = self._append(turn, Place.of(address), began_by=None, message=left)
        picture.take(part)

    async def deliver(self, delivery: Delivery) -> None:
        """Show a final part, and nothing of its turn after it. Raises DeliveryError."""
        async with self.arriving(delivery.address.session):
            pass
        place = Place.of(delivery.address)
        picture = await self._lines.ended(delivery.turn, delivery.address.session)
        try:
            if reader := self._for_one(delivery, place):
                await self._whisper(delivery, Place(place.channel), reader)
            else:
                await self._final(delivery, place, picture)
        except SlackTrouble as trouble:
            raise as_delivery_error(trouble) from None
        if delivery.part.closes:
            await self.close_question(delivery.part.closes)

    async def close_question(self, question: str, words: str = "") -> None:
        """Let nobody press the buttons of a question that is over; `words` say what came of it, as mrkdwn."""
        asked = await self._questions.find(question)
        if asked is None:
            return
        card = json.loads(await self._shelf.noted(f"{CARD}{question}") or "null")
        place = Place(asked.chat, asked.thread)
        session = place.address.session
        asked = await self._questions.close(question, (f"{CARD}{question}", f"{open_in(session)}{question}")) or asked
        if question in self._asking:
            self._asking[question] = words
        elif asked.message and card:
            self._freeze(place, asked.message, card, words)

    def _freeze(self, place: Place, message: str, card: Mapping[str, Any], words: str) -> None:
        """Nobody waits for that: old buttons say that they are over when they are pressed."""
        page = Page(card["text"], frozen(card["blocks"], words), card["source"])
        edit = self._sender.cosmetic(self._sender.update(place, message, page))
        self._tasks.create_task(edit, name=f"buttons of {message}")

    # --- final parts

    def _for_one(self, delivery: Delivery, place: Place) -> Reader | None:
        corner = place.thread or ""
        known = self._private.get(delivery.turn)
        return known or (Reader(corner.removeprefix(CORNER)) if corner.startswith(CORNER) else None)

    async def _whisper(self, delivery: Delivery, place: Place, reader: Reader) -> None:
        """Show it to one person: what a slash word says is theirs. A conversation with them alone needs no whisper."""
        for page in pages(delivery.part.text):
            if place.is_private:
                await self._sender.post(place, page, marked=mark(delivery.id, 0))
            else:
                await self._whispered(place, reader, page)
        if self._private.pop(delivery.turn, None):
            await self._shelf.note({f"{PRIVATE}{delivery.turn}": None})

    async def _whispered(self, place: Place, reader: Reader, page: Page) -> None:
        try:
            await self._sender.ephemeral(place, reader.person, page)
        except SlackTrouble as trouble:
            if not (trouble.is_place_gone and reader.response_url):
                raise
            await self._sender.respond(reader.response_url, page)

    async def _final(self, delivery: Delivery, place: Place, picture: Picture | None) -> None:
        live = picture.message if picture else await self._left_message(delivery.address, delivery.turn)
        if isinstance(delivery.part, Question):
            await self._ask(delivery, delivery.part, picture, live)
        else:
            await self._finals.send(delivery, _answer_pages(delivery, picture), picture=picture, live=live)
        if live:
            await self._shelf.note({f"{LIVE}{delivery.address.session}": None})
        await self._show_rest(delivery, place, picture)

    async def _ask(self, delivery: Delivery, question: Question, picture: Picture | None, live: str | None) -> None:
        asked, content = Asked.of(question, delivery.address), question_page(question)
        last = content[-1]
        labels = {field.name: field.label for field in question.fields}
        card = {"text": last.text, "blocks": list(last.blocks), "source": last.source, "labels": labels}
        written = json.dumps(card, ensure_ascii=False)
        also = {f"{CARD}{question.id}": written, f"{open_in(delivery.address.session)}{question.id}": question.person}
        await self._questions.open(asked, also)  # before it can be pressed
        self._asking[question.id] = None
        try:
            message = await self._finals.send(delivery, content, picture=picture, live=live)
            await self._questions.stands_in(message, question.id)
        finally:
            words = self._asking.pop(question.id)
        if words is not None:  # somebody was quicker than Slack's answer to us
            self._freeze(Place.of(delivery.address), message, card, words)

    async def _show_rest(self, delivery: Delivery, place: Place, picture: Picture | None) -> None:
        """Nothing works any more: the words below the thread go, and the session says what it waits for."""
        session = delivery.address.session
        asks = isinstance(delivery.part, Question)
        was_shown = delivery.repeated or (picture is not None and picture.shown_at_all)
        if was_shown or asks or delivery.part.closes or session in self._suspended:
            (self._suspended.add if asks else self._suspended.discard)(session)
            self._tasks.create_task(self._settle(place, "suspended" if asks else "active"), name=f"rest of {session}")

    async def _settle(self, place: Place, status: str) -> None:
        await self._sender.status(place, "")
        await self._sender.session(place, status)

    async def _left_message(self, address: Address, turn: str) -> str | None:
        """The message in which an earlier process has shown this turn."""
        note = await self._shelf.noted(f"{LIVE}{address.session}")
        known: Mapping[str, str] = json.loads(note) if note else {}
        return known.get(turn)

    def _append(
        self, turn: str, place: Place, *, began_by: str | None, title: str = "", message: str | None = None
    ) -> Picture:
        session = place.address.session

        async def noted(shown: str | None) -> None:
            await self._shelf.note({f"{LIVE}{session}": json.dumps({turn: shown}) if shown else None})

        picture = Picture(self._sender, place, began_by=began_by, title=title, noted=noted, message=message)
        return self._lines.append(turn, session, picture)


def open_in(session: str) -> str:
    """With what the notes of the questions begin that are open in a session; they hold whom each asks."""
    return f"{OPEN}{session} "


def _answer_pages(delivery: Delivery, picture: Picture | None) -> Sequence[Page]:
    """An answer with what was done for it, where that was more than one thing, and a way to say how good it is."""
    *others, last = pages(delivery.part.text)
    if not isinstance(delivery.part, Answer):
        return [*others, last]
    card = picture.card if picture else None
    done = [plan_note(card)] if card and len(card.steps) > 1 else []
    return [*others, last.with_below(*done, rating(delivery.turn))]
