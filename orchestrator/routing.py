"""Which worker is given a piece of work, and why: a score of 100, with room for those of whom little is known."""

from collections.abc import Sequence
from math import sqrt

from pydantic import BaseModel, ConfigDict

CONTEXT, SUCCESS, SPECIALISATION, LOAD = 30.0, 40.0, 20.0, 10.0  # FEATURES row 28
LEAST_RUNS = 10  # below that a rate says nothing (FEATURES row 27)
EXPLORED = 5  # each so manieth piece of work goes to somebody with fewer runs
Z = 1.28  # 80 % of where a rate may lie; even seeds of benchmarks/routing.py hardly tell it from 0.67 or 1.96, 2026-11


class Standing(BaseModel):
    """What is known of a worker for one kind of work.

    `seconds` is what a piece takes, as far as it is known. `is_recent` says that it did well in this conversation not
    long ago, `is_special` that the work is of what it is best at. It is at `running` pieces now, of `at_once`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    worker: str
    runs: int = 0
    successes: int = 0
    seconds: float = 0.0
    is_recent: bool = False
    is_special: bool = False
    running: int = 0
    at_once: int = 1


class Candidate(BaseModel):
    """One worker's points, and the interval of its success rate; one with too few runs has no points for success."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    worker: str
    runs: int
    low: float
    high: float
    context: float
    success: float
    specialisation: float
    load: float

    @property
    def score(self) -> float:
        return self.context + self.success + self.specialisation + self.load


class Routing(BaseModel):
    """Who was chosen, why, and all that could have been, the best first."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    worker: str
    why: str
    candidates: tuple[Candidate, ...]


def wilson(successes: int, runs: int, *, z: float = Z) -> tuple[float, float]:
    """The interval in which a rate lies, after E. B. Wilson (1927). Nothing is known without runs: (0, 1)."""
    if not runs:
        return 0.0, 1.0
    rate, square = successes / runs, z * z
    middle = rate + square / (2 * runs)
    spread = z * sqrt(rate * (1 - rate) / runs + square / (4 * runs * runs))
    scale = 1 + square / runs
    return max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale)


def route(standings: Sequence[Standing]) -> Routing:
    """The choice among at least one. The same standings always lead to the same choice."""
    ranked = sorted(_candidates(standings), key=lambda each: (-each.score, -each.runs, each.worker))
    by_name = {each.worker: each for each in standings}
    new = sorted((each for each in standings if each.runs < LEAST_RUNS), key=_tried)
    total = sum(map(_tried_times, standings))
    if len(new) == len(standings):
        chosen, why = new[0].worker, f"nobody has {LEAST_RUNS} runs yet, so each has a turn"
    elif new and total % EXPLORED == 0:
        chosen = new[0].worker
        why = f"each {EXPLORED}th piece of work is for a newcomer, and this one has {new[0].runs} runs"
    else:
        best = next(each for each in ranked if by_name[each.worker].runs >= LEAST_RUNS)
        chosen, why = best.worker, _why(best)
    return Routing(worker=chosen, why=why, candidates=tuple(ranked))


def _candidates(standings: Sequence[Standing]) -> list[Candidate]:
    soonest = min(map(_wait, standings))
    return [_candidate(each, soonest) for each in standings]


def _candidate(standing: Standing, soonest: float) -> Candidate:
    """Its points. Of a rate the upper end counts: who was unlucky once is not left aside for good."""
    low, high = wilson(standing.successes, standing.runs)
    wait = _wait(standing)
    return Candidate(
        worker=standing.worker,
        runs=standing.runs,
        low=round(low, 3),
        high=round(high, 3),
        context=CONTEXT if standing.is_recent else 0.0,
        success=round(SUCCESS * high, 1) if standing.runs >= LEAST_RUNS else 0.0,
        specialisation=SPECIALISATION if standing.is_special else 0.0,
        load=round(LOAD * soonest / wait, 1) if wait else LOAD,
    )


def _wait(standing: Standing) -> float:
    """Seconds until it would be done. Of whom nothing is known a second is assumed, as of steps."""
    return (standing.seconds or 1.0) * (1 + standing.running / standing.at_once)


def _tried_times(standing: Standing) -> int:
    return standing.runs + standing.running


def _tried(standing: Standing) -> tuple[int, str]:
    return _tried_times(standing), standing.worker


def _why(best: Candidate) -> str:
    parts = {
        "did well here lately": best.context,
        f"succeeds in {best.low:.0%} to {best.high:.0%} of {best.runs} runs": best.success,
        "is made for this": best.specialisation,
        "is done soon": best.load,
    }
    told = ", ".join(f"{reason} ({points:g})" for reason, points in parts.items() if points)
    return f"the best score, {best.score:g} of 100: {told}"
