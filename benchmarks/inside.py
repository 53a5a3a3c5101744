"""A whole Errand in this process, with a model that answers at once and a channel that only notes the time."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from bot.app import build
from bot.settings import read_settings
from orchestrator.messages import Accept, Address, Delivery, Live, Message, Person
from orchestrator.models import ChatMessage, ModelReply, Scripted
from orchestrator.tools.builtin import BUILTIN
from orchestrator.tools.functions import Functions
from orchestrator.tools.spec import ToolSpec

INSTANT = "scripted:instant"


class Stopwatch:
    """A channel that knows when each turn was shown."""

    name = "stopwatch"

    def __init__(self) -> None:
        self._accept: asyncio.Future[Accept] = asyncio.get_running_loop().create_future()
        self._over = asyncio.Event()
        self._shown: dict[str, asyncio.Future[float]] = {}

    async def run(self, accept: Accept) -> None:
        self._accept.set_result(accept)
        await self._over.wait()

    async def show(self, address: Address, turn: str, part: Live) -> None:
        """A stopwatch does not look at what goes on."""

    async def deliver(self, delivery: Delivery) -> None:
        self._of(delivery.turn).set_result(time.perf_counter())

    async def message(self, chat: str, event_id: str, *, text: str = "Hi there") -> float:
        """Seconds from handing a message in until its answer is shown."""
        begun = time.perf_counter()
        address = Address(channel=self.name, chat=chat)
        message = Message(
            event_id=event_id, address=address, person=Person(id=chat), sent_at=datetime.now(UTC), text=text
        )
        receipt = await (await self._accept)(message)
        assert receipt.turn is not None
        return await self._of(receipt.turn) - begun

    def close(self) -> None:
        self._over.set()

    def _of(self, turn: str) -> asyncio.Future[float]:
        return self._shown.setdefault(turn, asyncio.get_running_loop().create_future())


def _instant(messages: Sequence[ChatMessage], tools: Sequence[ToolSpec]) -> ModelReply:
    return ModelReply("Hello, this is the answer of a model that needs no time at all.", model=INSTANT)


@asynccontextmanager
async def running(folder: str) -> AsyncIterator[Stopwatch]:
    """Errand on a database in this folder: durable inbox, dossier and outbox all on."""
    settings = read_settings(database=str(Path(folder) / "errand.db"), router=INSTANT)
    async with build(settings, toolsets=[Functions(BUILTIN)], model=lambda _: Scripted(_instant)) as app:
        stopwatch = Stopwatch()
        async with asyncio.TaskGroup() as group:
            group.create_task(app.serve([stopwatch]))
            yield stopwatch
            stopwatch.close()
