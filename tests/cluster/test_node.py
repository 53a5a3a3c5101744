"""The life of one process of a cluster."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest

from bot.app import App
from bot.cluster.line import LineBroken
from bot.cluster.member import Member
from bot.cluster.node import Node
from orchestrator.messages import INBOUND, Address, Message, Person
from storage.records import Arrived


class Breaking(Node):
    """Its line breaks as soon as it is to end."""

    def __init__(self) -> None:
        super().__init__(cast("App", None), cast("Member", None), [], drain_seconds=0.0)
        self.lives: asyncio.Queue[None] = asyncio.Queue()

    async def _live(self) -> None:
        async def breaks() -> None:
            self.lives.put_nowait(None)
            try:
                await asyncio.Event().wait()
            finally:
                raise LineBroken("it is gone")

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(breaks())


@pytest.mark.proves("faults.cut_off")
async def test_a_process_whose_line_breaks_while_it_is_to_end_ends() -> None:
    node = Breaking()
    living = asyncio.create_task(node._live_on())
    await node.lives.get()
    living.cancel()
    done, _ = await asyncio.wait({living}, timeout=5)
    assert done == {living}, "it began another life"
    assert living.cancelled()


class Shared:
    """A store that answers when it is told to, and a desk that says what was put."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.answer: asyncio.Future[Sequence[Arrived]] = asyncio.get_running_loop().create_future()
        self.put: list[int] = []

    async def unfinished_in(self, session: str) -> Sequence[Arrived]:
        self.asked.set()
        return await self.answer

    def node(self) -> Node:
        desk = SimpleNamespace(put=lambda arrived, inbound, **_: self.put.append(arrived.number))
        app: Any = SimpleNamespace(store=self, desk=desk, files=None)
        return Node(app, cast("Member", None), [], drain_seconds=0.0)


def event(number: int) -> Arrived:
    now = datetime.now(UTC)
    address = Address(channel="fake", chat="1")
    message = Message(event_id=str(number), address=address, person=Person(id="ann"), sent_at=now, text="hello")
    return Arrived(
        number=number,
        turn=f"t{number}",
        session=address.session,
        channel="fake",
        event_id=message.event_id,
        payload=INBOUND.dump_json(message).decode(),
        received_at=now,
    )


@pytest.mark.proves("cluster.order")
@pytest.mark.parametrize("again", [False, True])
async def test_news_of_a_session_that_was_given_up_meanwhile_is_old(again: bool) -> None:
    shared = Shared()
    node = shared.node()
    node._at_work["fake:1"] = set()
    news = asyncio.create_task(node._hear_of("fake:1"))
    await shared.asked.wait()
    if again:
        node._at_work["fake:1"] = set()  # its event has ended since, and another job has taken the session
    shared.answer.set_result([event(1)])
    await news
    assert shared.put == ([] if again else [1])
