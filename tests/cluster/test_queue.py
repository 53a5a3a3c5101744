"""The queue of a cluster."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import timedelta

import psycopg
import pytest
from procrastinate.jobs import Status
from procrastinate.manager import JobManager
from procrastinate.utils import utcnow
from sqlalchemy import create_engine

from bot.cluster.queue import QUEUE, Queue
from tests.databases import PostgresServer

IDLE = "UPDATE procrastinate_workers SET last_heartbeat = last_heartbeat - INTERVAL '1 hour' WHERE id = %s"
JOBS = "SELECT status::text, worker_id FROM procrastinate_jobs"


class Watched(Queue):
    """Some workers of it, without their loops."""

    @property
    def jobs(self) -> JobManager:
        return self._app.job_manager

    async def takes(self) -> int:
        """A new worker takes the job that waits: the worker's number."""
        worker = await self.jobs.register_worker()
        assert await self.jobs.fetch_job([QUEUE], worker)
        return worker


@pytest.fixture
async def url(postgres_server: PostgresServer) -> AsyncIterator[str]:
    with postgres_server.database() as url:
        engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
        with engine.begin() as connection:
            Queue.prepare(connection)
        engine.dispose()
        yield url


@pytest.mark.proves("cluster.takeover")
async def test_who_is_late_to_take_over_does_not_take_from_the_one_who_has(url: str) -> None:
    async with Watched(url) as queue:
        await queue.put(["fake:1"])
        dead = await queue.takes()
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(IDLE, [dead])

            async def gone(worker: int) -> bool:
                return worker == dead

            living: list[int] = []

            async def gone_as_another_one_has_seen_too(worker: int) -> bool:
                assert await queue.take_over(gone) == 1
                living.append(await queue.takes())
                return await gone(worker)

            assert await queue.take_over(gone_as_another_one_has_seen_too) == 0
            assert connection.execute(JOBS).fetchall() == [("doing", *living)]


@pytest.mark.proves("cluster.takeover")
async def test_who_comes_back_ends_nothing_that_another_one_has_taken_over(url: str) -> None:
    async with Watched(url) as queue, await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        await queue.put(["fake:1"])
        lost = await queue.takes()
        (job,) = await queue.held(lost)
        await connection.execute(IDLE, [lost])

        async def gone(worker: int) -> bool:
            return worker == lost

        assert await queue.take_over(gone) == 1
        await queue.jobs.finish_job(job, Status.SUCCEEDED, delete_job=True)
        living = await queue.takes()
        await queue.jobs.retry_job(job)
        await queue.jobs.finish_job(job, Status.SUCCEEDED, delete_job=True)
        assert await (await connection.execute(JOBS)).fetchall() == [("doing", living)]
        (theirs,) = await queue.held(living)
        await queue.jobs.retry_job(theirs, retry_at=utcnow() + timedelta(seconds=60))
        assert await (await connection.execute(f"{JOBS} WHERE scheduled_at > now()")).fetchall() == [("todo", living)]


@pytest.mark.proves("cluster.order")
async def test_two_events_of_a_session_at_the_same_moment_stop_no_worker(url: str) -> None:
    """The second one's job comes first, and is taken while the first one's becomes visible."""
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    async with Watched(url) as queue, AsyncExitStack() as opened:
        taker, late = await queue.jobs.register_worker(), await queue.jobs.register_worker()
        first = engine.connect()
        Queue.defer(first, "fake:1")
        with engine.begin() as second:
            Queue.defer(second, "fake:1")
        taking = await opened.enter_async_context(await psycopg.AsyncConnection.connect(url))
        await taking.execute("SELECT procrastinate_fetch_job_v2(ARRAY['sessions'], %s)", [taker])
        first.commit()
        fetching = asyncio.create_task(queue.jobs.fetch_job([QUEUE], late))
        await asyncio.sleep(0.3)
        assert not fetching.done(), "it waits for whoever has the session"
        await taking.commit()
        assert await fetching is None
        first.close()
    engine.dispose()
