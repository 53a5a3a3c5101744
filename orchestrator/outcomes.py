"""How well the choice between a local and an external model did, by what became of the turns on record."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import takewhile
from statistics import mean
from typing import Literal

from orchestrator.differences import differences
from orchestrator.facts import Cost, Facts, LocalityFacts, Part, read_facts
from orchestrator.routing import wilson
from storage.records import TurnRecord
from storage.store import Store

Decided = Literal["local", "local, then external", "external", "only"]
FEWEST = 30  # turns below which nothing is claimed
SURE = 1.96  # of an interval in which a share lies with 95 %
SOON = timedelta(minutes=10)
ALIKE = 0.6  # share of their words that two requests have in common where one asks the other again
FEW_STEPS = 3  # of a small request
LEAST_WORDS = 3  # of a request that can be asked again: "yes, please" says nothing


@dataclass(frozen=True, slots=True)
class Chosen:
    """A turn for which a chain was chosen, and what people made of its answer."""

    record: TurnRecord
    facts: Facts
    locality: LocalityFacts
    ratings: tuple[str, ...]
    asked_again: bool

    @property
    def decided(self) -> Decided:
        return "local, then external" if self.locality.escalated else self.locality.chain

    @property
    def seconds(self) -> float:
        return (self.record.finished_at - self.record.started_at).total_seconds()

    @property
    def failed(self) -> bool:
        return self.record.outcome in {"failed", "unserved"} or "without_model" in self.facts.notes

    @property
    def disappoints(self) -> bool:
        """Whether it failed, somebody found it bad, or it was asked again."""
        return self.failed or "bad" in self.ratings or self.asked_again

    @property
    def was_small(self) -> bool:
        """Whether it was answered at once, or by a few steps, none of them a worker's."""
        decision = self.facts.decision
        if decision is None or self.disappoints:
            return False
        few = len(decision.steps) <= FEW_STEPS and not any(step.worker for step in decision.steps)
        return decision.kind == "direct" or (decision.kind == "plan" and few)

    @property
    def was_needless(self) -> bool:
        """Whether the external chain decided as the local one had. Questions of the guard are a difference."""
        aside, decision = self.locality.set_aside, self.facts.decision
        return aside is not None and decision is not None and not differences(aside, decision)


class Share(Part):
    """How many, and the interval in which their share lies."""

    count: int
    low: float
    high: float

    @classmethod
    def of(cls, turns: Sequence[Chosen], holds: Callable[[Chosen], bool]) -> "Share":
        count = sum(map(holds, turns))
        low, high = wilson(count, len(turns), z=SURE)
        return cls(count=count, low=round(low, 3), high=round(high, 3))

    def told(self, turns: Sequence[Chosen]) -> str:
        return f"{self.count} of {len(turns)}, {self.low:.0%} to {self.high:.0%}"


class Row(Part):
    """Turns of one level that one chain decided. Seconds, cost and adherence are means; the cost is that of the turns
    whose cost is known, `unpriced` are the others."""

    level: Literal["simple", "complex"]
    decided: Decided
    turns: int
    answered: Share
    asked_back: Share
    declined: Share
    failed: Share
    good: Share
    bad: Share
    asked_again: Share
    adherence: float | None
    seconds: float
    cost_usd: Cost
    unpriced: int


async def chosen_turns(store: Store, *, last: int) -> list[Chosen]:
    """Those of the newest turns for which a chain was chosen, oldest first. Raises StorageError."""
    records = await store.recent_turns(last=last)
    found = []
    for at, record in enumerate(records):
        facts = read_facts(record.dossier)
        if facts.locality:
            ratings = tuple(each.rating for each in await store.rated(record.turn))
            again = _asked_again(record, records[at + 1 :])
            found.append(Chosen(record, facts, facts.locality, ratings, again))
    return found


def rows(turns: Sequence[Chosen]) -> list[Row]:
    """What became of them, by level and chain."""
    groups: dict[tuple[str, Decided], list[Chosen]] = {}
    for turn in turns:
        groups.setdefault((turn.locality.level, turn.decided), []).append(turn)
    return [_row(group) for _, group in sorted(groups.items(), reverse=True)]


