"""What people say in Slack: who may, whether it is meant for the app, and what it means for the core."""

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from adapters.base import Shelf, reason_of
from adapters.slack.inbound import (
    Event,
    Me,
    Place,
    event_of,
    is_of_a_person,
    mentioned_in,
    message_of,
    place_of,
    words_of,
)
from adapters.slack.markdown import pages
from adapters.slack.people import Known, People
from adapters.slack.sending import Sender, mark
from adapters.slack.showing import CORNER, Reader, Showing, open_in
from orchestrator.messages import Accept, Edit, Feedback, Foreign, Inbound, Person, Pressing, Stop
from orchestrator.words import say

log = logging.getLogger(__name__)

UP_TO, LATEST = "upto/", "latest/"  # keys of notes: by session, and by channel and person
REMEMBERED = 2_000  # messages that are known to be taken, without asking the store
TOLD_AGAIN = 3_600.0  # seconds until somebody is told once more that they may not talk to the app


class Arrivals:
    """Takes events in. With `single`, direct messages outside of threads are one conversation; with `follows`, what is
    said in a thread that began with a word to the app is for the app."""

    def __init__(
        self,
        *,
        shelf: Shelf,
        people: People,
        sender: Sender,
        showing: Showing,
        accept: Accept,
        tasks: asyncio.TaskGroup,
        single: bool,
        follows: bool,
    ) -> None:
        self._shelf = shelf
        self._people = people
        self._sender = sender
        self._showing = showing
        self._accept = accept
        self._tasks = tasks
        self._single = single
        self._follows = follows
        self._told: dict[str, float] = {}
        self._taken: OrderedDict[str, None] = OrderedDict()
        self._latest: dict[str, str] = {}

    async def take(self, body: Mapping[str, Any], me: Me) -> None:
        """Make an event durable. Raises StorageError, SlackTrouble: then Slack brings it again."""
        event: Event = body.get("event") or {}
        match event.get("type"), event.get("subtype"):
            case "message", "message_changed":
                await self._edited(event, me, event_id=str(body.get("event_id")))
            case "message", "message_deleted":
                await self._deleted(event, event_id=str(body.get("event_id")))
            case (("message" | "app_mention"), _):
                if is_of_a_person(event, me):
                    await self._said(event, me)
            case "agent_session_stopped", _:
                await self._stopped(event, me, event_id=str(body.get("event_id")))
            case "app_home_opened", _ if event.get("tab") == "messages":
                await self._greet(event)

    async def accepted(
        self, inbound: Inbound, *, message: str | None = None, words: str = "", private: Reader | None = None
    ) -> None:
        """Hand something to the core. What comes of it is for a `private` reader alone. Raises StorageError."""
        place = Place.of(inbound.address)
        async with self._showing.arriving(inbound.address.session):
            receipt = await self._accept(inbound)
            if receipt.new and receipt.turn and private:
                await self._showing.expect_private(receipt.turn, private)
            elif receipt.new and receipt.turn and not isinstance(inbound, Stop | Edit):
                self._showing.expect(receipt.turn, place, message=message, words=words)
        self._remember(place, inbound.person.id)

    async def rated(self, feedback: Feedback) -> None:
        """Hand to the core what somebody thinks of an answer. Raises StorageError."""
        await self._accept(feedback)

    async def refusal(self, press: Pressing) -> str:
        """The core's word to who may not press that; empty where they may. Raises StorageError."""
        return (await self._accept(press)).refused

    async def names(self, users: Sequence[str], channel: str) -> Mapping[str, str]:
        """What people are called."""
        return await self._people.names(users, channel)

    async def person(self, user: str, channel: str, me: Me, *, team: str = "") -> Known:
        """Who somebody is; of another workspace, where Slack says so of them, or with what they did: its `is_stranger`
        is only for those with whom no channel is shared. Raises SlackTrouble."""
        known = await self._people.known(user, channel)
        teams = known.teams or frozenset({team} if team else ())
        home = set(filter(None, (me.team, me.enterprise)))
        is_foreign = bool(home and teams and not home & teams)
        return replace(known, teams=teams, is_stranger=known.is_stranger or is_foreign)

    async def may_come_in(self, person: Known, channel: str) -> bool:
        """Whether this person may talk to the app; who may not is told so, once in an hour."""
        if self._people.lets_in(person):
            return True
        if not person.is_bot and time.monotonic() - self._told.get(person.id, -TOLD_AGAIN) >= TOLD_AGAIN:
            self._told[person.id] = time.monotonic()
            told = say("I may not talk to you. Ask the one who runs me to let you in; your id is {id}.", id=person.id)
            await self.whisper(Place(channel), person.id, told)
        return False

    async def latest(self, channel: str, user: str) -> Place | None:
        """The conversation in a channel in which somebody has spoken last; None where that is in no thread."""
        key = f"{LATEST}{channel}/{user}"
        thread = self._latest[key] if key in self._latest else await self._shelf.noted(key)
        return Place(channel, thread) if thread else None

    async def whisper(self, place: Place, user: str, text: str) -> None:
        """Say something of the channel's own to one person."""
        page = pages(text)[0]
        private = place.is_private
        sender = self._sender
        request = sender.post(place, page, marked=mark("", 0)) if private else sender.ephemeral(place, user, page)
        await self._sender.cosmetic(request)

    async def not_taken(self, body: Mapping[str, Any], error: Exception) -> None:
        """Tell the person of a request why it was not taken."""
        event: Event = body.get("event") or {}
        user = event.get("user") or body.get("user_id") or (body.get("user") or {})
        channel = event.get("channel") or body.get("channel_id") or (body.get("channel") or {}).get("id")
        message: Event = body.get("message") or event
        thread = message.get("thread_ts") or message.get("ts")
        if user and channel:
            place = Place(str(channel), str(thread) if thread else None)
            await self.whisper(place, str(user if isinstance(user, str) else user["id"]), reason_of(error))

    # --- messages

    async def _said(self, event: Event, me: Me) -> None:
        place, channel = place_of(event, single=self._single), str(event["channel"])
        text, user = str(event.get("text", "")), str(event["user"])
        mentioned, event_id = mentioned_in(text), event_of(channel, str(event["ts"]))
        if event_id in self._taken:  # a mention comes as two events
            return
        if not (me.user in mentioned or place.is_private or await self._is_for_me(event, place, mentioned)):
            return
        team = str(event.get("user_team") or event.get("source_team") or "")
        person = await self.person(user, channel, me, team=team)
        if not await self.may_come_in(person, channel):
            return
        names = await self._people.names([each for each in mentioned if each != me.user], channel)
        message = message_of(event, me, place=place, person=person.as_person, names=names)
        if context := await self._context(event, place):
            message = message.model_copy(update={"foreign": (context, *message.foreign)})
        await self.accepted(message, message=str(event["ts"]), words=message.text)
        self._taken[event_id] = None
        if len(self._taken) > REMEMBERED:
            self._taken.popitem(last=False)
        if context:
            await self._shelf.note({f"{UP_TO}{place.address.session}": str(event["ts"])})

    async def _is_for_me(self, event: Event, place: Place, mentioned: list[str]) -> bool:
        """In a channel, a message without a mention: an answer to a question, or a word in a thread of the app's."""
        thread = event.get("thread_ts")
        if thread is None or thread == event.get("ts"):
            return False
        if event.get("user") in (await self._shelf.notes(open_in(place.address.session))).values():
            return True
        if not self._follows or mentioned:
            return False
        return await self._shelf.knows(event_of(place.channel, str(thread)))

    async def _context(self, event: Event, place: Place) -> Foreign | None:
        """What was said in a thread before the app was called into it, or since it was called the last time."""
        thread, ts = event.get("thread_ts"), str(event["ts"])
        if place.is_private or thread is None or thread == ts:
            return None
        if await self._shelf.knows(event_of(place.channel, str(thread))):
            return None
        since = await self._shelf.noted(f"{UP_TO}{place.address.session}") or "0"
        return Foreign(kind="context", text="", ref=f"{place.channel}/{thread}/{since}/{ts}")

    async def _edited(self, event: Event, me: Me, *, event_id: str) -> None:
        """New words for a message that the core knows; one that is only now for the app is a new one."""
        new, old = event.get("message") or {}, event.get("previous_message") or {}
        channel = str(event.get("channel", ""))
        if not is_of_a_person(new, me) or new.get("text") == old.get("text"):
            return  # Slack unfolded a link, or somebody answered in the thread
        whole = {**new, "channel": channel}
        if not await self._shelf.knows(event_of(channel, str(new["ts"]))):
            if me.user in mentioned_in(str(new.get("text", ""))) and me.user not in mentioned_in(str(old.get("text"))):
                await self._said(whole, me)
            return
        names = await self._people.names(mentioned_in(str(new.get("text", ""))), channel)
        place = place_of(whole, single=self._single)
        edit = Edit(
            event_id=f"e{event_id}",
            address=place.address,
            private=place.is_private,
            person=Person(id=str(new["user"])),
            sent_at=datetime.now(UTC),
            edits=event_of(channel, str(new["ts"])),
            text=words_of(str(new.get("text", "")), me, names),
        )
        await self.accepted(edit)

    async def _deleted(self, event: Event, *, event_id: str) -> None:
        """Who takes a message back while it is worked on, wants that to end."""
        old = {**(event.get("previous_message") or {}), "channel": str(event.get("channel", ""))}
        if not (old.get("ts") and old.get("user")):
            return
        place = place_of(old, single=self._single)
        if self._showing.runs_for(str(old["ts"]), place):
            await self.accepted(_stop(place, str(old["user"]), f"d{event_id}"))

    async def _stopped(self, event: Event, me: Me, *, event_id: str) -> None:
        """The native stop button."""
        channel, thread = str(event["channel"]), event.get("thread_ts")
        place = Place(channel, str(thread) if thread else None)
        user = event.get("user")
        if user and self._people.lets_in(await self.person(str(user), channel, me)):
            await self.accepted(_stop(place, str(user), f"p{event_id}"))

    async def _greet(self, event: Event) -> None:
        """Somebody looks at the conversation with the app: what they might ask."""
        prompts = [
            {"title": say("What can you do?"), "message": "/help"},
            {"title": say("Which tools are there?"), "message": "/tools"},
            {"title": say("What is the time in Tokyo?"), "message": say("What is the time in Tokyo?")},
        ]
        channel = str(event["channel"])
        request = self._sender.api.call(
            "assistant.threads.setSuggestedPrompts", channel, channel_id=channel, prompts=prompts
        )
        await self._sender.cosmetic(request)

    def _remember(self, place: Place, user: str) -> None:
        """Note, without making anybody wait, where somebody has spoken last."""
        key, thread = f"{LATEST}{place.channel}/{user}", place.thread or ""
        if not thread.startswith(CORNER) and self._latest.get(key) != thread:
            self._latest[key] = thread
            self._tasks.create_task(self._noted({key: thread}), name="latest conversation")

    async def _noted(self, written: Mapping[str, str]) -> None:
        try:
            await self._shelf.note(written)
        except Exception:  # an edge: a slash word then asks what is meant, and nothing else depends on it
            log.exception("a conversation was not noted")


def _stop(place: Place, user: str, event_id: str) -> Stop:
    return Stop(event_id=event_id, address=place.address, person=Person(id=user), sent_at=datetime.now(UTC))
