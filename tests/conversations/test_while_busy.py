"""What comes while a turn runs: it waits and is told its place, ends that turn, or changes its words."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from orchestrator.errors import ModelUnreachable
from orchestrator.messages import Edit, Message, Notice, Status
from orchestrator.models import ChatMessage, ModelReply
from orchestrator.tools.functions import Functions, tool
from tests.conversations.talk import Talk, running, talking
from tests.conversations.test_plans import Models, calls, plan
from tests.fakes.channel import FakeChannel

pytestmark = pytest.mark.usefixtures("way")


class Work:
    """`look(what)`, which changes nothing, and `send(text)`, which does; both wait until they may go on."""

    def __init__(self) -> None:
        self.begun: asyncio.Queue[str] = asyncio.Queue()
        self.may_end = asyncio.Event()
        self.done: list[str] = []

        @tool(read_only=True)
        async def look(what: str) -> str:
            """Look something up."""
            return await self._work(f"look {what}")

        @tool
        async def send(text: str) -> str:
            """Send."""
            return await self._work(f"send {text}")

        self.tools = [Functions([look, send])]

    async def _work(self, what: str) -> str:
        self.begun.put_nowait(what)
        await self.may_end.wait()
        self.done.append(what)
        return f"done: {what}"

    async def next_begun(self) -> str:
        return await asyncio.wait_for(self.begun.get(), 20)


async def say_as(talk: Talk, event_id: str, text: str) -> str:
    """Send words under an event id of ours; the turn's name."""
    message = Message(event_id=event_id, address=talk.address, person=talk.person, sent_at=datetime.now(UTC), text=text)
    receipt = await talk.channel.push(message)
    assert receipt.turn is not None
    return receipt.turn


async def edit(talk: Talk, event_id: str, text: str) -> str:
    """Change a message; the name of the edit's own turn."""
    change = Edit(
        event_id=uuid.uuid4().hex,
        address=talk.address,
        person=talk.person,
        sent_at=datetime.now(UTC),
        edits=event_id,
        text=text,
    )
    receipt = await talk.channel.push(change)
    assert receipt.turn is not None
    return receipt.turn


@asynccontextmanager
async def leaving(folder: Path, work: Work, **settings: Any) -> AsyncIterator[tuple[Talk, asyncio.Future[None]]]:
    """A running Errand that the test ends in the middle, and what it ends."""
    async with running(folder, toolsets=work.tools, **settings) as (app, serve):
        channel = FakeChannel()
        serving = asyncio.ensure_future(serve(channel))
        await channel.ready()
        yield Talk(app, channel), serving


@pytest.mark.proves("busy.queue")
async def test_a_message_that_comes_meanwhile_waits_and_is_told_its_place(tmp_path: Path) -> None:
    work = Work()
    async with talking(tmp_path, toolsets=work.tools) as talk:
        first = await talk.send("/look what=one")
        await work.next_begun()
        second, third = await talk.send("/look what=two"), await talk.send("hello you")
        async with asyncio.timeout(20):
            while not any(turn == third for turn, part in talk.channel.live):
                await asyncio.sleep(0)
        places = [(turn, part.text) for turn, part in talk.channel.live if isinstance(part, Status)]
        assert places == [(third, "I am still at work. Before this: 2.")], "a command is not told"
        work.may_end.set()
        for turn in (first, second, third):
            await talk.outcome(turn)
    assert work.done == ["look one", "look two"]


@pytest.mark.proves("busy.interrupt")
async def test_where_messages_interrupt_the_running_turn_ends_and_the_new_one_is_taken(tmp_path: Path) -> None:
    work = Work()
    async with talking(tmp_path, toolsets=work.tools, while_busy="interrupt") as talk:
        first = await talk.send("/look what=one")
        await work.next_begun()
        second = await talk.send("hello you")
        stopped = await talk.outcome(first)
        assert isinstance(stopped, Notice)
        assert stopped.text.startswith("Stopped.")
        assert not isinstance(await talk.outcome(second), Notice)
        assert "Nothing is running here." in await talk.told("/stop"), "the interruption was no stop"
    assert work.done == []


