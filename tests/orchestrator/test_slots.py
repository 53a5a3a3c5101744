"""Typed values out of words."""

from typing import Any

import pytest

from orchestrator.slots import coerce, kind_of, read, read_answer, yes_or_no

TIMEZONE = {"type": "string", "description": "IANA timezone name (e.g., 'America/New_York')"}


@pytest.mark.parametrize(
    ("kind", "text", "values"),
    [
        ("timezone", "What time is it in Tokyo and in New York?", ["Asia/Tokyo", "America/New_York"]),
        ("timezone", "from Europe/Berlin to UTC", ["Europe/Berlin", "UTC"]),
        ("timezone", "have you met the cat", []),
        ("timezone", "Buenos Aires, please", ["America/Argentina/Buenos_Aires"]),
        ("time", "at 14:30 or 9:05 or 7pm", ["14:30", "09:05", "19:00"]),
        ("time", "25:99", []),
        ("number", "3 apples at 2.50, -4 less", [3, 2.5, -4]),
        ("integer", "3 apples at 2.50", [3]),
        ("number", "1,500 or 7,132.76 or 1,5", [1500, 7132.76, 1.5]),
        ("text", "the driver's 'best friend's car' isn't Ann's", ["best friend's car"]),
        ("date", "on 2026-11-20", ["2026-11-20"]),
        ("email", "write to ann@example.com.", ["ann@example.com"]),
        ("expression", "what is 12*(3+4)?", ["12*(3+4)"]),
        ("expression", "15% of 80 please", ["15% of 80"]),
        ("text", 'call it "My list" now', ["My list"]),
    ],
)
def test_values_are_read_by_kind(kind: str, text: str, values: list[Any]) -> None:
    found = read(kind, text, {})
    assert [each.value for each in found] == values
    assert all(0 <= each.start < each.end <= len(text) for each in found)


@pytest.mark.parametrize(
    ("name", "schema", "kind"),
    [
        ("timezone", TIMEZONE, "timezone"),
        ("source_timezone", {"type": "string"}, "timezone"),
        ("time", {"type": "string", "description": "Time to convert in 24-hour format (HH:MM)"}, "time"),
        ("amount", {"type": "number"}, "number"),
        ("unit", {"type": "string", "enum": ["c", "f"]}, "enum"),
        ("start_date", {"type": "string"}, "date"),
        ("note", {"type": "string"}, "text"),
    ],
)
def test_the_kind_is_read_off_the_schema(name: str, schema: dict[str, Any], kind: str) -> None:
    assert kind_of(name, schema) == kind


@pytest.mark.proves("clarify.answer")
@pytest.mark.parametrize(
    ("text", "name", "schema", "choices", "value"),
    [
        ("New York", "target_timezone", TIMEZONE, (), "America/New_York"),
        ("Atlantis", "target_timezone", TIMEZONE, (), None),
        ("2", "unit", {"enum": ["c", "f"]}, ("c", "f"), "f"),
        ("C", "unit", {"enum": ["c", "f"]}, ("c", "f"), "c"),
        ("yes please", "sure", {"type": "boolean"}, ("yes", "no"), True),
        ("my own words", "note", {"type": "string"}, (), "my own words"),
        ("What time is it?", "note", {"type": "string"}, (), None),
        ("[1, 2]", "items", {"type": "array"}, (), [1, 2]),
        ("12 or 13", "n", {"type": "integer"}, (), None),
    ],
)
def test_an_answer_is_read_as_what_was_asked_for(
    text: str, name: str, schema: dict[str, Any], choices: tuple[str, ...], value: Any
) -> None:
    assert read_answer(text, name, schema, choices) == value


def test_yes_and_no_are_words_and_everything_else_is_neither() -> None:
    assert yes_or_no("what would it do") is None


@pytest.mark.proves("approval.asked")
@pytest.mark.parametrize("text", ["Yes!", "ok", "ja, bitte", "go ahead", "run it please", "do it"])
def test_a_yes_is_nothing_but_a_yes(text: str) -> None:
    assert yes_or_no(text) is True


@pytest.mark.proves("approval.asked")
@pytest.mark.parametrize(
    "text",
    [
        "Do not send it!",
        "do you know the time",
        "ok wait, change it first",
        "Go away",
        "sure? what does it do?",
        "",
        "yes?",
    ],
)
def test_words_that_begin_like_a_yes_are_none(text: str) -> None:
    assert yes_or_no(text) is not True


def test_a_no_is_short_and_an_idea_is_no_answer() -> None:
    assert yes_or_no("no, do not") is False
    assert yes_or_no("Don't!") is False
    assert yes_or_no("no idea what you are talking about") is None


def test_typed_arguments_become_what_the_schema_wants() -> None:
    assert coerce("7", {"type": "integer"}) == 7
    assert coerce("7", {"type": "string"}) == "7"
    assert coerce("seven", {"type": "integer"}) == "seven"
