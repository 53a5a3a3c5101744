"""What a plan waits for, asked as one question, and the answer merged back."""

from datetime import UTC, datetime
from typing import Any

import pytest

from orchestrator.messages import Address, Arrival, Choice, Form, Inbound, Message, Person
from orchestrator.plan import Plan, Step, StepResult
from orchestrator.questions import merge, plan_question, read_reply
from tests.orchestrator.tooling import finder, spec

TEXT = {"type": "string", "description": "who gets it"}
SEND = spec("mail__send", read_only=False, required=["to", "text"], to=TEXT, text={"type": "string"})
UNIT = spec("convert", required=["unit", "day"], unit={"enum": ["c", "f"]}, day={"type": "string", "format": "date"})
FIND = finder(SEND, UNIT)
NEEDS_ARGUMENTS = StepResult(status="waiting", waits_for="arguments")
NEEDS_A_YES = StepResult(status="waiting", waits_for="approval", data={"to": "ann", "text": "hello"})
NEEDS_A_WORD = StepResult(status="waiting", waits_for="repeat", data={"to": "ann", "text": "hello"})
ONE = Plan(steps=(Step(id="a", tool="convert", arguments={"day": "2026-11-20"}, missing=("unit",)),))
TWO = Plan(steps=(Step(id="a", tool="convert", missing=("unit", "day")),))
SENDING = Plan(
    steps=(
        Step(id="a", tool="mail__send", arguments={"to": "${x}", "text": "hello"}, after=("x",)),
        Step(id="x", tool="convert"),
    )
)


def typed(text: str) -> Message:
    return Message(
        event_id="e",
        address=Address(channel="c", chat="1"),
        person=Person(id="ann"),
        sent_at=datetime.now(UTC),
        text=text,
    )


def read(plan: Plan, result: StepResult, inbound: Inbound) -> dict[str, Any]:
    return read_reply(inbound, plan, {"a": result}, FIND)


@pytest.mark.proves("clarify.by_name")
def test_a_missing_argument_is_asked_for_by_its_name_with_its_choices() -> None:
    question = plan_question("q1", ONE, {"a": NEEDS_ARGUMENTS}, FIND)
    assert question.text == "For **convert**: which **unit**?"
    assert question.fields[0].choices == ("c", "f")


@pytest.mark.proves("clarify.answer")
@pytest.mark.parametrize("text", ["2", "f", "F", "unit=f", "a.unit=f"])
def test_one_blank_takes_a_number_a_word_or_a_pair(text: str) -> None:
    assert read(ONE, NEEDS_ARGUMENTS, typed(text)) == {"a.unit": "f"}


@pytest.mark.parametrize("text", ["kelvin", "3", "what is a unit?", ""])
def test_words_that_are_no_answer_are_not_taken_for_one(text: str) -> None:
    assert read(ONE, NEEDS_ARGUMENTS, typed(text)) == {}


@pytest.mark.parametrize("text", ["unit=c day=2026-11-21", "c\n2026-11-21", "day=2026-11-21 unit=1"])
def test_several_blanks_take_pairs_or_a_line_each(text: str) -> None:
    assert read(TWO, NEEDS_ARGUMENTS, typed(text)) == {"a.unit": "c", "a.day": "2026-11-21"}


def test_a_part_of_the_answer_is_taken_and_the_rest_stays_open() -> None:
    values = read(TWO, NEEDS_ARGUMENTS, typed("unit=c"))
    plan, ended = merge(TWO, values, waiting={}, person="ann", find=FIND)
    assert plan.step("a").arguments == {"unit": "c"}
    assert plan.step("a").missing == ("day",)
    assert ended == {}


@pytest.mark.proves("approval.asked")
def test_an_approval_shows_the_arguments_as_they_will_be_used() -> None:
    question = plan_question("q1", SENDING, {"a": NEEDS_A_YES}, FIND)
    assert "May I run `mail__send`: to = `ann`, text = `hello`?" in question.text
    assert "to = `ann`" in question.text
    assert question.fields[0].choices == ("yes", "no", "yes, in this conversation", "always")


