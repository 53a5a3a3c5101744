"""The connections of a cluster's queue."""

import asyncio

import pytest

from bot.cluster.pool import Pool
from tests.databases import PostgresServer


@pytest.mark.proves("faults.cut_off")
@pytest.mark.parametrize("moments", range(12))
async def test_who_is_to_end_as_a_connection_is_free_ends(postgres_server: PostgresServer, moments: int) -> None:
    url = postgres_server.url("postgres")
    async with Pool(url, min_size=1, max_size=1, open=False) as pool:
        only = await pool.getconn()
        waiting = asyncio.create_task(pool.getconn(timeout=20))
        await asyncio.sleep(0.05)
        giving_back = asyncio.create_task(pool.putconn(only))
        for _ in range(moments):
            await asyncio.sleep(0)
        was_waiting = waiting.cancel()
        await asyncio.wait({waiting, giving_back})
        assert waiting.cancelled() == was_waiting
        if not was_waiting:
            await pool.putconn(waiting.result())
        async with pool.connection(timeout=5) as again:
            await again.execute("SELECT 1")
