"""A cluster of real processes: whoever dies in it, each message has one answer, in order, and no call is repeated."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.conversations.program import Program, calls_made, serving, working
from tests.conversations.test_sigkill import THREE_STEPS, say
from tests.databases import PostgresServer

pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(180)]

OF_A_WORKER = [
    ("count_attempt", "after", "1"),
    ("save_plan", "before", "1"),
    ("save_plan", "after", "1"),
    ("keep_step", "after", "1"),
    ("keep_step", "after", "2"),
    ("keep_step", "after", "3"),
    ("finish", "before", "1"),
    ("finish", "after", "1"),
]


@pytest.fixture
def database(postgres_server: PostgresServer) -> Iterator[str]:
    with postgres_server.database() as url:
        yield url


@pytest.mark.proves("cluster.takeover", "restart.one_answer", "restart.no_repeat")
@pytest.mark.parametrize("dies_at", OF_A_WORKER, ids="-".join)
async def test_where_a_worker_is_killed_another_one_goes_on(
    tmp_path: Path, database: str, dies_at: tuple[str, str, str]
) -> None:
    async with serving(tmp_path, database=database, part="channels") as channels:
        async with working(tmp_path, *dies_at, database=database) as first:
            channels.send("event-1", THREE_STEPS)
            await asyncio.wait_for(first.wait(), 40)
        async with working(tmp_path, database=database):
            answer = await channels.delivery()
            await channels.end_of_input()
    assert answer["delivery"] == "t1.0"
    assert all(f"value of {key}" in answer["part"]["text"] for key in ("one", "two", "three"))
    assert channels.deliveries == [answer]
    assert [arguments["key"] for _, arguments in calls_made(tmp_path)] == ["one", "two", "three"]


@pytest.mark.proves("cluster.takeover")
@pytest.mark.parametrize("dies_at", [("deliver", "before", "1"), ("deliver", "after", "1")], ids="-".join)
async def test_where_the_channels_process_is_killed_the_next_one_shows_what_was_answered(
    tmp_path: Path, database: str, dies_at: tuple[str, str, str]
) -> None:
    async with working(tmp_path, database=database):
        async with serving(tmp_path, *dies_at, database=database, part="channels") as first:
            first.send("event-1", "/lookup key=one")
            await first.death()
        async with serving(tmp_path, database=database, part="channels") as second:
            again = await second.delivery()
            await second.end_of_input()
    assert again["repeated"]
    assert {each["delivery"] for each in (*first.deliveries, *second.deliveries)} == {"t1.0"}
    assert len(calls_made(tmp_path)) == 1


@pytest.mark.proves("cluster.rolling")
async def test_a_question_of_one_worker_is_answered_to_another_one(tmp_path: Path, database: str) -> None:
    async with serving(tmp_path, database=database, part="channels") as channels:
        async with working(tmp_path, database=database):
            asked = await say(channels, "event-1", '/plan a: lookup(key="one")\nb: note(text="${a}") after a')
            assert "May I run" in asked["text"]
        async with working(tmp_path, database=database):
            assert (await say(channels, "event-2", "yes"))["kind"] == "answer"
            await channels.end_of_input()
    assert calls_made(tmp_path) == [("lookup", {"key": "one"}), ("note", {"text": "value of one"})]


def numbers(channels: Program) -> dict[str, list[int]]:
    """Which of its messages were answered in each chat, in the order of the answers."""
    found: defaultdict[str, list[int]] = defaultdict(list)
    for each in channels.deliveries:
        found[each["chat"]].append(
            int(each["part"]["text"].split("value of ")[1].split("-")[1].split()[0].rstrip("`."))
        )
    return dict(found)


@pytest.mark.proves("cluster.order", "cluster.takeover", "restart.no_repeat")
async def test_with_workers_killed_in_the_middle_every_message_is_answered_once_and_in_order(
    tmp_path: Path, database: str
) -> None:
    sessions, each_sends = 20, 6
    async with AsyncExitStack() as cluster:
        channels = await cluster.enter_async_context(serving(tmp_path, database=database, part="channels"))
        workers = [await cluster.enter_async_context(working(tmp_path, database=database)) for _ in range(3)]
        for message in range(each_sends):
            for chat in range(sessions):
                channels.send(f"{chat}-{message}", f"/lookup key={chat}-{message}", chat=str(chat))
        for answered, dying in ((20, workers[0]), (50, workers[1])):
            while len(channels.deliveries) < answered:
                assert await channels.read() is not None
            dying.kill()
        while len(channels.deliveries) < sessions * each_sends:
            assert await channels.read() is not None
        await channels.end_of_input()
    assert numbers(channels) == {str(chat): [*range(each_sends)] for chat in range(sessions)}
    assert set(Counter(each["delivery"] for each in channels.deliveries).values()) == {1}
    called = Counter(arguments["key"] for _, arguments in calls_made(tmp_path))
    assert len(called) == sessions * each_sends
    assert sum(called.values()) <= len(called) + 2 * 50, "only what was under way is looked up again"
