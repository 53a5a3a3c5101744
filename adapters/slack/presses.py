"""Presses and dialogs: only of the one who was asked, only while the question is open, and each counts once."""

import asyncio
import json
import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from adapters.asked import Asked, OpenQuestions, Press
from adapters.base import Shelf
from adapters.slack.arrivals import Arrivals
from adapters.slack.beginnings import Beginning, Beginnings
from adapters.slack.blocks import FORM, PICK, RATE, SELECT, form, modal, plain, values_of
from adapters.slack.errors import SlackTrouble
from adapters.slack.inbound import FOREIGN, Me, Place, decoded
from adapters.slack.manifest import ABOUT
from adapters.slack.people import Known
from adapters.slack.sending import Sender
from adapters.slack.showing import CARD, Showing
from adapters.slack.writing import escaped
from orchestrator.messages import Choice, Feedback, Form, Inbound, Pressing
from orchestrator.words import say, speaking

log = logging.getLogger(__name__)

METADATA = 2_900  # characters that a dialog carries along, of which Slack takes 3,000

AUTHOR = 100  # of which so many are a name
LONGEST_ESCAPE = 6  # characters of JSON for one of a text

Payload = Mapping[str, Any]
Problems = Mapping[str, str]


class Presses:
    """Reads what is pressed and filled in. What is only for show runs in `tasks`."""

    def __init__(
        self,
        arrivals: Arrivals,
        beginnings: Beginnings,
        *,
        shelf: Shelf,
        questions: OpenQuestions,
        sender: Sender,
        showing: Showing,
        tasks: asyncio.TaskGroup,
    ) -> None:
        self._arrivals = arrivals
        self._beginnings = beginnings
        self._shelf = shelf
        self._questions = questions
        self._sender = sender
        self._showing = showing
        self._tasks = tasks

    async def pressed(self, body: Payload, me: Me) -> None:
        """A button, or a menu. Raises StorageError, SlackTrouble."""
        action: Payload = (body.get("actions") or [{}])[0]
        place, user = _place(body), str(body["user"]["id"])
        person = await self._arrivals.person(user, place.channel, me, team=str(body["user"].get("team_id") or ""))
        with speaking(person.language):
            if not await self._arrivals.may_come_in(person, place.channel):
                return
            action_id = str(action.get("action_id", ""))
            if action_id == RATE:
                await self._rated(body, action, place, person)
            elif action_id.startswith(FORM):
                await self._open_form(body, action_id.removeprefix(FORM), place, person)
            elif press := _press(action):
                await self._picked(body, press, place, person)

    async def filled_in(self, body: Payload, me: Me) -> Problems:
        """A dialog was sent. What is wrong with it, by block. Raises StorageError, SlackTrouble."""
        view: Payload = body["view"]
        known: dict[str, str] = json.loads(view.get("private_metadata") or "{}")
        place, user = Place(known.get("channel", ""), known.get("thread") or None), str(body["user"]["id"])
        person = await self._arrivals.person(user, place.channel, me)
        with speaking(person.language):
            if not await self._arrivals.may_come_in(person, place.channel):
                return {}
            if view.get("callback_id") == ABOUT:
                return await self._asked_about(view, known, person)
            asked = await self._questions.find(known.get("question", ""))
            refused = await self._refusal(body, asked, person)
            if asked is None or refused:
                return {_first_block(view): refused}
            values, problems = values_of(view, asked)
            if problems:
                return problems
            inbound = Form(**_arrival(f"v{view['id']}", asked, person), question=asked.question, values=values)
            await self._answered(asked, inbound, person, ", ".join(values.values()))
            return {}

    async def about(self, body: Payload, me: Me) -> None:
        """The message shortcut: what do you want to know about this? Raises SlackTrouble."""
        message: Payload = body.get("message") or {}
        channel, user = str(body["channel"]["id"]), str(body["user"]["id"])
        person = await self._arrivals.person(user, channel, me)
        with speaking(person.language):
            if not await self._arrivals.may_come_in(person, channel):
                return
            author = str(message.get("user") or message.get("username") or "")
            names = await self._arrivals.names([author], channel)
            text = decoded(str(message.get("text", "")), names)
            metadata = _carried(channel=channel, author=names.get(author, author)[:AUTHOR], text=text)
            words = {"type": "plain_text_input", "action_id": "value", "multiline": True}
            label = plain(say("What do you want to know, or to be done?"), 2_000)
            block = {"type": "input", "block_id": "t0", "label": label, "element": words}
            view = modal(ABOUT, say("Ask about this"), [block], metadata=metadata, submit=say("Send"))
            self._open(body, view, Place(channel), person)

    async def _picked(self, body: Payload, press: Press, place: Place, person: Known) -> None:
        asked = await self._asked_of(body, press.question, place, person)
        if asked is None:
            return
        try:
            picked = asked.pick(press.field, press.choice)
        except IndexError:  # nobody was shown that button
            await self._arrivals.whisper(place, person.id, say("That question is closed already."))
            return
        (value,) = picked.picked.values()
        event = f"a{body['trigger_id']}"
        inbound = Choice(**_arrival(event, asked, person), question=asked.question, value=value)
        await self._answered(asked, inbound, person, value)

    async def _answered(self, asked: Asked, inbound: Inbound, person: Known, words: str) -> None:
        await self._arrivals.accepted(inbound, message=asked.message or None, words=words)
        line = f"✓ {escaped(' '.join(words.split()))} (<@{person.id}>)"
        await self._showing.close_question(asked.question, line)

    async def _open_form(self, body: Payload, question: str, place: Place, person: Known) -> None:
        card = json.loads(await self._shelf.noted(f"{CARD}{question}") or "{}")
        if asked := await self._asked_of(body, question, place, person):
            known = {"question": question, "channel": place.channel, "thread": place.thread or ""}
            view = form(asked, card.get("labels") or {}, metadata=json.dumps(known))
            self._open(body, view, place, person)

    def _open(self, body: Payload, view: Payload, place: Place, person: Known) -> None:
        """Open a dialog, after Slack was told that the press has arrived: it waits for no more than three seconds."""

        async def opened() -> None:
            try:
                await self._sender.api.call("views.open", place.channel, trigger_id=body["trigger_id"], view=view)
            except SlackTrouble as trouble:
                log.info("a dialog was not opened", extra={"reason": str(trouble)})
                with speaking(person.language):
                    late = say("That took me too long. Please press it once more.")
                    await self._arrivals.whisper(place, person.id, late)

        self._tasks.create_task(opened(), name="dialog")

    async def _rated(self, body: Payload, action: Payload, place: Place, person: Known) -> None:
        rating, _, turn = str(action.get("value", "")).partition("/")
        if rating not in {"good", "bad"}:
            return
        arrival = {
            "event_id": f"r{body['trigger_id']}",
            "address": place.address,
            "person": person.as_person,
            "sent_at": datetime.now(UTC),
        }
        await self._arrivals.rated(Feedback.model_validate({**arrival, "turn": turn, "rating": rating}))

    async def _asked_about(self, view: Payload, known: Mapping[str, str], person: Known) -> Problems:
        values = (view.get("state") or {}).get("values") or {}
        words = str(((values.get("t0") or {}).get("value") or {}).get("value") or "").strip()
        if not words:
            return {"t0": say("Please fill this in.")}
        beginning = Beginning(
            str(view["id"]),
            person.id,
            person.name,
            words,
            teams=person.as_person.teams,
            about=known.get("text", "")[:FOREIGN],
            author=known.get("author", ""),
            language=person.language,
        )
        await self._beginnings.take(beginning)
        return {}

    async def _asked_of(self, body: Payload, question: str, place: Place, person: Known) -> Asked | None:
        """An open question that this person may answer; else they are told why not."""
        asked = await self._questions.find(question)
        if refused := await self._refusal(body, asked, person):
            await self._arrivals.whisper(place, person.id, refused)
            return None
        return asked

    async def _refusal(self, body: Payload, asked: Asked | None, person: Known) -> str:
        """The core's word to who may not answer that; empty where they may."""
        if asked is None:
            return say("That question is closed already.")
        arrival = _arrival(f"w{body.get('trigger_id', '')}", asked, person)
        return await self._arrivals.refusal(Pressing(**arrival, question=asked.question))


