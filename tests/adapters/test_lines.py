"""The channel for programs: each line is mapped exactly, or refused with the field and the fix."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TextIO

import pytest

from adapters.base import DeliveryError
from adapters.lines import LIVE_BACKLOG, Lines
from orchestrator.messages import Address, Arriving, Choice, Command, Draft, Form, Message, PlanCard, StepLine, Stop
from storage.errors import StorageBusy
from tests.adapters.core import LONGEST_WAIT, Core, final, pipe

MAIN = Address(channel="lines", chat="main")


class Program:
    """The other side of the pipes."""

    def __init__(self, channel: Lines, writer: TextIO, reader: TextIO, listening: asyncio.Task[None]) -> None:
        self.channel = channel
        self.listening = listening
        self._writer = writer
        self._reader = reader

    async def send(self, *lines: object) -> list[dict[str, Any]]:
        """Write these lines (text as it is, else JSON), and read as many answers."""
        for line in lines:
            self._writer.write(line if isinstance(line, str) else json.dumps(line))
            self._writer.write("\n")
        return [await self.read() for _ in lines]

    async def read(self) -> dict[str, Any]:
        line = await asyncio.wait_for(asyncio.to_thread(self._reader.readline), LONGEST_WAIT)
        read: dict[str, Any] = json.loads(line)
        return read

    def end_input(self) -> None:
        self._writer.close()

    def stop_reading(self) -> None:
        self._reader.close()


@asynccontextmanager
async def running(core: Core, **options: Any) -> AsyncIterator[Program]:
    """A program that talks to this core; at the end its input ends, and so must the channel."""
    with pipe() as (source, writer), pipe() as (reader, target):
        channel = Lines(source, target, **options)
        async with asyncio.timeout(LONGEST_WAIT), asyncio.TaskGroup() as tasks:
            program = Program(channel, writer, reader, tasks.create_task(channel.run(core.accept)))
            assert await program.read() == {"event": "ready"}
            yield program
            program.end_input()


@pytest.mark.proves("channel.lines.mapping")
@pytest.mark.parametrize(
    ("line", "kind", "fields"),
    [
        ({"text": "Hello"}, Message, {"text": "Hello"}),
        ({"kind": "message", "text": "Hello", "thread": "7", "person": "bob"}, Message, {"text": "Hello"}),
        ({"kind": "command", "name": "why", "rest": "t1"}, Command, {"name": "why", "rest": "t1"}),
        ({"kind": "choice", "question": "q1", "value": "2"}, Choice, {"question": "q1", "value": "2"}),
        ({"kind": "form", "question": "q1", "values": {"a": "b"}}, Form, {"question": "q1", "values": {"a": "b"}}),
        ({"kind": "stop"}, Stop, {}),
    ],
)
async def test_a_line_is_mapped_exactly(line: dict[str, Any], kind: type[Arriving], fields: dict[str, Any]) -> None:
    core = Core()
    async with running(core) as program:
        answers = await program.send({"event_id": "e1", "chat": "main", **line})
        assert answers == [{"accepted": "e1", "new": True, "turn": "t1"}]
        await program.channel.deliver(final("done", address=MAIN))
    [taken] = core.taken
    assert type(taken) is kind
    assert taken.event_id == "e1"
    assert taken.address == Address(channel="lines", chat="main", thread=line.get("thread"))
    assert taken.person.id == line.get("person", "program")
    assert {name: getattr(taken, name) for name in fields} == fields


@pytest.mark.proves("channel.lines.rejected")
@pytest.mark.parametrize(
    ("line", "event_id", "words"),
    [
        ("no json", None, ["no JSON", '{"event_id"']),
        ("[1, 2]", None, ["must be an object"]),
        ("[" * 30_000, None, ["no JSON"]),
        ({"chat": "main", "text": 7}, None, ["'event_id': Field required", "'text'"]),
        ({"event_id": "e1", "chat": "", "text": "Hello"}, "e1", ["'chat'", "not be empty"]),
        ({"event_id": 7, "chat": "main", "text": "Hello"}, 7, ["'event_id'", "valid string"]),
        ({"event_id": "e1", "chat": 7, "text": "Hello"}, "e1", ["'chat'", "valid string"]),
        ({"event_id": "e1", "chat": "main"}, "e1", ["'text'", "required"]),
        ({"event_id": "e1", "chat": "main", "text": "Hello", "person": 7}, "e1", ["'person'", "valid string"]),
        ({"event_id": "e1", "chat": "main", "txt": "Hello", "text": "x"}, "e1", ["'txt'", "not permitted"]),
        ({"event_id": "e1", "chat": "main", "text": "x", "address": {}}, "e1", ["'address'", "no field"]),
        ({"event_id": "e1", "chat": "main", "text": "x", "attachments": []}, "e1", ["'attachments'", "no field"]),
        ({"event_id": "e1", "chat": "main", "kind": "wave"}, "e1", ["'kind'", "'wave'"]),
        ({"event_id": "e1", "chat": "main", "kind": "form", "question": "q", "values": {"a": 1}}, "e1", ["'values'"]),
    ],
)
async def test_a_line_that_is_no_message_is_refused_with_the_field_and_the_fix(
    line: object, event_id: object, words: list[str]
) -> None:
    core = Core()
    async with running(core) as program:
        refused, taken = await program.send(line, {"event_id": "e2", "chat": "main", "text": "still here"})
        assert refused["rejected"] == event_id
        assert all(word in refused["error"] for word in words), refused
        assert taken["accepted"] == "e2"
        await program.channel.deliver(final("done", address=MAIN))
    assert core.texts == ["still here"]


@pytest.mark.proves("channel.lines.long_line")
async def test_a_line_that_is_too_long_is_refused_and_skipped() -> None:
    core = Core()
    async with running(core, longest_line=1_000) as program:
        answers = await program.send("x" * 50_000, {"event_id": "e1", "chat": "main", "text": "short"})
        assert answers[0] == {"rejected": None, "error": "the line is longer than 1000 bytes; send a shorter one"}
        assert answers[1]["accepted"] == "e1"
        await program.channel.deliver(final("done", address=MAIN))


async def test_a_line_without_a_chat_belongs_to_the_first() -> None:
    core = Core()
    async with running(core) as program:
        await program.send({"event_id": "e1", "text": "Hello"})
        await program.channel.deliver(final("done", address=MAIN))
    assert core.taken[0].address == Address(channel="lines", chat="1")


async def test_an_event_that_is_known_is_not_new() -> None:
    line = {"event_id": "e1", "chat": "main", "text": "Hello"}
    async with running(Core()) as program:
        answers = await program.send(line, line)
        assert answers[1] == {"accepted": "e1", "new": False, "turn": None}
        await program.channel.deliver(final("done", address=MAIN))


async def test_half_a_surrogate_pair_comes_in_and_goes_out() -> None:
    core = Core()
    async with running(core) as program:
        await program.send('{"event_id": "e1", "chat": "main", "text": "a\\ud800"}')
        await program.channel.show(MAIN, "t1", Draft(text="a\ud800"))
        assert (await program.read())["live"] == {"kind": "draft", "text": "a\ud800"}
        await program.channel.deliver(final("done", address=MAIN))
    assert core.texts == ["a\ud800"]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (StorageBusy(), "Another program holds the database."),
        (RuntimeError("internal: secret"), "Something went wrong on my side."),
    ],
)
async def test_what_could_not_be_stored_is_refused_and_only_our_own_words_are_passed_on(
    error: Exception, words: str
) -> None:
    core = Core()
    core.refuses = error
    async with running(core) as program:
        [refused] = await program.send({"event_id": "e1", "chat": "main", "text": "Hello"})
    assert refused == {"rejected": "e1", "error": f"{words} Nothing was taken; send the line again."}


async def test_parts_go_out_with_their_place() -> None:
    topic = Address(channel="lines", chat="main", thread="7")
    card = PlanCard(plan="t1", mode="single", steps=(StepLine(id="a", title="look", state="running"),))
    async with running(Core()) as program:
        await program.channel.show(topic, "t1", card)
        step = {"id": "a", "title": "look", "state": "running", "note": "", "after": []}
        assert await program.read() == {
            "live": {"kind": "plan", "plan": "t1", "mode": "single", "steps": [step]},
            "turn": "t1",
            "chat": "main",
            "thread": "7",
        }
        await program.channel.deliver(final("done", address=topic, repeated=True))
        assert await program.read() == {
            "delivery": "t1.0",
            "turn": "t1",
            "chat": "main",
            "thread": "7",
            "repeated": True,
            "part": {"kind": "answer", "text": "done", "files": [], "closes": ""},
        }


async def test_live_parts_can_be_left_out() -> None:
    async with running(Core(), live=False) as program:
        await program.channel.show(MAIN, "t1", Draft(text="an ans"))
        await program.channel.deliver(final("an answer", address=MAIN))
        assert "delivery" in await program.read()


@pytest.mark.proves("channel.lines.end")
async def test_the_end_of_the_input_waits_for_what_is_unanswered() -> None:
    async with running(Core()) as program:
        await program.send({"event_id": "e1", "chat": "main", "text": "Hello"})
        program.end_input()
        for _ in range(20):
            await asyncio.sleep(0)
        assert not program.listening.done()
        await program.channel.deliver(final("done", address=MAIN))
        await asyncio.wait_for(program.listening, LONGEST_WAIT)


async def test_an_answer_that_is_faster_than_its_receipt_is_not_waited_for() -> None:
    async def answer(inbound: Arriving, turn: str) -> None:
        await program.channel.deliver(final("done", turn=turn, address=MAIN))

    async with running(Core(answer)) as program:
        await program.send({"event_id": "e1", "chat": "main", "text": "Hello"})
        program.end_input()
        await asyncio.wait_for(program.listening, LONGEST_WAIT)


@pytest.mark.proves("channel.lines.end")
async def test_a_program_that_stops_reading_ends_the_channel() -> None:
    async with running(Core()) as program:
        await program.send({"event_id": "e1", "chat": "main", "text": "Hello"})
        program.end_input()
        program.stop_reading()
        with pytest.raises(DeliveryError):
            await program.channel.deliver(final("done", address=MAIN))
        await asyncio.wait_for(program.listening, LONGEST_WAIT)


async def test_live_parts_for_a_program_that_does_not_read_are_left_out() -> None:
    async with running(Core()) as program:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await program.channel.deliver(final("x" * (LIVE_BACKLOG + 200_000), address=MAIN))
        backlog = program.channel._out.backlog
        assert backlog > LIVE_BACKLOG
        await program.channel.show(MAIN, "t1", Draft(text="an ans"))
        assert program.channel._out.backlog == backlog
