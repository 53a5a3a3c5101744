"""What there is: chats, people, messages, topics, files, drafts, members; and what the bot did with it."""

import itertools
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from tests.fakes.changes import Changes
from tests.fakes.telegram import schema
from tests.fakes.telegram.clock import Clock
from tests.fakes.telegram.entities import Entity
from tests.fakes.telegram.faults import Faults
from tests.fakes.telegram.flood import Floods
from tests.fakes.telegram.keyboards import buttons_of
from tests.fakes.telegram.updates import Updates

Wire = dict[str, Any]  # an object of the Bot API

TOKEN = "123456:FAKE-TOKEN-FOR-TESTS"
BOT_ID = 123456
DRAFT_SECONDS = 30.0
TYPING_SECONDS = 5.0
CALLBACK_SECONDS = 15.0  # a guess: how late a press can be answered is written nowhere
FILES = ("document", "photo", "voice", "audio", "video")
SUFFIXES = {"photos": ".jpg", "voice": ".oga"}


@dataclass(frozen=True)
class Limits:
    """Sizes in bytes, as the Bot API has them for its own servers."""

    upload: int = 50 * 2**20
    photo: int = 10 * 2**20
    download: int = 20 * 2**20


@dataclass(eq=False)
class User:
    """Somebody with an account. `started` is set once they opened a chat with the bot."""

    id: int
    name: str
    username: str | None = None
    language: str | None = None
    is_bot: bool = False
    started: bool = False
    blocking: bool = False
    deactivated: bool = False

    @property
    def wire(self) -> Wire:
        wire = {"id": self.id, "is_bot": self.is_bot, "first_name": self.name}
        return wire | _those_there(username=self.username, language_code=self.language)


@dataclass(frozen=True)
class Revision:
    """What a message was at a time."""

    at: float
    text: str
    buttons: tuple[tuple[str, ...], ...] = ()


@dataclass(eq=False)
class Shown:
    """A message as people see it. `html` is that of a rich message, as it was sent; `plain` what it reads like; `below`
    what it does to the place where people write: a keyboard of its own, or a reply that is begun."""

    wire: Wire
    room: "Room"
    html: str = ""
    plain: str = ""
    below: Wire | None = None
    deleted: bool = False
    reactions: dict[int, str] = field(default_factory=dict)
    revisions: list[Revision] = field(default_factory=list)

    @property
    def id(self) -> int:
        return int(self.wire["message_id"])

    @property
    def text(self) -> str:
        return str(self.wire.get("text") or self.wire.get("caption") or self.plain)

    @property
    def entities(self) -> list[Entity]:
        return list(self.wire.get("entities") or self.wire.get("caption_entities") or ())

    @property
    def thread(self) -> int | None:
        return self.wire.get("message_thread_id")

    @property
    def sender(self) -> int:
        return int(self.wire["from"]["id"])

    @property
    def is_from_bot(self) -> bool:
        return self.sender == BOT_ID

    @property
    def keys(self) -> list[list[Wire]]:
        """The rows of buttons, those in the text of a rich message behind those below it."""
        inside = _rich_rows(self.wire.get("rich_message", {}).get("blocks", ()))
        return [*buttons_of(self.wire.get("reply_markup")), *inside]

    @property
    def buttons(self) -> list[list[str]]:
        """The labels of the buttons."""
        return [[_label(button["text"]) for button in row] for row in self.keys]

    @property
    def markup(self) -> Wire | None:
        """The buttons under it, or what is below the chat because of it."""
        return self.wire.get("reply_markup") or self.below

    @property
    def file(self) -> Wire | None:
        """What it says of its file, if it has one."""
        return {name: self.wire[name] for name in FILES if name in self.wire} or None

    @property
    def reply_to(self) -> int | None:
        """The number of the message that it answers."""
        return (self.wire.get("reply_to_message") or {}).get("message_id")

    @property
    def texts(self) -> list[str]:
        """What it has said, one after the other."""
        return [each.text for each in self.revisions]

    @property
    def edits(self) -> int:
        return len(self.revisions) - 1

    @property
    def sent_at(self) -> float:
        return self.revisions[0].at

    def change(self, wire: Wire, now: float, *, html: str = "", plain: str = "") -> None:
        """It looks like this now; what was told about it before stays as it was."""
        self.wire, self.html, self.plain = wire, html, plain
        self.revisions.append(Revision(now, self.text, tuple(map(tuple, self.buttons))))


@dataclass(eq=False)
class Draft:
    """A message being written. `text` is what it shows now; `final` when a message or another draft took its place."""

    id: int
    thread: int | None
    revisions: list[Revision] = field(default_factory=list)
    html: str = ""
    can_stop: bool = False
    keep_on_stop: bool = False
    stopped: bool = False
    final: bool = False

    @property
    def texts(self) -> list[str]:
        """What it has shown, one after the other."""
        return [each.text for each in self.revisions]

    @property
    def text(self) -> str:
        return self.revisions[-1].text

    def is_shown(self, now: float) -> bool:
        gone = self.final or (self.stopped and not self.keep_on_stop)
        return not gone and now - self.revisions[-1].at < DRAFT_SECONDS


@dataclass(eq=False)
class Topic:
    """A part of a chat with a thread of its own; its id is that of the message that made it."""

    id: int
    name: str
    creator: int
    icon_color: int = 7322096


@dataclass(frozen=True)
class Typing:
    """The bot said what it is doing; people see it for five seconds, or until a message comes."""

    action: str
    at: float
    thread: int | None


