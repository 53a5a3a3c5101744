"""The jobs of a cluster's queue, each ended only by the worker that has it.

Procrastinate's own statements look at the number of a job alone. A worker that was cut off, or slept, and comes back
would give back or delete what another one has taken over meanwhile; so here they look at the worker, too.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from procrastinate.exceptions import UniqueViolation
from procrastinate.jobs import Job, Status
from procrastinate.manager import JobManager
from procrastinate.utils import utcnow

HELD = """
WITH held AS MATERIALIZED (
    SELECT id FROM procrastinate_jobs
    WHERE id = %(job)s AND status = 'doing' AND worker_id IS NOT DISTINCT FROM %(worker)s FOR UPDATE
)
"""
# After so many seconds by the server's clock: the worker's may be wrong.
GIVE_BACK = "SELECT procrastinate_retry_job_v2(id, now() + %(seconds)s * INTERVAL '1 s', NULL, NULL, NULL) FROM held"
FINISH = "SELECT procrastinate_finish_job_v1(id, %(status)s, %(delete)s) FROM held"


class Jobs(JobManager):
    """Raises procrastinate's ConnectorException."""

    async def give_back(self, job: Job, *, seconds: float = 0.0) -> bool:
        """Let anybody take this job, in so many seconds: False where its worker does not have it any more."""
        return await self._ended(job, GIVE_BACK, seconds=seconds)

    async def retry_job(
        self,
        job: Job,
        retry_at: datetime | None = None,
        priority: int | None = None,
        queue: str | None = None,
        lock: str | None = None,
    ) -> None:
        assert (priority, queue, lock) == (None, None, None), "a job that is tried again is the same one"
        await self.give_back(job, seconds=max(0.0, (retry_at - utcnow()).total_seconds()) if retry_at else 0.0)

    async def finish_job(self, job: Job, status: Status, delete_job: bool) -> None:  # noqa: FBT001 - as there
        await self._ended(job, FINISH, status=status.value, delete=delete_job)

    async def fetch_job(self, queues: Iterable[str] | None, worker_id: int) -> Job | None:
        try:
            return await super().fetch_job(queues, worker_id)
        except UniqueViolation:  # another worker took another job of this session at the same moment
            return None

    async def _ended(self, job: Job, how: str, **given: Any) -> bool:
        ended = await self.connector.execute_query_all_async(HELD + how, job=job.id, worker=job.worker_id, **given)
        return bool(ended)
