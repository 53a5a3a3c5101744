"""The console as a person has it: a real process behind a real pseudo-terminal."""

import asyncio
import os
import pty
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from prompt_toolkit.formatted_text import AnyFormattedText, fragment_list_to_text, to_formatted_text

from adapters.terminal import Terminal
from orchestrator.messages import Draft
from tests.adapters.person import ALT_ENTER, CTRL_C, CTRL_D, CTRL_U, ENTER, LONGEST_WAIT, Person


@asynccontextmanager
async def console(**environment: str) -> AsyncIterator[Person]:
    async with Person.at_a_terminal("-m", "tests.adapters.scripted_console", **environment) as person:
        await person.sees_prompt_after("Ctrl-D leaves.")
        yield person


@pytest.mark.proves("channel.console.one_answer")
async def test_plan_and_draft_are_seen_while_they_change_and_the_answer_is_printed_once() -> None:
    async with console() as person:
        person.type(f"time please{ENTER}")
        await person.sees_prompt_after("See the docs (https://example.com/docs).")
        person.type(CTRL_D)
        assert await person.leaves() == 0
        seen = person.seen
    assert "◐ get current time (Asia/Tokyo)" in seen
    assert "It is **08:15**" in seen, "the draft was on the screen"
    assert seen.count("• one") == 1, "Markdown is rendered only for the final answer"
    end = seen[seen.rindex("Plan t1") :]
    assert "✗ get current time (America/New_York): the server is away" in end
    assert "**08:15**" not in end, "the draft is gone"


@pytest.mark.proves("channel.console.one_answer")
async def test_what_goes_on_is_not_left_behind_in_a_line_that_was_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROMPT_TOOLKIT_NO_CPR", "1")  # nobody would answer where the cursor is
    drawn: list[str] = []
    ours, theirs = pty.openpty()
    with os.fdopen(theirs) as source, os.fdopen(os.dup(theirs), "w") as target, os.fdopen(ours, "wb", 0) as keys:
        terminal = Terminal(source, target, words=())
        message = terminal._session.message

        def draw() -> AnyFormattedText:
            drawn.append(fragment_list_to_text(to_formatted_text(message)))
            return message

        terminal._session.message = draw
        await terminal.show("t1", Draft(text="an ans"))
        keys.write(b"more\r")
        assert await asyncio.wait_for(terminal.read(), LONGEST_WAIT) == "more"
    assert drawn[0] == "an ans\n> "
    assert drawn[-1] == "> "


@pytest.mark.proves("channel.console.stop")
async def test_ctrl_c_stops_what_runs_and_keeps_what_is_being_typed() -> None:
    async with console() as person:
        person.type(f"wait{ENTER}")
        await person.sees("Once upon a time")
        person.type("half a thought")
        await person.sees("half a thought")
        person.type(CTRL_C)
        await person.sees_prompt_after("Stopped.")
        person.type(f" and the rest{ENTER}")
        await person.sees_prompt_after("You said 'half a thought and the rest'.")
        person.type(CTRL_C)
        await person.sees_prompt_after("Ctrl-D or /quit leaves.")
        person.type(CTRL_D)
        assert await person.leaves() == 0


@pytest.mark.proves("channel.console.not_taken")
async def test_words_that_were_not_taken_are_back_at_the_prompt() -> None:
    async with console() as person:
        person.type(f"refuse{ENTER}")
        await person.sees_prompt_after("The disk is full. Your words are back at the prompt.")
        person.type(f" it no more{ENTER}")
        await person.sees("You said 'refuse it no more'.")


@pytest.mark.proves("channel.console.many_lines")
async def test_pasted_lines_are_one_message() -> None:
    async with console() as person:
        person.paste("one\ntwo\nthree")
        person.type(ENTER)
        await person.sees(r"You said 'one\ntwo\nthree'.")


@pytest.mark.proves("channel.console.many_lines")
async def test_a_backslash_or_alt_enter_makes_a_new_line() -> None:
    async with console() as person:
        person.type(f"one\\{ENTER}two{ALT_ENTER}three{ENTER}")
        await person.sees(r"You said 'one\ntwo\nthree'.")


async def test_slash_words_are_completed() -> None:
    async with console() as person:
        person.type("/st\t")
        await person.sees("/status")
        await person.sees_prompt_after("/stop")
        person.type(f"{CTRL_U}/he\t{ENTER}")
        await person.sees("You said '/help'.")


async def test_a_question_is_answered_with_a_number_as_it_is_typed() -> None:
    async with console() as person:
        person.type(f"ask{ENTER}")
        await person.sees("1. New York  2. Newark")
        await person.sees_prompt_after("Type a number or your own words.")
        person.type(f"2{ENTER}")
        await person.sees("You said '2'.")


async def test_an_earlier_line_comes_back() -> None:
    async with console() as person:
        person.type(f"first{ENTER}")
        await person.sees_prompt_after("You said 'first'.")
        person.type(f"\x1b[A{ENTER}")
        await person.sees("You said 'first'.", times=2)


@pytest.mark.proves("channel.console.leave")
@pytest.mark.parametrize("keys", [CTRL_D, f"/quit{ENTER}"])
async def test_leaving_waits_for_what_runs_but_not_for_ever(keys: str) -> None:
    async with console() as person:
        person.type(f"wait{ENTER}")
        await person.sees("Once upon a time")
        person.type(keys)
        await person.sees("something is still running")
        assert await person.leaves() == 0
        assert "It goes on when you come back." in person.seen
        assert person.has_a_usual_terminal()


async def test_a_console_that_is_cancelled_gives_the_terminal_back() -> None:
    async with console() as person:
        person.type("half a thought")
        await person.sees("half a thought")
        assert not person.has_a_usual_terminal()
        person.process.terminate()
        await person.leaves()
        assert person.has_a_usual_terminal()


@pytest.mark.proves("channel.console.no_color")
async def test_no_colour_is_sent_where_none_is_wanted() -> None:
    async with console(NO_COLOR="1") as person:
        person.type(f"time please{ENTER}")
        await person.sees("See the docs (https://example.com/docs).")
        assert not re.search(r"\x1b\[(?:\d+;)*[39][0-7](?:;\d+)*m", person.raw)
    async with console() as person:
        person.type(f"time please{ENTER}")
        await person.sees("See the docs (https://example.com/docs).")
        assert re.search(r"\x1b\[(?:\d+;)*[39][0-7](?:;\d+)*m", person.raw)
