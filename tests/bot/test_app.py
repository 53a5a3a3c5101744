"""The running whole: what it takes up, what breaks, and what does not go down with it."""

import asyncio
from pathlib import Path

import pytest

from orchestrator.messages import INBOUND, Notice
from orchestrator.tools.functions import Functions, tool
from storage.store import open_store
from tests.conversations.talk import talking
from tests.fakes.channel import FakeChannel


async def leave_unfinished(folder: Path, *, channel: str = "fake", deaths: int = 0) -> None:
    """An event that earlier processes took in, and died over."""
    inbound = FakeChannel(channel).message("Hi")
    store = await open_store(str(folder / "errand.db"))
    await store.remember(
        channel=channel,
        event_id=inbound.event_id,
        session=inbound.address.session,
        address=inbound.address.model_dump_json(),
        payload=INBOUND.dump_json(inbound).decode(),
    )
    for _ in range(deaths):
        await store.unfinished(channels=[channel])
    await store.close()


@pytest.mark.proves("restart.poison")
@pytest.mark.parametrize(("deaths", "kind"), [(0, "answer"), (2, "answer"), (3, "notice")])
async def test_a_message_that_three_processes_died_over_is_answered_as_failed(
    tmp_path: Path, deaths: int, kind: str
) -> None:
    await leave_unfinished(tmp_path, deaths=deaths)
    async with talking(tmp_path) as talk:
        part = await talk.outcome("t1")
        assert part.kind == kind
        assert "Hello" in await talk.answered("Hi")


async def test_what_another_channel_left_is_neither_taken_up_nor_counted(tmp_path: Path) -> None:
    await leave_unfinished(tmp_path, channel="telegram")
    async with talking(tmp_path) as talk:
        assert "Hello" in await talk.answered("Hi")
    store = await open_store(str(tmp_path / "errand.db"))
    (left,) = await store.unfinished(channels=["telegram"])
    assert left.attempts == 1
    await store.close()


@pytest.mark.proves("edge.channel")
async def test_a_channel_that_breaks_takes_nobody_down_and_its_answer_comes_at_the_next_start(tmp_path: Path) -> None:
    @tool(read_only=True)
    def ping() -> str:
        """Say pong."""
        return "pong"

    class Broken(FakeChannel):
        async def deliver(self, delivery: object) -> None:
            raise RuntimeError("a bug in the channel")

        async def show(self, address: object, turn: str, part: object) -> None:
            raise RuntimeError("a bug in the channel")

    async with talking(tmp_path, toolsets=[Functions([ping])], channel=Broken) as talk:
        await talk.send("/ping")
        await talk.send("/ping")
        await talk.app.idle()
        assert talk.channel.shown == {}
    async with talking(tmp_path) as talk:
        assert "pong" in (await talk.outcome("t1")).text
        assert "pong" in (await talk.outcome("t2")).text
        assert all(delivery.repeated for delivery in talk.channel.shown.values())


async def test_a_delivery_that_fails_for_a_while_is_tried_again(tmp_path: Path) -> None:
    async with talking(tmp_path) as talk:
        talk.channel.broken = True
        turn = await talk.send("/help")
        async with asyncio.timeout(5):
            while not talk.channel.attempts:
                await asyncio.sleep(0)
        talk.channel.broken = False
        assert isinstance(await talk.outcome(turn), Notice)
