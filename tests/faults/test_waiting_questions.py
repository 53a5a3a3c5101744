"""Ten thousand questions wait for their people, and cost nothing but rows."""

import asyncio
import gc
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from orchestrator.messages import Question
from storage.records import Arrived, OpenQuestion, Parcel, StoredPlan
from tests.conversations.talk import outgoing
from tests.faults.lives import life, words

pytestmark = [pytest.mark.faults, pytest.mark.timeout(120)]

ASKED, QUESTIONS = 200, 10_000  # so many are really asked; the others are their copies, as each takes 10 ms
TABLES = ("sessions", "inbox", "turns", "plans", "step_results", "questions", "outbox")


def in_memory() -> int:
    gc.collect()
    return sum(isinstance(each, Question | Arrived | OpenQuestion | Parcel | StoredPlan) for each in gc.get_objects())


def copy_the_first(database: Path) -> None:
    """The rows of the first question again, for each further chat."""

    def copied(value: Any, number: int) -> Any:
        if not isinstance(value, str):
            return number if value == 1 else value
        for old, new in (("fake:1", "fake:{}"), ('"chat":"1"', '"chat":"{}"'), ("text 1", "text {}")):
            value = value.replace(old, new.format(number))
        for name in ("t1", "q1"):
            value = value.replace(f'"{name}"', f'"{name[0]}{number}"')
            if value in {name, f"{name}.0"}:
                value = value.replace(name, f"{name[0]}{number}")
        return value

    with closing(sqlite3.connect(database)) as connection:
        for table in TABLES:
            first = next(row for row in connection.execute(f"SELECT * FROM {table}") if {"fake:1", "t1"} & {*row})
            rows = [[copied(value, number) for value in first] for number in range(ASKED + 1, QUESTIONS + 1)]
            if table == "inbox":
                rows = [[*row[:3], str(row[0]), *row[4:]] for row in rows]  # its event id
            connection.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(first))})", rows)
        connection.commit()


@pytest.mark.slow
@pytest.mark.proves("faults.questions")
async def test_ten_thousand_questions_wait_as_rows_alone_and_each_can_be_answered(tmp_path: Path) -> None:
    sent, tools = outgoing()
    async with life(tmp_path, toolsets=[tools]) as talk:
        tasks = len(asyncio.all_tasks())
        for chat in range(1, ASKED + 1):
            await talk.channel.push(words(talk, "", f'/send text="text {chat}"', chat=str(chat)))
        await talk.app.idle()
        assert sum(isinstance(each.part, Question) for each in talk.channel.shown.values()) == ASKED
        assert len(asyncio.all_tasks()) == tasks, "no task waits for a person"
    del talk
    copy_the_first(tmp_path / "errand.db")
    async with life(tmp_path, toolsets=[tools]) as talk:
        assert len(await talk.app.store.unanswered(asked_before=words(talk, "", "").sent_at)) == QUESTIONS
        assert len(asyncio.all_tasks()) == tasks
        assert in_memory() < 10, "a start reads none of them"  # other tests of this process may have left one
        for chat in (1, ASKED, QUESTIONS // 2, QUESTIONS):
            receipt = await talk.channel.push(words(talk, "", "yes", chat=str(chat)))
            assert "sent it" in (await talk.outcome(receipt.turn or "")).text
        assert len(await talk.app.store.unanswered(asked_before=words(talk, "", "").sent_at)) == QUESTIONS - 4
    assert sent == [f"text {chat}" for chat in (1, ASKED, QUESTIONS // 2, QUESTIONS)]