@pytest.mark.proves("busy.steer")
async def test_where_messages_steer_they_go_into_the_running_turn_and_end_with_it(tmp_path: Path) -> None:
    work = Work()

    def script(messages: Sequence[ChatMessage]) -> ModelReply:
        if messages[-1].text.startswith("Meanwhile I want to add: and at Oslo"):
            assert "done: look Rome" in messages[-2].text
            return plan('b: look(what="Oslo")', answer="{{a}}, {{b}}")
        return plan('a: look(what="Rome")')

    models = Models(one=script)
    async with talking(tmp_path, toolsets=work.tools, model=models, router="one", while_busy="steer") as talk:
        first = await talk.send("look at Rome")
        assert await work.next_begun() == "look Rome"
        second = await talk.send("and at Oslo")
        await talk.as_person("bob").send("hello you")
        work.may_end.set()
        assert (await talk.outcome(first)).text == "done: look Rome, done: look Oslo"
        assert (await talk.outcome(second)).text == "I have added that to what I was doing."
        await talk.app.idle()
        assert len(talk.channel.shown) == 3, "bob's words are a turn of their own"
    assert work.done.count("look Oslo") == 1


@pytest.mark.proves("busy.steer")
async def test_what_comes_too_late_to_steer_is_an_ordinary_message(tmp_path: Path) -> None:
    async with talking(tmp_path, while_busy="steer") as talk:
        first = await talk.send("hello you")
        second = await talk.send("hi again")
        for turn in (first, second):
            assert "Hello" in (await talk.outcome(turn)).text


@pytest.mark.proves("busy.edit_running")
async def test_an_edit_begins_a_running_turn_anew_while_nothing_was_changed(tmp_path: Path) -> None:
    work = Work()
    async with talking(tmp_path, toolsets=work.tools) as talk:
        turn = await say_as(talk, "m1", "/look what=one")
        assert await work.next_begun() == "look one"
        await edit(talk, "m1", "/look what=two")
        assert await work.next_begun() == "look two"
        work.may_end.set()
        part = await talk.outcome(turn)
        assert "done: look two" in part.text
        await talk.app.idle()
        assert len(talk.channel.shown) == 1, "the edit itself is not answered"
    assert work.done == ["look two"]


@pytest.mark.proves("restart.polite")
async def test_a_message_may_be_edited_more_often_than_processes_may_die_over_it(tmp_path: Path) -> None:
    work = Work()
    async with leaving(tmp_path, work, drain_seconds=0) as (talk, serving):
        turn = await say_as(talk, "m1", "/look what=0")
        await work.next_begun()
        serving.cancel()
        await asyncio.wait({serving}, timeout=5)
    async with talking(tmp_path, toolsets=work.tools) as talk:
        await work.next_begun()
        for number in range(1, 5):
            await edit(talk, "m1", f"/look what={number}")
            assert await work.next_begun() == f"look {number}"
        work.may_end.set()
        assert "done: look 4" in (await talk.outcome(turn)).text


@pytest.mark.proves("busy.edit_waiting")
async def test_an_edit_changes_a_message_that_waits_also_over_a_restart(tmp_path: Path) -> None:
    work = Work()
    async with leaving(tmp_path, work, drain_seconds=0) as (talk, serving):
        await talk.send("/look what=one")
        await work.next_begun()
        waiting = await say_as(talk, "m2", "/look what=two")
        await edit(talk, "m2", "/look what=three")
        serving.cancel()
        await asyncio.wait({serving}, timeout=5)
    assert work.done == []
    work.may_end.set()
    async with talking(tmp_path, toolsets=work.tools) as talk:
        assert "done: look three" in (await talk.outcome(waiting)).text
    assert work.done == ["look one", "look three"]


