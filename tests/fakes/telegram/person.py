"""The door for tests: people, and the chats that they sit in front of."""

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from tests.fakes.telegram import entities
from tests.fakes.telegram.asking import make_topic
from tests.fakes.telegram.calls import LONGEST_TEXT
from tests.fakes.telegram.members import bot_becomes, tell
from tests.fakes.telegram.state import (
    BOT_ID,
    Draft,
    Query,
    Room,
    Shown,
    State,
    StoredFile,
    Typing,
    User,
    Wire,
    without_reply,
)
from tests.fakes.telegram.transcript import transcript

T = TypeVar("T")

PICTURE = (  # one white pixel
    b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x00\x00\x00\x00:~\x9bU\x00\x00\x00\n"
    b"IDATx\x9cc\xf8\x0f\x00\x01\x01\x01\x00\x1b\xb6\xeeV\x00\x00\x00\x00IEND\xaeB`\x82"
)
LONGEST_WAIT = 30.0  # seconds
SUPERGROUP = -1_000_000_000_000  # ids of supergroups lie below


@dataclass(frozen=True)
class Press:
    """A button was pressed; the bot may answer it with a few words on top of the screen."""

    state: State
    query: Query

    async def answered(self) -> str:
        """The words of the answer, empty where it has none. Raises AssertionError after ten seconds without one."""
        await _until(self.state, lambda: True if self.query.answered else None, lambda: "the press was not answered")
        return self.query.text


