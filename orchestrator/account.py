"""The account of a turn: its record, its facts, and what its plan has been."""

import json
from datetime import datetime

from orchestrator.facts import Facts, Part, read_facts
from orchestrator.plan import Plan
from orchestrator.redaction import BY_SHAPE, Redaction
from storage.records import PlanVersion, TurnRecord
from storage.store import Store


class VersionFacts(Part):
    """A version of the plan: why there is one, and its steps."""

    version: int
    why: str
    saved_at: datetime
    plan: Plan


class RatingFacts(Part):
    """What somebody thought of the answer: good or bad."""

    person: str
    rating: str
    rated_at: datetime


class Account(Facts):
    """All that is known of one turn."""

    turn: str
    session: str
    person: str
    request: str
    outcome: str
    answer: str
    plan_versions: tuple[VersionFacts, ...] = ()
    ratings: tuple[RatingFacts, ...] = ()


async def account_of(store: Store, record: TurnRecord, redaction: Redaction = BY_SHAPE) -> Account:
    """A turn's account without secrets, with its plan's versions up to the turn's end."""
    facts = read_facts(record.dossier)
    ratings = await store.rated(record.turn)
    versions = await store.plan_versions(facts.plan) if facts.plan else []
    account = Account(
        **facts.model_dump(),
        turn=record.turn,
        session=record.session,
        person=record.person,
        request=record.request,
        outcome=record.outcome,
        answer=record.answer,
        plan_versions=tuple(_version(each) for each in versions if each.saved_at <= record.finished_at),
        ratings=tuple(RatingFacts(person=each.person, rating=each.rating, rated_at=each.rated_at) for each in ratings),
    )
    return Account.model_validate(redaction.value(account.model_dump(mode="json")))


def _version(stored: PlanVersion) -> VersionFacts:
    """The body of a version is that of its plan, which stands beside the request that it serves."""
    body = json.loads(stored.body)
    plan = Plan.model_validate(body.get("plan", body))
    return VersionFacts(version=stored.version, why=stored.why, saved_at=stored.saved_at, plan=plan)
