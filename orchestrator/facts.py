"""The facts of a turn as they are stored: typed, versioned, and older versions still read."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict

from orchestrator.complexity import Rule
from orchestrator.plan import Clarify, Decision, Direct, Planned, Refuse, Step
from orchestrator.routing import Routing
from storage.records import ModelCall

Cost = float | Literal["unknown"]
"""US dollars. What nobody knows is "unknown", never 0."""
N = TypeVar("N", int, float)
DecisionKind = Literal["direct", "clarify", "plan", "refuse"]


class Part(BaseModel):
    """A part of the facts. What a newer version knows besides is passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class PlannedStep(Part):
    """One step as it was decided, before anybody answered or edited anything. It needs the steps in `after`."""

    id: str
    tool: str = ""
    worker: str = ""
    arguments: dict[str, Any] = {}
    after: tuple[str, ...] = ()
    fallbacks: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    confidence: float = 1.0
    reason: str = ""


class DecisionFacts(Part):
    """What was decided, in the form in which two decisions can be compared."""

    kind: DecisionKind
    reason: str = ""
    questions: tuple[str, ...] = ()
    steps: tuple[PlannedStep, ...] = ()


class LocalityFacts(Part):
    """How complex the request was held to be, why by the name of each rule, and the chain that decided on it.

    `chain` is "only" where there is no local one. `escalated` says why the local chain's word did not do, `limit` which
    setting said so, and `set_aside` what the local chain had decided.
    """

    level: Literal["simple", "complex"]
    reasons: dict[Rule, str] = {}
    chain: Literal["local", "external", "only"]
    escalated: str = ""
    limit: Literal["", "local_hand_overs", "local_confidence"] = ""
    set_aside: DecisionFacts | None = None


class StepFacts(Part):
    """What became of a step: its `planned` tool or worker against the one that was `used`.

    `calls` are the tools that a worker called, or the step's `code`, `refused` those that it wanted and may not have.
    `printed` is what the code printed. `granted` says that a standing yes let it run. `routings`
    are the workers that it was given to.
    """

    id: str
    title: str = ""
    planned: str = ""
    used: str = ""
    tried: tuple[str, ...] = ()
    calls: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    code: str = ""
    printed: str = ""
    attempts: int = 0
    status: str = ""
    error: str = ""
    seconds: float = 0.0
    approved_by: str | None = None
    granted: bool = False
    routings: tuple[Routing, ...] = ()


class Threshold(Part):
    """A limit that decided something, and the value that met it."""

    name: str
    limit: float
    value: float


class AskedFacts(Part):
    """A question that the turn ended with: its text, and the names of what it asks for."""

    id: str
    text: str
    names: tuple[str, ...] = ()


class AnsweredFacts(Part):
    """An open question that the turn answered, and what was understood, by name."""

    id: str
    values: dict[str, Any] = {}


class CallFacts(Part):
    """One call of a model, `step` being the one that it was made for. Tokens are None where the provider did not tell.

    `span` is its id in the trace.
    """

    component: str
    model: str
    seconds: float = 0.0
    error: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_usd: Cost = "unknown"
    step: str = ""
    span: str = ""


class Totals(Part):
    """Sums over the calls that were answered, as those that failed tell nothing. `prices` names their source.

    Tokens are None where one of them did not tell.
    """

    calls: int = 0
    failed: int = 0
    input_tokens: int | None = 0
    output_tokens: int | None = 0
    cost_usd: Cost = 0.0
    prices: str = ""


class Timings(Part):
    """When what happened, in UTC. `first_text` is the first word of the answer that the person could see."""

    accepted: datetime | None = None
    started: datetime | None = None
    decided: datetime | None = None
    first_text: datetime | None = None
    finished: datetime | None = None


