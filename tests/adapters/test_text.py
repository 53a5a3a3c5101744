"""Text that may be shown, and how questions and plans are put into words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.text import card_title, choice_lines, how_to_answer, safe
from orchestrator.messages import PlanCard, Question, QuestionField, StepLine

NASTY = st.text(st.one_of(st.characters(), st.sampled_from("\x1b\x9b[]0;mJ\x07\\P_^\u202e\r\n")))


@pytest.mark.proves("channel.console.safe")
@given(NASTY)
def test_safe_text_holds_no_control_character_and_stays_as_it_is(text: str) -> None:
    shown = safe(text)
    assert not [each for each in shown if ord(each) < 32 and each not in "\n\t"]
    assert not [each for each in shown if 0x7F <= ord(each) <= 0x9F or 0xD800 <= ord(each) <= 0xDFFF]
    assert safe(shown) == shown
    shown.encode()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;a title\x07text", "text"),
        ("\x1b]8;;http://evil\x1b\\click\x1b]8;;\x1b\\", "click"),
        ("\x1b]0;never ends, but the words stay", "0;never ends, but the words stay"),
        ("one\r\ntwo\rthree", "one\ntwothree"),
        ("yes\u202eon", "yeson"),
        ("\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"),
        ("family: \U0001f468\u200d\U0001f469\u200d\U0001f467", "family: \U0001f468\u200d\U0001f469\u200d\U0001f467"),
        ("\ud83d\ude00 and \ud83d", "\U0001f600 and \ufffd"),
        ("a\tb", "a\tb"),
    ],
)
def test_sequences_go_and_words_stay(text: str, shown: str) -> None:
    assert safe(text) == shown


def question(*fields: QuestionField) -> Question:
    return Question(id="q1", text="Which?", fields=fields)


def test_choices_are_numbered_on_one_line_where_they_fit() -> None:
    asked = question(QuestionField(name="city", label="city", choices=("New York", "Newark")))
    assert [*choice_lines(asked)] == ["1. New York  2. Newark"]
    long = question(QuestionField(name="city", label="city", choices=("a" * 50, "b" * 50)))
    assert [*choice_lines(long)] == [f"1. {'a' * 50}", f"2. {'b' * 50}"]


def test_several_fields_are_told_apart_by_their_names() -> None:
    asked = question(
        QuestionField(name="s1.tz", label="tz", choices=("A", "B")),
        QuestionField(name="s1.time", label="time"),
        QuestionField(name="s2.sure", label="sure", choices=("yes", "no"), closed=True),
    )
    assert [*choice_lines(asked)] == ["s1.tz:", "1. A  2. B", "s2.sure:", "1. yes  2. no"]


@pytest.mark.parametrize(
    ("fields", "hint"),
    [
        ([QuestionField(name="a", label="a")], ""),
        ([QuestionField(name="a", label="a", choices=("x", "y"))], "Type a number or your own words."),
        ([QuestionField(name="a", label="a", choices=("x", "y"), closed=True)], "Type a number."),
        (
            [QuestionField(name="a", label="a", choices=("x",)), QuestionField(name="b", label="b")],
            "For each, give a number or your own words.",
        ),
    ],
)
def test_a_question_says_how_to_answer_it(fields: list[QuestionField], hint: str) -> None:
    assert how_to_answer(question(*fields)) == hint


def test_a_plan_says_how_far_it_is() -> None:
    done, running = StepLine(id="a", title="a", state="done"), StepLine(id="b", title="b", state="running")
    one = PlanCard(plan="t3", mode="single", steps=(running,))
    two = PlanCard(plan="t3", mode="sequential", steps=(done, running))
    assert card_title(one) == "Plan t3: 1 step"
    assert card_title(two) == "Plan t3: 2 steps in order (1 ended)"
