"""Events come twice, late and in any order, and messages come that kill whoever works on them."""

import asyncio
import random
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from orchestrator.messages import Receipt
from orchestrator.tools.functions import Functions, tool
from tests.conversations.program import Program, calls_made, serving, working
from tests.databases import PostgresServer
from tests.faults.lives import life, texts, words

pytestmark = pytest.mark.faults

CHATS, EACH = ("1", "2", "3"), 6
DEADLY = '/plan a: lookup(key="one")\nb: lookup(key="two") after a'


@pytest.mark.usefixtures("way")
@pytest.mark.proves("faults.deliveries")
async def test_events_that_come_three_times_in_any_order_are_answered_once_in_the_order_of_their_arrival(
    tmp_path: Path,
) -> None:
    looked: list[str] = []

    @tool(read_only=True)
    def look(what: str) -> str:
        """Look something up."""
        looked.append(what)
        return f"seen {what}"

    events = [(chat, f"{chat}-{number}") for chat in CHATS for number in range(EACH)] * 3
    random.Random(7).shuffle(events)
    receipts: list[Receipt] = []
    for at in range(2):  # the rest comes after a restart
        async with life(tmp_path, toolsets=[Functions([look])]) as talk:
            sent = [words(talk, name, f"/look what={name}", chat=chat) for chat, name in events[at * 27 :][:27]]
            receipts += await asyncio.gather(*map(talk.channel.push, sent))
            await talk.app.idle()
            seen = {chat: texts(talk, chat=chat) for chat in CHATS}
            turns = {chat: await talk.app.store.history(f"fake:{chat}", last=99) for chat in CHATS}
        for chat in CHATS:
            answered = [record.answer for record in turns[chat]][-len(seen[chat]) :] if seen[chat] else []
            assert list(seen[chat]) == answered, "they were shown in the order in which they had arrived"
    assert sum(receipt.new for receipt in receipts) == len(CHATS) * EACH
    assert Counter(looked) == Counter({name for _, name in events})


@pytest.mark.slow
@pytest.mark.timeout(240)
@pytest.mark.proves("faults.poison", "restart.poison")
async def test_a_message_that_kills_three_processes_is_answered_as_failed_and_the_session_goes_on(
    tmp_path: Path,
) -> None:
    lives: list[Program] = []
    for _ in range(3):
        async with serving(tmp_path, "keep_step", "before", "1") as program:
            lives.append(program)
            program.send("event-1", DEADLY)
            await program.death()
    async with serving(tmp_path) as program:
        program.send("event-2", "/lookup key=four")
        await program.end_of_input()
    assert not any(each.deliveries for each in lives)
    failed, answer = program.deliveries
    assert "Something went wrong on my side (t1)" in failed["part"]["text"]
    assert "value of four" in answer["part"]["text"]
    assert Counter(arguments["key"] for _, arguments in calls_made(tmp_path)) == {"one": 3, "four": 1}


@pytest.mark.slow
@pytest.mark.timeout(240)
@pytest.mark.proves("faults.poison")
async def test_in_a_cluster_too_a_message_that_kills_three_workers_is_answered_as_failed(
    tmp_path: Path, postgres_server: PostgresServer
) -> None:
    async with AsyncExitStack() as cluster:
        database = cluster.enter_context(postgres_server.database())
        channels = await cluster.enter_async_context(serving(tmp_path, database=database, part="channels"))
        channels.send("event-1", DEADLY)
        for _ in range(3):
            async with working(tmp_path, "keep_step", "before", "1", database=database) as worker:
                await asyncio.wait_for(worker.wait(), 60)
        channels.send("event-2", "/lookup key=four")
        await cluster.enter_async_context(working(tmp_path, database=database))
        failed, answer = await channels.delivery(), await channels.delivery()
        await channels.end_of_input()
    assert "Something went wrong on my side (t1)" in failed["part"]["text"]
    assert "value of four" in answer["part"]["text"]
    assert Counter(arguments["key"] for _, arguments in calls_made(tmp_path)) == {"one": 3, "four": 1}