def advice(turns: Sequence[Chosen]) -> list[str]:
    """What the turns say about the thresholds, each claim with its numbers. Where they are too few, nothing."""
    return [*_of_local_answers(turns), *_of_going_on(turns), *_of_complex_ones(turns)]


def _of_local_answers(turns: Sequence[Chosen]) -> Iterator[str]:
    """External answers are to harder requests: where local ones disappoint more all the same, they are too many."""
    local = [turn for turn in turns if turn.decided == "local"]
    external = [turn for turn in turns if turn.decided != "local"]
    if min(len(local), len(external)) < FEWEST:
        return
    here, there = (Share.of(each, lambda turn: turn.disappoints) for each in (local, external))
    if here.low > there.high:
        yield (
            f"Local answers disappoint more often ({here.told(local)}) than external ones ({there.told(external)}): "
            "simple_things or simple_characters look too high, or the local model too small."
        )


def _of_going_on(turns: Sequence[Chosen]) -> Iterator[str]:
    """What came of asking the local chain first."""
    first = [turn for turn in turns if turn.decided in {"local", "local, then external"}]
    if share := _clear(first, lambda turn: turn.decided != "local", above=0.5):
        yield f"Most simple requests went on to the external chain ({share.told(first)}); `/why` says why."
    for limit, looks in (("local_confidence", "high"), ("local_hand_overs", "low")):
        stopped = [turn for turn in turns if turn.locality.limit == limit]
        if share := _clear(stopped, lambda turn: turn.was_needless, above=0.5):
            yield (
                f"{limit} looks too {looks}: of the plans that it set aside, the external chain made most in the same "
                f"way ({share.told(stopped)})."
            )


def _of_complex_ones(turns: Sequence[Chosen]) -> Iterator[str]:
    """Requests that were complex by one rule alone, and turned out small."""
    for rule in ("simple_things", "simple_characters"):
        held = [turn for turn in turns if set(turn.locality.reasons) == {rule}]
        if share := _clear(held, lambda turn: turn.was_small, above=0.8):
            yield f"{rule} looks too low: most that was complex by it alone turned out small ({share.told(held)})."


def _clear(turns: Sequence[Chosen], holds: Callable[[Chosen], bool], *, above: float) -> Share | None:
    """The share, if it clearly lies above that."""
    share = Share.of(turns, holds)
    return share if len(turns) >= FEWEST and share.low > above else None


def _row(turns: Sequence[Chosen]) -> Row:
    costs = [turn.facts.totals.cost_usd for turn in turns]
    known = [cost for cost in costs if cost != "unknown"]
    kept = [turn.facts.adherence for turn in turns if turn.facts.adherence is not None]
    return Row(
        level=turns[0].locality.level,
        decided=turns[0].decided,
        turns=len(turns),
        answered=_ended(turns, "direct", "plan"),
        asked_back=_ended(turns, "clarify"),
        declined=_ended(turns, "refuse"),
        failed=Share.of(turns, lambda turn: turn.failed),
        good=Share.of(turns, lambda turn: "good" in turn.ratings),
        bad=Share.of(turns, lambda turn: "bad" in turn.ratings),
        asked_again=Share.of(turns, lambda turn: turn.asked_again),
        adherence=round(mean(kept), 3) if kept else None,
        seconds=round(mean(turn.seconds for turn in turns), 3),
        cost_usd=mean(known) if known else "unknown",
        unpriced=len(costs) - len(known),
    )


def _ended(turns: Sequence[Chosen], *outcomes: str) -> Share:
    return Share.of(turns, lambda turn: turn.record.outcome in outcomes and not turn.failed)


def _asked_again(record: TurnRecord, later: Iterable[TurnRecord]) -> bool:
    """Whether the same person asked nearly the same soon after."""
    soon = takewhile(lambda each: each.started_at - record.finished_at <= SOON, later)
    theirs = (each for each in soon if (each.session, each.person) == (record.session, record.person))
    return any(_are_alike(record.request, each.request) for each in theirs)


def _are_alike(one: str, other: str) -> bool:
    words, others = (set(re.findall(r"\w+", text.lower())) for text in (one, other))
    return len(words) >= LEAST_WORDS and len(words & others) >= ALIKE * len(words | others)
