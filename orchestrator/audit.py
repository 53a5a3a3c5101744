"""What goes into the audit: each fact as a change, which is written together with what it records.

Details say what was done with which tool, never in whose words: those are in the turns, and can be forgotten. Of the
arguments to which somebody said yes or no there is a digest. Outside of a turn: `await store.change(entry(...))`.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal

from orchestrator.questions import blanks
from orchestrator.sessions import Run, Talk
from storage.changes import auditing
from storage.records import AuditEntry, Change, Grant

Kind = Literal[
    "decision",
    "approval",
    "grant",
    "revoke",
    "trust",
    "cancel",
    "policy",
    "export",
    "forget",
    "retention",
    "role",
    "link",
    "refusal",
    "review",
]


def entry(
    kind: Kind,
    *,
    channel: str = "",
    person: str = "",
    session: str = "",
    turn: str = "",
    sealed: Any = None,
    **details: Any,
) -> Change:
    """One row. `details` are JSON values; of `sealed`, a JSON value too, only a digest is kept."""
    return auditing(
        AuditEntry(
            kind=kind,
            details=_written(details),
            channel=channel,
            person=person,
            session=session,
            turn=turn,
            sealed="" if sealed is None else _written(sealed),
        )
    )


def of_talk(kind: Kind, talk: Talk, *, sealed: Any = None, **details: Any) -> Change:
    """One row about what the person of this turn did."""
    arrived = talk.arrived
    return entry(
        kind,
        channel=arrived.channel,
        person=talk.inbound.person.id,
        session=arrived.session,
        turn=arrived.turn,
        sealed=sealed,
        **details,
    )


def decided(talk: Talk, decision: str, *, outcome: str, tools: Iterable[str]) -> tuple[Change, ...]:
    """How a turn was decided and ended, with the tools that it used; nothing where it decided nothing."""
    if not decision:
        return ()
    return (of_talk("decision", talk, decision=decision, outcome=outcome, tools=list(tools)),)


def agreed(talk: Talk, run: Run, values: Mapping[str, Any], given: Iterable[Grant]) -> tuple[Change, ...]:
    """What an answer to a plan has said yes and no to, and the standing yeses that came with it."""
    return (*_agreed(talk, run, values), *(_granted(talk, grant) for grant in given))


def _agreed(talk: Talk, run: Run, values: Mapping[str, Any]) -> Iterator[Change]:
    if "plan.review" in values:
        tools = [step.tool or step.worker for step in run.plan.steps]
        sealed = {step.id: dict(step.arguments) for step in run.plan.steps}
        yield of_talk("approval", talk, sealed=sealed, what="plan", tools=tools, given=bool(values["plan.review"]))
    for blank in blanks(run.plan, run.waiting):
        if blank.topic in {"approval", "repeat"} and blank.name in values:
            sealed, given = dict(blank.resolved or blank.step.arguments), bool(values[blank.name])
            yield of_talk("approval", talk, sealed=sealed, what=blank.topic, tools=[blank.tool], given=given)


def _granted(talk: Talk, grant: Grant) -> Change:
    return of_talk("grant", talk, tool=grant.tool, scope="always" if grant.session is None else "session")


def refused(talk: Talk, refusals: Iterable[str]) -> tuple[Change, ...]:
    """What a person, or a model for them, wanted to do and may not."""
    return tuple(of_talk("refusal", talk, why=why) for why in refusals)


def revoked(talk: Talk, grants: Iterable[Grant]) -> tuple[Change, ...]:
    """Standing yeses that were taken back."""
    return tuple(of_talk("revoke", talk, tool=grant.tool) for grant in grants)


def _written(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)
