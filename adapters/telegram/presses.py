"""Presses on buttons: only of the one who was asked, only while the question is open, and each counts once."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from telegram import Bot, CallbackQuery, InlineKeyboardMarkup
from telegram.error import TelegramError

from adapters.asked import Asked, OpenQuestions, Press
from adapters.telegram.buttons import chosen, repicked
from adapters.telegram.door import Door
from adapters.telegram.inbound import Place
from adapters.telegram.sending import Sender
from orchestrator.messages import Choice, Form, Inbound, Message, Person, Pressing
from orchestrator.words import say

log = logging.getLogger(__name__)

Accepted = Callable[[Inbound, Place, int | None], Awaitable[None]]
"""Hand an Inbound to the core: where it was said, and by which message."""
Refusal = Callable[[Pressing], Awaitable[str]]
"""The core's word to who may not press that; empty where they may."""


class Presses:
    """Reads presses. What is only for show runs in `tasks`."""

    def __init__(
        self,
        bot: Bot,
        questions: OpenQuestions,
        *,
        door: Door,
        sender: Sender,
        accepted: Accepted,
        refusal: Refusal,
        tasks: asyncio.TaskGroup,
    ) -> None:
        self._bot = bot
        self._questions = questions
        self._door = door
        self._sender = sender
        self._accepted = accepted
        self._refusal = refusal
        self._tasks = tasks
        self._picked: dict[Place, str] = {}  # questions of several fields, some of which were picked

    async def take(self, query: CallbackQuery) -> None:
        """Make a press durable, and only then tell the app that it has arrived."""
        press = Press.read(query.data or "")
        asked = await self._questions.find(press.question) if press and self._door.lets_in(query.from_user) else None
        refused = await self._refusal(_pressing(query, asked)) if asked else say("That question is closed already.")
        if refused:
            await self._answer(query, refused)
            if asked is None and query.message and press:
                self._show(Place(query.message.chat.id), query.message.message_id, None)
        elif press:
            await self._pick(query, press)

    async def form(self, message: Message) -> Form | None:
        """A message as the last field of a question whose other fields were picked by buttons."""
        place = Place.of(message.address)
        asked = await self._questions.find(self._picked.pop(place, ""))
        if asked is None or asked.person != message.person.id or len(asked.open_fields) != 1:
            return None
        values = {**asked.picked, asked.open_fields[0]: message.text}
        arrival = {name: getattr(message, name) for name in ("event_id", "address", "person", "sent_at", "private")}
        return Form(**arrival, question=asked.question, values=values)

    async def _pick(self, query: CallbackQuery, press: Press) -> None:
        try:
            asked = await self._questions.pick(press)
        except IndexError:  # nobody was shown that button
            asked = None
        if asked is None:
            await self._answer(query, say("That question is closed already."))
            return
        place = Place.named(asked.chat, asked.thread)
        message = query.message.message_id if query.message else int(asked.message or 0)
        if asked.open_fields:
            self._picked[place] = asked.question
            await self._answer(query)
            self._show(place, message, repicked(asked))
            return
        await self._accepted(_inbound(query, asked, place), place, message)
        self._picked.pop(place, None)
        await self._questions.close(asked.question)
        await self._answer(query)
        self._show(place, message, chosen(", ".join(asked.picked.values())))

    async def _answer(self, query: CallbackQuery, alert: str = "") -> None:
        try:
            await self._bot.answer_callback_query(query.id, alert or None, show_alert=bool(alert))
        except TelegramError as error:  # too late, or not at all: the press itself counts all the same
            log.info("a press was not answered", extra={"reason": str(error)})

    def _show(self, place: Place, message: int, markup: InlineKeyboardMarkup | None) -> None:
        self._tasks.create_task(self._sender.cosmetic(self._sender.keyboard(place, message, markup)), name="buttons")


def _pressing(query: CallbackQuery, asked: Asked) -> Pressing:
    return Pressing(**_arrival(query, Place.named(asked.chat, asked.thread)), question=asked.question)


def _arrival(query: CallbackQuery, place: Place) -> dict[str, Any]:
    return {
        "event_id": f"c{query.id}",
        "address": place.address,
        "person": Person(id=str(query.from_user.id), name=query.from_user.full_name),
        "sent_at": datetime.now(UTC),
        "private": place.is_private,
    }


def _inbound(query: CallbackQuery, asked: Asked, place: Place) -> Inbound:
    """What was picked, as an answer."""
    arrival = _arrival(query, place)
    if len(asked.fields) == 1:
        (value,) = asked.picked.values()
        return Choice(**arrival, question=asked.question, value=value)
    return Form(**arrival, question=asked.question, values=dict(asked.picked))
