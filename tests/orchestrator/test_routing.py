"""Who is given a piece of work, and whether the stored reason says why."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.routing import SEEDS, by_record, in_turn, simulate
from orchestrator.routing import LEAST_RUNS, Standing, route, wilson


def standing(worker: str, runs: int = 0, successes: int = 0, **known: object) -> Standing:
    return Standing.model_validate({"worker": worker, "runs": runs, "successes": successes, **known})


STANDINGS = st.lists(
    st.builds(
        lambda worker, runs, share, **known: standing(worker, runs, round(runs * share), **known),
        st.sampled_from("abcdef"),
        st.integers(0, 200),
        st.floats(0, 1),
        seconds=st.floats(0, 60),
        is_recent=st.booleans(),
        is_special=st.booleans(),
        running=st.integers(0, 5),
    ),
    min_size=1,
    unique_by=lambda each: each.worker,
)


@pytest.mark.proves("routing.reasons")
@given(STANDINGS)
def test_the_reason_that_is_stored_follows_from_the_candidates_that_are_stored(standings: list[Standing]) -> None:
    routing = route(standings)
    chosen = next(each for each in routing.candidates if each.worker == routing.worker)
    known = [each for each in routing.candidates if each.runs >= LEAST_RUNS]
    assert {each.worker for each in routing.candidates} == {each.worker for each in standings}
    if routing.why.startswith("the best score"):
        assert chosen.score == max(each.score for each in known)
        assert f"{chosen.score:g} of 100" in routing.why
    elif routing.why.startswith("each "):
        assert chosen.runs < LEAST_RUNS
        assert known
        assert f"this one has {chosen.runs} runs" in routing.why
    else:
        assert "so each has a turn" in routing.why
        assert known == []


@pytest.mark.proves("routing.score")
def test_the_score_is_made_of_context_success_specialisation_and_load() -> None:
    plain = standing("plain", 40, 20, seconds=2.0)
    better = {
        "did well here lately": standing("x", 40, 20, seconds=2.0, is_recent=True),
        "succeeds in": standing("x", 40, 38, seconds=2.0),
        "is made for this": standing("x", 40, 20, seconds=2.0, is_special=True),
        "is done soon": standing("x", 40, 20, seconds=1.0),
    }
    for reason, other in better.items():
        assert route([plain, other]).worker == "x"
        assert reason in route([plain, other]).why
    assert route([plain, plain.model_copy(update={"worker": "busy", "running": 3})]).worker == "plain"
    assert route([plain, standing("old", 400, 190, seconds=2.0, is_special=True)]).worker == "old"


@pytest.mark.proves("routing.score")
def test_among_equals_the_more_experienced_is_chosen() -> None:
    sure = [standing("a", 10, 10), standing("b", 90, 90)]
    assert route(sure).worker == "b"


@pytest.mark.proves("routing.score")
def test_a_rate_counts_from_ten_runs_on_and_its_interval_is_kept() -> None:
    nine, ten = (route([standing("a", runs, runs)]).candidates[0] for runs in (9, 10))
    assert (nine.success, ten.success) == (0.0, 40.0)
    assert 0.8 < ten.low < ten.high == 1.0
    assert wilson(0, 0) == (0.0, 1.0)
    low, high = wilson(50, 100, z=1.96)
    assert (round(low, 4), round(high, 4)) == (0.4038, 0.5962)  # Newcombe (1998), Statistics in Medicine 17


@pytest.mark.proves("routing.newcomers")
def test_where_nothing_is_known_each_has_a_turn() -> None:
    runs = Counter({"a": 0, "b": 0, "c": 0})
    for _ in range(27):
        runs[route([standing(name, count) for name, count in runs.items()]).worker] += 1
    assert set(runs.values()) == {9}


@pytest.mark.slow
@pytest.mark.proves("routing.newcomers", "routing.beats_round_robin")
def test_in_simulated_pools_it_beats_round_robin_and_no_newcomer_starves() -> None:
    for seed in SEEDS:
        ours, theirs = simulate(by_record, seed), simulate(in_turn, seed)
        assert ours.at_first > theirs.at_first, seed
        assert ours.seconds < theirs.seconds, seed
        assert ours.newcomer_runs >= LEAST_RUNS, seed
        assert ours.least_runs >= LEAST_RUNS, seed
