"""`errand eval routing`: what became of requests with each chain, told with its numbers, and no more than they bear."""

import json
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import pytest

from orchestrator.facts import DecisionFacts, Facts, LocalityFacts, PlannedStep, Totals
from orchestrator.messages import Feedback
from orchestrator.models import ModelReply
from orchestrator.outcomes import FEWEST, Chosen, advice, rows
from storage.records import TurnRecord
from tests.bot.command import errand
from tests.conversations.talk import Talk, talking
from tests.conversations.test_locality import STEPS, Weather
from tests.conversations.test_plans import Models, plan

NOW = datetime(2026, 11, 21, tzinfo=UTC)


async def rated(talk: Talk, turn: str, rating: Literal["good", "bad"]) -> None:
    feedback = Feedback(
        event_id=uuid.uuid4().hex,
        address=talk.address,
        person=talk.person,
        sent_at=datetime.now(UTC),
        turn=turn,
        rating=rating,
    )
    await talk.channel.push(feedback)


@pytest.mark.slow
@pytest.mark.proves("eval.routing")
async def test_what_became_of_requests_is_told_by_level_and_by_the_chain_that_decided(tmp_path: Path) -> None:
    def small(messages: Any) -> ModelReply:
        unsure = "weather" in messages[-1].text
        return plan(f"{STEPS} sure 0.5") if unsure else ModelReply("Hello", "small")

    models = Models(small=small, large=lambda _: plan(STEPS, answer="{{a}}"))
    given: dict[str, Any] = {"local": "small", "router": "large"}
    async with talking(tmp_path, toolsets=Weather().tools, model=models, **given) as talk:
        await talk.answered("Good day, how are you?")
        await talk.answered("Good day! How are you?")
        await talk.answered("What is the weather?")
        await talk.answered("Research the weather of Rome")
        await talk.told("/status")
        await rated(talk, "t2", "good")
        await rated(talk, "t4", "bad")
    whole = json.loads((await errand(tmp_path, "eval", "routing", "--json")).stdout)
    table = {(row["level"], row["decided"]): row for row in whole["rows"]}
    assert {key: row["turns"] for key, row in table.items()} == {
        ("simple", "local"): 2,
        ("simple", "local, then external"): 1,
        ("complex", "external"): 1,
    }
    local, complex_ = table["simple", "local"], table["complex", "external"]
    assert [local[name]["count"] for name in ("answered", "good", "bad", "asked_again")] == [2, 1, 0, 1]
    assert (local["answered"]["low"], local["answered"]["high"]) == (0.342, 1.0)
    assert complex_["bad"]["count"] == 1
    assert complex_["adherence"] == 1.0
    told = (await errand(tmp_path, "eval", "routing")).stdout
    assert "| simple | local | 2 | 2 (34% to 100%) |" in told
    assert "Nothing is claimed about the thresholds: it takes 30 turns of a kind" in told
    assert "| complex | external | 1 |" in (await errand(tmp_path, "eval", "routing", "--last", "1")).stdout


@pytest.mark.slow
@pytest.mark.proves("eval.routing")
async def test_where_nothing_was_chosen_that_is_said(tmp_path: Path) -> None:
    async with talking(tmp_path) as talk:
        await talk.answered("Hi")
    assert "No chain was chosen" in (await errand(tmp_path, "eval", "routing")).stdout


# --- what may be claimed


def turn(*, bad: bool = False, again: bool = False, decision: DecisionFacts | None = None, **locality: Any) -> Chosen:
    facts = Facts(
        decision=decision or DecisionFacts(kind="direct"),
        locality=LocalityFacts.model_validate({"level": "simple", "chain": "local", **locality}),
        totals=Totals(cost_usd="unknown" if bad else 0.5),
    )
    record = TurnRecord("t1", "s", "ann", "Hi", "direct", "Hello", "{}", NOW, NOW + timedelta(seconds=2))
    assert facts.locality
    return Chosen(record, facts, facts.locality, ("bad",) if bad else (), again)


PLAN = DecisionFacts(kind="plan", steps=(PlannedStep(id="a", tool="weather", arguments={"place": "Rome"}),))
OTHER = DecisionFacts(kind="plan", steps=(PlannedStep(id="a", tool="weather", arguments={"place": "Oslo"}),))
EXTERNAL = turn(level="complex", chain="external", reasons={"work": "research"})
GONE_ON: dict[str, Any] = {"chain": "external", "escalated": "unsure", "limit": "local_confidence", "set_aside": PLAN}
BY_LENGTH: dict[str, Any] = {"level": "complex", "chain": "external", "reasons": {"simple_characters": "long"}}
CLAIMS = {
    "simple_things or simple_characters look too high": [turn(again=True), *[turn(bad=True)] * 29, *[EXTERNAL] * 30],
    "local_confidence looks too high": [*[turn(decision=PLAN, **GONE_ON)] * 30, *[turn()] * 40],
    "local_hand_overs looks too low": [turn(decision=PLAN, **{**GONE_ON, "limit": "local_hand_overs"})] * 30,
    "Most simple requests went on": [turn(decision=OTHER, **GONE_ON)] * 30,
    "simple_characters looks too low": [turn(**BY_LENGTH)] * 30,
}


@pytest.mark.proves("eval.routing")
@pytest.mark.parametrize("claim", CLAIMS)
def test_a_threshold_is_said_to_be_wrong_only_where_enough_turns_say_so(claim: str) -> None:
    turns = CLAIMS[claim]
    assert any(claim in line for line in advice(turns)), advice(turns)
    assert not any(claim in line for line in advice(turns[: FEWEST - 1]))


@pytest.mark.proves("eval.routing")
@pytest.mark.parametrize(
    "turns",
    [
        [*[turn()] * 60, *[EXTERNAL] * 60],
        [*[turn(), turn(bad=True)] * 30, *[EXTERNAL, replace(EXTERNAL, ratings=("bad",))] * 30],
        [*[turn(decision=OTHER, **GONE_ON)] * 30, *[turn()] * 60],
        [turn(**BY_LENGTH), replace(turn(**BY_LENGTH), asked_again=True)] * 30,
        [turn(**{**BY_LENGTH, "reasons": {"simple_characters": "long", "work": "research"}})] * 60,
    ],
)
def test_where_the_turns_do_not_say_it_nothing_is_claimed(turns: list[Chosen]) -> None:
    assert advice(turns) == []


@pytest.mark.proves("eval.routing")
def test_a_cost_that_nobody_knows_is_not_taken_for_nothing() -> None:
    (row,) = rows([turn(), turn(), turn(bad=True)])
    assert (row.cost_usd, row.unpriced, row.seconds) == (0.5, 1, 2.0)
    (row,) = rows([turn(bad=True)])
    assert row.cost_usd == "unknown"
