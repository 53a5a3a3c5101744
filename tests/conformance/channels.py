"""Every channel, seen in the same way: something arrives, and a person or a program sees something."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any, TextIO

from adapters.base import Adapter
from adapters.console import Console
from adapters.lines import Lines
from adapters.text import SEEN
from examples.own_adapter import Socket
from orchestrator.messages import Accept
from tests.adapters.core import LONGEST_WAIT, pipe
from tests.conformance.driver import Driver
from tests.conformance.platforms import listening, on_slack, on_telegram, on_web
from tests.fakes.channel import FakeChannel


class ConsoleDriver(Driver):
    many_chats = False

    def __init__(self, typing: TextIO, screen: Path, target: TextIO) -> None:
        super().__init__(Console("1", source=typing, target=target))
        self._screen = screen
        self.typed: TextIO

    async def say(self, text: str, *, chat: str = "1") -> None:
        self.typed.write(f"{text}\n")

    def raw(self) -> str:
        return self._screen.read_text()

    def finals(self, chat: str = "1") -> list[str]:
        return [block.strip() for block in self.raw().split("\n\n") if block.strip()]

    def is_marked(self, text: str) -> bool:
        return f"{SEEN}\n{text}" in self.raw()


class LinesDriver(Driver):
    def __init__(self, reader: TextIO, screen: Path, target: TextIO) -> None:
        super().__init__(Lines(reader, target))
        self._screen = screen
        self._count = 0
        self.typed: TextIO

    async def say(self, text: str, *, chat: str = "1") -> None:
        self._count += 1
        self.typed.write(json.dumps({"event_id": f"e{self._count}", "chat": chat, "text": text}) + "\n")

    def raw(self) -> str:
        return self._screen.read_text()

    def finals(self, chat: str = "1") -> list[str]:
        return [_in_words(line["part"]) for line in self._deliveries() if line["chat"] == chat]

    def is_marked(self, text: str) -> bool:
        return any(line["repeated"] for line in self._deliveries() if line["part"]["text"] == text)

    def _deliveries(self) -> list[dict[str, Any]]:
        return [line for line in map(json.loads, self.raw().splitlines()) if "delivery" in line]


class FakeDriver(Driver):
    def __init__(self, channel: FakeChannel) -> None:
        super().__init__(channel)
        self._fake = channel
        self._pushing: asyncio.TaskGroup

    async def say(self, text: str, *, chat: str = "1") -> None:
        self._pushing.create_task(self._push(text, chat))

    async def _push(self, text: str, chat: str) -> None:
        with suppress(Exception):  # the fake has told the person
            await self._fake.push(self._fake.message(text, chat=chat))

    def raw(self) -> str:
        shown = [json.dumps(delivery.model_dump()) for delivery in self._fake.shown.values()]
        return "\n".join(self._fake.told + shown)

    def finals(self, chat: str = "1") -> list[str]:
        deliveries = self._fake.shown.values()
        return [_in_words(each.part.model_dump()) for each in deliveries if each.address.chat == chat]

    def is_marked(self, text: str) -> bool:
        return any(each.repeated for each in self._fake.shown.values() if each.part.text == text)


class SocketDriver(Driver):
    """People at the socket of the example, each with a connection of their own."""

    def __init__(self, channel: Socket, chats: dict[str, socket.socket]) -> None:
        super().__init__(channel)
        self._chats = chats
        self._seen = dict.fromkeys(chats, "")

    async def say(self, text: str, *, chat: str = "1") -> None:
        self._chats[chat].sendall(f"{text}\n".encode())

    def raw(self) -> str:
        return "".join(map(self._read, self._chats))

    def finals(self, chat: str = "1") -> list[str]:
        return [block for block in self._read(chat).split("\n\n") if block]

    def is_marked(self, text: str) -> bool:
        return f"{SEEN}\n{text}" in self.raw()

    def _read(self, chat: str) -> str:
        """All that has come over this connection."""
        with suppress(BlockingIOError):
            while data := self._chats[chat].recv(2**20):
                self._seen[chat] += data.decode()
        return self._seen[chat]


def _in_words(part: dict[str, Any]) -> str:
    choices = [choice for field in part.get("fields", ()) for choice in field["choices"]]
    return "\n".join([part["text"], *choices])


Open = Callable[[Path, Accept], AbstractAsyncContextManager[Driver]]


@asynccontextmanager
async def console(folder: Path, accept: Accept) -> AsyncIterator[Driver]:
    screen = folder / "screen"
    with pipe() as (source, typed), screen.open("w") as target:
        driver = ConsoleDriver(source, screen, target)
        driver.typed = typed
        async with running(driver.channel, accept):
            yield driver
            typed.close()


@asynccontextmanager
async def lines(folder: Path, accept: Accept) -> AsyncIterator[Driver]:
    screen = folder / "screen"
    with pipe() as (source, typed), screen.open("w") as target:
        driver = LinesDriver(source, screen, target)
        driver.typed = typed
        async with running(driver.channel, accept):
            yield driver
            typed.close()


@asynccontextmanager
async def fake(folder: Path, accept: Accept) -> AsyncIterator[Driver]:
    channel = FakeChannel()
    driver = FakeDriver(channel)
    async with running(channel, accept), asyncio.TaskGroup() as pushing:
        driver._pushing = pushing
        yield driver
        channel.close()


@asynccontextmanager
async def own(folder: Path, accept: Accept) -> AsyncIterator[Driver]:
    path = folder / "socket"
    channel = Socket(path, "ann")
    with ExitStack() as opened:
        async with listening(channel, accept):
            chats = {chat: opened.enter_context(socket.socket(socket.AF_UNIX)) for chat in ("1", "a", "b")}
            for chat, each in chats.items():
                await _introduced(each, path, chat)
            yield SocketDriver(channel, chats)


async def _introduced(connection: socket.socket, path: Path, chat: str) -> None:
    """Open a conversation, and wait until the channel knows it."""
    loop = asyncio.get_running_loop()
    connection.setblocking(False)
    async with asyncio.timeout(LONGEST_WAIT):
        while True:
            try:
                await loop.sock_connect(connection, str(path))
            except (FileNotFoundError, ConnectionRefusedError):  # it does not listen yet
                await asyncio.sleep(0.001)
            else:
                break
        await loop.sock_sendall(connection, f"{chat}\n".encode())
        assert await loop.sock_recv(connection, 100) == f"This is {chat}.\n\n".encode()


@asynccontextmanager
async def running(channel: Adapter, accept: Accept) -> AsyncIterator[None]:
    """The channel listens; at the end it must end by itself."""
    async with asyncio.timeout(LONGEST_WAIT), asyncio.TaskGroup() as tasks:
        tasks.create_task(channel.run(accept))
        yield


CHANNELS: dict[str, Open] = {
    "console": console,
    "lines": lines,
    "fake": fake,
    "telegram": on_telegram,
    "slack": on_slack,
    "web": on_web,
    "own": own,
}