class Chat:
    """A chat, or one topic of it."""

    def __init__(self, state: State, room: Room, thread: int | None = None) -> None:
        self._state = state
        self.room = room
        self.thread = thread

    @property
    def id(self) -> int:
        return self.room.id

    @property
    def messages(self) -> list[Shown]:
        """What is there, in its order."""
        return self.room.in_thread(self.thread)

    @property
    def from_bot(self) -> list[Shown]:
        """What the bot said."""
        return [each for each in self.messages if each.is_from_bot]

    @property
    def draft(self) -> Draft | None:
        """What the bot is writing, as long as it is shown."""
        return self.room.draft(self.thread, self._state.clock())

    @property
    def drafts(self) -> list[Draft]:
        """Every draft that there was."""
        return [each for each in self.room.drafts if each.thread == self.thread]

    @property
    def typing(self) -> list[Typing]:
        """When the bot said that it is typing, or whatever it does."""
        return [each for each in self.room.typing if each.thread == self.thread]

    @property
    def typing_after_last_message(self) -> bool:
        """Whether it looks as if something were still to come."""
        last = max((each.sent_at for each in self.from_bot), default=0.0)
        return any(each.at > last for each in self.typing)

    def transcript(self) -> str:
        """What a person sees. Drafts are not kept, and a message stands as it is now."""
        return transcript(self._state, self.room, self.thread)

    def topic(self, name: str, *, by: "Person | None" = None, implicit: bool = False) -> "Chat":
        """A new topic; an `implicit` name is one that the app has made up."""
        creator = by.id if by else next(each for each in self.room.members if each != BOT_ID)
        topic = make_topic(self._state, self.room, name, by=creator, implicit=implicit)
        self._notice(self.room.messages[topic.id])
        return Chat(self._state, self.room, topic.id)

    def topic_named(self, name: str) -> "Chat":
        """A topic that there is, whoever made it. Raises StopIteration."""
        return Chat(self._state, self.room, next(each.id for each in self.room.topics.values() if each.name == name))

    def vanishes(self) -> None:
        """This topic is deleted, with all that is in it."""
        assert self.thread is not None, "only a topic can vanish"
        for shown in self.messages:
            shown.deleted = True
        del self.room.topics[self.thread]

    def makes_admin(self) -> None:
        """The bot may do more here, and sees every message."""
        bot_becomes(self._state, self.room, "administrator", by=self._owner)

    def kicks_the_bot(self) -> None:
        self._notice(self._post(self._owner, {"left_chat_member": self._state.bot.wire}))
        bot_becomes(self._state, self.room, "kicked", by=self._owner)

    def adds_the_bot(self) -> None:
        bot_becomes(self._state, self.room, "member", by=self._owner)
        self._notice(self._post(self._owner, {"new_chat_members": [self._state.bot.wire]}))

    def migrates(self) -> "Chat":
        """The group becomes a supergroup: another id, from now on; the bot is told in both."""
        moved = Room(SUPERGROUP + self.id, "supergroup", self.room.title, members=dict(self.room.members))
        self._state.rooms[moved.id] = moved
        chat = Chat(self._state, moved)
        self._notice(self._post(self._owner, {"migrate_to_chat_id": moved.id}))
        self.room.migrated_to = moved.id
        self._notice(chat._post(self._owner, {"migrate_from_chat_id": self.id}))
        return chat

    async def says(
        self,
        person: "Person",
        text: str,
        *,
        reply_to: Shown | None = None,
        quote: str | None = None,
        forwarded_from: "Person | None" = None,
        mentions: "Person | None" = None,
    ) -> Shown:
        """A person writes. Commands, mentions and links are found in it; `mentions` marks the first word that is
        the name of somebody."""
        assert len(text) <= LONGEST_TEXT, "a client sends this in pieces: pastes()"
        marked = entities.found_in(text) + ([_mention(text, mentions)] if mentions else [])
        content: Wire = {"text": text} | ({"entities": marked} if marked else {})
        return await self._sent(person, content | _reply(reply_to, quote) | _forward(self._state, forwarded_from))

    async def pastes(self, person: "Person", text: str) -> list[Shown]:
        """A long text, which clients send in pieces."""
        pieces = [text[at : at + LONGEST_TEXT] for at in range(0, len(text), LONGEST_TEXT)]
        return [await self.says(person, piece) for piece in pieces]

    async def sends_document(
        self,
        person: "Person",
        name: str,
        data: bytes,
        *,
        mime: str = "application/octet-stream",
        caption: str = "",
        reply_to: Shown | None = None,
    ) -> Shown:
        file = self._state.store("documents", data, name=name, mime=mime)
        return await self._sent(person, {"document": file.wire} | _caption(caption) | _reply(reply_to))

    async def sends_photo(self, person: "Person", data: bytes = PICTURE, *, caption: str = "") -> Shown:
        return await self._sent(person, self._photo(data) | _caption(caption))

    async def sends_album(self, person: "Person", *pictures: bytes, caption: str = "") -> list[Shown]:
        """Several pictures, one message each; the words stand at the first one."""
        group = {"media_group_id": str(next(self._state.numbers))}
        captions = [_caption(caption), *({} for _ in pictures[1:])]
        return [
            await self._sent(person, self._photo(data) | group | words)
            for data, words in zip(pictures, captions, strict=True)
        ]

    async def sends_video(self, person: "Person", name: str, data: bytes, *, caption: str = "") -> Shown:
        file = self._state.store("videos", data, name=name, mime="video/mp4")
        video = file.wire | {"width": 640, "height": 480, "duration": 3}
        return await self._sent(person, {"video": video} | _caption(caption))

    async def sends_audio(self, person: "Person", name: str, data: bytes, *, caption: str = "") -> Shown:
        file = self._state.store("music", data, name=name, mime="audio/mpeg")
        return await self._sent(person, {"audio": file.wire | {"duration": 3}} | _caption(caption))

    async def sends_voice(self, person: "Person", data: bytes = b"OggS", *, seconds: int = 3) -> Shown:
        file = self._state.store("voice", data, mime="audio/ogg")
        return await self._sent(person, {"voice": file.wire | {"duration": seconds}})

    async def shows(self, text: str, *, after: Shown | None = None, seconds: float = LONGEST_WAIT) -> Shown:
        """The bot's message that holds these words, the latest one; behind `after` where it is given. Raises
        AssertionError with the transcript when it does not come."""

        def found() -> Shown | None:
            later = [each for each in self.from_bot if after is None or each.id > after.id]
            return next((each for each in reversed(later) if text in each.text), None)

        return await self._until(found, f"nothing with {text!r}", seconds)

    async def shows_draft(self, text: str = "", *, seconds: float = LONGEST_WAIT) -> Draft:
        """What the bot is writing, once it holds these words."""

        def found() -> Draft | None:
            return draft if (draft := self.draft) and text in draft.text else None

        return await self._until(found, f"no draft with {text!r}", seconds)

    async def until(self, seen: Callable[["Chat"], bool], *, seconds: float = LONGEST_WAIT) -> None:
        """Wait until a person sees it."""
        await self._until(lambda: True if seen(self) else None, "it did not come", seconds)

    async def _until(self, found: Callable[[], T | None], words: str, seconds: float) -> T:
        return await _until(self._state, found, lambda: f"{words} in:\n{self.transcript()}", seconds)

    def _photo(self, data: bytes) -> Wire:
        file = self._state.store("photos", data)
        small = self._state.store("photos", data)
        return {"photo": [_sized(small, 90), _sized(file, 1280)]}

    async def _sent(self, person: "Person", content: Wire) -> Shown:
        shown = self._post(person.user, content)
        self._notice(shown)
        await asyncio.sleep(0)  # what it wakes up runs before the test goes on
        return shown

    def _post(self, user: User, content: Wire) -> Shown:
        if self.room.user:
            user.started = True
        return self._state.post(self.room, user, self.thread, content)

    def _notice(self, shown: Shown, kind: str = "message") -> None:
        """The bot is told, as far as it may see it."""
        if _is_seen(self._state, shown):
            self._state.announce(kind, shown.wire)

    @property
    def _owner(self) -> User:
        return self._state.users[next(each for each, status in self.room.members.items() if status == "creator")]


