"""PostgreSQL goes away in the middle of turns and comes back: nothing is lost, and nothing happens twice."""

import asyncio
import os
import signal
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from storage.errors import StorageTaken
from storage.store import open_store
from tests.conversations.program import LONGEST_WAIT, Program, calls_made, serving, working
from tests.databases import PostgresServer, a_server
from tests.storage.samples import arrive, remember

pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(240)]

# ERRAND_AWAY_SECONDS=30 for what an operator's restart may take. Pauses between tries grow, so longer shows no more.
AWAY_SECONDS = float(os.environ.get("ERRAND_AWAY_SECONDS", "4"))
PLAN = '/plan a: lookup(key="{0}-one")\nb: slow(seconds=1.5) after a\nc: lookup(key="{0}-three") after b'
CHATS = ["1", "2", "3"]


@pytest.fixture
def server(binaries: Path) -> Iterator[PostgresServer]:
    with a_server(binaries) as server:
        yield server


@pytest.fixture
def database(server: PostgresServer) -> Iterator[str]:
    with server.database() as url:
        yield url


async def under_way(folder: Path, tool: str, *, calls: int) -> None:
    """Returns once so many calls of a tool have been made."""
    async with asyncio.timeout(LONGEST_WAIT):
        while [name for name, _ in calls_made(folder)].count(tool) < calls:
            await asyncio.sleep(0.02)  # another process writes it down


async def answers(program: Program, count: int) -> list[dict[str, Any]]:
    """So many deliveries, all there have been by now."""
    while len(program.deliveries) < count:
        assert await program.read(within=LONGEST_WAIT + 2 * AWAY_SECONDS) is not None, program.lines
    return program.deliveries


async def taken_at_last(program: Program, event_id: str, text: str, *, chat: str) -> None:
    """Send a message again until it is taken, as a sender does who is told that it was not."""
    while True:
        program.send(event_id, text, chat=chat)
        told: dict[str, Any] = {}
        while event_id not in {told.get("accepted"), told.get("rejected")}:
            line = await program.read(within=LONGEST_WAIT + 2 * AWAY_SECONDS)
            assert line is not None
            told = line
        if "accepted" in told:
            return
        await asyncio.sleep(0.2)


async def away_in_mid_turn(folder: Path, program: Program, server: PostgresServer, how: signal.Signals) -> None:
    """In each chat a plan runs while the server goes away, and a message comes meanwhile."""
    for chat in CHATS:
        program.send(f"{chat}-plan", PLAN.format(chat), chat=chat)
    await under_way(folder, "slow", calls=len(CHATS))
    server.stop(how)
    program.send("meanwhile", "/lookup key=meanwhile", chat=CHATS[0])
    while (line := await program.read()) is not None and "rejected" not in line:
        pass
    assert line is not None
    assert line["rejected"] == "meanwhile"
    assert "Nothing was taken" in line["error"]
    await asyncio.sleep(AWAY_SECONDS)
    server.start()
    for chat in CHATS:
        await taken_at_last(program, f"{chat}-later", f"/lookup key={chat}-later", chat=chat)
    await taken_at_last(program, "meanwhile", "/lookup key=meanwhile", chat=CHATS[0])


def all_is_well(folder: Path, deliveries: Sequence[dict[str, Any]]) -> None:
    """Each message has one answer, in order, and what had ended was not done again."""
    shown = {each["delivery"]: each for each in deliveries}
    assert len(shown) == 2 * len(CHATS) + 1
    assert all(each["repeated"] for each in deliveries if each is not shown[each["delivery"]]) or len(shown) == len(
        deliveries
    )
    texts = {chat: [each["part"]["text"] for each in shown.values() if each["chat"] == chat] for chat in CHATS}
    for chat in CHATS:
        assert f"value of {chat}-one" in texts[chat][0]
        assert f"value of {chat}-three" in texts[chat][0]
        assert f"value of {chat}-later" in texts[chat][1]
    looked_up = Counter(arguments["key"] for tool, arguments in calls_made(folder) if tool == "lookup")
    assert all(looked_up[f"{chat}-one"] == 1 for chat in CHATS), "it had ended, and was stored"
    assert set(looked_up) == {
        "meanwhile",
        *(f"{chat}-{which}" for chat in CHATS for which in ("one", "three", "later")),
    }


@pytest.mark.proves("faults.postgresql")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT])
async def test_alone_every_message_is_answered_once_though_postgresql_was_away(
    tmp_path: Path, server: PostgresServer, database: str, how: signal.Signals
) -> None:
    async with serving(tmp_path, database=database) as program:
        await away_in_mid_turn(tmp_path, program, server, how)
        await answers(program, 2 * len(CHATS) + 1)
        await program.end_of_input()
    all_is_well(tmp_path, program.deliveries)


@pytest.mark.proves("faults.postgresql")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT])
async def test_in_a_cluster_every_message_is_answered_once_though_postgresql_was_away(
    tmp_path: Path, server: PostgresServer, database: str, how: signal.Signals
) -> None:
    async with AsyncExitStack() as cluster:
        channels = await cluster.enter_async_context(serving(tmp_path, database=database, part="channels"))
        for _ in range(2):
            await cluster.enter_async_context(working(tmp_path, database=database))
        await away_in_mid_turn(tmp_path, channels, server, how)
        await answers(channels, 2 * len(CHATS) + 1)
        await channels.end_of_input()
    all_is_well(tmp_path, channels.deliveries)


@pytest.mark.proves("faults.postgresql_lock")
async def test_an_errand_holds_its_lock_again_after_a_restart_of_the_server(
    server: PostgresServer, database: str
) -> None:
    store = await open_store(database)
    server.stop()
    server.start()
    assert await remember(store, "1")
    with pytest.raises(StorageTaken):
        await open_store(database, busy_timeout_seconds=0.2)
    await store.close()


@pytest.mark.proves("faults.postgresql_lock")
async def test_an_errand_whose_database_another_one_has_taken_meanwhile_stores_nothing_more(
    server: PostgresServer, database: str
) -> None:
    store = await open_store(database, busy_timeout_seconds=0.2)
    await arrive(store, "before")
    server.stop()
    server.start()
    other = await open_store(database, busy_timeout_seconds=0.2)
    with pytest.raises(StorageTaken):
        await remember(store, "1")
    await other.close()
    assert await remember(store, "1"), "and it goes on where that one has ended"
    await store.close()
