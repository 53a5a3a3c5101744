"""SIGKILL at every boundary of a turn: each message gets one answer, and no finished call is repeated."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.conversations.program import Program, calls_made, serving
from tests.databases import PostgresServer

THREE_STEPS = '/plan a: lookup(key="one")\nb: lookup(key="two") after a\nc: lookup(key="three") after b'
BOUNDARIES = [
    ("remember", "after", "1"),
    ("save_plan", "before", "1"),
    ("save_plan", "after", "1"),
    ("keep_step", "after", "1"),
    ("keep_step", "after", "2"),
    ("keep_step", "after", "3"),
    ("finish", "before", "1"),
    ("finish", "after", "1"),
    ("deliver", "after", "1"),
    ("delivered", "after", "1"),
]
INSIDE_A_STEP = ("keep_step", "before", "2")  # the call was made, and its result is not stored yet

pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(120)]


async def live_and_die(
    folder: Path, dies_at: Sequence[str], text: str, *, database: str | None = None
) -> list[dict[str, Any]]:
    """Send a message to a process that dies on it, then let another one go on. All deliveries of both."""
    async with serving(folder, *dies_at, database=database) as first:
        first.send("event-1", text)
        await first.death()
    async with serving(folder, database=database) as second:
        second.send("event-1", text)  # the sender was perhaps not told that it was taken, and sends it again
        await second.end_of_input()
    return first.deliveries + second.deliveries


@pytest.mark.proves("restart.one_answer", "restart.no_repeat")
@pytest.mark.parametrize("dies_at", BOUNDARIES, ids="-".join)
async def test_a_killed_turn_is_answered_once_and_its_finished_calls_are_not_repeated(
    tmp_path: Path, dies_at: tuple[str, str, str]
) -> None:
    deliveries = await live_and_die(tmp_path, dies_at, THREE_STEPS)
    assert {each["delivery"] for each in deliveries} == {"t1.0"}
    assert [each["repeated"] for each in deliveries[:1]] == [dies_at[0] == "finish" and dies_at[1] == "after"]
    assert all(each["repeated"] for each in deliveries[1:]), "a second showing is marked"
    assert all(f"value of {key}" in deliveries[-1]["part"]["text"] for key in ("one", "two", "three"))
    assert [arguments["key"] for _, arguments in calls_made(tmp_path)] == ["one", "two", "three"]


@pytest.mark.proves("restart.one_answer", "restart.no_repeat")
@pytest.mark.parametrize("dies_at", [BOUNDARIES[0], BOUNDARIES[4], BOUNDARIES[7]], ids="-".join)
async def test_on_postgresql_a_killed_turn_is_answered_once_too(
    tmp_path: Path, dies_at: tuple[str, str, str], postgres_server: PostgresServer
) -> None:
    with postgres_server.database() as database:
        deliveries = await live_and_die(tmp_path, dies_at, THREE_STEPS, database=database)
    assert {each["delivery"] for each in deliveries} == {"t1.0"}
    assert [arguments["key"] for _, arguments in calls_made(tmp_path)] == ["one", "two", "three"]


@pytest.mark.proves("restart.no_repeat")
async def test_only_the_step_that_was_under_way_runs_again(tmp_path: Path) -> None:
    deliveries = await live_and_die(tmp_path, INSIDE_A_STEP, THREE_STEPS)
    assert {each["delivery"] for each in deliveries} == {"t1.0"}
    assert [arguments["key"] for _, arguments in calls_made(tmp_path)] == ["one", "two", "two", "three"]


async def say(program: Program, event: str, text: str) -> dict[str, Any]:
    program.send(event, text)
    part: dict[str, Any] = (await program.delivery())["part"]
    return part


@pytest.mark.proves("restart.unknown_outcome")
async def test_a_risky_call_that_may_have_happened_is_put_to_the_person(tmp_path: Path) -> None:
    async with serving(tmp_path, "keep_step", "before", "3") as first:  # waiting, started, and then its result
        asked = await say(first, "event-1", "/note text=hello")
        assert asked["kind"] == "question"
        first.send("event-2", "yes")
        await first.death()
    async with serving(tmp_path) as second:
        asked = (await second.delivery())["part"]
        assert "may have happened or not" in asked["text"]
        assert len(calls_made(tmp_path)) == 1
        left = await say(second, "event-3", "leave it")
        assert left["kind"] == "answer"
        await second.end_of_input()
    assert len(calls_made(tmp_path)) == 1


@pytest.mark.proves("restart.question")
async def test_a_question_survives_the_process_and_the_earlier_steps_are_not_run_again(tmp_path: Path) -> None:
    async with serving(tmp_path) as first:
        asked = await say(first, "event-1", '/plan a: lookup(key="one")\nb: note(text="${a}") after a')
        assert "May I run" in asked["text"]
        assert "value of one" in asked["text"], "the yes is asked for the arguments as they will be used"
        first.process.kill()
        await first.death()
    async with serving(tmp_path) as second:
        answer = await say(second, "event-2", "yes")
        assert answer["kind"] == "answer"
        await second.end_of_input()
    assert calls_made(tmp_path) == [("lookup", {"key": "one"}), ("note", {"text": "value of one"})]


@pytest.mark.proves("restart.edit")
@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_change_of_a_plan_survives_a_kill_on_either_side_of_its_storing(tmp_path: Path, when: str) -> None:
    async with serving(tmp_path, "save_plan", when, "2") as first:
        asked = await say(first, "event-1", '/plan a: lookup(key="one")\nb: note(text="old")')
        assert "text = `old`" in asked["text"]
        first.send("event-2", "2.text=new")
        await first.death()
    async with serving(tmp_path) as second:
        asked = (await second.delivery())["part"]
        assert "text = `new`" in asked["text"], "the change that was under way is made, once"
        await say(second, "event-3", "yes")
        await second.end_of_input()
    assert calls_made(tmp_path) == [("lookup", {"key": "one"}), ("note", {"text": "new"})]


@pytest.mark.proves("inbox.once")
async def test_an_event_delivered_twenty_times_at_once_is_answered_once(tmp_path: Path) -> None:
    async with serving(tmp_path) as program:
        for _ in range(20):
            program.send("event-1", "/lookup key=one")
        await program.end_of_input()
    assert len(program.deliveries) == 1
    assert len(calls_made(tmp_path)) == 1
    assert [line["new"] for line in program.lines if "accepted" in line].count(True) == 1
