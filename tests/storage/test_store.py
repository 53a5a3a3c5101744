"""What the store keeps, the same on SQLite and PostgreSQL."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage.errors import StorageError, StorageGone
from storage.records import ModelCall, Parcel, SessionSummary, StoredPlan, StoredStep
from storage.store import Store, open_store
from tests.storage.samples import (
    ADDRESS,
    CHANNELS,
    NOW,
    SESSION,
    arrive,
    conclusion,
    question,
    record,
    remember,
    talk,
)

# --- inbox


@pytest.mark.proves("store.once")
async def test_the_same_event_twenty_times_at_once_is_remembered_once(store: Store) -> None:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(remember(store, "same")) for _ in range(20)]
    [arrived] = filter(None, (task.result() for task in tasks))
    [stored] = await store.unfinished(channels=CHANNELS)
    assert stored == replace(arrived, left_over=True)


@pytest.mark.proves("store.once")
async def test_the_same_event_id_of_another_channel_is_another_event(store: Store) -> None:
    assert await remember(store, "1") is not None
    other = await store.remember(channel="telegram", event_id="1", session="telegram:1", address=ADDRESS, payload="{}")
    assert other is not None


@pytest.mark.proves("store.once")
async def test_an_event_is_still_known_after_a_restart(url: str) -> None:
    store = await open_store(url)
    turn = await arrive(store, "1")
    await store.finish(conclusion(turn))
    await store.close()
    again = await open_store(url)
    assert await remember(again, "1") is None
    assert await again.turn(turn) == record(turn)
    await again.close()


@pytest.mark.proves("store.unfinished")
async def test_an_attempt_that_ended_politely_does_not_count_and_the_first_one_stays(store: Store) -> None:
    await arrive(store, "a")
    assert [await store.count_attempt("t1"), await store.count_attempt("t1")] == [1, 2]
    await store.uncount_attempt("t1")
    assert await store.count_attempt("t1") == 2
    for _ in range(4):
        await store.uncount_attempt("t1")
    assert await store.count_attempt("t1") == 1


@pytest.mark.proves("store.unfinished")
async def test_unfinished_events_come_back_oldest_first_with_the_attempts_that_were_counted(store: Store) -> None:
    for event_id in ("a", "b", "c"):
        await arrive(store, event_id)
    await store.finish(conclusion("t2"))
    assert [await store.count_attempt("t3"), await store.count_attempt("t3")] == [1, 2]
    left = await store.unfinished(channels=CHANNELS)
    assert [(each.event_id, each.turn, each.attempts) for each in left] == [("a", "t1", 0), ("c", "t3", 2)]
    assert all(each.left_over for each in left)
    assert await store.unfinished(channels=["another"]) == []


@pytest.mark.proves("store.unfinished")
async def test_an_unfinished_event_is_what_was_remembered(store: Store) -> None:
    arrived = await remember(store, "1", payload='{"text":"Grüße 🦊"}')
    [again] = await store.unfinished(channels=CHANNELS)
    assert arrived is not None
    assert (again.payload, again.received_at) == ('{"text":"Grüße 🦊"}', arrived.received_at)


# --- sessions


@pytest.mark.proves("store.history")
async def test_history_is_the_last_turns_oldest_first_without_commands(store: Store) -> None:
    await talk(store, "direct", "clarify", "command", "plan", "refuse", "stopped", "failed")
    assert [turn.outcome for turn in await store.history(SESSION, last=20)] == [
        "direct",
        "clarify",
        "plan",
        "refuse",
        "stopped",
        "failed",
    ]
    assert [turn.turn for turn in await store.history(SESSION, last=2)] == ["t6", "t7"]


@pytest.mark.proves("store.history")
async def test_history_is_of_one_session_only(store: Store) -> None:
    await talk(store, "direct", session="console:me")
    await talk(store, "direct", session="console:you")
    assert [turn.turn for turn in await store.history("console:you", last=20)] == ["t2"]
    assert await store.history("console:nobody", last=20) == []


@pytest.mark.proves("store.history")
async def test_history_begins_after_the_last_new(store: Store) -> None:
    await talk(store, *["direct"] * 9)
    await store.finish(conclusion(await arrive(store, "new"), outcome="command", forget_history=True))
    await store.finish(conclusion(await arrive(store, "later")))
    assert [turn.turn for turn in await store.history(SESSION, last=20)] == ["t11"]


async def test_the_last_turn_is_the_newest_that_was_no_command(store: Store) -> None:
    assert await store.last_turn(SESSION) is None
    await talk(store, *["direct"] * 10, "command")
    assert await store.last_turn(SESSION) == record("t10")


@pytest.mark.parametrize("name", ["t2", "1", "", "t", "tt1", "t-1", "t1 ", "t" + "9" * 30, "t\u0661"])
async def test_a_name_that_is_no_turns_finds_nothing(store: Store, name: str) -> None:
    await talk(store, "direct")
    assert await store.turn(name) is None
    assert await store.plan_of(name) is None
    assert await store.model_calls(name) == []


async def test_a_list_of_sessions_has_the_newest_first_and_says_who_waits(store: Store) -> None:
    await talk(store, "direct", "direct", session="console:a")
    await arrive(store, "unanswered", session="console:b")
    turn = await arrive(store, "asked", session="console:c")
    later = NOW + timedelta(hours=1)
    await store.finish(conclusion(turn, session="console:c", question=question("q", session="console:c"), at=later))
    assert await store.sessions() == [
        SessionSummary("console:c", turns=1, last_at=later, open_question=True),
        SessionSummary("console:a", turns=2, last_at=NOW, open_question=False),
        SessionSummary("console:b", turns=0, last_at=None, open_question=False),
    ]


async def test_outcomes_are_counted_over_all_sessions(store: Store) -> None:
    await talk(store, "direct", "refuse", session="console:a")
    await talk(store, "refuse", session="console:b")
    assert await store.outcome_counts() == {"direct": 1, "refuse": 2}


# --- questions


@pytest.mark.proves("store.question")
async def test_a_session_has_one_open_question_and_a_new_one_replaces_it(store: Store) -> None:
    assert await store.open_question(SESSION) is None
    for place in range(2):
        turn = await arrive(store, str(place))
        await store.finish(conclusion(turn, question=question(f"q{place}")))
    assert await store.open_question(SESSION) == question("q1")
    assert await store.open_question("console:you") is None


@pytest.mark.proves("store.question")
async def test_a_turn_that_answers_a_question_closes_it_and_may_ask_the_next(store: Store) -> None:
    await store.finish(conclusion(await arrive(store, "1"), question=question("q1")))
    await store.finish(conclusion(await arrive(store, "2"), closes="q1", question=question("q2")))
    assert await store.open_question(SESSION) == question("q2")
    await store.finish(conclusion(await arrive(store, "3"), closes="q2"))
    assert await store.open_question(SESSION) is None


@pytest.mark.proves("store.question")
async def test_taking_up_a_plan_closes_its_question_in_the_same_transaction(store: Store) -> None:
    first = await arrive(store, "1")
    plan = StoredPlan("p", SESSION, first, "{}")
    await store.save_plan(plan)
    await store.finish(conclusion(first, question=question("q", plan="p")))
    second = await arrive(store, "2")
    await store.save_plan(StoredPlan("p", SESSION, second, '{"slots":1}'), closes="q")
    assert await store.open_question(SESSION) is None
    assert await store.plan("p") == await store.plan_of(second) == StoredPlan("p", SESSION, second, '{"slots":1}')
    assert await store.plan_of(first) is None


# --- runs


@pytest.mark.proves("store.known_steps")
async def test_what_is_known_of_a_step_is_replaced_and_survives_a_restart(url: str) -> None:
    store = await open_store(url)
    await store.save_plan(StoredPlan("p", SESSION, await arrive(store, "1"), "{}"))
    await store.keep_step("p", StoredStep("b", "started", "{}"))
    await store.keep_step("p", StoredStep("a", "started", "{}"))
    await store.keep_step("p", StoredStep("b", "done", '{"value":1}'))
    await store.close()
    again = await open_store(url)
    assert await again.steps("p") == [StoredStep("a", "started", "{}"), StoredStep("b", "done", '{"value":1}')]
    assert await again.steps("other") == []
    await again.close()


async def test_a_turn_that_plans_anew_works_on_the_newer_plan(store: Store) -> None:
    turn = await arrive(store, "1")
    for name in ("z", "a"):
        await store.save_plan(StoredPlan(name, SESSION, turn, "{}"))
    found = await store.plan_of(turn)
    assert found is not None
    assert found.id == "a"
    assert await store.plan("nothing") is None


# --- the end of a turn


@pytest.mark.proves("store.outbox")
async def test_parcels_keep_their_order_and_wait_until_they_are_delivered(store: Store) -> None:
    first, second = await arrive(store, "1"), await arrive(store, "2", session="console:you")
    await store.finish(conclusion(second, session="console:you", shown=("x",)))
    parcels = await store.finish(conclusion(first, shown=tuple("abcdefghijkl")))
    assert parcels[1] == Parcel("t1.1", "t1", SESSION, "console", ADDRESS, "b")
    assert [parcel.payload for parcel in await store.undelivered()] == [*"abcdefghijkl", "x"]
    await store.delivered("t1.0")
    await store.delivered("t1.0")
    assert [parcel.id for parcel in await store.undelivered()] == [*(f"t1.{n}" for n in range(1, 12)), "t2.0"]


@pytest.mark.proves("store.idempotent")
async def test_finishing_a_finished_turn_changes_nothing(store: Store) -> None:
    turn = await arrive(store, "1")
    parcels = await store.finish(conclusion(turn, shown=("a", "b")))
    calls = (ModelCall("front", "m", 1.0),)
    late = conclusion(turn, outcome="stopped", shown=("c",), question=question("q"), model_calls=calls)
    assert await store.finish(late) == parcels
    assert await store.turn(turn) == record(turn)
    assert await store.undelivered() == parcels
    assert await store.open_question(SESSION) is None
    assert await store.model_calls(turn) == []


@pytest.mark.proves("store.idempotent")
async def test_finishing_again_does_not_hand_out_what_was_delivered(store: Store) -> None:
    ending = conclusion(await arrive(store, "1"), shown=("a", "b"))
    _, second = await store.finish(ending)
    await store.delivered("t1.0")
    assert await store.finish(ending) == [second]


@pytest.mark.proves("store.atomic")
async def test_an_error_inside_the_end_of_a_turn_leaves_nothing_of_it(store: Store) -> None:
    await store.finish(conclusion(await arrive(store, "1"), question=question("q1")))
    turn = await arrive(store, "2")
    about_no_plan = question("q2", plan="a plan that nobody saved")
    broken = conclusion(turn, shown=("a",), closes="q1", question=about_no_plan, forget_history=True)
    with pytest.raises(StorageGone):
        await store.finish(broken)
    assert await store.turn(turn) is None
    assert [parcel.turn for parcel in await store.undelivered()] == ["t1"]
    assert await store.open_question(SESSION) == question("q1")
    assert [each.turn for each in await store.unfinished(channels=CHANNELS)] == [turn]
    assert len(await store.history(SESSION, last=20)) == 1
    await store.finish(conclusion(turn))


async def test_model_calls_come_back_in_their_order(store: Store) -> None:
    calls = (
        ModelCall("planner", "gemini:x", 1.25, error="429"),
        ModelCall("front", "openai:y", 0.5, input_tokens=1200, output_tokens=7),
    )
    turn = await arrive(store, "1")
    await store.finish(conclusion(turn, model_calls=calls, shown=()))
    assert await store.model_calls(turn) == list(calls)


# --- values


@pytest.mark.proves("store.times")
async def test_times_of_any_zone_come_back_in_utc(store: Store) -> None:
    there = datetime(2026, 11, 20, 1, 2, 3, 4, tzinfo=timezone(timedelta(hours=-8)))
    turn = await arrive(store, "1")
    await store.finish(conclusion(turn, at=there))
    kept = await store.turn(turn)
    assert kept is not None
    assert (kept.started_at, kept.started_at.tzinfo) == (there, UTC)
    [summary] = await store.sessions()
    assert (summary.last_at, summary.last_at and summary.last_at.tzinfo) == (there, UTC)


@pytest.mark.proves("store.times")
async def test_a_time_without_a_zone_is_refused(store: Store) -> None:
    turn = await arrive(store, "1")
    with pytest.raises(StorageError, match="without a time zone"):
        await store.finish(conclusion(turn, at=datetime(2026, 1, 1)))  # noqa: DTZ001 - that is the point


@pytest.mark.proves("store.text")
@pytest.mark.parametrize(("text", "complaint"), [("a\0b", "NUL"), ("a\ud800b", "surrogate")])
async def test_text_that_a_database_cannot_hold_is_refused_by_name(store: Store, text: str, complaint: str) -> None:
    with pytest.raises(StorageError, match=complaint):
        await remember(store, "1", payload=text)
    assert await store.unfinished(channels=CHANNELS) == []


@pytest.mark.proves("store.text")
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")))
async def test_every_other_text_comes_back_as_it_was(store: Store, text: str) -> None:
    name = await arrive(store, f"event {text}")
    await store.finish(conclusion(name, shown=(text,)))
    [parcel] = await store.undelivered()
    assert parcel.payload == text
    await store.delivered(parcel.id)


@pytest.mark.proves("durations.learned")
async def test_a_duration_is_seven_tenths_of_what_was_known_and_three_of_what_is_new(store: Store) -> None:
    turn = await arrive(store, "e1")
    await store.save_plan(StoredPlan("p", SESSION, turn, "{}"))
    assert await store.durations() == {}
    await store.keep_step("p", StoredStep("a", "done", "{}"), learn=("search", 10.0))
    assert await store.durations() == {"search": 10.0}
    await store.keep_step("p", StoredStep("b", "done", "{}"), learn=("search", 20.0))
    assert await store.durations() == {"search": pytest.approx(13.0)}
