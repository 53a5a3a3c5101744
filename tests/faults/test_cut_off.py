"""A worker that nobody reaches any more, or that stands still: its work is done once, by whoever may do it."""

import asyncio
import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.cluster.queue import IsGone, Queue
from tests.conversations.program import LONGEST_WAIT, calls_made, serving, working
from tests.conversations.talk import talking
from tests.conversations.test_while_busy import Work
from tests.databases import PostgresServer, a_server
from tests.faults.network import Host, another_host
from tests.faults.test_postgresql_away import under_way

pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(180)]

PLAN = '/plan a: lookup(key="one")\nb: slow(seconds={seconds}) after a\nc: lookup(key="three") after b'


@pytest.fixture
def host() -> Iterator[Host]:
    with another_host() as host:
        yield host


@pytest.fixture
def far_database(binaries: Path, host: Host) -> Iterator[str]:
    """A database that both hosts reach over TCP."""
    with a_server(binaries, host=host.here) as server, server.database() as url:
        yield url


def written(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "calls").read_text().splitlines()]


async def cancelled(folder: Path) -> None:
    """Returns once a slow call was given up."""
    async with asyncio.timeout(LONGEST_WAIT):
        while not any("cancelled" in each for each in written(folder)):
            await asyncio.sleep(0.02)  # another process writes it down


def answered_once(folder: Path, deliveries: list[dict[str, Any]]) -> None:
    assert [each["delivery"] for each in deliveries] == ["t1.0", "t2.0"]
    assert "value of three" in deliveries[0]["part"]["text"]
    assert [arguments["key"] for tool, arguments in calls_made(folder) if tool == "lookup"] == ["one", "three", "four"]


@pytest.mark.proves("faults.cut_off")
async def test_a_worker_that_is_cut_off_stops_before_another_one_takes_its_work_over(
    tmp_path: Path, far_database: str, host: Host
) -> None:
    async with (
        serving(tmp_path, database=far_database, part="channels") as channels,
        working(tmp_path, database=far_database, on=host.command),
    ):
        channels.send("event-1", PLAN.format(seconds=8))
        await under_way(tmp_path, "slow", calls=1)
        async with working(tmp_path, database=far_database):
            host.pull_the_cable()
            cut_at = time.monotonic()
            await cancelled(tmp_path)
            print(f"stopped {time.monotonic() - cut_at:.1f} s after the cut")
            await under_way(tmp_path, "slow", calls=2)
            print(f"taken over {time.monotonic() - cut_at:.1f} s after the cut")
            await channels.delivery()
            host.plug_it_in()
            channels.send("event-2", "/lookup key=four")
            await channels.delivery()
            await channels.end_of_input()
    first, given_up, again = (each for each in written(tmp_path) if each["tool"] == "slow")
    assert given_up == {"tool": "slow", "cancelled": True, "pid": first["pid"]}, "it stopped before that"
    assert again["pid"] != first["pid"]
    answered_once(tmp_path, channels.deliveries)


@pytest.mark.proves("faults.back_again")
async def test_a_worker_that_was_cut_off_works_again_when_it_is_back(
    tmp_path: Path, far_database: str, host: Host
) -> None:
    async with (
        serving(tmp_path, database=far_database, part="channels") as channels,
        working(tmp_path, database=far_database, on=host.command),
    ):
        channels.send("event-1", PLAN.format(seconds=4))
        await under_way(tmp_path, "slow", calls=1)
        host.pull_the_cable()
        await cancelled(tmp_path)
        host.plug_it_in()
        await channels.delivery()
        channels.send("event-2", "/lookup key=four")
        await channels.delivery()
        await channels.end_of_input()
    answered_once(tmp_path, channels.deliveries)


@pytest.mark.proves("faults.standing_still")
async def test_nobody_takes_over_from_a_worker_that_stands_still_for_a_while(
    tmp_path: Path, postgres_server: PostgresServer
) -> None:
    with postgres_server.database() as database:
        async with (
            serving(tmp_path, database=database, part="channels") as channels,
            working(tmp_path, database=database) as first,
        ):
            channels.send("event-1", PLAN.format(seconds=9))
            await under_way(tmp_path, "slow", calls=1)
            async with working(tmp_path, database=database):
                first.send_signal(signal.SIGSTOP)
                await asyncio.sleep(5)  # that is what is tested: it stands still for longer than it takes to be missed
                first.send_signal(signal.SIGCONT)
                await channels.delivery()
                channels.send("event-2", "/lookup key=four")
                await channels.delivery()
                await channels.end_of_input()
    assert len([each for each in written(tmp_path) if each["tool"] == "slow"]) == 1
    answered_once(tmp_path, channels.deliveries)


@pytest.mark.proves("faults.standing_still")
async def test_a_worker_whose_heart_is_late_takes_nothing_over_from_itself(
    tmp_path: Path, postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.cluster.queue.STALLED_SECONDS", 0.0)
    looks: asyncio.Queue[int] = asyncio.Queue()
    take_over = Queue.take_over

    async def look(queue: Queue, is_gone: IsGone) -> int:
        taken = await take_over(queue, is_gone)
        looks.put_nowait(taken)
        return taken

    monkeypatch.setattr(Queue, "take_over", look)
    work = Work()
    with postgres_server.database() as database:
        monkeypatch.setattr("tests.conversations.talk.SHARED_DATABASE", database)
        async with talking(tmp_path, toolsets=work.tools) as talk:
            turn = await talk.send("/look what=one")
            await work.next_begun()
            for _ in range(3):
                assert await asyncio.wait_for(looks.get(), LONGEST_WAIT) == 0
            work.may_end.set()
            await talk.outcome(turn)
    assert work.done == ["look one"]
