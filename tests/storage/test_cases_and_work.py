"""The review queue and the records of workers, on both databases."""

import asyncio
from datetime import timedelta

import pytest

from storage import changes
from storage.records import Case, GivenBack, StoredPlan, Work, WorkRecord
from storage.store import Store
from tests.storage.samples import NOW, SESSION, arrive, conclusion, question, talk


async def case(store: Store, event_id: str = "1", *, session: str = SESSION) -> str:
    """The turn of an open case."""
    turn = await arrive(store, event_id, session=session)
    await store.finish(conclusion(turn, session=session, outcome="unserved"))
    await store.change(changes.entering_case(turn, "unserved"))
    return turn


def given(turn: str, *, tries: int = 1, by: str | None = None) -> GivenBack:
    return GivenBack(by, f"review/{turn}/{tries}", '{"again": true}', tries)


async def known(store: Store, turn: str) -> Case:
    found = await store.case(turn)
    assert found is not None
    return found


@pytest.mark.proves("review.nothing_lost")
async def test_of_two_reviewers_at_once_one_gives_a_case_back_and_it_arrives_once(store: Store) -> None:
    turn = await case(store)
    arrived = await asyncio.gather(*(store.give_back(turn, given(turn, by=by)) for by in ("rita", "ron")))
    [came] = [each for each in arrived if each]
    assert (came.session, came.event_id, came.payload) == (SESSION, f"review/{turn}/1", '{"again": true}')
    assert [each.turn for each in await store.unfinished(channels=["console"])] == [came.turn]
    assert await store.open_cases() == []


@pytest.mark.proves("review.nothing_lost", "review.reviewers_only")
async def test_a_case_is_settled_by_its_own_session_alone(store: Store) -> None:
    turn = await case(store)
    await store.give_back(turn, given(turn))
    await store.change(changes.settling_case(turn, "console:another", served=True))
    assert (await known(store, turn)).state == "returned"
    await store.change(changes.settling_case(turn, SESSION, served=False))
    assert [each.tries for each in await store.open_cases()] == [1]
    await store.give_back(turn, given(turn, tries=2))
    await store.change(changes.settling_case(turn, SESSION, served=True))
    assert ((await known(store, turn)).state, (await known(store, turn)).tries) == ("closed", 2)


@pytest.mark.proves("review.worked_on")
async def test_a_claim_holds_against_others_and_not_against_the_operator(store: Store) -> None:
    turn = await case(store)
    assert await store.claim_case(turn, "rita")
    assert not await store.close_case(turn, "ron")
    assert await store.give_back(turn, given(turn, by="ron")) is None
    assert await store.close_case(turn, None)
    assert not await store.claim_case(turn, "ron")


@pytest.mark.proves("review.unanswered")
async def test_open_questions_are_found_by_their_age(store: Store) -> None:
    await talk(store, "direct")
    turn = await arrive(store, "q")
    await store.finish(conclusion(turn, outcome="clarify", question=question("q2")))
    assert [each.id for each in await store.unanswered(asked_before=NOW + timedelta(seconds=1))] == ["q2"]
    assert await store.unanswered(asked_before=NOW) == []


@pytest.mark.proves("workers.by_record")
async def test_the_record_of_a_worker_counts_its_runs_and_the_recent_ones_of_a_session(store: Store) -> None:
    for session in (SESSION, "console:other"):
        turn = await arrive(store, session, session=session)
        await store.save_plan(StoredPlan(session, session, turn, "{}"))
    for at, (worker, plan, succeeded) in enumerate(
        [("anna", SESSION, True), ("anna", SESSION, False), ("anna", "console:other", True), ("berta", SESSION, False)]
    ):
        ended = NOW + timedelta(hours=at)
        await store.keep_work(Work(plan, "w", "research", worker, succeeded, 2.0, ended))
    await store.keep_work(Work(SESSION, "w", "deploy", "anna", succeeded=True, seconds=2.0, ended_at=NOW))

    async def record(since: int, recent_since: int) -> list[WorkRecord]:
        hours = {"since": NOW + timedelta(hours=since), "recent_since": NOW + timedelta(hours=recent_since)}
        return sorted(await store.work_record("research", SESSION, **hours), key=lambda each: each.worker)

    assert await record(0, 0) == [WorkRecord("anna", 3, 2, 2.0, 1), WorkRecord("berta", 1, 0, 2.0, 0)]
    assert (await record(0, 1))[0].recent == 0
    assert (await record(1, 0))[0].runs == 2
    assert await store.durations() == {"@anna": pytest.approx(2.0)}