class Person:
    """Somebody who talks to the bot."""

    def __init__(self, state: State, user: User) -> None:
        self._state = state
        self.user = user

    @property
    def id(self) -> int:
        return self.user.id

    @property
    def name(self) -> str:
        return self.user.name

    def private_chat(self) -> Chat:
        """The chat with the bot alone, opened."""
        self.user.started = True
        room = self._state.rooms.setdefault(
            self.id, Room(self.id, "private", user=self.user, members={self.id: "member", BOT_ID: "member"})
        )
        return Chat(self._state, room)

    async def presses(self, message: Shown, label: str) -> Press:
        """A button of a message, by its label. Raises AssertionError where there is none that can be pressed."""
        rows = zip(message.buttons, message.keys, strict=True)
        keys = [key for labels, row in rows for name, key in zip(labels, row, strict=True) if name == label]
        found = next((key for key in keys if "callback_data" in key), None)
        if found is None or message.deleted:
            raise AssertionError(f"no button {label!r} among {message.buttons}")
        return await self.presses_data(message, found["callback_data"])

    async def presses_data(self, message: Shown, data: str) -> Press:
        """What a client sends for a button, even if it is not there any more."""
        query = Query(str(4000 + next(self._state.numbers)), self.id, self._state.clock())
        self._state.queries[query.id] = query
        self._state.announce(
            "callback_query",
            {
                "id": query.id,
                "from": self.user.wire,
                "message": _accessible(message),
                "chat_instance": str(message.room.id),
                "data": data,
            },
        )
        await asyncio.sleep(0)
        return Press(self._state, query)

    async def presses_stop(self, chat: Chat) -> None:
        """The Stop button of the draft that is shown. Raises AssertionError where there is none."""
        draft = chat.draft
        if draft is None or not draft.can_stop:
            raise AssertionError(f"there is no Stop button: {draft}")
        draft.stopped = True
        body = {"chat": chat.room.wire, "draft_id": draft.id}
        thread = {"message_thread_id": draft.thread} if draft.thread else {}
        self._state.announce("stopped_message_generation", body | thread)
        await asyncio.sleep(0)

    async def edits(self, message: Shown, text: str) -> None:
        """Their own message, to other words."""
        marked = entities.found_in(text)
        now = self._state.clock()
        kept = {name: value for name, value in message.wire.items() if name not in ("text", "entities")}
        message.change(kept | {"text": text, "edit_date": int(now)} | ({"entities": marked} if marked else {}), now)
        if _is_seen(self._state, message):
            self._state.announce("edited_message", message.wire)
        await asyncio.sleep(0)

    async def deletes(self, message: Shown) -> None:
        """No bot is told of it."""
        message.deleted = True
        self._state.changes.tell()

    async def reacts(self, message: Shown, emoji: str) -> None:
        """With an emoji, or none where it is empty."""
        before = message.reactions.pop(self.id, "")
        if emoji:
            message.reactions[self.id] = emoji
        self._state.announce(
            "message_reaction",
            {
                "chat": message.room.wire,
                "message_id": message.id,
                "user": self.user.wire,
                "date": int(self._state.clock()),
                "old_reaction": _reaction(before),
                "new_reaction": _reaction(emoji),
            },
        )
        await asyncio.sleep(0)

    def blocks_the_bot(self) -> None:
        self.user.blocking = True
        tell(self._state, self.private_chat().room, "member", "kicked", by=self.user)

    def unblocks_the_bot(self) -> None:
        self.user.blocking = False
        tell(self._state, self.private_chat().room, "kicked", "member", by=self.user)

    def leaves_telegram(self) -> None:
        """Their account is deleted."""
        self.user.deactivated = True


