"""What people do in Telegram: who may, whether it is meant for the bot, and what it means for the core."""

import asyncio
import logging
import time
from collections import defaultdict, deque
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial

from telegram import Bot, ChatMember, ChatMemberUpdated, Update, User
from telegram import Message as Sent

from adapters.asked import OpenQuestions
from adapters.base import OURS, Shelf, reason_of
from adapters.telegram.door import VALID_SECONDS, Door
from adapters.telegram.entities import plain
from adapters.telegram.gathering import Gathering
from adapters.telegram.inbound import (
    STOPPED,
    Me,
    Place,
    edit_of,
    is_addressed,
    message_of,
    person_of,
    place_of,
    stop_of,
    words_of,
)
from adapters.telegram.presses import Presses
from adapters.telegram.sending import Sender
from adapters.telegram.showing import Showing
from adapters.text import shortened
from orchestrator.messages import Accept, FirstIn, Foreign, Inbound, Message, Person, Pressing
from orchestrator.words import say, speaking

log = logging.getLogger(__name__)

MOVED, TITLED = "moved/", "titled/"  # keys of notes
TITLE = 48  # characters of a topic's name
TOLD_AGAIN = 3_600.0  # seconds until a stranger is told once more that they are one
FORWARDED = "forwarded"  # what is forwarded at once is one message, with the comment before it
OUTSIDE = {ChatMember.BANNED, ChatMember.LEFT}


