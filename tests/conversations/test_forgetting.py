"""Forgetting, retention and export, as people and operators meet them."""

import asyncio
import json
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.settings import Settings
from orchestrator.messages import Answer, Attachment, Choice, Delivery, Person, Question
from storage.changes import asking_to_forget
from storage.store import open_store
from storage.tables import metadata
from tests.bot.command import errand
from tests.conversations.talk import LONGEST_WAIT, Talk, talking
from tests.fakes.channel import FakeChannel

ANN, NAME, CANARY = "u774411223", "Ann Leewards", "zanzibar"
TOOLS: dict[str, Any] = {"toolsets": None, "send_to": "team=fake:1"}
RECORDED = Attachment(name="canary.txt", mime="text/plain", ref="note")


def ann(talk: Talk, *, chat: str) -> Talk:
    """Ann's side of a chat."""
    hers = Talk(talk.app, talk.channel, chat=chat)
    hers.person = Person(id=ANN, name=NAME)
    return hers


async def a_life_of_ann(talk: Talk, *, chat: str = f"dm-{ANN}") -> Talk:
    """She talks alone and in a group, and leaves traces wherever one can."""
    talk.channel.files["note"] = f"a file about {CANARY}".encode()
    alone, group = ann(talk, chat=chat), ann(talk, chat="1")
    for words in (
        f"/memory add I live in {CANARY}",
        "/language en",
        f"sing about {CANARY}",
        f"/tool send_message to=team text={CANARY}",
        "always",
        f"/remind tomorrow at 8:30 visit {CANARY}",
        f"/save {CANARY} t4",
    ):
        await alone.say(words)
    await alone.say("/send", RECORDED)
    await alone.say(f"/new {CANARY}")
    await group.say(f"dance in {CANARY}")
    return alone


def whole(folder: Path) -> dict[str, bytes]:
    """Every byte that is kept, by the file."""
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def traces(folder: Path) -> list[tuple[str, str]]:
    """Where something of Ann's is to be seen, in any file or its name."""
    words = (ANN, NAME, CANARY, "canary")
    return [
        (name, word) for name, data in whole(folder).items() for word in words if word.encode() in data or word in name
    ]


@pytest.mark.proves("forget.everything", "forget.asks")
async def test_whoever_is_forgotten_is_in_no_byte_of_the_database_and_in_no_file(tmp_path: Path) -> None:
    async with talking(tmp_path, **TOOLS) as talk:
        alone = await a_life_of_ann(talk)
        store = talk.app.store
        assert len(await store.scheduled("fake", ANN)) == len(await store.granted("fake", ANN)) == 1
        assert CANARY in await store.templates()
        await talk.say("yodel on a hill")
        assert {word for _, word in traces(tmp_path)} == {ANN, NAME, CANARY, "canary"}
        asked = await alone.asked("/forget me")
        assert "turns: " in asked.text
        told = await alone.told("yes")
        assert "I forget you now" in told
        assert "turns: " in told
        await talk.app.idle()
        assert traces(tmp_path) == []  # while it runs: the log beside the database is empty by then, too
        (row,) = await store.audited(kinds=["forget"])
        assert json.loads(row.details)["rows"]["memories"] == 1
        assert (await store.verify_audit()).broken_at is None
    with sqlite3.connect(tmp_path / "errand.db") as connection:
        dumped = "\n".join(connection.iterdump())
    connection.close()
    assert all(f'"{table}"' in dumped or f" {table} " in dumped for table in metadata.tables)
    assert not any(word in dumped for word in (ANN, NAME, CANARY))
    async with talking(tmp_path) as talk:
        assert "I keep nothing about you" in await ann(talk, chat="1").told("/memory")


