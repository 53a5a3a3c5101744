"""The dossier of a turn for the console: its account, with what its steps have to show for themselves, and when."""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from adapters.web.console import data
from orchestrator.account import Account, account_of
from orchestrator.facts import Cost, StepFacts
from orchestrator.messages import PlanCard, StepLine, StepState
from orchestrator.plan import Plan, StepResult
from orchestrator.redaction import Redaction
from orchestrator.routing import Routing
from orchestrator.sessions import Run
from orchestrator.words import say
from storage.records import TurnRecord
from storage.store import Store

LONGEST = 20_000  # characters of one piece of evidence
STATES: Mapping[str, StepState] = {"done": "done", "failed": "failed", "skipped": "skipped", "waiting": "asking"}
KINDS: Mapping[str, data.SpanKind] = {"done": "done", "failed": "failed", "skipped": "skipped", "waiting": "waiting"}


def turn_row(record: TurnRecord, redaction: Redaction) -> data.TurnRow:
    """A turn in a list."""
    return data.TurnRow(
        record.turn,
        record.session,
        record.person,
        str(redaction.value(record.request)),
        record.outcome,
        record.finished_at,
        (record.finished_at - record.started_at).total_seconds(),
    )


async def dossier_of(store: Store, turn: str, redaction: Redaction) -> data.Dossier | None:
    """All that is known of a finished turn, without secrets."""
    record = await store.turn(turn)
    if record is None:
        return None
    account = await account_of(store, record, redaction)
    results = await _results(store, account, redaction)
    ended = await store.step_times(account.plan) if account.plan else {}
    plan = account.plan_versions[-1].plan if account.plan_versions else None
    return data.Dossier(
        turn_row(record, redaction),
        account.answer,
        reason=account.reason,
        adherence=account.adherence,
        cost_usd=_known(account.totals.cost_usd),
        card=_card(account, plan) if plan else None,
        spans=list(_spans(account, ended)),
        steps=[_evidence(step, plan, results.get(step.id)) for step in account.steps],
        calls=[_call(each.model_dump()) for each in account.model_calls],
        details=list(_details(account)),
    )


async def _results(store: Store, account: Account, redaction: Redaction) -> Mapping[str, StepResult]:
    """What the steps of the plan came to, by their ids."""
    stored = await store.plan(account.plan) if account.plan else None
    if stored is None:
        return {}
    run = Run.from_stored(stored, await store.steps(stored.id))
    known = {**run.results, **run.waiting}
    return {name: _without_secrets(result, redaction) for name, result in known.items()}


def _without_secrets(result: StepResult, redaction: Redaction) -> StepResult:
    clean = redaction.value({"text": result.text, "error": result.error})
    return result.model_copy(update=clean)


def _card(account: Account, plan: Plan) -> PlanCard:
    """The plan as it was when the turn ended."""
    ended = {step.id: step for step in account.steps}
    lines = (
        StepLine(
            id=step.id,
            title=step.label,
            state=STATES.get(ended[step.id].status, "waiting") if step.id in ended else "waiting",
            note=ended[step.id].error if step.id in ended else "",
            after=tuple(sorted(step.dependencies)),
        )
        for step in plan.steps
    )
    return PlanCard(plan=account.plan or "", mode=plan.mode, steps=tuple(lines))


def _spans(account: Account, ended: Mapping[str, datetime]) -> Iterator[data.Span]:
    """What the turn was at, one after the other, and its steps beside each other."""
    times = account.timings
    if times.accepted is None or times.finished is None:
        return
    begin = times.accepted
    moments = (
        (say("waited"), begin, times.started),
        (say("decided"), times.started, times.decided),
        (say("worked"), times.decided, times.finished),
    )
    for name, start, end in moments:
        if start and end and end > start:
            yield data.Span(name, "phase", _after(begin, start), (end - start).total_seconds())
    for step in account.steps:
        if (moment := ended.get(step.id)) and moment >= begin:
            start_at = max(_after(begin, moment) - step.seconds, 0.0)
            yield data.Span(step.title or step.id, KINDS.get(step.status, "waiting"), start_at, step.seconds)


def _after(begin: datetime, moment: datetime) -> float:
    return max((moment - begin).total_seconds(), 0.0)


def _evidence(step: StepFacts, plan: Plan | None, result: StepResult | None) -> data.Evidence:
    planned = next((each for each in plan.steps if each.id == step.id), None) if plan else None
    arguments = {name: value for name, value in (planned.arguments if planned else {}).items() if name != "code"}
    return data.Evidence(
        id=step.id,
        title=step.title,
        planned=step.planned,
        used=step.used,
        status=step.status,
        seconds=step.seconds,
        arguments=_cut(json.dumps(arguments, ensure_ascii=False, indent=2)) if arguments else "",
        result=_cut(result.text) if result else "",
        error=step.error,
        code=step.code,
        printed=step.printed,
        details=list(_step_details(step)),
        chosen=list(map(_chosen, step.routings)),
    )


def _step_details(step: StepFacts) -> Iterator[tuple[str, str]]:
    rows = (
        (say("tried before"), ", ".join(step.tried)),
        (say("called"), ", ".join(step.calls)),
        (say("not allowed"), ", ".join(step.refused)),
        (say("tries"), str(step.attempts) if step.attempts > 1 else ""),
        (say("yes of"), say("a standing yes") if step.granted else step.approved_by or ""),
    )
    return (row for row in rows if row[1])


def _chosen(routing: Routing) -> data.Chosen:
    known = [data.Candidate(each.worker, each.score, each.runs) for each in routing.candidates]
    return data.Chosen(routing.worker, routing.why, known)


def _call(call: Mapping[str, Any]) -> data.Call:
    names = ("component", "model", "seconds", "error", "input_tokens", "output_tokens", "step")
    return data.Call(**{name: call[name] for name in names}, cost_usd=_known(call["cost_usd"]))


def _known(cost: Cost) -> float | None:
    return None if cost == "unknown" else cost


def _details(account: Account) -> Iterator[tuple[str, str]]:
    """What else was put down."""
    yield from ((say("deviation"), each) for each in account.deviations)
    yield from ((say("claimed without a result"), each) for each in account.unsupported)
    for each in account.thresholds:
        yield each.name, say("{value}, the limit is {limit}", value=f"{each.value:g}", limit=f"{each.limit:g}")
    for version in account.plan_versions:
        yield f"{say('plan version')} {version.version}", version.why
    if account.locality and account.locality.chain != "only":
        yield say("held to be"), f"{account.locality.level} ({account.locality.chain})"
    if account.asked:
        yield say("I asked"), account.asked.text
    if account.answered:
        yield say("you answered"), ", ".join(f"{name} = {value}" for name, value in account.answered.values.items())
    yield from ((say("rated"), f"{each.rating} ({each.person})") for each in account.ratings)
    yield from ((name.replace("_", " "), str(fact)) for name, fact in account.notes.items())
    if account.trace:
        yield say("trace"), account.trace


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