@dataclass(eq=False)
class Room:
    """One chat, with all of its topics. `members` are ids with what they are."""

    id: int
    kind: Literal["private", "group", "supergroup"]
    title: str = ""
    user: User | None = None
    forum: bool = False
    members: dict[int, str] = field(default_factory=dict)
    messages: dict[int, Shown] = field(default_factory=dict)
    topics: dict[int, Topic] = field(default_factory=dict)
    drafts: list[Draft] = field(default_factory=list)
    typing: list[Typing] = field(default_factory=list)
    migrated_to: int | None = None

    @property
    def is_private(self) -> bool:
        return self.kind == "private"

    @property
    def wire(self) -> Wire:
        if self.user:
            names = _those_there(first_name=self.user.name, username=self.user.username)
            return {"id": self.id, "type": "private"} | names
        return {"id": self.id, "type": self.kind, "title": self.title} | _those_there(is_forum=self.forum or None)

    def draft(self, thread: int | None, now: float) -> Draft | None:
        """The one that is shown now."""
        return next((each for each in reversed(self.drafts) if each.thread == thread and each.is_shown(now)), None)

    def in_thread(self, thread: int | None) -> list[Shown]:
        """The messages that are still there, of one thread or of all."""
        there = [each for each in self.messages.values() if not each.deleted]
        return [each for each in there if thread is None or each.thread == thread]


@dataclass(eq=False)
class Query:
    """A press of a button. It can be answered once, and not for long."""

    id: str
    user: int
    at: float
    answered: bool = False
    text: str = ""
    alert: bool = False


@dataclass(frozen=True)
class StoredFile:
    id: str
    path: str
    data: bytes
    name: str | None = None
    mime: str | None = None

    @property
    def wire(self) -> Wire:
        names = _those_there(file_name=self.name, mime_type=self.mime)
        return {"file_id": self.id, "file_unique_id": f"u{self.id}", "file_size": len(self.data)} | names


@dataclass(frozen=True)
class Logged:
    """One call of the bot. `chat` is 0 where it has none, `status` the code of the answer, 0 where it was dropped."""

    at: float
    method: str
    chat: int
    parameters: Mapping[str, Any]
    status: int


class State:
    """Everything there is. `problems` is what a bot should never do, whether it was refused or not."""

    def __init__(
        self,
        *,
        clock: Clock,
        flood: Floods,
        limits: Limits,
        bot: User,
        privacy: bool,
        private_topics: bool,
        api_version: tuple[int, ...],
        checked: bool,
    ) -> None:
        self.clock = clock
        self.floods = flood
        self.limits = limits
        self.bot = bot
        self.privacy = privacy
        self.private_topics = private_topics
        self.api_version = api_version
        self.checked = checked
        self.changes = Changes()
        self.updates = Updates(self.changes.tell)
        self.faults = Faults()
        self.problems: list[str] = []
        self.log: list[Logged] = []
        self.calls: Counter[str] = Counter()
        self.statuses: Counter[int] = Counter()
        self.users: dict[int, User] = {bot.id: bot}
        self.rooms: dict[int, Room] = {}
        self.files: dict[str, StoredFile] = {}
        self.queries: dict[str, Query] = {}
        self.commands: dict[tuple[str, str], Sequence[Wire]] = {}
        self.numbers = itertools.count(1)

    def post(self, room: Room, sender: User, thread: int | None, content: Mapping[str, Any], **rich: str) -> Shown:
        """A new message. Whatever the bot was writing in that thread makes place for its message."""
        now = self.clock()
        number = max(room.messages, default=0) + 1
        wire: Wire = {"message_id": number, "date": int(now), "chat": room.wire, "from": sender.wire}
        shown = Shown(wire={}, room=room)
        shown.change(wire | self._place(room, thread) | dict(content), now, **rich)
        room.messages[number] = shown
        if sender is self.bot:
            for draft in room.drafts:
                draft.final = draft.final or draft.thread == thread
        self.changes.tell()
        return shown

    def announce(self, kind: str, body: Wire) -> int | None:
        """The id of an update for the bot, None where it wants none of this kind."""
        if self.checked:
            self.problems += schema.update_problems({"update_id": 0, kind: body})
        return self.updates.push(kind, body)

    def store(self, kind: str, data: bytes, *, name: str | None = None, mime: str | None = None) -> StoredFile:
        """Keeps a file; kind is the folder that it is in."""
        number = next(self.numbers)
        suffix = f".{name.rsplit('.', 1)[-1]}" if name and "." in name else SUFFIXES.get(kind, "")
        stored = StoredFile(f"file-{number}", f"{kind}/file_{number}{suffix}", data, name, mime)
        self.files[stored.id] = stored
        return stored

    def _place(self, room: Room, thread: int | None) -> Wire:
        """Where in the chat it is. In a topic all that answers nothing else answers the message that made the topic."""
        if thread is None:
            return {}
        place: Wire = {"message_thread_id": thread, "is_topic_message": True}
        root = room.messages.get(thread)
        if root and room.forum:
            place["reply_to_message"] = without_reply(root.wire)
        return place


def without_reply(wire: Wire) -> Wire:
    """A message as it is told inside another one."""
    return {name: value for name, value in wire.items() if name != "reply_to_message"}


def _those_there(**values: Any) -> Wire:
    return {name: value for name, value in values.items() if value is not None}


def _label(text: Any) -> str:
    """The words of a button, which are rich text in a rich message."""
    if isinstance(text, str):
        return text
    return "".join(map(_label, text)) if isinstance(text, list) else _label(text.get("text", ""))


def _rich_rows(found: Any) -> Iterator[list[Wire]]:
    """Rows of buttons inside a rich message, and buttons in its text, each as a row."""
    if isinstance(found, dict) and found.get("type") == "buttons":
        yield list(found["buttons"])
    elif isinstance(found, dict) and found.get("type") == "button":
        yield [found["button"]]
    elif isinstance(found, dict | list | tuple):
        for each in found.values() if isinstance(found, dict) else found:
            yield from _rich_rows(each)
