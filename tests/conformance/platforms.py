"""Telegram, Slack and the web page in the conformance suite: the real channels, against people on their other side."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from unittest.mock import patch

from adapters.base import Adapter
from adapters.pacing import Limit
from adapters.slack.channel import Slack as SlackChannel
from adapters.telegram.channel import Telegram
from adapters.text import SEEN
from adapters.web.channel import Web
from adapters.web.visitors import Visitors
from orchestrator.messages import Accept, Address, Attachment, Delivery, Live
from orchestrator.messages import Person as Somebody
from tests.conformance.driver import Driver
from tests.fakes.slack import Chat as SlackChat
from tests.fakes.slack import Limits, Slack, slack
from tests.fakes.slack import Person as SlackPerson
from tests.fakes.telegram import TOKEN, Chat, Person, World, telegram
from tests.fakes.web_record import MemoryRecord
from tests.fakes.web_visitor import Look, Visitor, visitor

QUICK = Limit(1_000, 1.0)  # nobody reads along


class MemoryShelf:
    """What a channel keeps, as long as this lives."""

    def __init__(self) -> None:
        self._notes: dict[str, str] = {}

    async def note(self, written: Mapping[str, str | None]) -> None:
        for key, value in written.items():
            self._notes.pop(key, None)
            if value is not None:
                self._notes[key] = value

    async def noted(self, key: str) -> str | None:
        return self._notes.get(key)

    async def notes(self, prefix: str) -> Mapping[str, str]:
        return {key: value for key, value in self._notes.items() if key.startswith(prefix)}

    async def knows(self, event_id: str) -> bool:
        return False


class TelegramDriver(Driver):
    room_for = 700  # repetitions of a word that still are one message

    def __init__(self, channel: Telegram, fake: World) -> None:
        super().__init__(channel)
        self._fake = fake
        self._chats: dict[str, Chat] = {}
        self._people: dict[str, Person] = {}

    def address(self, chat: str = "1") -> Address:
        return Address(channel="telegram", chat=str(self._chat(chat).room.id))

    def elsewhere(self) -> Address:
        return Address(channel="telegram", chat="987654", thread="7")

    async def say(self, text: str, *, chat: str = "1") -> None:
        room = self._chat(chat)
        await room.says(self._people[chat], text)

    def raw(self) -> str:
        return "\n".join(shown.text for chat in self._chats.values() for shown in chat.from_bot)

    def finals(self, chat: str = "1") -> list[str]:
        shown = self._chat(chat).from_bot
        return ["\n".join([each.text, *(label for row in each.buttons for label in row)]) for each in shown]

    def is_marked(self, text: str) -> bool:
        return any(
            SEEN in shown.text and text in shown.text for chat in self._chats.values() for shown in chat.from_bot
        )

    def _chat(self, name: str) -> Chat:
        if name not in self._chats:
            person = self._people[name] = self._fake.person(f"P{name}")
            self._chats[name] = person.private_chat()
        return self._chats[name]


class SlackDriver(Driver):
    room_for = 700

    def __init__(self, channel: SlackChannel, fake: Slack) -> None:
        super().__init__(channel)
        self._fake = fake
        self._chats: dict[str, SlackChat] = {}
        self._people: dict[str, SlackPerson] = {}

    def address(self, chat: str = "1") -> Address:
        return Address(channel="slack", chat=self._chat(chat).id)

    def elsewhere(self) -> Address:
        return Address(channel="slack", chat="D0UNKNOWN", thread="7.0")

    async def say(self, text: str, *, chat: str = "1") -> None:
        room = self._chat(chat)
        await self._people[chat].says(room, text)

    def raw(self) -> str:
        return "\n".join(shown.text for chat in self._chats.values() for shown in chat.from_bot)

    def finals(self, chat: str = "1") -> list[str]:
        return [shown.text.split("\n[Good answer]")[0] for shown in self._chat(chat).from_bot]

    def is_marked(self, text: str) -> bool:
        return any(
            SEEN in shown.text and text in shown.text for chat in self._chats.values() for shown in chat.from_bot
        )

    def _chat(self, name: str) -> SlackChat:
        if name not in self._chats:
            person = self._people[name] = self._fake.person(f"P{name}")
            self._chats[name] = person.direct()
        return self._chats[name]


async def no_file(file: Attachment) -> bytes | None:
    return None


@asynccontextmanager
async def on_telegram(folder: Path, accept: Accept) -> AsyncIterator[Driver]:
    limits = patch.multiple("adapters.telegram.pacing", IN_A_CHAT=QUICK, IN_A_GROUP=QUICK)
    async with telegram(flood=None) as fake:
        channel = Telegram(TOKEN, MemoryShelf(), api=fake.url, people=["*"], read_file=no_file)
        with limits:
            async with channel, listening(channel, accept):
                yield TelegramDriver(channel, fake)


@asynccontextmanager
async def on_slack(folder: Path, accept: Accept) -> AsyncIterator[Driver]:
    limits = Limits(ack_seconds=0.3, retry_seconds=(0.0, 0.05, 0.05))
    async with slack(tiers=None, limits=limits) as fake:
        channel = SlackChannel(
            MemoryShelf(),
            token=fake.bot_token,
            app_token=fake.app_token,
            api=fake.api_url,
            single=True,
            rate=100_000,
            read_file=no_file,
        )
        with patch("adapters.slack.pacing.IN_A_CHANNEL", QUICK):
            async with channel, listening(channel, accept):
                await fake.sockets.connected()
                yield SlackDriver(channel, fake)


@asynccontextmanager
async def listening(channel: Adapter, accept: Accept) -> AsyncIterator[None]:
    """The channel listens until it is no longer wanted: a platform never ends by itself."""
    task = asyncio.ensure_future(channel.run(accept))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


class Watched:
    """The page, delivering only what those who look have seen: a stream has a way to go."""

    name = Web.name

    def __init__(self, web: Web, looks: Mapping[str, Look]) -> None:
        self._web = web
        self._looks = looks

    async def run(self, accept: Accept) -> None:
        await self._web.run(accept)

    async def show(self, address: Address, turn: str, part: Live) -> None:
        await self._web.show(address, turn, part)

    async def deliver(self, delivery: Delivery) -> None:
        await self._web.deliver(delivery)
        if look := self._looks.get(delivery.address.thread or ""):
            await look.until(lambda each: f"d-{delivery.id}" in each.items)


class WebDriver(Driver):
    def __init__(self, web: Web, looks: Mapping[str, Look], person: Visitor, tasks: asyncio.TaskGroup) -> None:
        super().__init__(Watched(web, looks))
        self._looks = looks
        self._person = person
        self._tasks = tasks
        self._told: list[str] = []

    def address(self, chat: str = "1") -> Address:
        return Address(channel="web", chat="ann", thread=f"chat{chat}")

    async def say(self, text: str, *, chat: str = "1") -> None:
        self._tasks.create_task(self._say(text, chat))

    async def _say(self, text: str, chat: str) -> None:
        status, told = await self._person.says(f"chat{chat}", text)
        self._told.append("accepted" if status == 200 else str(told["problem"]))

    def raw(self) -> str:
        return "\n".join([*self._told, *(shown for look in self._looks.values() for shown in look.raw)])

    def finals(self, chat: str = "1") -> list[str]:
        return [text for kind in ("answer", "notice", "question") for text in self._texts(f"chat{chat}", kind)]

    def is_marked(self, text: str) -> bool:
        return any(SEEN in shown and text in shown for look in self._looks.values() for shown in look.texts())

    def _texts(self, conversation: str, kind: str) -> list[str]:
        return [text.removesuffix("\nGood\nBad\nWhy?") for text in self._looks[conversation].texts(kind)]


@asynccontextmanager
async def on_web(folder: Path, accept: Accept) -> AsyncIterator[Driver]:
    owner = Visitors(owner=Somebody(id="ann"))
    async with Web(MemoryRecord(), MemoryShelf(), owner) as web, AsyncExitStack() as opened:
        person = await opened.enter_async_context(visitor(web.address))
        looks = {name: await opened.enter_async_context(person.looking(name)) for name in ("chat1", "chata", "chatb")}
        running = asyncio.ensure_future(web.run(accept))
        async with asyncio.TaskGroup() as tasks:
            yield WebDriver(web, looks, person, tasks)
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
