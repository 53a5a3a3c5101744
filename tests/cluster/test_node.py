"""The life of one process of a cluster."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self, cast

import pytest
from procrastinate.jobs import Job, Status

from bot.app import App
from bot.cluster.jobs import Jobs
from bot.cluster.line import Hear, LineBroken
from bot.cluster.member import Member
from bot.cluster.node import Node
from bot.cluster.queue import HandedOver
from orchestrator.messages import INBOUND, Address, Message, Person
from storage.records import Arrived
from tests.conversations.talk import talking
from tests.databases import PostgresServer
from tests.fakes.channel import FakeChannel


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
        dispatcher = SimpleNamespace(free=lambda session: asyncio.sleep(0), is_open=True)
        desk = SimpleNamespace(put=lambda arrived, inbound, **_: self.put.append(arrived.number), dispatcher=dispatcher)
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


@pytest.mark.proves("faults.cut_off")
async def test_a_session_that_is_taken_just_as_the_line_breaks_is_not_worked_on() -> None:
    shared = Shared()
    node = shared.node()
    serving = asyncio.create_task(node._serve("fake:1"))
    await shared.asked.wait()
    node._broken.set()
    shared.answer.set_result([event(1)])
    with pytest.raises(HandedOver):
        await serving
    with pytest.raises(HandedOver):
        await node._serve("fake:2")
    assert shared.put == []


class Cut:
    """A line that is heard at once, and breaks when it is told to. This process has every lead."""

    def __init__(self) -> None:
        self.listens = asyncio.Event()
        self.breaks = asyncio.Event()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        pass

    async def run(self, topics: Sequence[str], hear: Hear) -> None:
        self.listens.set()
        await self.breaks.wait()
        raise LineBroken("it is cut")

    async def hold(self, kind: str, name: str) -> None:
        pass


class Slow(Node):
    """Its work takes a while to end."""

    may_end: asyncio.Event

    async def _work(self) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await self.may_end.wait()


@pytest.mark.proves("faults.cut_off")
async def test_a_process_whose_line_breaks_leads_no_channel_any_more_though_its_work_has_not_ended() -> None:
    line, began, ended = Cut(), asyncio.Event(), asyncio.Event()

    async def lead() -> None:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    dispatcher = SimpleNamespace(abandon=lambda: None)
    app: Any = SimpleNamespace(store=None, files=None, desk=SimpleNamespace(dispatcher=dispatcher))
    member: Any = SimpleNamespace(line=line, process="this")
    node = Slow(app, member, [], at_once=1, drain_seconds=0.0)
    node.may_end = asyncio.Event()
    leading: Any = SimpleNamespace(channel=FakeChannel(), run=lead)
    node._leading = {"errand_channel_fake": leading}
    living = asyncio.create_task(node._live())
    async with asyncio.timeout(5):
        await began.wait()
        line.breaks.set()
        await ended.wait()
        assert not living.done()
        node.may_end.set()
        await asyncio.wait({living})
    assert isinstance(living.exception(), ExceptionGroup)


@pytest.mark.proves("cluster.rolling")
async def test_a_word_that_another_version_has_said_is_no_reason_to_end(caplog: pytest.LogCaptureFixture) -> None:
    node = Shared().node()
    node._leading = {"errand_channel_fake": cast("Any", SimpleNamespace(hear=lambda message: message["unknown"]))}
    node._hear("errand_channel_fake", {"live": {}})
    assert "was not understood" in caplog.text


@pytest.mark.proves("cluster.order")
async def test_a_session_whose_end_could_not_be_stored_goes_on(
    tmp_path: Path, postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    finish, lost = Jobs.finish_job, list[Job]()

    async def finish_job(jobs: Jobs, job: Job, status: Status, delete_job: bool) -> None:
        if not lost:
            lost.append(job)
            return
        await finish(jobs, job, status, delete_job)

    monkeypatch.setattr(Jobs, "finish_job", finish_job)
    monkeypatch.setattr("bot.cluster.node.SWEEP_SECONDS", 0.2)
    with postgres_server.database() as url:
        monkeypatch.setattr("tests.conversations.talk.SHARED_DATABASE", url)
        async with talking(tmp_path) as talk:
            for words in ("Hi", "Hi again"):
                await talk.answered(words)
    assert len(lost) == 1