class Facts(Part):
    """Everything that was decided in a turn, and why.

    `locality` is None where no model was asked to decide. `history` are the turns that its models saw,
    `open_question` the one that was open. `plan` is the id of the plan that it worked on. `unsupported` are claims of
    its answer that no result bears out. `notes` are further facts by name, for whoever has some. `trace` is the turn's
    id in traces and in the log.
    """

    version: Literal[2] = 2
    trace: str = ""
    decision: DecisionFacts | None = None
    locality: LocalityFacts | None = None
    reason: str = ""
    history: tuple[str, ...] = ()
    open_question: str | None = None
    thresholds: tuple[Threshold, ...] = ()
    plan: str | None = None
    mode: str = ""
    steps: tuple[StepFacts, ...] = ()
    deviations: tuple[str, ...] = ()
    adherence: float | None = None
    asked: AskedFacts | None = None
    answered: AnsweredFacts | None = None
    unsupported: tuple[str, ...] = ()
    model_calls: tuple[CallFacts, ...] = ()
    totals: Totals = Totals()
    timings: Timings = Timings()
    notes: dict[str, Any] = {}


def read_facts(text: str) -> Facts:
    """The facts in a stored dossier of any version. Raises ValueError for what is no dossier."""
    written = json.loads(text)
    return Facts.model_validate(written if "version" in written else _of_version_1(written))


def _of_version_1(written: Mapping[str, Any]) -> dict[str, Any]:
    """Version 1 had one flat mapping, the decision as a word, and no tokens."""
    known = {"decision", "reason", "mode", "steps", "model_calls"}
    calls = written.get("model_calls", [])
    failed = sum(1 for call in calls if call["error"])
    return {
        "decision": {"kind": kind, "reason": written.get("reason", "")} if (kind := written.get("decision")) else None,
        "reason": written.get("reason", ""),
        "mode": written.get("mode", ""),
        "steps": written.get("steps", []),
        "model_calls": calls,
        "totals": {"calls": len(calls), "failed": failed, "cost_usd": "unknown" if calls else 0.0},
        "notes": {name: fact for name, fact in written.items() if name not in known},
    }


def kind_of(decision: Decision) -> DecisionKind:
    """A decision in one word."""
    match decision:
        case Planned():
            return "plan"
        case Clarify():
            return "clarify"
        case Direct():
            return "direct"
        case Refuse():
            return "refuse"


def decision_facts(decision: Decision) -> DecisionFacts:
    """A decision as it is put down."""
    facts = DecisionFacts(kind=kind_of(decision), reason=decision.reason)
    match decision:
        case Planned(plan=plan):
            return facts.model_copy(update={"steps": tuple(map(_planned, plan.steps))})
        case Clarify(questions=questions):
            return facts.model_copy(update={"questions": tuple(asked.text for asked in questions)})
        case _:
            return facts


def _planned(step: Step) -> PlannedStep:
    written = step.model_dump(include=set(PlannedStep.model_fields))
    return PlannedStep.model_validate({**written, "after": sorted(step.dependencies)})


def call_facts(call: ModelCall, *, step: str = "", span: str = "") -> CallFacts:
    """A model call as it is put down."""
    told = {"seconds": round(call.seconds, 3), "cost_usd": _or_unknown(call.cost_usd), "step": step, "span": span}
    return CallFacts.model_validate({**asdict(call), **told})


def totals(calls: Sequence[CallFacts], *, prices: str = "") -> Totals:
    """The sums over these calls, `prices` being the source of their prices."""
    answered = [call for call in calls if call.error is None]
    if not answered:  # a call that failed may have cost something all the same
        return Totals(calls=len(calls), failed=len(calls), cost_usd="unknown" if calls else 0.0)
    costs = [None if call.cost_usd == "unknown" else call.cost_usd for call in answered]
    return Totals(
        calls=len(calls),
        failed=len(calls) - len(answered),
        input_tokens=_sum([call.input_tokens for call in answered]),
        output_tokens=_sum([call.output_tokens for call in answered]),
        cost_usd=_or_unknown(_sum(costs)),
        prices=prices,
    )


def _sum(parts: Sequence[N | None]) -> N | None:
    """The sum of some parts; None where one of them is not known."""
    known = [part for part in parts if part is not None]
    return sum(known[1:], known[0]) if len(known) == len(parts) else None


def _or_unknown(cost: float | None) -> Cost:
    return "unknown" if cost is None else cost
