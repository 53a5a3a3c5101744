"""What people see: a picture of the turn that runs in each place, then its final part, and no buttons that are over."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import replace

from telegram.error import TelegramError

from adapters.asked import Asked, OpenQuestions
from adapters.base import DeliveryError, Shelf
from adapters.running import InLine
from adapters.telegram.buttons import free_text, keyboard
from adapters.telegram.entities import Styled, plain
from adapters.telegram.errors import as_delivery_error, is_chat_gone
from adapters.telegram.finals import Finals, Look, ReadFile
from adapters.telegram.inbound import Place
from adapters.telegram.pictures import Picture, card_text
from adapters.telegram.sending import Markup, Sender
from adapters.text import choice_lines
from orchestrator.messages import Address, Answer, Delivery, Live, PlanCard, Question

GONE, LIVE = "gone/", "live/"  # keys of notes, by chat and by session


class Showing:
    """The way out. Pictures run in `tasks`; the turns of one place are shown one after the other."""

    def __init__(
        self,
        sender: Sender,
        shelf: Shelf,
        tasks: asyncio.TaskGroup,
        *,
        questions: OpenQuestions,
        read_file: ReadFile,
    ) -> None:
        self._sender = sender
        self._shelf = shelf
        self._questions = questions
        self._tasks = tasks
        self._finals = Finals(sender, shelf, read_file)
        self._lines = InLine[Picture](tasks)
        self._gone: set[int] = set()

    async def open(self) -> None:
        """Remember which chats are gone."""
        self._gone = {int(key.removeprefix(GONE)) for key in await self._shelf.notes(GONE)}

    async def has_gone(self, chat: int, *, gone: bool) -> None:
        """Send nothing to a chat that has thrown the bot out; or again to one that has let it in."""
        if gone != (chat in self._gone):
            await self._shelf.note({f"{GONE}{chat}": "1" if gone else None})
            (self._gone.add if gone else self._gone.discard)(chat)

    def end(self) -> None:
        """Show no pictures any more."""
        self._lines.stop()

    def expect(self, turn: str, place: Place, *, message: int | None) -> None:
        """A turn was accepted: `message` began it. It is shown once those before it have ended."""
        if message is not None:
            self._finals.heard(place.address.session, message)
        if self._lines.find(turn, place.address.session) is None:
            self._append(turn, place, reply_to=None if place.is_private else message)

    async def show(self, address: Address, turn: str, part: Live) -> None:
        """Take a live part. One of a turn that an earlier process has begun goes on in the message that it left."""
        place = Place.of(address)
        picture = self._lines.find(turn, address.session)
        if picture is None:
            picture = self._append(turn, place, reply_to=None, message=await self._left_message(address, turn))
        picture.take(part)

    async def deliver(self, delivery: Delivery) -> None:
        """Show a final part, and nothing of its turn after it. Raises DeliveryError."""
        place = Place.of(delivery.address)
        if place.chat in self._gone:
            raise DeliveryError("the chat is gone", gone=True)
        picture = await self._lines.ended(delivery.turn, delivery.address.session)
        message = picture.message if picture else await self._left_message(delivery.address, delivery.turn)
        try:
            await self._final(delivery, picture, live=message)
        except TelegramError as error:
            if is_chat_gone(error):
                await self.has_gone(place.chat, gone=True)
            raise as_delivery_error(error) from None
        if delivery.part.closes:
            await self.close_question(delivery.part.closes)

    async def close_question(self, question: str) -> None:
        """Take the buttons away from a question that is over."""
        asked = await self._questions.close(question)
        if asked and asked.message:  # nobody waits for that: old buttons say that they are over when they are pressed
            edit = self._sender.keyboard(Place.named(asked.chat, asked.thread), int(asked.message), None)
            self._tasks.create_task(self._sender.cosmetic(edit), name=f"buttons of {question}")

    async def _final(self, delivery: Delivery, picture: Picture | None, *, live: int | None) -> None:
        look = Look(reply_to=picture.reply_to if picture else None, live=live)
        if not isinstance(delivery.part, Question):
            below = _plan_below(picture.card) if picture and isinstance(delivery.part, Answer) else Styled("")
            await self._finals.send(delivery, replace(look, below=below))
            return
        markup = keyboard(delivery.part)
        await self._questions.open(Asked.of(delivery.part, delivery.address))  # before it can be pressed
        choices = "" if markup else "\n".join(choice_lines(delivery.part))
        look = replace(look, markup=markup or _free_text(delivery.part, look), below=plain(choices))
        message = await self._finals.send(delivery, look)
        await self._questions.stands_in(str(message), delivery.part.id)

    async def _left_message(self, address: Address, turn: str) -> int | None:
        """The message in which an earlier process has shown this turn."""
        if Place.of(address).is_private and self._sender.has_drafts:
            return None
        note = await self._shelf.noted(f"{LIVE}{address.session}")
        known: Mapping[str, int] = json.loads(note) if note else {}
        return known.get(turn)

    def _append(self, turn: str, place: Place, *, reply_to: int | None, message: int | None = None) -> Picture:
        async def noted(shown: int) -> None:
            await self._shelf.note({f"{LIVE}{place.address.session}": json.dumps({turn: shown})})

        draft = int(turn.removeprefix("t"))
        picture = Picture(self._sender, place, draft=draft, reply_to=reply_to, noted=noted, message=message)
        return self._lines.append(turn, place.address.session, picture)


def _free_text(question: Question, look: Look) -> Markup:
    """In a group an answer must be a reply: the field for it is opened, for the one who was asked."""
    return free_text(question) if look.reply_to is not None else None


def _plan_below(card: PlanCard | None) -> Styled:
    """What was done for an answer, folded, where it was more than one thing."""
    if card is None or len(card.steps) < 2:
        return Styled("")
    return plain(card_text(card).text, "expandable_blockquote")
