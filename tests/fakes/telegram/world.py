"""What there is in the fake Telegram: people, chats, messages, drafts, files, and the updates that wait for the bot."""

import asyncio
import itertools
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.telegram.flood import Flood
from tests.fakes.telegram.rules import words_of_html

BOT = {"id": 7_000_001, "is_bot": True, "first_name": "Errand", "username": "errand_bot"}
TOKEN = "7000001:FAKE-TOKEN-FOR-TESTS"  # obviously of no bot
DRAFT_SECONDS = 30.0
QUERY_SECONDS = 60.0

Json = dict[str, Any]


@dataclass(slots=True)
class Shown:
    """One message as people see it. `texts` are all that it has said, the last one is what it says."""

    id: int
    sender: Json
    date: int
    texts: list[str]
    entities: list[Json] = field(default_factory=list)
    markup: Json | None = None
    thread: int | None = None
    reply_to: int | None = None
    rich: Json | None = None
    file: Json | None = None  # the fields of a message with a file, such as {"photo": [...]}
    more: Json = field(default_factory=dict)
    deleted: bool = False

    @property
    def text(self) -> str:
        return self.texts[-1]

    @property
    def is_the_bots(self) -> bool:
        return bool(self.sender["id"] == BOT["id"])

    @property
    def buttons(self) -> dict[str, str]:
        """What the buttons say, and what they carry."""
        rows = (self.markup or {}).get("inline_keyboard", [])
        return {button["text"]: button.get("callback_data", "") for row in rows for button in row}


@dataclass(slots=True)
class Draft:
    """The bot's answer so far. It goes away by itself."""

    id: int
    text: str
    at: float
    can_stop: bool = False
    thread: int | None = None


@dataclass(slots=True)
class Room:
    """A chat as the server has it."""

    id: int
    kind: str
    title: str
    messages: dict[int, Shown] = field(default_factory=dict)
    drafts: dict[int, Draft] = field(default_factory=dict)
    topics: dict[int, str] = field(default_factory=dict)
    is_forum: bool = False
    has_blocked: str = ""  # the words of the refusal, where the bot may not write here
    moved_to: int | None = None
    actions: list[tuple[float, str]] = field(default_factory=list)
    next_id: int = 1

    @property
    def card(self) -> Json:
        names = {"first_name": self.title} if self.kind == "private" else {"title": self.title}
        return {"id": self.id, "type": self.kind, **names, **({"is_forum": True} if self.is_forum else {})}

    def add(self, sender: Json, now: float, text: str, **fields: Any) -> Shown:
        shown = Shown(self.next_id, sender, int(now), [text], **fields)
        self.messages[self.next_id] = shown
        self.next_id += 1
        return shown


class World:
    """Everything. `problems` are requests that no client should send; `calls` counts methods; `log` has all of them."""

    def __init__(
        self, *, clock: Callable[[], float] = time.time, api_version: str = "10.3", checks: bool = True
    ) -> None:
        self.clock = clock
        self.checks = checks  # requests and answers, by the models of the Bot API; benchmarks leave it out
        self.api_version = api_version
        self.flood = Flood(clock)
        self.rooms: dict[int, Room] = {}
        self.files: dict[str, tuple[str, bytes]] = {}
        self.problems: list[str] = []
        self.calls: Counter[str] = Counter()
        self.log: list[tuple[str, Json]] = []
        self.queries: dict[str, float] = {}  # presses that wait for an answer, and since when
        self.answers: dict[str, str] = {}
        self.commands: dict[str, list[Json]] = {}
        self.reactions: list[tuple[int, int]] = []
        self.webhook: Json = {}
        self.privacy = True
        self.waiting: dict[int, Json] = {}  # updates by id, until they are confirmed
        self.confirmed: list[Json] = []
        self.changed = asyncio.Condition()
        self._numbers = itertools.count(1)
        self._updates = itertools.count(1001)
        self.typing_after: list[int] = []  # chats in which the bot was seen to type after its last message

    def number(self) -> int:
        return next(self._numbers)

    async def tell(self) -> None:
        """Something has changed: whoever waits looks again."""
        async with self.changed:
            self.changed.notify_all()

    async def push(self, **update: Any) -> int:
        """An update for the bot; its id."""
        number = next(self._updates)
        self.waiting[number] = {"update_id": number, **update}
        await self.tell()
        return number

    async def redeliver(self, update: Json) -> None:
        """The same update once more, as Telegram does after a webhook's timeout."""
        self.waiting[update["update_id"]] = update
        await self.tell()

    def as_message(self, room: Room, shown: Shown, *, deep: bool = True) -> Json:
        """A message as the Bot API writes it."""
        body: Json = {"message_id": shown.id, "date": shown.date, "chat": room.card, "from": shown.sender, **shown.more}
        if shown.thread is not None:
            body |= {"message_thread_id": shown.thread, "is_topic_message": True}
        if shown.rich:
            body["rich_message"] = {"blocks": []}
        elif shown.file:
            body |= shown.file
            if shown.text:
                body |= {"caption": shown.text, "caption_entities": shown.entities}
        elif shown.text:
            body |= {"text": shown.text, "entities": shown.entities}
        if deep and shown.reply_to and (replied := room.messages.get(shown.reply_to)):
            body["reply_to_message"] = self.as_message(room, replied, deep=False)
        if shown.markup and "inline_keyboard" in shown.markup:
            body["reply_markup"] = shown.markup
        return body

    def draft_of(self, room: Room) -> Draft | None:
        """What the person sees growing, if anything."""
        alive = [each for each in room.drafts.values() if self.clock() - each.at < DRAFT_SECONDS]
        return alive[-1] if alive else None


def transcript(room: Room, thread: int | None = None) -> str:
    """What a person sees in a chat, a block a message."""
    blocks = []
    names = defaultdict(str)
    for shown in room.messages.values():
        if shown.deleted or shown.thread != thread or not (shown.text or shown.file or shown.rich):
            continue
        names[shown.sender["id"]] = shown.sender["first_name"]
        text = words_of_html(shown.rich["html"]) if shown.rich else shown.text
        lines = [f"{shown.sender['first_name']}:"]
        if shown.reply_to and (replied := room.messages.get(shown.reply_to)) and not replied.deleted:
            lines.append(
                f"  (to {replied.sender['first_name']}: {replied.text.splitlines()[0][:40] if replied.text else '…'})"
            )
        if shown.file:
            lines.append(f"  ({', '.join(shown.file)} {shown.more.get('_name', '')})".replace(" )", ")"))
        lines += [f"  {line}".rstrip() for line in text.splitlines()]
        for row in (shown.markup or {}).get("inline_keyboard", []):
            lines.append("  " + " ".join(f"[{button['text']}]" for button in row))
        if (shown.markup or {}).get("force_reply"):
            lines.append("  (the keyboard opens)")
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks)
