"""What comes while a turn runs: it waits and is told its place, ends that turn, or changes its words."""

import asyncio
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.app import build
from bot.settings import read_settings
from orchestrator.messages import Edit, Message, Notice, Status
from orchestrator.models import ChatMessage, ModelReply
from orchestrator.tools.functions import Functions, tool
from tests.conversations.talk import Talk, talking
from tests.conversations.test_plans import Models, plan
from tests.fakes.channel import FakeChannel


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
        return await asyncio.wait_for(self.begun.get(), 5)


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


@pytest.mark.proves("busy.queue")
async def test_a_message_that_comes_meanwhile_waits_and_is_told_its_place(tmp_path: Path) -> None:
    work = Work()
    async with talking(tmp_path, toolsets=work.tools) as talk:
        first = await talk.send("/look what=one")
        await work.next_begun()
        second, third = await talk.send("/look what=two"), await talk.send("hello you")
        async with asyncio.timeout(5):
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


@pytest.mark.proves("busy.edit_waiting")
async def test_an_edit_changes_a_message_that_waits_also_over_a_restart(tmp_path: Path) -> None:
    work = Work()
    settings = read_settings(database=str(tmp_path / "errand.db"), servers=str(tmp_path / "none.json"), drain_seconds=0)
    async with build(settings, toolsets=work.tools) as app:
        channel = FakeChannel()
        serving = asyncio.ensure_future(app.serve([channel]))
        await channel.ready()
        talk = Talk(app, channel)
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
