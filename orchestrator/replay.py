"""Shadow replay: stored turns are decided again by another chain. No tool runs, nothing is stored, nobody is told."""

from collections.abc import Sequence
from typing import Any

from orchestrator import guard
from orchestrator.chains import Chain
from orchestrator.differences import Difference, differences
from orchestrator.errors import NoModelAnswered, PlanInvalid
from orchestrator.facts import (
    CallFacts,
    Cost,
    DecisionFacts,
    Facts,
    Part,
    call_facts,
    decision_facts,
    read_facts,
    totals,
)
from orchestrator.front import Front
from orchestrator.locality import Locality
from orchestrator.messages import Address, Message, Person
from orchestrator.plan import Decision, Planned
from orchestrator.prices import priced
from orchestrator.reading import Reader
from orchestrator.redaction import Redaction
from orchestrator.sessions import Talk
from orchestrator.tools.catalog import Catalog
from storage.records import Arrived, ModelCall, TurnRecord
from storage.store import Store

DECIDING = frozenset({"local", "router", "planner"})  # the components whose calls make a decision

NOWHERE = "replay"  # the channel of a replayed talk: there is none of that name


class Side(Part):
    """One of two decisions on a request; `problem` says why there is none. Seconds and cost are of its model calls."""

    decision: DecisionFacts | None
    problem: str = ""
    calls: int
    seconds: float
    cost_usd: Cost


class Replayed(Part):
    """A turn that was decided again."""

    turn: str
    request: str
    old: Side
    new: Side
    differences: tuple[Difference, ...]


class LeftOut(Part):
    """A turn that cannot be decided again, and why."""

    turn: str
    request: str
    why: str


class Replay:
    """Decides stored turns again with one chain, whose models answer, ask, refuse and plan."""

    def __init__(self, store: Store, catalog: Catalog, reader: Reader, *, chain: Chain, redaction: Redaction) -> None:
        self._store = store
        self._catalog = catalog
        self._reader = reader
        self._chain = chain
        self._redaction = redaction

    async def again(self, record: TurnRecord) -> Replayed | LeftOut:
        """Both decisions on a turn's request, and what is different: with the talk, and the time, as they were."""
        facts = read_facts(record.dossier)
        if why := _why_not(record, facts):
            return LeftOut(turn=record.turn, request=record.request, why=why)
        assert facts.decision is not None
        old = _side(facts.decision, [call for call in facts.model_calls if call.component in DECIDING])
        new = await self._decided(record, await self._talk(record, facts))
        found = differences(facts.decision, new.decision) if new.decision else _none_at_all(facts.decision, new)
        return Replayed(turn=record.turn, request=record.request, old=old, new=new, differences=tuple(found))

    async def _decided(self, record: TurnRecord, talk: Talk) -> Side:
        calls: list[ModelCall] = []
        front = Front(Locality(self._chain), self._catalog, self._reader, now=lambda: record.started_at)
        try:
            decision = await front.decide(talk, note=calls.append, on_text=_nobody, on_calls=_nobody)
        except (NoModelAnswered, PlanInvalid) as error:
            return _side(None, _priced(calls), problem=str(error))
        return _side(self._put_down(decision, talk), _priced(calls))

    def _put_down(self, decision: Decision, talk: Talk) -> DecisionFacts:
        """The decision as the turn would have acted on it, and kept it."""
        if isinstance(decision, Planned):
            decision = Planned(guard.check(decision.plan, self._catalog.find, talk.said), reason=decision.reason)
        clean = self._redaction.value(decision_facts(decision).model_dump(mode="json"))
        return DecisionFacts.model_validate(clean)

    async def _talk(self, record: TurnRecord, facts: Facts) -> Talk:
        """The talk as the turn saw it. Its channel is none, so that nothing finds its way there."""
        history = [await self._store.turn(turn) for turn in facts.history]
        return Talk(
            arrived=Arrived(
                number=0,
                turn=record.turn,
                session=record.session,
                channel=NOWHERE,
                event_id=record.turn,
                payload="",
                received_at=record.started_at,
            ),
            inbound=Message(
                event_id=record.turn,
                address=Address(channel=NOWHERE, chat=record.session),
                person=Person(id=record.person),
                sent_at=record.started_at,
                text=record.request,
            ),
            history=tuple(turn for turn in history if turn),
            question=await self._store.question(facts.open_question) if facts.open_question else None,
        )


def _why_not(record: TurnRecord, facts: Facts) -> str:
    if record.request.startswith("/"):
        return "it was a command"
    if facts.decision is None:
        return "it decided nothing anew"
    return "its record is of an older version" if facts.timings.started is None else ""


def _side(decision: DecisionFacts | None, calls: Sequence[CallFacts], *, problem: str = "") -> Side:
    return Side(
        decision=decision,
        problem=problem,
        calls=len(calls),
        seconds=round(sum(call.seconds for call in calls), 3),
        cost_usd=totals(calls).cost_usd,
    )


def _none_at_all(old: DecisionFacts, new: Side) -> list[Difference]:
    return [Difference(what="decision", old=old.kind, new=f"none: {new.problem}")]


def _priced(calls: Sequence[ModelCall]) -> list[CallFacts]:
    return [call_facts(priced(call)) for call in calls]


async def _nobody(heard: Any) -> None:
    """Nobody listens."""