@pytest.mark.slow
@pytest.mark.proves("restart.polite")
async def test_a_turn_that_outlives_many_processes_goes_on_to_its_answer(tmp_path: Path) -> None:
    work = Work()
    turn = ""
    for _ in range(5):
        async with leaving(tmp_path, work, drain_seconds=0) as (talk, serving):
            turn = turn or await talk.send("/look what=one")
            await work.next_begun()
            serving.cancel()
            await asyncio.wait({serving}, timeout=5)
    work.may_end.set()
    async with talking(tmp_path, toolsets=work.tools) as talk:
        assert "done: look one" in (await talk.outcome(turn)).text
    assert work.done == ["look one"]


@pytest.mark.proves("busy.edit_late")
async def test_an_edit_that_comes_after_something_was_changed_is_told_so_and_nothing_is_lost(tmp_path: Path) -> None:
    work = Work()
    async with talking(tmp_path, toolsets=work.tools) as talk:
        await talk.asked("/send text=one")
        yes = await say_as(talk, "m1", "yes")
        await work.next_begun()
        change = await edit(talk, "m1", "no")
        part = await talk.outcome(yes)
        assert "may have happened or not" in part.text, "it was under way, and nobody knows"
        work.may_end.set()
        assert "I had answered or begun to act on that already." in (await talk.outcome(change)).text


@pytest.mark.proves("busy.edit_late")
async def test_an_edit_of_an_answered_or_unknown_message_is_told_so(tmp_path: Path) -> None:
    async with talking(tmp_path) as talk:
        await talk.outcome(await say_as(talk, "m1", "hello you"))
        assert "answered or begun to act" in (await talk.outcome(await edit(talk, "m1", "hi"))).text
        assert "I do not know the message" in (await talk.outcome(await edit(talk, "m9", "hi"))).text


@pytest.mark.proves("busy.edit_running")
@pytest.mark.parametrize("way", ["alone"], indirect=True)  # on PostgreSQL either of the two may arrive first
async def test_of_two_edits_at_once_the_last_one_counts_and_both_are_settled(tmp_path: Path) -> None:
    work = Work()
    async with talking(tmp_path, toolsets=work.tools) as talk:
        turn = await say_as(talk, "m1", "/look what=one")
        await work.next_begun()
        await asyncio.gather(edit(talk, "m1", "/look what=two"), edit(talk, "m1", "/look what=three"))
        work.may_end.set()
        assert "done: look" in (await talk.outcome(turn)).text
        await talk.app.idle()
        assert await talk.app.store.unfinished(channels=["fake"]) == []
    assert work.done == ["look three"]


