"""Two processes on one PostgreSQL database: what one does between two statements of the other one."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from sqlalchemy import Connection

from orchestrator.forgetting import whose
from storage import changes
from storage.errors import StorageError
from storage.records import Arrived, Parcel
from storage.store import Store, open_store
from tests.databases import PostgresServer
from tests.storage.samples import arrive, conclusion, remember

ANN, BEN = (json.dumps({"person": {"id": person, "name": ""}}) for person in ("me", "ben"))


class Deaf:
    """Nobody hears of what is written."""

    def prepare(self, connection: Connection) -> None:
        pass

    def arrived(self, connection: Connection, arrived: Arrived) -> None:
        pass

    def put_out(self, connection: Connection, parcels: Sequence[Parcel]) -> None:
        pass


@pytest.fixture
async def stores(postgres_server: PostgresServer) -> AsyncIterator[tuple[Store, Store]]:
    with postgres_server.database() as url:
        stores = await open_store(url, wires=Deaf()), await open_store(url, wires=Deaf())
        yield stores
        for each in stores:
            await each.close()


async def asked_to_be_forgotten(store: Store) -> None:
    """Everything of theirs has ended, and they wait for it."""
    event = await remember(store, "1", payload=ANN)
    assert event is not None
    for parcel in await store.finish(conclusion(event.turn, at=datetime.now(UTC))):
        await store.delivered(parcel.id)
    await store.change(changes.asking_to_forget("console", "me"))


async def forget(store: Store) -> dict[str, int] | None:
    return await store.forget("console", "me", whose, waits=True, changes=lambda counts: ())


@pytest.mark.proves("forget.waits")
@pytest.mark.parametrize("reading", range(4))
async def test_who_writes_again_just_as_they_are_forgotten_loses_nothing(
    stores: tuple[Store, Store], reading: int
) -> None:
    """Behind the look at what is at work: while it is looked for everything of theirs, and behind that."""
    one, other = stores
    await asked_to_be_forgotten(one)
    assert await remember(one, "by somebody", session="console:else", payload=BEN)
    loop, new, readings = asyncio.get_running_loop(), list[Arrived | None](), list[str]()

    def who(payload: str) -> tuple[str, str]:
        """Reading whose something is takes a while: meanwhile the other process takes in something new."""
        readings.append(payload)
        if len(readings) == reading + 1:
            coming = remember(other, "again", payload=ANN)
            new.append(asyncio.run_coroutine_threadsafe(coming, loop).result(timeout=20))
        return whose(payload)

    with suppress(StorageError):
        await one.forget("console", "me", who, waits=True, changes=lambda counts: ())
    (event,) = new
    assert event is not None
    assert await one.arrived(event.turn) is not None
    assert await one.finish(conclusion(event.turn)), "its turn can end"


@pytest.mark.proves("forget.waits")
async def test_who_was_forgotten_by_another_process_may_write_again_at_once(stores: tuple[Store, Store]) -> None:
    channel, worker = stores
    await asked_to_be_forgotten(channel)
    assert await forget(worker) is not None
    assert await arrive(channel, "again")


@pytest.mark.proves("forget.waits")
async def test_of_two_processes_one_forgets(stores: tuple[Store, Store]) -> None:
    await asked_to_be_forgotten(stores[0])
    counts = await asyncio.gather(*map(forget, stores))
    assert sum(each is not None for each in counts) == 1
