"""The queue of a cluster, by procrastinate: a waiting job for each session with work, put there with the event.

A job says only where there is work. Whoever takes it works off its session, and no other process does meanwhile: the
session is the job's lock.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Self

from procrastinate import App, BaseRetryStrategy, JobContext, PsycopgConnector, RetryDecision
from procrastinate.jobs import DeleteJobCondition, Job, Status
from procrastinate.schema import SchemaManager
from procrastinate.worker import Worker
from sqlalchemy import Connection, func, select, text

from bot.cluster.jobs import Jobs
from bot.cluster.line import reaching
from bot.cluster.pool import Pool

log = logging.getLogger(__name__)
logging.getLogger("procrastinate").setLevel(logging.WARNING)  # below that it writes some lines a job

QUEUE = "sessions"
TASK = "errand.serve"
CONNECTIONS = 4
WAIT_SECONDS = 5.0  # for a connection; and no longer between two tries to get one, as the server may be back
POLL_SECONDS = 0.2  # between two looks, where no notification has come: behind a job that has just let a session go
HEARTBEAT_SECONDS = 0.4
STALLED_SECONDS = 1.5  # without a heartbeat, after which a worker may be dead: whether it is, its line says
PRUNED_SECONDS = 24 * 3600.0  # not before it is certain that nobody asks for it any more

# By procrastinate's own function, and over the connection of whoever writes. A job that waits for this session is
# enough: it is held until the writer's transaction ends, so that nobody takes it and does not see what was written.
WAITS = text("SELECT id FROM procrastinate_jobs WHERE lock = :lock AND status = 'todo' LIMIT 1 FOR KEY SHARE")
DEFER = text(
    "SELECT procrastinate_defer_jobs_v1(ARRAY[ROW("
    ":queue, :task, 0, :lock, NULL, CAST(:args AS jsonb), NULL)::procrastinate_job_to_defer_v1])"
)

Serve = Callable[[str], Awaitable[None]]
"""Work off a session."""
IsGone = Callable[[int], Awaitable[bool]]
"""Whether the worker of this number is dead."""


class HandedOver(Exception):
    """A session is not worked off here any more, and may have work."""


ENDING = HandedOver, asyncio.CancelledError


class Again(BaseRetryStrategy):
    """A job that did not come to its end, as its process ends or its database was away, is anybody's again."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        return RetryDecision(retry_in={"seconds": 0 if isinstance(exception, ENDING) else 1})


class Queue:
    """One process's end of the queue. Use it as a context manager. Raises procrastinate's ConnectorException."""

    def __init__(self, url: str) -> None:
        self._app = App(
            connector=PsycopgConnector(
                pool_factory=Pool,
                conninfo=url,
                kwargs=reaching(url),
                min_size=1,
                max_size=CONNECTIONS,
                timeout=WAIT_SECONDS,
                reconnect_timeout=WAIT_SECONDS,
            )
        )
        self._jobs = self._app.job_manager = Jobs(self._app.connector)
        self._serve: Serve | None = None
        self._app.task(name=TASK, queue=QUEUE, retry=Again(), pass_context=True)(self._run)

    @staticmethod
    def prepare(connection: Connection) -> None:
        """Make its tables, where they are not there."""
        if connection.execute(select(func.to_regclass("procrastinate_jobs"))).scalar() is None:
            connection.exec_driver_sql(SchemaManager.get_schema().replace("%", "%%"))

    @staticmethod
    def defer(connection: Connection, session: str) -> None:
        """Note in this transaction that a session has work."""
        if connection.execute(WAITS, {"lock": session}).first() is None:
            job = {"queue": QUEUE, "task": TASK, "lock": session, "args": json.dumps({"session": session})}
            connection.execute(DEFER, job)

    async def __aenter__(self) -> Self:
        await self._app.open_async()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._app.close_async()

    async def put(self, sessions: Iterable[str]) -> None:
        """Note that these sessions have work, where no job says so yet."""
        known = {job.lock for job in await self._jobs.list_jobs_async(queue=QUEUE)}
        for session in sessions:
            if session not in known:
                await self._app.configure_task(TASK, queue=QUEUE, lock=session).defer_async(session=session)

    async def take_over(self, is_gone: IsGone) -> int:
        """Give the jobs of dead workers back to all: how many there were."""
        taken = 0
        stalled = await self._jobs.get_stalled_jobs(queue=QUEUE, seconds_since_heartbeat=STALLED_SECONDS)
        for job in stalled:
            if (job.worker_id is None or await is_gone(job.worker_id)) and await self._jobs.give_back(job):
                log.warning("a session is taken over from a worker that has died", extra={"session": job.lock})
                taken += 1
        return taken

    async def held(self, worker: int) -> list[Job]:
        """The jobs that this worker has."""
        return [*await self._jobs.list_jobs_async(queue=QUEUE, status=Status.DOING.value, worker_id=worker)]

    async def give_back(self, job: Job) -> None:
        """Let anybody take a job, unless its worker does not have it any more."""
        await self._jobs.give_back(job)

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
