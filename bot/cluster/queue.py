"""The queue of a cluster: a job for each event, put there in the event's own transaction, by procrastinate.

A job says only where there is work. Whoever takes it works off its session, and no other process does meanwhile: the
session is the job's lock.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Self

from procrastinate import App, BaseRetryStrategy, JobContext, PsycopgConnector, RetryDecision, SyncPsycopgConnector
from procrastinate.jobs import DeleteJobCondition, Job
from procrastinate.tasks import Task
from procrastinate.worker import Worker
from sqlalchemy import Connection

log = logging.getLogger(__name__)
logging.getLogger("procrastinate").setLevel(logging.WARNING)  # below that it writes some lines a job

QUEUE = "sessions"
TASK = "errand.serve"
CONNECTIONS = 4
POLL_SECONDS = 0.2  # between two looks, where no notification has come: behind a job that has just let a session go
HEARTBEAT_SECONDS = 0.5
STALLED_SECONDS = 2.0  # without a heartbeat, after which a worker may be dead: whether it is, its line says
PRUNED_SECONDS = 24 * 3600.0  # not before it is certain that nobody asks for it any more

Serve = Callable[[str], Awaitable[None]]
"""Work off a session."""
IsGone = Callable[[int], Awaitable[bool]]
"""Whether the worker of this number is dead."""


class Again(BaseRetryStrategy):
    """A job that did not come to its end, as its process ends or its database was away, is anybody's again."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        return RetryDecision(retry_in={"seconds": 0 if isinstance(exception, asyncio.CancelledError) else 1})


class Queue:
    """One process's end of the queue. Use it as a context manager. Raises procrastinate's ConnectorException."""

    def __init__(self, url: str) -> None:
        self._app = App(connector=PsycopgConnector(conninfo=url, min_size=1, max_size=CONNECTIONS))
        # Never opened: it only writes to connections of others, in their transactions.
        self._writer = App(connector=SyncPsycopgConnector(conninfo=url))
        self._deferred = _task(self._writer, _elsewhere)
        self._serve: Serve | None = None
        _task(self._app, self._run)

    def defer(self, connection: Connection, session: str) -> None:
        """Note in this transaction that a session has work."""
        raw = connection.connection.driver_connection
        self._deferred.configure(lock=session, connection=raw).defer(session=session)

    async def __aenter__(self) -> Self:
        await self._app.open_async()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._app.close_async()

    async def is_ready(self) -> bool:
        """Whether its tables are there."""
        return await self._app.check_connection_async()

    async def make_ready(self) -> None:
        """Make its tables."""
        await self._app.schema_manager.apply_schema_async()

    async def put(self, sessions: Iterable[str]) -> None:
        """Note that these sessions have work, where no job says so yet."""
        known = {job.lock for job in await self._app.job_manager.list_jobs_async(queue=QUEUE)}
        for session in sessions:
            if session not in known:
                await self._app.configure_task(TASK, queue=QUEUE, lock=session).defer_async(session=session)

    async def take_over(self, is_gone: IsGone) -> int:
        """Give the jobs of dead workers back to all: how many there were."""
        stalled = await self._app.job_manager.get_stalled_jobs(queue=QUEUE, seconds_since_heartbeat=STALLED_SECONDS)
        jobs = [job for job in stalled if job.worker_id is None or await is_gone(job.worker_id)]
        for job in jobs:
            log.warning("a session is taken over from a worker that has died", extra={"session": job.lock})
            await self._app.job_manager.retry_job(job)
        return len(jobs)

    def worker(self, serve: Serve, *, at_once: int, drain_seconds: float) -> Worker:
        """Works off so many sessions at once."""
        self._serve = serve
        return Worker(
            app=self._app,
            queues=[QUEUE],
            concurrency=at_once,
            fetch_job_polling_interval=POLL_SECONDS,
            shutdown_graceful_timeout=drain_seconds,
            delete_jobs=DeleteJobCondition.ALWAYS,
            install_signal_handlers=False,
            update_heartbeat_interval=HEARTBEAT_SECONDS,
            stalled_worker_timeout=PRUNED_SECONDS,
        )

    async def _run(self, context: JobContext, session: str) -> None:
        assert self._serve is not None, "only its worker takes jobs"
        await self._serve(session)


async def _elsewhere(context: JobContext, session: str) -> None:
    raise AssertionError("this end of the queue only puts jobs into it")


def _task(app: App, work: Callable[[JobContext, str], Awaitable[None]]) -> Task[Any, Any, Any]:
    return app.task(name=TASK, queue=QUEUE, retry=Again(), pass_context=True)(work)
