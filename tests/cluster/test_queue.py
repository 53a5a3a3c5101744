"""The queue of a cluster."""

from collections.abc import AsyncIterator

import psycopg
import pytest
from procrastinate.manager import JobManager
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
