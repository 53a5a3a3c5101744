"""A pool of connections whose callers can be cancelled."""

import asyncio
from typing import Any

from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool


class Pool(AsyncConnectionPool[AsyncConnection[Any]]):
    """Its callers hear of every cancellation.

    It waits for a connection by `asyncio.wait_for`, which before Python 3.12 forgets a cancellation that comes together
    with what it waits for. Whoever looks at the queue again and again was then never ended, nor was its process.
    """

    async def getconn(self, timeout: float | None = None) -> AsyncConnection[Any]:  # noqa: ASYNC109 - as there
        """Raises PoolTimeout."""
        task = asyncio.current_task()
        assert task is not None, "only tasks wait"
        cancelled_before = task.cancelling()
        connection = await super().getconn(timeout)
        if task.cancelling() > cancelled_before:
            await self.putconn(connection)
            raise asyncio.CancelledError
        return connection