@pytest.mark.proves("forget.asks")
async def test_forgetting_asks_first_and_a_no_leaves_all_as_it_is(tmp_path: Path) -> None:
    async with talking(tmp_path) as talk:
        await talk.say(f"/memory add I live in {CANARY}")
        question = await talk.asked("/forget me")
        assert [field.choices for field in question.fields] == [("yes", "no")]
        other = talk.as_person("bob")
        assert not isinstance(await other.say("yes"), Question)
        press = Choice(
            event_id="press",
            address=talk.address,
            person=talk.person,
            sent_at=datetime.now(UTC),
            question=question.id,
            value="no",
        )
        receipt = await talk.channel.push(press)
        assert receipt.turn is not None
        assert "stays as it is" in (await talk.outcome(receipt.turn)).text
        await talk.app.idle()
        assert CANARY in await talk.told("/memory")
        assert "/forget me" in await talk.told("/forget bob")


@pytest.mark.proves("forget.waits")
async def test_what_was_asked_before_a_death_is_forgotten_at_the_next_start(tmp_path: Path) -> None:
    async with talking(tmp_path) as talk:
        await a_life_of_ann(talk)
    store = await open_store(str(tmp_path / "errand.db"))
    await store.change(asking_to_forget("fake", ANN))
    await store.close()
    async with talking(tmp_path) as talk:
        await talk.app.caretaker.look_after()
        assert traces(tmp_path) == []


class Slow(FakeChannel):
    """A part is shown some time after it was said."""

    async def deliver(self, delivery: Delivery) -> None:
        await asyncio.sleep(0.3)
        await super().deliver(delivery)


