"""Grounding: what nobody said is asked for."""

from typing import Any

import pytest

from orchestrator import guard
from orchestrator.plan import Plan, Step
from tests.orchestrator.tooling import finder, spec

TEXT = {"type": "string"}
SEND = spec(
    "send",
    read_only=False,
    required=["to", "text"],
    to=TEXT,
    text=TEXT,
    urgency={"type": "string", "enum": ["low", "high"]},
)
LOOK = spec("look", required=["place"], place=TEXT)
PAY = spec("pay", read_only=False, required=["amount", "day"], amount={"type": "number"}, day=TEXT)


def missing(tool: str, arguments: dict[str, Any], said: str) -> tuple[str, ...]:
    plan = Plan(steps=(Step(id="a", tool=tool, arguments=arguments),))
    return guard.check(plan, finder(SEND, LOOK, PAY), said).steps[0].missing


@pytest.mark.proves("guard.grounding")
def test_a_step_is_not_named_after_what_was_taken_out_of_it() -> None:
    arguments = {"to": "boss@corp.example", "text": "the report"}
    step = Step(id="a", tool="send", arguments=arguments, title=SEND.in_words(arguments))
    (checked,) = guard.check(Plan(steps=(step,)), finder(SEND), "send the report").steps
    assert "boss" not in checked.title
    assert "the report" in checked.title


@pytest.mark.proves("guard.grounding")
def test_an_invented_receiver_is_asked_for() -> None:
    said = "send the report"
    assert missing("send", {"to": "boss@corp.example", "text": "the report"}, said) == ("to",)


@pytest.mark.proves("guard.grounding")
@pytest.mark.parametrize(
    ("tool", "arguments", "said"),
    [
        ("send", {"to": "Ann", "text": "we start at nine"}, "tell Ann that we start at nine"),
        ("pay", {"amount": 12.5, "day": "2026-11-21"}, "pay 12.50 tomorrow"),
        ("pay", {"amount": 3, "day": "2026-11-21"}, "pay three on 2026-11-21"),
        ("send", {"to": "${find.mail}", "text": "hello"}, "say hello to them"),
        ("look", {"place": "Europe/Berlin"}, "what time is it in Munich?"),
    ],
)
def test_what_was_said_or_computed_is_not_asked_for(tool: str, arguments: dict[str, Any], said: str) -> None:
    steps = (Step(id="find", tool="look", arguments={"place": "here"}), Step(id="a", tool=tool, arguments=arguments))
    plan = guard.check(Plan(steps=steps), finder(SEND, LOOK, PAY), said)
    assert plan.step("a").missing == ()


@pytest.mark.parametrize("placeholder", ["", "unknown", "<TBD>", "?"])
def test_a_placeholder_is_asked_for_even_where_nothing_can_be_harmed(placeholder: str) -> None:
    assert missing("look", {"place": placeholder}, "look around") == ("place",)


def test_an_amount_that_nobody_named_is_asked_for() -> None:
    assert missing("pay", {"amount": 50, "day": "2026-11-21"}, "pay Ann tomorrow") == ("amount",)
