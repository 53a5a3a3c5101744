"""The line between the processes of a cluster: who is there, who leads what, and what they tell each other.

It is two connections to the database that they share. The locks of the first say that this process lives: PostgreSQL
lets go of them when it dies, and soon when its machine can no longer be reached. The other one listens.
"""

import asyncio
import json
import uuid
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from contextlib import AsyncExitStack, suppress
from typing import Any, Self

from psycopg import AsyncConnection, OperationalError
from psycopg.conninfo import conninfo_to_dict
from psycopg.sql import SQL, Identifier

from storage.postgresql import SILENCE

PIECE = 7_900  # bytes; a notification takes 8,000
PROCESSES = "errand processes"
WORKERS = "errand workers"
PING_SECONDS = 0.5
LOST_SECONDS = 2.0  # without an answer, after which this process must not go on: after 6 s others do what it does
HOLD_SECONDS = 0.3  # between two tries
HOLD = "SELECT pg_try_advisory_lock(hashtext(%s), hashtext(%s))"
TRY = "SELECT pg_try_advisory_xact_lock(hashtext(%s), hashtext(%s))"  # and let it go again at once

Message = dict[str, Any]
"""What can be written as JSON."""
Hear = Callable[[str, Message], None]
"""Hears a message under its topic. It must not wait."""


class LineBroken(Exception):
    """The database cannot be reached any more, or not in time."""


class Line:
    """Use it as a context manager, and `run` it meanwhile; where it breaks, that may be done again. `process` is the
    name of this process. Raises LineBroken.
    """

    def __init__(self, url: str, process: str) -> None:
        self._url = url
        self._process = process
        self._unsaid: dict[Hashable, tuple[str, Message]] = {}
        self._has_something = asyncio.Event()
        self._mouth = asyncio.Lock()
        self.listens = asyncio.Event()  # set once every topic is heard
        self._connections = AsyncExitStack()

    async def __aenter__(self) -> Self:
        self.listens.clear()
        async with AsyncExitStack() as opened:
            self._voice = await opened.enter_async_context(await self._connected())
            self._ears = await opened.enter_async_context(await self._connected())
            await self.hold(PROCESSES, self._process)
            self._connections = opened.pop_all()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._connections.aclose()

    async def run(self, topics: Sequence[str], hear: Hear) -> None:
        """Listen to these topics, and speak, for ever."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._listen(topics, hear), name="line: ears")
            tasks.create_task(self._speak(), name="line: voice")
            tasks.create_task(self._ping(), name="line: pulse")

    def tell(self, topic: str, message: Message, *, instead: Hashable = None) -> None:
        """Tell those who hear this topic, soon; in place of what was to be told `instead` and is not yet."""
        key = uuid.uuid4().hex if instead is None else instead
        self._unsaid.pop(key, None)
        self._unsaid[key] = topic, message
        self._has_something.set()

    async def hold(self, kind: str, name: str) -> None:
        """Returns once this process alone holds this, which it does as long as the line lives."""
        while True:
            if await self._asked(HOLD, kind, name):
                return
            await asyncio.sleep(HOLD_SECONDS)

    async def is_gone(self, kind: str, name: str) -> bool:
        """Whether nobody holds this."""
        return bool(await self._asked(TRY, kind, name))

    async def _connected(self) -> AsyncConnection[Any]:
        try:
            return await AsyncConnection.connect(self._url, autocommit=True, **reaching(self._url))
        except OperationalError as error:
            raise LineBroken(str(error)) from error

    async def _asked(self, question: str, *given: str) -> Any:
        """The first value of the answer."""
        try:
            async with self._mouth:
                answer = await self._voice.execute(question, given)
                row = await answer.fetchone()
        except OperationalError as error:
            raise LineBroken(str(error)) from error
        return row[0] if row else None

    async def _ping(self) -> None:
        while True:
            async with asyncio.TaskGroup() as asking:
                asked = asking.create_task(self._asked("SELECT 1"), name="line: ping")
                await asyncio.wait({asked}, timeout=LOST_SECONDS)
                # Where this process itself was stopped for a while, the answer is there and was not read yet.
                await asyncio.wait({asked}, timeout=PING_SECONDS)
                if not asked.done():
                    await self._cut()
                    raise LineBroken("the database does not answer")
            await asyncio.sleep(PING_SECONDS)

    async def _cut(self) -> None:
        """Let go at once: whoever waits for an answer and is cancelled first asks the server to cancel, for seconds."""
        await self._voice.close()
        await self._ears.close()

    async def _speak(self) -> None:
        while True:
            await self._has_something.wait()
            self._has_something.clear()
            said, self._unsaid = [*self._unsaid.values()], {}
            pieces = [(topic, piece) for topic, message in said for piece in _pieces(message)]
            try:
                async with self._mouth, self._voice.cursor() as cursor:
                    await cursor.executemany("SELECT pg_notify(%s, %s)", pieces)
            except OperationalError as error:
                raise LineBroken(str(error)) from error

    async def _listen(self, topics: Sequence[str], hear: Hear) -> None:
        begun: dict[int, deque[str]] = {}  # what each connection has said of a message, up to now
        try:
            for topic in topics:
                await self._ears.execute(SQL("LISTEN {}").format(Identifier(topic)))
            self.listens.set()
            async for heard in self._ears.notifies():
                pieces = begun.setdefault(heard.pid, deque())
                pieces.append(heard.payload[1:])
                if heard.payload.startswith("."):
                    del begun[heard.pid]
                    with suppress(ValueError):  # another version may put its words in other frames
                        hear(heard.channel, json.loads("".join(pieces)))
        except OperationalError as error:
            raise LineBroken(str(error)) from error
        raise LineBroken("the database has closed the connection")


def reaching(url: str) -> dict[str, Any]:
    """How to connect so that either end soon misses the other one, also while it waits. Linux and macOS know all."""
    misses = " ".join(f"-c {name}={value}" for name, value in SILENCE.items())
    return {
        "options": f"{conninfo_to_dict(url).get('options') or ''} {misses}",
        "connect_timeout": 5,
        "keepalives_idle": 2,
        "keepalives_interval": 1,
        "tcp_user_timeout": 4_000,
    }


def to_channel(name: str) -> str:
    """The topic that whoever leads a channel hears."""
    return f"errand_channel_{name}"


def to_process(name: str) -> str:
    """The topic that one process hears."""
    return f"errand_process_{name}"


def written(message: Message) -> str:
    """A short message as one notification."""
    (only,) = _pieces(message)
    return only


def _pieces(message: Message) -> list[str]:
    """A message as notifications: the last one begins with a point, those before it with a plus."""
    text = json.dumps(message)  # in ASCII: a character is a byte
    pieces = [text[at : at + PIECE] for at in range(0, len(text), PIECE)]
    return [f"+{piece}" for piece in pieces[:-1]] + [f".{pieces[-1]}"]