@pytest.mark.proves("approval.asked")
@pytest.mark.parametrize("text", ["yes", "1", "ok", "Ja, bitte"])
def test_a_yes_is_bound_to_the_person_who_gave_it(text: str) -> None:
    values = read(SENDING, NEEDS_A_YES, typed(text))
    plan, ended = merge(SENDING, values, waiting={}, person="ann", find=FIND)
    assert plan.step("a").approved_by == "ann"
    assert ended == {}


@pytest.mark.parametrize("text", ["no", "2", "never"])
def test_a_no_ends_the_step_and_says_so(text: str) -> None:
    values = read(SENDING, NEEDS_A_YES, typed(text))
    plan, ended = merge(SENDING, values, waiting={}, person="ann", find=FIND)
    assert plan.step("a").approved_by is None
    assert ended["a"] == StepResult(status="skipped", error="you said no")


def test_words_that_neither_agree_nor_decline_are_no_answer_to_an_approval() -> None:
    assert read(SENDING, NEEDS_A_YES, typed("who is ann?")) == {}


def test_an_unknown_outcome_is_put_to_the_person() -> None:
    question = plan_question("q1", SENDING, {"a": NEEDS_A_WORD}, FIND)
    assert "may have happened or not" in question.text
    assert read(SENDING, NEEDS_A_WORD, typed("run it again")) == {"a.repeat": True}
    assert read(SENDING, NEEDS_A_WORD, typed("2")) == {"a.repeat": False}


def test_buttons_and_forms_say_the_same_as_words() -> None:
    arrival = typed("").model_dump(include=set(Arrival.model_fields))
    assert read(ONE, NEEDS_ARGUMENTS, Choice(**arrival, question="q1", value="c")) == {"a.unit": "c"}
    form = Form(**arrival, question="q1", values={"a.unit": "c", "a.day": "2026-11-21", "a.other": "x"})
    assert read(TWO, NEEDS_ARGUMENTS, form) == {"a.unit": "c", "a.day": "2026-11-21"}


@pytest.mark.proves("approval.asked")
def test_a_title_cannot_dress_up_what_is_agreed_to_and_a_cut_says_that_it_is_one() -> None:
    plan = Plan(steps=(Step(id="a", tool="mail__send", title="Show the weather", arguments={}),))
    waiting = StepResult(status="waiting", waits_for="approval", data={"to": "x`y\nz", "text": "x" * 5000})
    question = plan_question("q1", plan, {"a": waiting}, FIND)
    assert "Show the weather" not in question.text
    assert "`mail__send`" in question.text
    assert "to = `x'y ⏎ z`" in question.text
    assert "and 4000 more characters" in question.text


def test_names_that_two_steps_share_are_written_in_full() -> None:
    steps = tuple(Step(id=name, tool="convert", arguments={"day": "2026-11-20"}, missing=("unit",)) for name in "ab")
    plan, waiting = Plan(steps=steps), {"a": NEEDS_ARGUMENTS, "b": NEEDS_ARGUMENTS}
    assert "`a.unit`" in plan_question("q1", plan, waiting, FIND).text
    assert read_reply(typed("unit=c"), plan, waiting, FIND) == {}
    assert read_reply(typed("a.unit=c b.unit=f"), plan, waiting, FIND) == {"a.unit": "c", "b.unit": "f"}


def test_an_answer_cannot_refer_to_results() -> None:
    plan = Plan(steps=(Step(id="a", tool="mail__send", arguments={"to": "ann"}, missing=("text",)),))
    assert read_reply(typed("costs ${HOME}"), plan, {"a": NEEDS_ARGUMENTS}, FIND) == {}
    assert read_reply(typed("step:a"), plan, {"a": NEEDS_ARGUMENTS}, FIND) == {}


@pytest.mark.proves("approval.asked")
def test_many_words_of_a_call_stand_below_the_question_and_are_whole() -> None:
    words = "word " * 100
    waiting = {"a": StepResult(status="waiting", waits_for="approval", data={"text": words})}
    question = plan_question("q1", SENDING, waiting, FIND)
    head, _, below = question.text.partition("\n\n> ")
    assert head.startswith("May I run `mail__send` with this?")
    assert words in below
