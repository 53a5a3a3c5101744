"""The console over a pipe: a line is a message, and plain text comes back."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from adapters.base import DeliveryError
from adapters.console import Console
from orchestrator.messages import (
    Address,
    Answer,
    Arriving,
    Attachment,
    Draft,
    PlanCard,
    Question,
    QuestionField,
    StepLine,
)
from storage.errors import StorageFull
from tests.adapters.core import LONGEST_WAIT, Core, final, pipe

QUESTION = Question(
    id="q1",
    text="Which city?",
    fields=(QuestionField(name="city", label="Which city?", choices=("New York", "Newark")),),
)


async def chat(said: str | bytes, core: Core, folder: Path, **options: Any) -> str:
    """All that a console shows for this input; it must end by itself."""
    (folder / "input").write_bytes(said if isinstance(said, bytes) else said.encode())
    with (folder / "input").open() as source, (folder / "screen").open("w") as target:
        console = Console("ann", source=source, target=target, **options)
        core.channel = console  # type: ignore[attr-defined]
        async with asyncio.timeout(LONGEST_WAIT):
            await console.run(core.accept)
    return (folder / "screen").read_text()


class Echo(Core):
    """A core that answers at once: "ask" with a question, all else with itself."""

    channel: Console

    def __init__(self) -> None:
        super().__init__(self._answer)

    async def _answer(self, inbound: Arriving, turn: str) -> None:
        text = getattr(inbound, "text", "")
        part = QUESTION if text == "ask" else Answer(text=f"You said {text}.")
        await self.channel.show(inbound.address, turn, Draft(text="You sa"))
        await self.channel.deliver(final(part, turn=turn, address=inbound.address))


@pytest.mark.proves("channel.console.pipe")
async def test_each_line_of_a_pipe_is_answered_in_plain_text(tmp_path: Path) -> None:
    core = Echo()
    assert await chat("Hi\n\nthere", core, tmp_path) == "You said Hi.\n\nYou said there.\n\n"
    assert core.texts == ["Hi", "there"]


@pytest.mark.proves("channel.console.pipe")
async def test_a_question_shows_its_choices_and_the_next_line_is_its_answer_as_typed(tmp_path: Path) -> None:
    core = Echo()
    shown = await chat("ask\n2\n", core, tmp_path)
    asked = "Which city?\n1. New York  2. Newark\nType a number or your own words.\n\n"
    assert shown == f"{asked}You said 2.\n\n"


@pytest.mark.proves("channel.console.in_turn")
async def test_the_next_line_is_read_after_the_answer_to_the_one_before(tmp_path: Path) -> None:
    core = Core()
    async with conversation(core, tmp_path, "one\ntwo\n") as console:
        await core.has_taken(1)
        for _ in range(50):
            await asyncio.sleep(0)
        assert core.texts == ["one"]
        await console.deliver(final("1", turn="t1", address=Address(channel="console", chat="ann")))
        await core.has_taken(2)
        await console.deliver(final("2", turn="t2", address=Address(channel="console", chat="ann")))
    assert core.texts == ["one", "two"]


@asynccontextmanager
async def conversation(core: Core, folder: Path, said: str) -> AsyncIterator[Console]:
    with pipe() as (source, typed), (folder / "screen").open("w") as target:
        typed.write(said)
        typed.close()
        console = Console("ann", source=source, target=target)
        async with asyncio.timeout(LONGEST_WAIT), asyncio.TaskGroup() as tasks:
            tasks.create_task(console.run(core.accept))
            yield console


@pytest.mark.proves("channel.console.not_taken")
async def test_a_message_that_was_not_taken_is_given_back_with_the_reason(tmp_path: Path) -> None:
    core = Echo()
    core.refuses = StorageFull()
    shown = await chat("remember the milk\n", core, tmp_path)
    assert shown == "I could not take that. The disk is full. You wrote: remember the milk\n"


async def test_an_error_that_is_not_ours_is_not_quoted(tmp_path: Path) -> None:
    core = Echo()
    core.refuses = RuntimeError("password=hunter2")
    assert "hunter2" not in await chat("Hi\n", core, tmp_path)


@pytest.mark.parametrize("word", ["/quit", " /exit "])
async def test_quit_leaves(tmp_path: Path, word: str) -> None:
    core = Echo()
    await chat(f"Hi\n{word}\nnever read\n", core, tmp_path)
    assert core.texts == ["Hi"]


async def test_what_is_to_be_said_first_comes_first(tmp_path: Path) -> None:
    core = Echo()
    shown = await chat("two\n", core, tmp_path, about="About me.", first="one")
    assert shown == "About me.\nYou said one.\n\nYou said two.\n\n"


async def test_lines_can_be_shown_as_they_are_read(tmp_path: Path) -> None:
    assert await chat("Hi\n", Echo(), tmp_path, echo=True) == "> Hi\nYou said Hi.\n\n"


async def test_bytes_that_are_no_text_arrive_as_replacement_characters(tmp_path: Path) -> None:
    core = Echo()
    await chat(b"caf\xe9 \xed\xa0\x80\r\n", core, tmp_path)
    assert core.texts == ["caf\ufffd \ufffd\ufffd\ufffd"]


async def test_every_message_is_an_event_of_its_own_by_the_person_at_the_terminal(tmp_path: Path) -> None:
    core = Echo()
    await chat("Hi\nHi\n", core, tmp_path)
    first, second = core.taken
    assert first.event_id != second.event_id
    assert {(each.person.id, each.address.session) for each in core.taken} == {("ann", "console:ann")}


async def test_a_person_without_a_name_is_local(tmp_path: Path) -> None:
    with pipe() as (source, typed), (tmp_path / "screen").open("w") as target:
        typed.write("Hi\n")
        typed.close()
        core = Echo()
        core.channel = Console("", source=source, target=target)
        await core.channel.run(core.accept)
    assert [(each.person.id, each.address.chat) for each in core.taken] == [("local", "local")]


@pytest.mark.proves("channel.console.pipe")
async def test_only_what_is_final_is_written_to_a_pipe(tmp_path: Path) -> None:
    core = Core()
    card = PlanCard(plan="t1", mode="single", steps=(StepLine(id="a", title="look", state="running"),))
    async with conversation(core, tmp_path, "Hi\n") as console:
        await core.has_taken(1)
        for part in (card, Draft(text="an ans")):
            await console.show(Address(channel="console", chat="ann"), "t1", part)
        await console.deliver(final("an **answer**", address=Address(channel="console", chat="ann")))
    assert (tmp_path / "screen").read_text() == "an **answer**\n\n"


async def test_a_reader_that_goes_away_ends_the_chat() -> None:
    core = Core()
    with pipe() as (source, typed), pipe() as (screen, target):
        console = Console("ann", source=source, target=target)
        async with asyncio.timeout(LONGEST_WAIT), asyncio.TaskGroup() as tasks:
            tasks.create_task(console.run(core.accept))
            typed.write("Hi\nthere\n")
            await core.has_taken(1)
            screen.close()
            with pytest.raises(DeliveryError):
                await console.deliver(final("Hello", address=Address(channel="console", chat="ann")))
    assert core.texts == ["Hi"]


@pytest.mark.proves("channel.console.light")
def test_a_pipe_loads_neither_the_prompt_nor_the_renderer() -> None:
    code = (
        "import asyncio, io, sys; from adapters.console import Console\n"
        "asyncio.run(Console('ann', source=io.StringIO(), target=io.StringIO()).run(None))\n"
        "print([name for name in ('prompt_toolkit', 'rich', 'markdown_it') if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30)
    assert run.stdout == "[]\n"


@pytest.mark.proves("files.told")
async def test_the_files_of_an_answer_stand_below_it_with_their_places(tmp_path: Path) -> None:
    file = Attachment(kind="photo", name="sales.png", mime="image/png", size=4711, file="abc-sales.png")
    answer = Answer(text="Here.", files=(file,))
    with (tmp_path / "input").open("w+") as source, (tmp_path / "screen").open("w") as target:
        console = Console("ann", source=source, target=target, where=lambda name: Path("/kept") / name)
        await console.deliver(final(answer, address=Address(channel="console", chat="ann")))
    told = (tmp_path / "screen").read_text()
    assert told == "Here.\n\n- sales.png (image/png, 4.7 kB): `/kept/abc-sales.png`\n\n"
