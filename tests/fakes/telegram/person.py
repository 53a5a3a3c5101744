"""The people's side of the fake Telegram: they write, press, edit, block, and see what is shown to them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from tests.fakes.telegram.methods import COMMAND
from tests.fakes.telegram.server import Fault, TelegramServer
from tests.fakes.telegram.world import BOT, Json, Room, Shown, World, transcript

LONGEST_WAIT = 10.0  # seconds


class Chat:
    """A chat, or a topic of one, with what can be done in it."""

    def __init__(self, telegram: "FakeTelegram", room: Room, thread: int | None = None) -> None:
        self.telegram = telegram
        self.room = room
        self.thread = thread

    async def says(
        self,
        person: "Somebody",
        text: str,
        *,
        reply_to: Shown | None = None,
        quote: str | None = None,
        forwarded_from: "Somebody | None" = None,
    ) -> Shown:
        """Write a message. Mentions and commands get their marks."""
        more: Json = {}
        if quote:
            more["quote"] = {"text": quote, "position": 0}
        if forwarded_from:
            more["forward_origin"] = {"type": "user", "date": 1, "sender_user": forwarded_from.card}
        return await self._sent(person, text, reply_to=reply_to, more=more)

    async def sends(
        self,
        person: "Somebody",
        kind: str,
        content: bytes,
        *,
        name: str = "",
        caption: str = "",
        album: str | None = None,
    ) -> Shown:
        """Send a file: photo, document, voice, audio or video."""
        world = self.telegram.world
        file = f"{kind}-{world.number()}"
        world.files[file] = (name or file, content)
        card: Json = {"file_id": file, "file_unique_id": f"u{file}", "file_size": len(content)}
        return await self._sent(
            person, caption, file=_file(kind, card, name), more={"media_group_id": album} if album else {}
        )

    async def edits(self, person: "Somebody", shown: Shown, text: str) -> None:
        """Change a message that was sent."""
        world = self.telegram.world
        shown.texts.append(text)
        shown.entities = list(_marks(text))
        body = {**world.as_message(self.room, shown), "edit_date": int(world.clock())}
        await world.push(edited_message=body)

    async def presses(self, person: "Somebody", shown: Shown, label: str) -> str:
        """Press a button; what the bot tells the app, an alert or nothing. A press that nobody answers fails."""
        query = await self.presses_and_leaves(person, shown, label)
        await self.telegram.until(lambda: query in self.telegram.world.answers, "an answer to a press")
        return self.telegram.world.answers[query]

    async def presses_and_leaves(self, person: "Somebody", shown: Shown, label: str) -> str:
        """Press a button; the id of the press."""
        world = self.telegram.world
        data = next((data for text, data in shown.buttons.items() if label in text), None)
        assert data is not None, f"there is no button {label!r}, only {list(shown.buttons)}"
        query = f"press{world.number()}"
        world.queries[query] = world.clock()
        body = {"id": query, "from": person.card, "chat_instance": "1", "data": data}
        await world.push(callback_query={**body, "message": world.as_message(self.room, shown)})
        return query

    async def presses_stop(self) -> None:
        """Press the stop button of the draft that is shown now."""
        draft = self.telegram.world.draft_of(self.room)
        assert draft, "there is no draft"
        assert draft.can_stop, "the draft has no stop button"
        thread = {"message_thread_id": draft.thread} if draft.thread else {}
        await self.telegram.world.push(
            stopped_message_generation={"chat": self.room.card, "draft_id": draft.id, **thread}
        )

    async def shows(self, words: str, *, after: Shown | None = None) -> Shown:
        """The newest message of the bot with these words. Waits for it; fails with what is there instead."""

        def found() -> Shown | None:
            return next(
                (
                    each
                    for each in reversed(self.of_the_bot)
                    if words in (each.text or str(each.rich)) and (after is None or each.id > after.id)
                ),
                None,
            )

        await self.telegram.until(lambda: found() is not None, f"{words!r} in\n{self.transcript()}")
        shown = found()
        assert shown
        return shown

    async def draft(self, words: str) -> str:
        """What the draft says, once it has these words."""
        world = self.telegram.world

        def seen() -> bool:
            draft = world.draft_of(self.room)
            return draft is not None and words in draft.text

        await self.telegram.until(seen, f"a draft with {words!r}")
        draft = world.draft_of(self.room)
        assert draft
        return draft.text

    @property
    def of_the_bot(self) -> list[Shown]:
        """The bot's messages that are there, oldest first."""
        mine = (each for each in self.room.messages.values() if each.is_the_bots and not each.deleted)
        return [each for each in mine if each.thread == self.thread]

    def transcript(self) -> str:
        return transcript(self.room, self.thread)

    async def _sent(
        self,
        person: "Somebody",
        text: str,
        *,
        reply_to: Shown | None = None,
        more: Json | None = None,
        file: Json | None = None,
    ) -> Shown:
        telegram, room = self.telegram, self.room
        shown = room.add(
            person.card, telegram.world.clock(), text, entities=list(_marks(text)), thread=self.thread,
            reply_to=reply_to.id if reply_to else None, more=more or {}, file=file,
        )  # fmt: skip
        if telegram.is_heard(room, shown):
            await telegram.world.push(message=telegram.world.as_message(room, shown))
        return shown


