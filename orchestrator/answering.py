"""What a person says to a plan that waits: an answer to its questions, a go or a no to it, or a change of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from orchestrator.inquiring import LEFT_OUT, Given
from orchestrator.messages import Choice, Form, Inbound, Message
from orchestrator.plan import FindTool, StepResult
from orchestrator.questions import blanks, given_grants, given_input, merge, read_reply
from orchestrator.reviewing import Edit, agreed_to, edited, read_edits, says_go
from orchestrator.sessions import Run, Talk
from orchestrator.slots import yes_or_no
from orchestrator.words import say
from storage.records import Grant, StoredStep


@dataclass(frozen=True, slots=True)
class WentOn:
    """A run with an answer merged into it, and what is to be stored with it. `why` is set where the plan changed."""

    run: Run
    understood: Mapping[str, Any]
    why: str = ""
    steps: tuple[StoredStep, ...] = ()
    given: tuple[Grant, ...] = ()


@dataclass(frozen=True, slots=True)
class Values:
    """Answers by the names of what was asked for; `by` are those who gave them in place of the person."""

    values: Mapping[str, Any] = field(default_factory=dict)
    by: str = ""

    @property
    def is_a_word_on_the_plan(self) -> bool:
        """Whether these are words that only an answer is made of: nothing but yes and no."""
        return all(value in (True, False, "session", "always") for value in self.values.values())

    def merged(self, run: Run, talk: Talk, *, find: FindTool) -> WentOn:
        person, arrived = talk.inbound.person.id, talk.arrived
        told = given_input(self.values, run.plan, run.waiting)
        plain = {name: value for name, value in self.values.items() if not isinstance(value, Given)}
        plan, ended = merge(run.plan, plain, waiting=run.waiting, person=self.by or person, find=find, others=self.by)
        again = {name.removesuffix(".repeat") for name, yes in self.values.items() if name.endswith(".repeat") and yes}
        steps = [_row(step_id, result) for step_id, result in {**ended, **told}.items()]
        steps += [StoredStep(step_id, "agreed", "{}") for step_id in again]
        given = [
            Grant(arrived.channel, person, arrived.session if scope == "session" else None, tool)
            for tool, scope in given_grants(self.values, run.plan, run.waiting)
        ]
        yeses = frozenset(grant.tool for grant in given)
        run = replace(
            run,
            plan=plan,
            results={**run.results, **ended},
            waiting={**run.waiting, **told},
            begun=run.begun - again,
            granted=yeses,
        )
        understood = {name: _understood(value) for name, value in self.values.items()}
        return WentOn(run, understood, steps=tuple(steps), given=tuple(given))


@dataclass(frozen=True, slots=True)
class Verdict:
    """A go or a no to a plan under review."""

    go: bool
    is_a_word_on_the_plan: bool = True

    def merged(self, run: Run, talk: Talk, *, find: FindTool) -> WentOn:
        understood = {"plan.review": self.go}
        if self.go:
            plan = agreed_to(run.plan, talk.inbound.person.id, find)
            return WentOn(replace(run, plan=plan, review=False), understood)
        ended = {
            step.id: StepResult(status="skipped", error=say("you said no"))
            for step in run.plan.steps
            if step.id not in run.results
        }
        steps = tuple(_row(step_id, result) for step_id, result in ended.items())
        return WentOn(replace(run, results={**run.results, **ended}, review=False), understood, steps=steps)


@dataclass(frozen=True, slots=True)
class Edits:
    """Changes of the plan."""

    edits: tuple[Edit, ...]
    is_a_word_on_the_plan: bool = True

    def merged(self, run: Run, talk: Talk, *, find: FindTool) -> WentOn:
        """Raises BadInput, PlanInvalid."""
        plan, why = edited(run.plan, self.edits, find=find, ran=run.results.keys() | run.begun)
        return WentOn(run.with_plan(plan), {"edit": why}, why=why)


Answered = Values | Verdict | Edits


def read_answer_to(run: Run, inbound: Inbound, *, find: FindTool) -> Answered | None:
    """What this says to a waiting plan; None where it says nothing to it.

    Words are taken for changes only where the plan asks for a yes: the answer to another question may read like one.
    """
    open_blanks = blanks(run.plan, run.waiting)
    text = _words_of(inbound)
    if (run.review or any(blank.topic == "approval" for blank in open_blanks)) and (edits := read_edits(text)):
        return Edits(tuple(edits))
    if run.review:
        go = True if says_go(text) else {"1": True, "2": False}.get(text.strip(), yes_or_no(text))
        return None if go is None else Verdict(go)
    values = read_reply(inbound, run.plan, run.waiting, find)
    return Values(values) if values else None


def _understood(value: Any) -> Any:
    """A value for the record."""
    if isinstance(value, Given):
        return value.refused or (LEFT_OUT if value.left_out else value.value)
    return value


def _words_of(inbound: Inbound) -> str:
    match inbound:
        case Message(text=text):
            return text
        case Choice(value=value):
            return value
        case Form(values=values):
            return next(iter(values.values()), "")
        case _:
            return ""


def _row(step_id: str, result: StepResult) -> StoredStep:
    return StoredStep(step_id, result.status, result.model_dump_json())
