"""Collects while a turn runs what was decided, and why. What is put down is orchestrator/facts.py."""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from orchestrator.adherence import Adherence, adherence
from orchestrator.facts import (
    AnsweredFacts,
    AskedFacts,
    CallFacts,
    Facts,
    LocalityFacts,
    StepFacts,
    Threshold,
    Timings,
    call_facts,
    decision_facts,
    totals,
)
from orchestrator.messages import Draft, Emit, Live, Question
from orchestrator.plan import Decision, Plan, Step, StepResult
from orchestrator.prices import load, priced, snapshot
from orchestrator.redaction import BY_SHAPE, Redaction
from orchestrator.repair import repaired_data
from orchestrator.tools.code import RUN_CODE
from orchestrator.watching import here
from orchestrator.words import say
from storage.records import ModelCall


class Dossier:
    """One turn's facts while they come in. Nothing secret gets out of it."""

    def __init__(self, now: Callable[[], datetime], *, redaction: Redaction = BY_SHAPE) -> None:
        self.calls: list[ModelCall] = []
        self._marks: list[dict[str, str]] = []
        self.refusals: list[str] = []
        self._now = now
        self._redaction = redaction
        self._facts = Facts()
        self._steps: dict[str, StepFacts] = {}
        self._ran: dict[str, tuple[Step, StepResult]] = {}
        self._new_plans: list[str] = []
        self._told: dict[str, str] = {}
        self._thresholds: dict[str, Threshold] = {}
        self._decided_at: datetime | None = None
        self._first_text_at: datetime | None = None

    def call(self, note: ModelCall) -> None:
        self.calls.append(note)
        watched = here()
        self._marks.append({"step": watched.ids.get("step", ""), "span": watched.id} if watched else {})

    def note(self, name: str, fact: Any) -> None:
        """Keep a further fact, any JSON value."""
        self._keep(notes={**self._facts.notes, name: fact})

    def refused(self, why: str) -> None:
        """The person, or a model for them, wanted what they may not have."""
        self.refusals.append(why)
        self.note("refused", "; ".join(self.refusals))

    def decided(self, decision: Decision) -> None:
        self._decided_at = self._now()
        self._keep(decision=decision_facts(decision), reason=decision.reason)

    def located(self, locality: LocalityFacts) -> None:
        """A chain was chosen by how complex the request is; the last word on it is kept."""
        self._keep(locality=locality)

    def decided_by(self, name: str, *, limit: float, value: float) -> None:
        """A threshold decided something: the last value that met it is kept."""
        self._thresholds[name] = Threshold(name=name, limit=limit, value=value)

    def answered(self, question: str, values: Mapping[str, Any], *, plan: str) -> None:
        """This turn goes on with a plan that had asked."""
        self._decided_at = self._now()
        understood = AnsweredFacts(id=question, values=dict(values))
        self._keep(answered=understood, reason=f"you answered the question of {plan}")

    @property
    def decision(self) -> str:
        """What this turn has decided in a word, as in its facts, or that it goes on; empty where neither."""
        decision = self._facts.decision
        return decision.kind if decision else "answer" if self._facts.answered else ""

    def tools_used(self) -> list[str]:
        """The tools that have run, each once."""
        return [*dict.fromkeys(step.used for step in self._steps.values() if step.used)]

    @property
    def answered_question(self) -> str:
        """The id of the question that this turn has answered; empty where it has not."""
        return self._facts.answered.id if self._facts.answered else ""

    def ran(self, plan_id: str, plan: Plan, results: Mapping[str, StepResult], *, sure_enough: float) -> None:
        """What became of a plan's steps. Those of an earlier plan of this turn stay on record."""
        self._keep(plan=plan_id, mode=plan.mode)
        for step in plan.steps:
            if result := results.get(step.id):
                self._ran[step.id] = (step, result)
                self._steps[step.id] = _step_facts(step, result)
                self._told[step.id] = "" if step.worker else f"{result.text}\n{result.error}"
            if step.confidence < sure_enough:
                self.decided_by(f"certainty of step {step.id}", limit=sure_enough, value=step.confidence)

    def replanned(self, why: str) -> None:
        """Steps did not work, and there is a new plan."""
        self._new_plans.append(why)

    def results(self) -> list[tuple[StepFacts, str]]:
        """Every step that has ended or waits, and what its tool said: a worker's words are a model's."""
        return [(step, self._told[name]) for name, step in self._steps.items()]

    def unsupported(self, claims: tuple[str, ...]) -> None:
        """The answer claims this, and no result bears it out."""
        self._keep(unsupported=claims)

    def watching(self, emit: Emit) -> Emit:
        """The same `emit`, and the moment is noted in which it shows the first text of the answer."""

        async def watched(part: Live) -> None:
            await emit(part)
            if isinstance(part, Draft) and part.text and self._first_text_at is None:
                self._first_text_at = self._now()

        return watched

    def in_a_line(self) -> str:
        """Why, and with what: for a person who wants to see it below each answer."""
        used = dict.fromkeys(step.used or step.planned for step in self._steps.values() if step.status == "done")
        parts = [self._facts.reason, say("used: {tools}", tools=", ".join(used)) if used else ""]
        return "; ".join(filter(None, parts))

    def in_numbers(self) -> dict[str, float]:
        """The turn for those who count: how far it kept to its plans, and what it cost, as far as that is known."""
        kept = self._adherence()
        rate = {} if kept.rate is None else {"adherence": kept.rate}
        cost = sum(call.cost_usd or 0.0 for call in self.calls)
        return {**rate, "deviations": len(kept.deviations), "new_plans": len(self._new_plans), "cost_usd": cost}

    async def price(self) -> None:
        """Give every call its price. Not before the end of the turn: the first time it loads the prices."""
        if self.calls:
            await load()
            self.calls = list(map(priced, self.calls))

    def as_json(
        self,
        *,
        timings: Timings,
        asked: Question | None = None,
        plan: str | None = None,
        history: tuple[str, ...] = (),
        open_question: str | None = None,
    ) -> str:
        """Everything, to be stored. What is given here is what only the turn's end knows."""
        kept = self._adherence()
        watched = here()
        facts = self._facts.model_copy(
            update={
                "trace": watched.trace if watched else "",
                "plan": self._facts.plan or plan,
                "history": history,
                "open_question": open_question,
                "thresholds": tuple(self._thresholds.values()),
                "steps": tuple(self._steps.values()),
                "deviations": kept.deviations,
                "adherence": kept.rate,
                "asked": _asked_facts(asked) if asked else None,
                "model_calls": (calls := tuple(self._call_facts())),
                "totals": totals(calls, prices=snapshot() if self.calls else ""),
                "timings": timings.model_copy(update=dict(self._moments())),
            }
        )
        told = {"version": facts.version, **facts.model_dump(mode="json", exclude_defaults=True)}
        return json.dumps(self._redaction.value(repaired_data(told)), ensure_ascii=False)

    def _adherence(self) -> Adherence:
        return adherence(self._ran.values(), new_plans=self._new_plans)

    def _call_facts(self) -> Iterator[CallFacts]:
        return (call_facts(call, **marks) for call, marks in zip(self.calls, self._marks, strict=True))

    def _moments(self) -> Iterator[tuple[str, datetime | None]]:
        yield "decided", self._decided_at
        yield "first_text", self._first_text_at

    def _keep(self, **changed: Any) -> None:
        self._facts = self._facts.model_copy(update=changed)


def _step_facts(step: Step, result: StepResult) -> StepFacts:
    return StepFacts(
        id=step.id,
        title=step.label,
        planned=step.tool or step.worker,
        used=result.tool,
        tried=result.tried,
        calls=result.used,
        refused=result.refused,
        code=str(step.arguments.get("code", "")) if step.tool == RUN_CODE.name else "",
        printed=result.printed,
        attempts=result.attempts,
        status=result.status,
        error=result.error,
        seconds=round(result.seconds, 3),
        approved_by=step.approved_by,
        granted=result.granted,
        routings=result.routings,
    )


def _asked_facts(question: Question) -> AskedFacts:
    return AskedFacts(id=question.id, text=question.text, names=tuple(field.name for field in question.fields))