class Somebody:
    """A person with an account."""

    def __init__(self, telegram: "FakeTelegram", number: int, name: str, language: str) -> None:
        self.card: Json = {
            "id": number, "is_bot": False, "first_name": name, "username": name.lower(), "language_code": language,
        }  # fmt: skip
        self._telegram = telegram

    @property
    def id(self) -> int:
        return int(self.card["id"])

    def private_chat(self) -> Chat:
        """The chat with the bot."""
        rooms = self._telegram.world.rooms
        room = rooms.setdefault(self.id, Room(self.id, "private", self.card["first_name"]))
        return Chat(self._telegram, room)

    async def blocks_the_bot(self, *, blocks: bool = True) -> None:
        room = self.private_chat().room
        room.has_blocked = "bot was blocked by the user" if blocks else ""
        await self._telegram.membership(room, self, "kicked" if blocks else "member")


class FakeTelegram:
    """The fake as a test uses it. `async with telegram() as fake: mara = fake.person("Mara")`."""

    def __init__(self, server: TelegramServer) -> None:
        self.server = server
        self.world = server.world

    @property
    def api(self) -> str:
        return self.server.api

    def person(self, name: str, *, language: str = "en") -> Somebody:
        return Somebody(self, 500_000 + self.world.number(), name, language)

    def group(self, title: str, *, forum: bool = False) -> Chat:
        number = -1_000_000_000_000 - self.world.number()
        self.world.rooms[number] = Room(number, "supergroup", title, is_forum=forum)
        return Chat(self, self.world.rooms[number])

    async def topic(self, chat: Chat, name: str, person: Somebody, *, implicit: bool = False) -> Chat:
        """A new topic of a chat."""
        thread = chat.room.next_id
        chat.room.topics[thread] = name
        created = {"name": name, "icon_color": 0, **({"is_name_implicit": True} if implicit else {})}
        topic = Chat(self, chat.room, thread)
        await topic._sent(person, "", more={"forum_topic_created": created})
        return topic

    async def migrates(self, chat: Chat) -> Chat:
        """A group becomes a supergroup: its messages go on in another chat."""
        new = self.group(chat.room.title)
        chat.room.moved_to = new.room.id
        shown = chat.room.add(BOT, self.world.clock(), "", more={"migrate_to_chat_id": new.room.id})
        await self.world.push(message=self.world.as_message(chat.room, shown))
        return new

    async def membership(self, room: Room, person: Somebody, status: str) -> None:
        """The bot was thrown out of a chat, or let in."""
        until = {"until_date": 0} if status == "kicked" else {}
        await self.world.push(
            my_chat_member={
                "chat": room.card,
                "from": person.card,
                "date": int(self.world.clock()),
                "old_chat_member": {"status": "member", "user": BOT},
                "new_chat_member": {"status": status, "user": BOT, **until},
            }
        )

    def is_heard(self, room: Room, shown: Shown) -> bool:
        """Whether the bot is told: in groups with privacy mode only commands, mentions and replies to it."""
        if room.kind == "private" or not self.world.privacy or "forum_topic_created" in shown.more:
            return True
        replied = room.messages.get(shown.reply_to or 0)
        to_bot = replied is not None and replied.is_the_bots
        return to_bot or shown.text.startswith("/") or f"@{BOT['username']}" in shown.text

    def fails(self, method: str, **fault: Any) -> Fault:
        """Let the next requests of a method go wrong."""
        made = Fault(method, **fault)
        self.server.faults.append(made)
        return made

    async def until(self, is_so: Callable[[], bool], what: str) -> None:
        """Wait until it is so. Raises AssertionError."""
        try:
            async with asyncio.timeout(LONGEST_WAIT):
                while not is_so():  # what it looks at may also change where this server does not hear of it
                    async with self.world.changed:
                        with suppress(TimeoutError):
                            async with asyncio.timeout(0.05):
                                await self.world.changed.wait_for(is_so)
        except TimeoutError:
            raise AssertionError(f"waited in vain for {what}; problems: {self.world.problems}") from None


@asynccontextmanager
async def telegram(**world: Any) -> AsyncIterator[FakeTelegram]:
    """A fake Telegram on a loopback port. A request that no client should send fails the test at the end."""
    async with TelegramServer(World(**world)) as server:
        yield FakeTelegram(server)
    assert not server.world.problems, server.world.problems


def _file(kind: str, card: Json, name: str) -> Json:
    """The fields of a message with a file."""
    match kind:
        case "photo":
            sizes = [{**card, "width": 90, "height": 90, "file_size": 10}, {**card, "width": 640, "height": 480}]
            return {"photo": sizes}
        case "voice":
            return {"voice": {**card, "duration": 3, "mime_type": "audio/ogg"}}
        case "audio":
            return {"audio": {**card, "duration": 3, "mime_type": "audio/mpeg", "file_name": name}}
        case "video":
            return {"video": {**card, "duration": 3, "width": 1, "height": 1, "file_name": name}}
        case _:
            mime = "text/plain" if name.endswith(".txt") else "application/pdf"
            return {"document": {**card, "file_name": name, "mime_type": mime}}


def _marks(text: str) -> Iterator[Json]:
    """The marks that an app puts on commands and mentions, in UTF-16 units."""
    at = 0
    for word in text.split(" "):
        length = len(word.encode("utf-16-le")) // 2
        bare = word.strip(",.:!?\n")
        if at == 0 and (command := COMMAND.match(word)):
            yield {"type": "bot_command", "offset": 0, "length": len(command[0])}
        elif bare.startswith("@") and len(bare) > 1:
            yield {"type": "mention", "offset": at, "length": len(bare.encode("utf-16-le")) // 2}
        at += length + 1
