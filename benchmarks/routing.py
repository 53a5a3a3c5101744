"""Routing beside round robin: pools of workers whose success rates and durations are known to the simulation alone."""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from statistics import mean

from benchmarks.figures import Figure
from orchestrator.routing import Standing, route

SEEDS = range(1, 40, 2)  # what was chosen was chosen on the even ones
WORKERS, TASKS, JOINS_AT, SESSIONS, MOST_TRIES = 6, 1_000, 500, 40, 3
Choose = Callable[[Sequence[Standing], int], str]


@dataclass
class Hand:
    """One simulated worker. `rate` and `takes` are its truth, the rest is what is known of it."""

    name: str
    rate: float
    takes: float
    runs: int = 0
    successes: int = 0
    seconds: float = 0.0
    last_session: set[int] = field(default_factory=set)

    def standing(self, session: int) -> Standing:
        known = {"runs": self.runs, "successes": self.successes, "seconds": self.seconds}
        return Standing(worker=self.name, is_recent=session in self.last_session, **known)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of all tasks: the share that the first worker did, the share that was done within three tries, the
    mean seconds of a task with its tries, and how often the newcomer and the least used other one were chosen."""

    at_first: float
    done: float
    seconds: float
    newcomer_runs: int
    least_runs: int


def by_record(standings: Sequence[Standing], number: int) -> str:
    return route(standings).worker


def in_turn(standings: Sequence[Standing], number: int) -> str:
    return standings[number % len(standings)].worker


def simulate(choose: Choose, seed: int) -> Outcome:
    """A pool works off its tasks; in the middle of it somebody new joins, who is good."""
    truth = random.Random(f"pool {seed}")
    hands = [Hand(f"w{n}", truth.uniform(0.5, 0.95), truth.uniform(2, 12)) for n in range(WORKERS)]
    newcomer = Hand("new", 0.97, 3.0)
    first, done, spent = [], [], []
    for number in range(TASKS):
        if number == JOINS_AT:
            hands.append(newcomer)
        chance, tried, seconds = random.Random(f"task {seed} {number}"), list[str](), 0.0
        session = chance.randrange(SESSIONS)
        succeeded = False
        while not succeeded and len(tried) < MOST_TRIES:
            left = {hand.name: hand for hand in hands if hand.name not in tried}
            hand = left[choose([each.standing(session) for each in left.values()], number + len(tried))]
            succeeded = chance.random() < hand.rate
            took = hand.takes * chance.uniform(0.7, 1.3)
            _learn(hand, hands, session, took, succeeded=succeeded)
            tried.append(hand.name)
            seconds += took
        first.append(succeeded and len(tried) == 1)
        done.append(succeeded)
        spent.append(seconds)
    least = min(hand.runs for hand in hands)
    return Outcome(mean(first), mean(done), mean(spent), newcomer.runs, least)


def _learn(hand: Hand, hands: Sequence[Hand], session: int, took: float, *, succeeded: bool) -> None:
    hand.runs += 1
    hand.successes += succeeded
    if succeeded:
        hand.seconds = 0.7 * hand.seconds + 0.3 * took if hand.seconds else took
        hand.last_session.add(session)
    else:
        hand.last_session.discard(session)


def measure() -> Iterator[Figure]:
    ours, theirs = ([simulate(choose, seed) for seed in SEEDS] for choose in (by_record, in_turn))
    pools = f"round robin, {len(SEEDS)} pools of {WORKERS} workers, {TASKS} tasks each"
    yield Figure(
        "routing: done by the first worker", _mean(ours, "at_first"), "share", _mean(theirs, "at_first"), pools
    )
    yield Figure("routing: done within three tries", _mean(ours, "done"), "share", _mean(theirs, "done"), pools)
    yield Figure("routing: mean time of a task", _mean(ours, "seconds"), "s", _mean(theirs, "seconds"), pools)
    starved = min(outcome.newcomer_runs for outcome in ours)
    yield Figure("routing: least runs of a newcomer", starved, "runs", 10, "what it needs for its rate to count")


def _mean(outcomes: Sequence[Outcome], name: str) -> float:
    return mean(float(getattr(outcome, name)) for outcome in outcomes)
