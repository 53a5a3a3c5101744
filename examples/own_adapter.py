"""A channel of your own, in one file: Errand behind a Unix socket. `.venv/bin/python examples/own_adapter.py`.

Then, in another terminal: `socat - UNIX-CONNECT:errand.sock`. The first line is the name of a conversation; each
further line is a message. What comes back are texts, each with an empty line behind it.
"""

import asyncio
import uuid
from asyncio import StreamReader, StreamWriter
from datetime import UTC, datetime
from pathlib import Path

from adapters.base import DeliveryError, reason_of
from adapters.text import SEEN, choice_lines, how_to_answer, safe
from bot.app import build
from bot.settings import read_settings
from orchestrator.messages import Accept, Address, Delivery, Live, Message, Person, Question


class Socket:
    """Whoever can open the socket is this person; its file lets nobody else in."""

    name = "socket"

    def __init__(self, path: Path, person: str) -> None:
        self._path = path
        self._person = Person(id=person)
        self._open: dict[str, StreamWriter] = {}  # the newest connection of each conversation

    async def run(self, accept: Accept) -> None:
        async with asyncio.TaskGroup() as people:

            def come(reader: StreamReader, writer: StreamWriter) -> None:
                people.create_task(self._hear(reader, writer, accept))

            server = await asyncio.start_unix_server(come, self._path, start_serving=False)
            try:
                self._path.chmod(0o600)  # before the first one can come
                await server.start_serving()
                await asyncio.Event().wait()  # until it is cancelled
            finally:
                server.close()
                self._path.unlink(missing_ok=True)

    async def show(self, address: Address, turn: str, part: Live) -> None:
        """Plain lines have no place for what passes."""

    async def deliver(self, delivery: Delivery) -> None:
        part = delivery.part
        lines = [SEEN] if delivery.repeated else []
        lines += [safe(part.text)]
        if isinstance(part, Question):
            lines += [*choice_lines(part), how_to_answer(part)]
        writer = self._open.get(delivery.address.chat)
        if writer is None:
            raise DeliveryError("nobody has this conversation open")  # so it is tried again, until somebody has
        await _write(writer, "\n".join(filter(None, lines)))

    async def _hear(self, reader: StreamReader, writer: StreamWriter, accept: Accept) -> None:
        """One connection, to its end."""
        writer.transport.set_write_buffer_limits(0)  # drain() returns once the system has all of it
        chat = ""
        try:
            chat = await _line(reader)
            self._open[chat] = writer
            await _write(writer, f"This is {chat}.")
            while text := await _line(reader):
                await self._take(chat, text, writer, accept)
        except (DeliveryError, ConnectionError, ValueError):
            pass  # they have gone, or their line was too long
        finally:
            if self._open.get(chat) is writer:
                del self._open[chat]
            writer.close()

    async def _take(self, chat: str, text: str, writer: StreamWriter, accept: Accept) -> None:
        """Have a line accepted. A platform would have an id for it, by which a repeated one is known."""
        address = Address(channel=self.name, chat=chat)
        message = Message(
            event_id=uuid.uuid4().hex, address=address, person=self._person, sent_at=datetime.now(UTC), text=text
        )
        try:
            await accept(message)
        except Exception as error:  # noqa: BLE001 - an edge: they are told that their line was not taken
            await _write(writer, f"{reason_of(error)} Nothing was taken; send it again.")


async def _line(reader: StreamReader) -> str:
    """The next line that is not empty; an empty text at the end."""
    while line := await reader.readline():
        if text := line.decode(errors="replace").strip():
            return text
    return ""


async def _write(writer: StreamWriter, text: str) -> None:
    """Raises DeliveryError."""
    try:
        writer.write(f"{text}\n\n".encode(errors="replace"))
        await writer.drain()
    except ConnectionError as error:
        raise DeliveryError("the connection is gone") from error


async def main() -> None:
    async with build(read_settings()) as app:
        await app.serve([Socket(Path("errand.sock"), "you")])


if __name__ == "__main__":
    asyncio.run(main())
