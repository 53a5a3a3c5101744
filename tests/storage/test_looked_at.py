"""What admins look at, on both databases: turns page by page, outcomes by day, pieces of work, times of steps."""

import json
from datetime import timedelta

import pytest

from orchestrator.audit import entry
from storage import changes
from storage.records import Change, GivenBack, StoredPlan, StoredStep, Work
from storage.store import Store
from tests.storage.samples import NOW, SESSION, arrive, conclusion, talk


@pytest.mark.proves("console.past")
async def test_turns_are_read_backwards_over_all_sessions_or_in_one(store: Store) -> None:
    mine = await talk(store, "direct", "command", "plan")
    others = await talk(store, "direct", session="console:other")
    assert [each.turn for each in await store.turns_before(most=3)] == [*others, *mine[:0:-1]]
    assert [each.turn for each in await store.turns_before(mine[1], most=9)] == mine[:1]
    assert [each.turn for each in await store.turns_before(session=SESSION, most=9)] == mine[::-1]
    assert await store.turns_before(mine[0], most=9) == []


@pytest.mark.proves("console.past")
async def test_outcomes_are_counted_between_moments(store: Store) -> None:
    days = [NOW - timedelta(days=ago) for ago in (2, 1, 0)]
    for number, (at, outcome) in enumerate(
        [(days[0], "plan"), (days[0], "plan"), (days[2], "failed"), (days[0] - timedelta(seconds=1), "direct")]
    ):
        turn = await arrive(store, str(number))
        await store.finish(conclusion(turn, outcome=outcome, at=at))
    assert await store.outcomes_since(days) == [(days[0], "plan", 2), (days[2], "failed", 1)]


@pytest.mark.proves("console.workers")
async def test_the_newest_pieces_of_work_come_oldest_first(store: Store) -> None:
    turn = await arrive(store, "1")
    await store.save_plan(StoredPlan("p", SESSION, turn, "{}"))
    done = [Work("p", f"s{each}", "general", "anna", each != 1, 2.5, NOW) for each in range(3)]
    for each in done:
        await store.keep_work(each)
    assert [(each.step, bool(each.succeeded)) for each in await store.recent_work(last=2)] == [
        ("s1", False),
        ("s2", True),
    ]


@pytest.mark.proves("console.dossier")
async def test_it_is_known_when_the_last_was_heard_of_a_step(store: Store) -> None:
    turn = await arrive(store, "1")
    await store.save_plan(StoredPlan("p", SESSION, turn, "{}"))
    await store.keep_step("p", StoredStep("a", "started", "{}"))
    begun = (await store.step_times("p"))["a"]
    await store.keep_step("p", StoredStep("a", "done", "{}"))
    times = await store.step_times("p")
    assert [*times] == ["a"]
    assert times["a"] >= begun
    assert begun.tzinfo is not None


@pytest.mark.proves("console.audited")
async def test_what_is_refused_of_a_case_leaves_nothing_in_the_audit(store: Store) -> None:
    [turn] = await talk(store, "unserved")
    await store.change(changes.entering_case(turn, "unserved"))

    async def rows() -> list[str]:
        return [json.loads(row.details)["did"] for row in await store.audited(kinds=["review"])]

    def audit(did: str) -> list[Change]:
        return [entry("review", turn=turn, did=did)]

    assert await store.claim_case(turn, "rita", changes=audit("claim"))
    assert not await store.close_case(turn, "ron", changes=audit("close"))
    assert await store.give_back(turn, GivenBack("ron", "e", "{}", 1), changes=audit("retry")) is None
    assert await rows() == ["claim"]
    assert await store.give_back(turn, GivenBack("rita", "e", "{}", 1), changes=audit("retry"))
    assert await rows() == ["claim", "retry"]
