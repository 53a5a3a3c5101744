"""How good the tier without a model is on when2call and BFCL, on the half that none of its numbers was chosen on.

Records are dealt by the words of their request, as both sets share some: the first byte of their SHA-256, even is the
half that numbers were chosen on, odd is held out. A record's tools count as read-only, so that only the tier decides.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import count
from statistics import mean
from time import perf_counter
from typing import Any, Literal

from benchmarks.figures import Figure, high
from orchestrator.offline import decide
from orchestrator.plan import Plan, Planned, Step
from orchestrator.policy import SURE_ENOUGH
from orchestrator.tools.spec import ToolSpec
from tests.evaldata import FOLDER, records

Half = Literal["chosen on", "held out"]
Outcome = Literal["call", "ask", "refuse"]

OUTCOMES: tuple[Outcome, ...] = ("call", "ask", "refuse")
LABELS: Mapping[str, Outcome] = {"tool_call": "call", "request_for_info": "ask", "cannot_answer": "refuse"}
IRRELEVANT = ("bfcl_irrelevance", "bfcl_live_irrelevance")
RELEVANT = ("bfcl_simple_python", "bfcl_multiple", "bfcl_live_simple", "bfcl_live_multiple")
TODAY = date(2023, 6, 1)  # for days without their year; most of the records are of 2023
KINDS = {"dict": "object", "float": "number", "tuple": "array", "any": "string"}  # what BFCL calls them
UNSEEN = re.compile(r"[ ,./\-_*^'\"]")  # BFCL's own checker compares texts without these


@dataclass(frozen=True, slots=True)
class Judged:
    """A record and what the tier did: `runs` says that it would act without asking, `right` that gold agrees."""

    outcome: Outcome
    runs: bool
    right: bool
    seconds: float


def measure() -> Iterator[Figure]:
    if not (FOLDER / "when2call.jsonl").exists():
        print("(without_a_model: the public requests are not here, so nothing is measured)")
        return
    halves: tuple[Half, ...] = ("held out", "chosen on")
    for half in halves:
        decided = decisions(half)
        what = f"{half}, when2call (n={len(decided)}): macro-F1 of call, ask, refuse"
        yield Figure(what, 100 * macro_f1(decided), "%", 55.0, "the aim")
        for name in IRRELEVANT:
            found = judged(name, half)
            declined = mean(each.outcome != "call" for each in found)
            yield Figure(f"{half}, {name} (n={len(found)}): refused or asked", 100 * declined, "%", 90.0, "the aim")
        found = [each for name in RELEVANT for each in judged(name, half)]
        run = [each for each in found if each.runs]
        what = f"{half}, BFCL with one call (n={len(found)}): right of the {len(run)} that run without asking"
        yield Figure(what, 100 * mean(each.right for each in run), "%", 80.0, "the aim")
        proposed = [each for each in found if each.outcome == "call"]
        what = f"{half}, the same: right of the {len(proposed)} that run or are shown to be agreed to"
        yield Figure(what, 100 * mean(each.right for each in proposed), "%", 100.0, "all")
        yield Figure(
            f"{half}, the same: p99 of a decision", 1000 * high([e.seconds for e in found]), "ms", 20.0, "the aim"
        )


def decisions(half: Half) -> list[tuple[Outcome, Outcome]]:
    """For each record of when2call what is right, and what the tier does."""
    mine = [record for record in records("when2call.jsonl") if _half(record["question"]) == half]
    return [(LABELS[each["label"]], _outcome(_plan(each["question"], each["tools"]))) for each in mine]


def judged(name: str, half: Half) -> list[Judged]:
    """What the tier does with each record of a set of BFCL."""
    mine = [record for record in records(f"{name}.jsonl") if _half(_request(record)) == half]
    return [_judged(record) for record in mine]


def macro_f1(decided: Sequence[tuple[Outcome, Outcome]]) -> float:
    """The mean over the outcomes of the harmonic mean of precision and recall."""
    return mean(_f1(decided, outcome) for outcome in OUTCOMES)


def _f1(decided: Sequence[tuple[Outcome, Outcome]], outcome: Outcome) -> float:
    hits = sum(right == done == outcome for right, done in decided)
    named = sum((right == outcome) + (done == outcome) for right, done in decided)
    return 2 * hits / named if named else 0.0


def _half(request: str) -> Half:
    return "held out" if hashlib.sha256(request.strip().lower().encode()).digest()[0] % 2 else "chosen on"


def _judged(record: Mapping[str, Any]) -> Judged:
    begun = perf_counter()
    plan = _plan(_request(record), record["function"])
    seconds = perf_counter() - begun
    outcome = _outcome(plan)
    runs = plan is not None and outcome == "call" and plan.steps[0].confidence >= SURE_ENOUGH
    right = plan is not None and outcome == "call" and _agrees(plan, record.get("ground_truth") or [])
    return Judged(outcome, runs, right, seconds)


def _plan(request: str, tools: Sequence[Mapping[str, Any]]) -> Plan | None:
    decision = decide(request, [_spec(tool) for tool in tools], today=TODAY)
    return decision.plan if isinstance(decision, Planned) else None


def _outcome(plan: Plan | None) -> Outcome:
    if plan is None:
        return "refuse"
    return "ask" if plan.steps[0].missing else "call"


def _request(record: Mapping[str, Any]) -> str:
    return " ".join(said["content"] for said in record["question"][0] if said["role"] == "user")


def _spec(tool: Mapping[str, Any]) -> ToolSpec:
    written = json.dumps(tool.get("parameters") or {})
    for theirs, ours in KINDS.items():
        written = written.replace(f'"type": "{theirs}"', f'"type": "{ours}"')
    return ToolSpec(tool["name"], tool.get("description", ""), json.loads(written), "bfcl", read_only=True)


# --- BFCL's way to compare calls with gold ------------------------------------------------------------


def _agrees(plan: Plan, gold: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the plan's calls are those of gold, in any order."""
    left = list(gold)
    for step in plan.steps:
        at = next((at for at, call in zip(count(), left, strict=False) if _is_call(step, call)), None)
        if at is None:
            return False
        del left[at]
    return not left


def _is_call(step: Step, gold: Mapping[str, Any]) -> bool:
    """Gold holds for each argument the values that are right; "" among them means that it may be left out."""
    ((name, wanted),) = gold.items()
    return (
        step.tool == name
        and all(each in wanted and _is_one_of(value, wanted[each]) for each, value in step.arguments.items())
        and all(each in step.arguments or "" in values for each, values in wanted.items())
    )


def _is_one_of(value: Any, allowed: Sequence[Any]) -> bool:
    return any(isinstance(value, bool) == isinstance(each, bool) and _plain(value) == _plain(each) for each in allowed)


def _plain(value: Any) -> Any:
    match value:
        case str():
            return UNSEEN.sub("", value).lower()
        case list():
            return [_plain(each) for each in value]
        case _:
            return value