def _arrival(event_id: str, asked: Asked, person: Known) -> dict[str, Any]:
    place = Place(asked.chat, asked.thread)
    return {
        "event_id": event_id,
        "address": place.address,
        "private": place.is_private,
        "person": person.as_person,
        "sent_at": datetime.now(UTC),
    }


def _carried(*, channel: str, author: str, text: str) -> str:
    """What a dialog carries along of a message, as JSON: as much of it as goes in."""
    while True:
        written = json.dumps({"channel": channel, "author": author, "text": text}, ensure_ascii=False)
        if len(written) <= METADATA:
            return written
        text = text[: -(len(written) - METADATA) // LONGEST_ESCAPE]


def _place(body: Payload) -> Place:
    """The thread of the message whose button was pressed."""
    message: Payload = body.get("message") or {}
    container: Payload = body.get("container") or {}
    channel = (body.get("channel") or {}).get("id") or container.get("channel_id") or ""
    thread = message.get("thread_ts") or container.get("thread_ts")
    return Place(str(channel), str(thread) if thread else None)


def _press(action: Payload) -> Press | None:
    action_id = str(action.get("action_id", ""))
    if action_id.startswith(PICK):
        return Press.read(action_id.removeprefix(PICK))
    if action_id.startswith(SELECT):
        choice = (action.get("selected_option") or {}).get("value", "")
        return Press.read(f"{action_id.removeprefix(SELECT)}/{choice}")
    return None


def _first_block(view: Payload) -> str:
    return next((str(block["block_id"]) for block in view.get("blocks") or () if block.get("type") == "input"), "t0")
