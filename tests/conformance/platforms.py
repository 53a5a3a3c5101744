"""Telegram and Slack in the conformance suite: the real channels, against the local servers."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from unittest.mock import patch

from adapters.base import Adapter
from adapters.pacing import Limit
from adapters.slack.channel import Slack as SlackChannel
from adapters.telegram.channel import Telegram
from adapters.text import SEEN
from orchestrator.messages import Accept, Address, Attachment
from tests.conformance.driver import Driver
from tests.fakes.slack import Chat as SlackChat
from tests.fakes.slack import Limits, Slack, slack
from tests.fakes.slack import Person as SlackPerson
from tests.fakes.telegram import TOKEN, Chat, Person, World, telegram

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