class Arrivals:
    """Takes updates in. `context` is how many messages that were not for the bot are kept for the next one that is."""

    def __init__(
        self,
        bot: Bot,
        me: Me,
        *,
        shelf: Shelf,
        questions: OpenQuestions,
        door: Door,
        sender: Sender,
        showing: Showing,
        accept: Accept,
        tasks: asyncio.TaskGroup,
        context: int,
    ) -> None:
        self._me = me
        self._shelf = shelf
        self._door = door
        self._sender = sender
        self._showing = showing
        self._accept = accept
        self._tasks = tasks
        self._gathering = Gathering(shelf, self._whole, tasks)
        self._presses = Presses(
            bot, questions, door=door, sender=sender, accepted=self._accepted, refusal=self._refusal, tasks=tasks
        )
        self._overheard: defaultdict[Place, deque[Foreign]] = defaultdict(lambda: deque(maxlen=context))
        self._moved: dict[int, int] = {}  # new chat -> the one under which its sessions began
        self._told: dict[int, float] = {}
        self._in_trouble: set[int] = set()  # chats that were told that their messages cannot be taken just now

    async def open(self) -> None:
        """Remember what an earlier process knew."""
        for key, new in (await self._shelf.notes(MOVED)).items():
            self._has_moved(int(key.removeprefix(MOVED)), int(new))
        await self._gathering.open()

    async def moved(self, old: int, new: int) -> None:
        """A group became a supergroup: its sessions go on there."""
        if new not in self._moved:
            await self._shelf.note({f"{MOVED}{old}": str(new)})
            self._has_moved(old, new)

    async def take(self, updates: Sequence[Update]) -> None:
        """Make updates durable: those of one chat in their order, chats side by side. Raises StorageError."""
        for update in updates:  # first of all: what follows may be said where a group has moved to
            if update.message:
                await self._moves(update.message)
        by_chat: defaultdict[int, list[Update]] = defaultdict(list)
        for update in updates:
            by_chat[_chat_of(update)].append(update)
        async with asyncio.TaskGroup() as chats:
            for of_one in by_chat.values():
                chats.create_task(self._take_in_order(of_one))

    async def _take_in_order(self, updates: Sequence[Update]) -> None:
        for number, update in enumerate(updates):
            following = updates[number + 1] if number + 1 < len(updates) else None
            try:
                await self._one(update, following)
                self._in_trouble.discard(_chat_of(update))
            except Exception as error:
                if type(error).__module__.startswith(OURS):
                    await self._tell_trouble(update, error)
                    raise
                log.exception("an update could not be read", extra={"update": update.update_id})  # and never will be

    async def _tell_trouble(self, update: Update, error: Exception) -> None:
        """Tell somebody, once, that their message cannot be taken yet. Telegram keeps it, and it is tried again."""
        chat = _chat_of(update)
        if update.message and chat not in self._in_trouble:
            self._in_trouble.add(chat)
            reason = say("I cannot take your message just now, and keep trying.")
            await self._tell(update.message, f"{reason} {reason_of(error)}")

    async def _one(self, update: Update, following: Update | None) -> None:
        if query := update.callback_query:
            with speaking(_language(query.from_user)):
                await self._presses.take(query)
        elif sent := update.message:
            with speaking(_language(sent.from_user)):
                await self._message(sent, following.message if following else None)
        elif sent := update.edited_message:
            await self._edited(update, sent)
        elif member := update.my_chat_member:
            await self._membership(member)
        elif (stop := stop_of(update, datetime.now(UTC))) and self._knows(stop.person):
            await self._accept(stop)

    # --- messages

    async def _message(self, sent: Sent, following: Sent | None) -> None:
        if (created := sent.forum_topic_created) and created.is_name_implicit:
            await self._shelf.note({f"{TITLED}{sent.chat.id}/{sent.message_thread_id}": ""})
        elif _is_of_a_person(sent) and await self._may_come_in(sent):
            await self._words(sent, following)

    async def _moves(self, sent: Sent) -> None:
        if sent.migrate_to_chat_id or sent.migrate_from_chat_id:
            await self.moved(sent.migrate_from_chat_id or sent.chat.id, sent.migrate_to_chat_id or sent.chat.id)

    async def _may_come_in(self, sent: Sent) -> bool:
        """Whether its person may talk to the bot; codes let people in, and strangers are told how."""
        user = sent.from_user
        assert user is not None
        is_private, words = sent.chat.type == sent.chat.PRIVATE, (sent.text or "").split()
        if is_private and len(words) == 2 and words[0] == "/start" and not self._door.lets_in(user):
            welcome = await self._door.take(words[1], user, first=partial(self._first_in, sent, user))
            text = (
                say("Welcome, {name}. Write what you need.", name=user.first_name)
                if welcome
                else say("This code is not valid, or not any more. Ask for a new one.")
            )
            await self._tell(sent, text)
            return False
        if self._door.lets_in(user):
            if is_private and words == ["/invite"]:
                await self._invite(sent, user)
                return False
            return True
        if is_private and time.monotonic() - self._told.get(user.id, -TOLD_AGAIN) >= TOLD_AGAIN:
            self._told[user.id] = time.monotonic()
            text = say(
                "I do not know you yet. Ask the one who runs me for an invitation, and open it. Your id is {id}.",
                id=user.id,
            )
            await self._tell(sent, text)
        return False

    async def _invite(self, sent: Sent, user: User) -> None:
        if not await self._door.may_invite(user):
            await self._tell(sent, say("Only the one who runs me can invite people."))
            return
        code = await self._door.new_code()
        link = f"https://t.me/{self._me.username}?start={code}"
        hours = VALID_SECONDS // 3600
        text = (
            say("This lets one person in, once, within {hours} h: {link}", hours=hours, link=link)
            if code
            else say("There are enough open invitations. They end after {hours} h.", hours=hours)
        )
        await self._tell(sent, text)

    async def _words(self, sent: Sent, following: Sent | None) -> None:
        place = self._place(sent)
        message = message_of(sent, self._me, place=place)
        if not (message.text or message.attachments or message.foreign):
            return  # a service message, or a kind that has no words
        if not (is_addressed(sent, self._me) or self._gathering.is_waiting_for(message, album=sent.media_group_id)):
            if words := words_of(sent, self._me):
                self._overheard[place].append(Foreign(kind="context", text=words, author=message.person.name))
            return
        if context := self._overheard.pop(place, None):
            message = message.model_copy(update={"foreign": (*context, *message.foreign)})
        album = FORWARDED if sent.forward_origin or _comments(sent, following) else sent.media_group_id
        if not await self._gathering.takes(message, album=album):
            await self._whole(message)

    async def _whole(self, message: Message) -> None:
        """Hand a message to the core; where it completes a form of buttons, as that form."""
        place = Place.of(message.address)
        inbound: Inbound = await self._presses.form(message) or message
        await self._accepted(inbound, place, int(message.event_id.rpartition(":")[2]))
        if place.is_private and place.thread is not None:
            await self._title(place, message.text)

    async def _accepted(self, inbound: Inbound, place: Place, message: int | None) -> None:
        receipt = await self._accept(inbound)
        await self._showing.has_gone(place.chat, gone=False)  # whoever writes can be written to
        if receipt.new and receipt.turn:
            self._showing.expect(receipt.turn, place, message=message)

    async def _refusal(self, press: Pressing) -> str:
        return (await self._accept(press)).refused

    async def _first_in(self, sent: Sent, user: User) -> None:
        """Tell the core who runs this."""
        arrival = {"event_id": f"first/{user.id}", "address": self._place(sent).address, "sent_at": datetime.now(UTC)}
        await self._accept(FirstIn(**arrival, person=Person(id=str(user.id), name=user.full_name), private=True))

    async def _edited(self, update: Update, sent: Sent) -> None:
        """New words for a message that the core knows; one that is only now for the bot is a new one."""
        user, place = sent.from_user, self._place(sent)
        if user is None or not _is_of_a_person(sent) or not self._door.lets_in(user):
            return
        edit = edit_of(update, sent, self._me, place=place)
        if await self._shelf.knows(edit.edits):
            await self._accept(edit)
        elif is_addressed(sent, self._me) and edit.text:
            await self._words(sent, None)

    # --- chats

    async def _membership(self, member: ChatMemberUpdated) -> None:
        """The bot was blocked or thrown out, or let in again."""
        if member.new_chat_member.user.id == self._me.id:
            chat = self._moved.get(member.chat.id, member.chat.id)
            await self._showing.has_gone(chat, gone=member.new_chat_member.status in OUTSIDE)

    def _has_moved(self, old: int, new: int) -> None:
        self._moved[new] = old
        self._sender.has_moved(old, new)

    def _place(self, sent: Sent) -> Place:
        place = place_of(sent)
        return Place(self._moved.get(place.chat, place.chat), place.thread)

    async def _title(self, place: Place, words: str) -> None:
        """Name a topic that its person has not named, after what was said in it first."""
        note = f"{TITLED}{place.chat}/{place.thread}"
        if not words or await self._shelf.noted(note) is None:
            return
        await self._shelf.note({note: None})
        name = shortened(" ".join(words.split()), TITLE)
        self._tasks.create_task(self._sender.cosmetic(self._sender.title(place, name)), name="title of a topic")

    def _knows(self, person: Person) -> bool:
        return self._door.lets_in(User(int(person.id), person.name, is_bot=False))

    async def _tell(self, sent: Sent, text: str) -> None:
        """Say something of the channel's own."""
        await self._sender.cosmetic(self._sender.text(self._place(sent), plain(text)))


def _chat_of(update: Update) -> int:
    """The chat of an update: within one, their order counts."""
    if chat := update.effective_chat:
        return chat.id
    stopped = update.api_kwargs.get(STOPPED)
    return int(stopped["chat"]["id"]) if stopped else 0


def _is_of_a_person(sent: Sent) -> bool:
    """Other bots are not talked to: two of them would never end. Who writes as a group or a channel is a person."""
    return sent.from_user is not None and (not sent.from_user.is_bot or sent.sender_chat is not None)


def _comments(sent: Sent, following: Sent | None) -> bool:
    """Whether a text was sent together with something forwarded: the app sends the comment first, on its own."""
    if following is None or following.forward_origin is None or sent.forward_origin:
        return False
    return person_of(sent) == person_of(following) and (following.date - sent.date).total_seconds() <= 1


def _language(user: User | None) -> str:
    return (user.language_code if user else None) or "en"
