"""Writes side by side: cancelled ones, failing ones, and ones that find the database locked."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event
from typing import Any

import psycopg
import pytest
from sqlalchemy import Connection, Engine, event, make_url

from storage.errors import StorageBusy, StorageError, StorageReadOnly
from storage.store import Store, open_store
from tests.storage.samples import CHANNELS, SESSION, arrive, conclusion, question, remember


@contextmanager
def locked_by_another(url: str) -> Iterator[None]:
    """Another program holds the database."""
    if url.startswith("sqlite"):
        other = sqlite3.connect(str(make_url(url).database), isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            other.close()
    else:
        with psycopg.connect(url) as connection:
            connection.execute("LOCK TABLE inbox IN ACCESS EXCLUSIVE MODE")
            yield
            connection.rollback()


@pytest.mark.slow
@pytest.mark.proves("store.cancelled")
async def test_in_a_storm_of_cancellations_each_event_reaches_exactly_one_caller(store: Store) -> None:
    """Whoever was told has it stored; whoever was cancelled brings it again, as a platform does."""
    told: list[str] = []

    async def bring(event_id: str) -> None:
        if await remember(store, event_id, session=f"console:{event_id}"):
            told.append(event_id)

    everything = [f"{storm}-{number}" for storm in range(20) for number in range(50)]
    for storm in range(20):
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(bring(f"{storm}-{number}")) for number in range(50)]
            for task in tasks[::2]:
                for _ in range(storm):
                    await asyncio.sleep(0)
                task.cancel()
    assert set(told) <= await _stored(store) <= set(everything)
    assert 500 <= len(told) < 1000
    for event_id in everything:
        await bring(event_id)
    assert sorted(told) == sorted(everything)


async def _stored(store: Store) -> set[str]:
    return {arrived.event_id for arrived in await store.unfinished(channels=CHANNELS)}


@pytest.mark.proves("store.cancelled", "store.once")
async def test_an_event_stored_for_a_caller_that_was_cancelled_goes_to_the_next_one(store: Store) -> None:
    async with asyncio.TaskGroup() as group:
        task = group.create_task(remember(store, "1"))
        with cancelled_at_commit(task):
            await asyncio.wait([task], timeout=5)
    assert task.cancelled()
    arrived = await remember(store, "1")
    assert arrived is not None
    assert await _stored(store) == {"1"}
    assert await remember(store, "1") is None


@contextmanager
def cancelled_at_commit(task: asyncio.Task[Any]) -> Iterator[None]:
    """The task is cancelled when the COMMIT of its write is about to go out."""
    loop, cancelled = asyncio.get_running_loop(), Event()

    def cancel() -> None:
        task.cancel()
        loop.call_soon(cancelled.set)

    def before_commit(connection: Connection) -> None:
        loop.call_soon_threadsafe(cancel)
        assert cancelled.wait(5)

    event.listen(Engine, "commit", before_commit)
    try:
        yield
    finally:
        event.remove(Engine, "commit", before_commit)


@pytest.mark.proves("store.isolation")
async def test_one_failing_write_harms_no_other_that_is_under_way(store: Store) -> None:
    turns = [await arrive(store, str(number)) for number in range(20)]
    about_no_plan = question("q", plan="a plan that nobody saved")

    async def finish(turn: str) -> None:
        bad = int(turn[1:]) % 5 == 0
        with suppress(StorageError):
            await store.finish(conclusion(turn, question=about_no_plan if bad else None))

    async with asyncio.TaskGroup() as group:
        for turn in turns:
            group.create_task(finish(turn))
    assert [parcel.turn for parcel in await store.undelivered()] == [t for t in turns if int(t[1:]) % 5]
    assert [arrived.turn for arrived in await store.unfinished(channels=CHANNELS)] == [
        t for t in turns if not int(t[1:]) % 5
    ]


@pytest.mark.faults
@pytest.mark.proves("store.busy")
async def test_a_locked_database_is_busy_after_the_time_limit_and_fine_afterwards(url: str) -> None:
    store = await open_store(url, busy_timeout_seconds=0.1)
    with locked_by_another(url):
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(_busy(store, str(number))) for number in range(5)]
    assert all(task.result() for task in tasks)
    assert await store.unfinished(channels=CHANNELS) == []
    assert await remember(store, "0")
    await store.close()


async def _busy(store: Store, event_id: str) -> bool:
    with pytest.raises(StorageBusy, match="Another program holds the database"):
        await remember(store, event_id)
    return True


@pytest.mark.faults
@pytest.mark.proves("store.busy")
async def test_a_lock_that_ends_in_time_is_waited_for(store: Store, url: str) -> None:
    async with asyncio.TaskGroup() as group:
        with locked_by_another(url):
            task = group.create_task(remember(store, "1"))
            await asyncio.sleep(0)
    assert task.result()


@pytest.mark.proves("store.cancelled")
async def test_a_time_limit_while_the_database_is_locked_leaves_nothing_open(url: str) -> None:
    store = await open_store(url, busy_timeout_seconds=0.1)
    with locked_by_another(url), suppress(TimeoutError, StorageBusy):
        async with asyncio.timeout(0.01):
            await remember(store, "1")
    assert await store.unfinished(channels=CHANNELS) == []
    assert await remember(store, "1")
    await store.close()


@pytest.mark.proves("store.readonly")
async def test_a_database_that_turns_read_only_says_so_and_still_reads(url: str) -> None:
    store = await open_store(url)
    turn = await arrive(store, "1")
    await store.finish(conclusion(turn))
    await store.close()
    store = await open_store(url)
    await _turn_read_only(store, url)
    with pytest.raises(StorageReadOnly):
        await remember(store, "2")
    assert len(await store.history(SESSION, last=5)) == 1
    await store.close()


async def _turn_read_only(store: Store, url: str) -> None:
    if url.startswith("sqlite"):
        await store._database.write(lambda c: c.exec_driver_sql("PRAGMA query_only = ON"))
        return
    with psycopg.connect(url, autocommit=True) as connection:
        name = connection.info.dbname
        connection.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query NOT LIKE '%advisory%'"
            " AND datname = current_database() AND pid <> pg_backend_pid()"
        )


@pytest.mark.proves("store.once")
async def test_reads_see_every_write_that_was_reported(store: Store) -> None:
    async def write_and_read(number: int) -> None:
        session = f"console:{number}"
        turn = await arrive(store, str(number), session=session)
        await store.finish(conclusion(turn, session=session))
        assert [each.turn for each in await store.history(session, last=1)] == [turn]

    async with asyncio.TaskGroup() as group:
        for number in range(40):
            group.create_task(write_and_read(number))