@pytest.mark.proves("forget.waits")
async def test_whoever_is_forgotten_is_so_soon_after_the_last_word_to_them(
    tmp_path: Path, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.caretaker.LOOK", timedelta(seconds=0.1))
    async with talking(tmp_path, channel=Slow) as talk:
        alone = ann(talk, chat=f"dm-{ANN}")
        await alone.told(f"/memory add I live in {CANARY}")
        await alone.asked("/forget me")
        await alone.told("yes")
        async with asyncio.timeout(LONGEST_WAIT):
            while await talk.app.store.asked_to_be_forgotten():
                await asyncio.sleep(0.05)
        assert await talk.app.store.memories("fake", ANN) == [], way
        assert len(await talk.app.store.audited(kinds=["forget"])) == 1


def leave_in_free_space(folder: Path, words: str) -> None:
    """As an older version of SQLite would: rows that were deleted are still in the file."""
    with sqlite3.connect(folder / "errand.db") as connection:
        connection.execute("PRAGMA secure_delete = OFF")
        connection.executescript(f"CREATE TABLE t AS SELECT '{words * 9}' AS w; DROP TABLE t;")
    connection.close()


@pytest.mark.slow
@pytest.mark.proves("forget.command")
async def test_the_operator_forgets_a_person_and_gets_a_receipt(tmp_path: Path) -> None:
    async with talking(tmp_path) as talk:
        await a_life_of_ann(talk)
    leave_in_free_space(tmp_path, CANARY)
    refused = await errand(tmp_path, "forget", "fake", ANN)
    assert refused.returncode == 1
    assert traces(tmp_path) != []
    done = await errand(tmp_path, "forget", "--yes", "fake", ANN)
    assert "- memories: 1" in done.stdout, done.stderr
    assert "- files: 1" in done.stdout
    assert traces(tmp_path) == []
    again = await errand(tmp_path, "forget", "--yes", "fake", ANN)
    assert "Nothing is kept" in again.stderr


@pytest.mark.proves("retention.turns", "retention.rest")
async def test_what_is_older_than_its_days_is_deleted_at_the_start(tmp_path: Path) -> None:
    days: dict[str, Any] = {f"keep_{what}_days": 30 for what in ("turns", "files", "audit", "declined")}
    async with talking(tmp_path, **days) as talk:
        await a_life_of_ann(talk)
        await talk.app.idle()
        await talk.app.caretaker.look_after()
        store = talk.app.store
        assert await store.declined() != []
        turns = len(await store.turns_after("t0", most=100))
        assert turns > 5

    def later() -> datetime:
        return datetime.now(UTC) + timedelta(days=31)

    async with talking(tmp_path, now=later, **days) as talk:
        await talk.app.caretaker.look_after()
        store = talk.app.store
        assert await store.declined() == []
        left = await store.turns_after("t0", most=100)
        assert [turn for turn in left if CANARY in turn.request] == []
        assert [row.kind for row in await store.audited()] == ["retention"]
        assert (await store.verify_audit()).broken_at is None
        assert [path for path in tmp_path.glob("errand-files/*") if path.is_file()] == []
        assert await store.memories("fake", ANN) != []  # what somebody wants to be kept in mind has no term


@pytest.mark.slow
@pytest.mark.proves("export.shape")
async def test_an_export_has_every_line_that_its_page_names_and_no_secret(tmp_path: Path) -> None:
    async with talking(tmp_path) as talk:
        await a_life_of_ann(talk)
        await talk.say("my token=abcdef123456 is secret")
    done = await errand(tmp_path, "export")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [lines[0]["kind"], lines[-1]["kind"]] == ["export", "end"]
    assert lines[-1]["lines"] == len(lines) - 2
    kinds = {line["kind"] for line in lines}
    assert kinds == {"export", "session", "turn", "audit", "end"}
    turn = next(line for line in lines if line["kind"] == "turn" and line["request"].startswith("sing"))
    assert turn["dossier"]["decision"]["kind"] == "refuse"
    assert "abcdef123456" not in done.stdout
    page = (Path(__file__).parents[2] / "docs" / "privacy.md").read_text()
    assert all(f"| `{kind}` |" in page for kind in kinds)
    again = await errand(tmp_path, "export", "--since", "2200-01-01")
    assert [json.loads(line)["kind"] for line in again.stdout.splitlines()][1:] == ["session", "session", "end"]


@pytest.mark.slow
@pytest.mark.proves("export.audited", "export.shape")
async def test_an_export_of_a_person_is_theirs_alone_and_stands_in_the_audit(tmp_path: Path) -> None:
    async with talking(tmp_path) as talk:
        await a_life_of_ann(talk)
        await talk.say("mine is secret")
    done = await errand(tmp_path, "export", "--person", f"fake:{ANN}")
    assert CANARY in done.stdout
    assert "mine is secret" not in done.stdout
    page = (Path(__file__).parents[2] / "docs" / "privacy.md").read_text()
    assert all(f"| `{json.loads(line)['kind']}` |" in page for line in done.stdout.splitlines())
    audited = await errand(tmp_path, "audit", "--kind", "export")
    assert ANN in audited.stdout
    wrong = await errand(tmp_path, "export", "--person", ANN)
    assert "CHANNEL:ID" in wrong.stderr


@pytest.mark.proves("export.mine")
async def test_people_get_their_own_data_as_a_file_where_nobody_reads_along(tmp_path: Path) -> None:
    async with talking(tmp_path) as talk:
        alone = await a_life_of_ann(talk)
        part = await alone.say("/export me")
        assert isinstance(part, Answer)
        data = (await talk.app.files.read(part.files[0].file)).decode()
        assert {json.loads(line)["kind"] for line in data.splitlines()} > {"memory", "turn", "audit"}
        assert CANARY in data
        alone.private = False
        assert "nobody reads along" in await alone.told("/export me")
        await alone.asked("/forget me")
        alone.private = True
        await alone.told("yes")
        await talk.app.idle()
        assert traces(tmp_path) == []


@pytest.mark.proves("privacy.page")
def test_the_page_on_privacy_names_every_setting_of_how_long_things_are_kept() -> None:
    page = (Path(__file__).parents[2] / "docs" / "privacy.md").read_text()
    assert all(f"`{name}`" in page for name in Settings.model_fields if name.startswith("keep_"))