async def _until(
    state: State, seen: Callable[[], T | None], failing: Callable[[], str], seconds: float = LONGEST_WAIT
) -> T:
    return await state.changes.until(seen, seconds=seconds, failing=failing)


def _is_seen(state: State, shown: Shown) -> bool:
    """Whether the bot is told of a message. With privacy on it sees of a group what is meant for it, and events."""
    room, wire = shown.room, shown.wire
    if room.is_private or not state.privacy or room.members.get(BOT_ID) == "administrator":
        return room.is_private or room.members.get(BOT_ID) not in ("left", "kicked", None)
    if room.members.get(BOT_ID) != "member":
        return False
    if not (shown.file or "text" in wire):
        return True
    answered = wire.get("reply_to_message") or {}
    is_reply = answered.get("from", {}).get("id") == BOT_ID and "forum_topic_created" not in answered
    return is_reply or any(_is_for_bot(state, shown.text, each) for each in shown.entities)


def _is_for_bot(state: State, text: str, entity: Mapping[str, Any]) -> bool:
    words = entities.part(text, entity)
    if entity["type"] == "bot_command":
        return "@" not in words or words.endswith(f"@{state.bot.username}")
    return words == f"@{state.bot.username}"


def _accessible(message: Shown) -> Wire:
    """What an update tells of a message; of one that is gone little more than its number."""
    if not message.deleted:
        return message.wire
    return {"chat": message.room.wire, "message_id": message.id, "date": 0}


def _mention(text: str, person: Person) -> Wire:
    """The entity that names somebody who has no user name."""
    match = re.search(re.escape(person.name), text)
    assert match, f"{person.name!r} is not in {text!r}"
    place = {"offset": entities.units(text[: match.start()]), "length": entities.units(match[0])}
    return {"type": "text_mention", "user": person.user.wire} | place


def _reply(reply_to: Shown | None, quote: str | None = None) -> Wire:
    if reply_to is None:
        return {}
    reply: Wire = {"reply_to_message": without_reply(reply_to.wire)}
    if quote:
        at = reply_to.text.index(quote)
        reply["quote"] = {"text": quote, "position": entities.units(reply_to.text[:at]), "is_manual": True}
    return reply


def _forward(state: State, person: Person | None) -> Wire:
    if person is None:
        return {}
    return {"forward_origin": {"type": "user", "date": int(state.clock()), "sender_user": person.user.wire}}


def _caption(text: str) -> Wire:
    marked = entities.found_in(text)
    return ({"caption": text} if text else {}) | ({"caption_entities": marked} if marked else {})


def _sized(file: StoredFile, side: int) -> Wire:
    return file.wire | {"width": side, "height": side}


def _reaction(emoji: str) -> Sequence[Wire]:
    return [{"type": "emoji", "emoji": emoji}] if emoji else []
