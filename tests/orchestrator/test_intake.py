"""The door: text is repaired, slash words are read."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.intake import problem_with, understood
from orchestrator.messages import INBOUND, Address, Command, Message, Person, Stop
from orchestrator.repair import repaired


def message(text: str) -> Message:
    return Message(
        event_id="e1",
        address=Address(channel="c", chat="1"),
        person=Person(id="a"),
        sent_at=datetime.now(UTC),
        text=text,
    )


@pytest.mark.proves("input.text_repaired")
@given(st.text(alphabet=st.characters(categories=None), max_size=50))
def test_any_text_at_all_becomes_one_that_can_be_stored_and_sent(text: str) -> None:
    whole = repaired(text)
    assert "\0" not in whole
    assert whole.encode("utf-8").decode("utf-8") == whole
    assert repaired(whole) == whole
    meant = understood(message(text))
    assert INBOUND.validate_json(INBOUND.dump_json(meant)) == meant


def test_a_pair_of_surrogates_is_one_character_and_a_lone_one_is_marked() -> None:
    assert repaired("\ud83d\ude00") == "😀"
    assert repaired("a\ud83db") == "a\ufffdb"


@pytest.mark.parametrize(
    ("text", "name", "rest"),
    [
        ("/why", "why", ""),
        (" /Why t12 ", "why", "t12"),
        ("/tool@errand_bot a=1", "tool", "a=1"),
        ("/plan a: x()\nb: y()", "plan", "a: x()\nb: y()"),
    ],
)
def test_a_slash_word_is_a_command(text: str, name: str, rest: str) -> None:
    command = understood(message(text))
    assert isinstance(command, Command)
    assert (command.name, command.rest) == (name, rest)


def test_stop_is_more_than_a_command_and_a_path_is_none() -> None:
    assert isinstance(understood(message("/stop")), Stop)
    assert isinstance(understood(message("/etc/passwd is a file")), Message)
    assert isinstance(understood(message("1 / 2")), Message)


@pytest.mark.proves("input.size")
def test_what_cannot_be_worked_on_is_named_with_the_fix() -> None:
    assert problem_with(message("fine"), limit=10) is None
    assert "was empty" in str(problem_with(message(" \n"), limit=10))
    assert "11 characters; I can work on 10" in str(problem_with(message("x" * 11), limit=10))


def test_two_addresses_share_a_session_only_when_they_are_equal() -> None:
    places = [("c", "1", None), ("c", "1", "2"), ("c", "1/2", None), ("c", "1%2F2", None), ("c:1", "2", None)]
    keys = {Address(channel=channel, chat=chat, thread=thread).session for channel, chat, thread in places}
    assert len(keys) == len(places)