class Gate:
    """Holds the store's `amend` until it is opened."""

    def __init__(self, talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
        self.reached, self.open = asyncio.Event(), asyncio.Event()
        self._amend = talk.app.store.amend
        monkeypatch.setattr(talk.app.store, "amend", self._held)

    async def _held(self, turn: str, payload: str, *, amended_by: str) -> None:
        self.reached.set()
        await self.open.wait()
        await self._amend(turn, payload, amended_by=amended_by)


@pytest.mark.proves("busy.edit_waiting")
async def test_an_edit_that_comes_while_another_is_stored_changes_the_same_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = Work()
    async with talking(tmp_path, toolsets=work.tools) as talk:
        await talk.send("/look what=one")
        await work.next_begun()
        waiting = await say_as(talk, "m2", "/look what=old")
        await edit(talk, "m2", "/look what=newer")
        gate = Gate(talk, monkeypatch)
        work.may_end.set()
        await asyncio.wait_for(gate.reached.wait(), 20)
        await edit(talk, "m2", "/look what=newest")
        gate.open.set()
        assert "done: look newest" in (await talk.outcome(waiting)).text
        await talk.app.idle()
        assert await talk.app.store.unfinished(channels=["fake"]) == []
    assert work.done == ["look one", "look newest"]


@pytest.mark.proves("busy.edit_waiting")
@pytest.mark.parametrize("way", ["alone"], indirect=True)  # a cluster may still end it, as its end is not so sudden
async def test_an_edit_that_is_stored_while_the_process_ends_is_there_at_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = Work()
    async with leaving(tmp_path, work) as (talk, serving):
        await talk.send("/look what=one")
        await work.next_begun()
        waiting = await say_as(talk, "m2", "/look what=old")
        await edit(talk, "m2", "/look what=new")
        gate = Gate(talk, monkeypatch)
        work.may_end.set()
        await asyncio.wait_for(gate.reached.wait(), 20)
        serving.cancel()
        await asyncio.sleep(0)
        gate.open.set()
        await asyncio.wait({serving}, timeout=5)
        assert serving.cancelled()
    async with talking(tmp_path, toolsets=work.tools) as talk:
        assert "done: look new" in (await talk.outcome(waiting)).text
    assert work.done == ["look one", "look new"]


@pytest.mark.proves("busy.edit_person")
async def test_nobody_changes_the_words_of_somebody_else(tmp_path: Path) -> None:
    work = Work()
    async with talking(tmp_path, toolsets=work.tools) as talk:
        turn = await say_as(talk, "m1", "/look what=one")
        await work.next_begun()
        change = await edit(talk.as_person("bob"), "m1", "/look what=evil")
        work.may_end.set()
        assert "done: look one" in (await talk.outcome(turn)).text
        assert "Somebody else wrote that message" in (await talk.outcome(change)).text
    assert work.done == ["look one"]


@pytest.mark.proves("busy.edit_running", "stop.now")
async def test_a_message_that_is_changed_into_a_stop_stops(tmp_path: Path) -> None:
    work = Work()
    async with talking(tmp_path, toolsets=work.tools) as talk:
        turn = await say_as(talk, "m1", "/look what=one")
        await work.next_begun()
        await edit(talk, "m1", "/stop")
        assert (await talk.outcome(turn)).text == "Stopped."


@pytest.mark.proves("busy.edit_late")
async def test_an_edit_is_too_late_where_a_step_of_an_older_version_of_the_plan_has_acted(tmp_path: Path) -> None:
    work = Work()
    may_end = asyncio.Event()

    @tool(read_only=True)
    async def slow(what: str) -> str:
        """Look slowly."""
        work.begun.put_nowait("slow")
        await may_end.wait()
        return "slow done"

    plans = [plan('w: @general(task="send hello", tools=["send"])'), plan('c: slow(what="x")')]

    def worker(messages: Sequence[ChatMessage]) -> ModelReply:
        if len(messages) < 3:
            return calls(("send", {"text": "hello"}))
        raise ModelUnreachable("away")

    models = Models(one=lambda _: plans.pop(0), two=worker)
    tools = [*work.tools, Functions([slow])]
    work.may_end.set()
    async with talking(tmp_path, toolsets=tools, model=models, router="one", worker="two") as talk:
        await talk.asked("/send text=zero")
        await talk.answered("always")
        turn = await say_as(talk, "m1", "send hello")
        while await work.next_begun() != "slow":
            pass
        change = await edit(talk, "m1", "send hello once more")
        may_end.set()
        await talk.outcome(turn)
        assert "begun to act on that already" in (await talk.outcome(change)).text
    assert work.done == ["send zero", "send hello"]


@pytest.mark.slow
@pytest.mark.proves("busy.drained")
async def test_a_channel_that_hangs_over_a_place_in_line_keeps_nothing_from_ending(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = Work()
    async with leaving(tmp_path, work, drain_seconds=0) as (talk, serving):
        await talk.send("/look what=one")
        await work.next_begun()
        hangs = asyncio.Event()

        async def hang(*_: object) -> None:
            hangs.set()
            await asyncio.Event().wait()

        monkeypatch.setattr(talk.channel, "show", hang)
        await talk.send("hello you")
        await asyncio.wait_for(hangs.wait(), 20)
        serving.cancel()
        ended, _ = await asyncio.wait({serving}, timeout=5)
        assert ended
