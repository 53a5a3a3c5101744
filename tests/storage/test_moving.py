"""Everything in another database: the same to the last character, or nothing at all."""

import asyncio
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, event, select

from storage import changes, moving
from storage.errors import StorageError, StorageMissing, StorageTaken
from storage.migrations import KNOWN
from storage.moving import Digests, copy_out, move
from storage.records import AuditEntry, Scheduled
from storage.store import Store, open_store
from storage.tables import metadata
from tests.databases import PostgresServer
from tests.storage.filled import Values, fill
from tests.storage.samples import NOW, arrive, conclusion, record, talk
from tests.storage.test_conversations import BACK, BACK_IN_POSTGRESQL, BACK_IN_SQLITE
from tests.storage.test_opening import HOME, execute

NOTHING = dict.fromkeys((table.name for table in metadata.sorted_tables), 0)


@pytest.fixture
def target(url: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database of the other kind than `url`."""
    if not url.startswith("sqlite"):
        yield f"sqlite:///{tmp_path}/other.db"
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    with server.database() as other:
        yield other


async def counts(url: str) -> dict[str, int]:
    """How many rows each table has."""
    store = await open_store(url)
    try:
        return {
            table.name: len(await store._database.read(lambda c, t=table: c.execute(select(t)).all()))  # type: ignore[misc]
            for table in metadata.sorted_tables
        }
    finally:
        await store.close()


async def filled(url: str, values: Values = Values(), count: int = 4) -> None:  # noqa: B008 - it is frozen
    store = await open_store(url)
    await fill(store, values, count)
    await store.close()


# --- the same


@pytest.mark.slow
@pytest.mark.proves("storage.migrate_same")
async def test_every_table_arrives_with_the_same_rows(url: str, target: str) -> None:
    await filled(url)
    there = await move(url, target)
    assert {name: digest.rows for name, digest in there.items()} == dict.fromkeys(NOTHING, 4)
    assert await counts(target) == await counts(url) == dict.fromkeys(NOTHING, 4)


odd_text = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=30)
odd_values = st.builds(
    Values,
    texts=st.lists(odd_text, min_size=1, max_size=20),
    integers=st.lists(st.integers(-(2**31), 2**31 - 1), min_size=1, max_size=20),
    large=st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=20),
    floats=st.lists(st.floats(min_value=0.0, allow_nan=False), min_size=1, max_size=20),
    times=st.lists(
        st.datetimes(datetime(1970, 1, 1), datetime(9999, 12, 30), timezones=st.just(UTC)),  # noqa: DTZ001
        min_size=1,
        max_size=20,
    ),
)


@pytest.mark.slow
@pytest.mark.proves("storage.migrate_same")
@pytest.mark.timeout(120)
@settings(max_examples=3, deadline=None)  # each makes three databases, in some seconds
@given(values=odd_values)
def test_there_and_back_again_nothing_has_changed(postgres_server: PostgresServer, values: Values) -> None:
    async def there_and_back(folder: str, between: str) -> tuple[Digests, Digests]:
        await filled(f"{folder}/first.db", values, 20)
        return await move(f"{folder}/first.db", between), await move(between, f"{folder}/last.db")

    with tempfile.TemporaryDirectory() as folder, postgres_server.database() as between:
        there, back = asyncio.run(there_and_back(folder, between))
        assert there == back
        assert {digest.rows for digest in back.values()} == {20}
        first, last = (sqlite3.connect(f"{folder}/{name}.db") for name in ("first", "last"))
        for table in NOTHING:
            assert sorted(map(repr, first.execute(f"SELECT * FROM {table}"))) == sorted(
                map(repr, last.execute(f"SELECT * FROM {table}"))
            )
        first.close()
        last.close()


@pytest.mark.proves("storage.migrate_same")
async def test_more_rows_than_are_held_at_once_arrive_in_any_order_of_names(
    url: str, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(moving, "BATCH", 7)
    letters = ("a", "B", "ä", "z", "_", "\uffff", "😀", "É", "-")  # each country sorts them in its own way
    await filled(url, Values(texts=letters), 50)
    assert {digest.rows for digest in (await move(url, target)).values()} == {50}


# --- what is more than rows


@pytest.mark.slow
@pytest.mark.proves("storage.migrate_goes_on")
async def test_no_number_is_given_out_again(url: str, target: str) -> None:
    store = await open_store(url)
    turns = [await arrive(store, "1"), await arrive(store, "2"), await arrive(store, "3")]
    gone = [await store.schedule(_schedule(key)) for key in "abc"]
    await store.close()
    execute(url, "DELETE FROM inbox WHERE number = 3")
    execute(url, "DELETE FROM schedules")
    await move(url, target)
    store = await open_store(target)
    assert await arrive(store, "4") == "t4"
    assert turns == ["t1", "t2", "t3"]
    assert await store.schedule(_schedule("d")) == gone[-1] + 1
    await store.close()


def _schedule(key: str) -> Scheduled:
    return Scheduled(id=0, key=key, channel="fake", person="ann", goes_to="{}", body="{}", next_at=NOW)


@pytest.mark.proves("storage.migrate_goes_on")
async def test_the_audit_is_whole_there_and_still_refuses_changes(url: str, target: str) -> None:
    store = await open_store(url)
    for kind in ("decision", "approval", "grant"):
        entry = AuditEntry(kind, '{"tool":"send"}', channel="fake", person="ann", session="fake:1", sealed="x")
        await store.change(changes.auditing(entry))
    before = await store.verify_audit()
    await store.close()
    await move(url, target)
    with pytest.raises((sqlite3.Error, psycopg.Error), match="audit"):
        execute(target, "UPDATE audit SET details = '{}'")
    with pytest.raises((sqlite3.Error, psycopg.Error), match="audit"):
        execute(target, "DELETE FROM audit WHERE id = 1")
    store = await open_store(target)
    assert await store.verify_audit(head=before.head) == before
    await store.change(changes.auditing(AuditEntry("grant", "{}", channel="fake", person="ann")))
    after = await store.verify_audit(head=before.head)
    assert (after.rows, after.broken_at, after.head_found) == (4, None, True)
    await store.close()


@pytest.mark.proves("storage.migrate_goes_on")
async def test_words_are_found_there(url: str, target: str) -> None:
    store = await open_store(url)
    turn = (await talk(store, "direct"))[0]
    await store.close()
    await move(url, target)
    store = await open_store(target)
    assert [found.turn for found in await store.find("console:me", f"answer {turn}", last=5)] == [turn]
    await store.finish(conclusion(await arrive(store, "9"), session="console:me"))
    assert [found.turn for found in await store.find("console:me", "answer t2", last=5)] == ["t2"]
    await store.close()
    if target.startswith("sqlite"):
        execute(target, "INSERT INTO turn_words(turn_words) VALUES ('integrity-check')")


@pytest.mark.proves("storage.migrate_same")
async def test_an_older_database_is_brought_up_to_date_first(url: str, target: str) -> None:
    store = await open_store(url)
    (turn,) = await talk(store, "direct")
    await store.close()
    for statement in (*(BACK_IN_SQLITE if url.startswith("sqlite") else BACK_IN_POSTGRESQL), *BACK):
        execute(url, statement)
    with pytest.raises(StorageError, match=rf"schema 0012, here {KNOWN[-1]}.*errand sessions"):
        await copy_out(url, target)
    await move(url, target)
    store = await open_store(target)
    assert await store.turn(turn) == record(turn)
    await store.close()


# --- refused


@pytest.mark.proves("storage.migrate_refuses")
async def test_a_target_with_rows_is_refused_and_left_as_it_is(url: str, target: str) -> None:
    await filled(url)
    store = await open_store(target)
    await talk(store, "direct")
    await store.close()
    before = await counts(target)
    with pytest.raises(StorageError, match=r"is not empty, there are rows in .*createdb"):
        await move(url, target)
    assert await counts(target) == before


@pytest.mark.proves("storage.migrate_refuses")
async def test_a_target_of_another_version_is_refused_and_left_as_it_is(url: str, target: str) -> None:
    await filled(url)
    await (await open_store(target)).close()
    execute(target, "UPDATE errand_version SET version_num = '0012'")
    with pytest.raises(StorageError, match=r"another version \(0012\): name an empty database"):
        await move(url, target)
    execute(target, f"UPDATE errand_version SET version_num = '{KNOWN[-1]}'")
    assert await counts(target) == NOTHING


@pytest.mark.proves("storage.migrate_refuses")
async def test_neither_side_may_have_an_errand_at_work(url: str, target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moving, "BUSY_SECONDS", 0.2)
    await filled(url)
    for taken in (url, target):
        store = await open_store(taken)
        with pytest.raises(StorageTaken, match="Stop that one first"):
            await move(url, target)
        await store.close()
    assert await counts(target) == NOTHING


@pytest.mark.proves("storage.migrate_refuses")
async def test_a_database_is_not_copied_onto_itself_and_one_that_is_not_there_not_made(
    tmp_path: Path, url: str, target: str
) -> None:
    await filled(url)
    with pytest.raises(StorageError, match="is in use: name another one"):
        await move(url, url)
    if target.startswith("sqlite"):
        with pytest.raises(StorageMissing, match="no database of Errand"):
            await move(target, url)
        assert not Path(tmp_path, "other.db").exists()
    else:
        with pytest.raises(StorageMissing, match="no database of Errand"):
            await move(target, f"{tmp_path}/new.db")
        assert not Path(tmp_path, "new.db").exists()


@pytest.mark.proves("storage.migrate_refuses")
async def test_a_newer_source_is_refused(url: str, target: str) -> None:
    await filled(url)
    execute(url, "UPDATE errand_version SET version_num = '9999'")
    with pytest.raises(StorageError, match="newer Errand"):
        await move(url, target)


# --- rows that the other database does not take


@pytest.mark.proves("storage.migrate_row")
@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("UPDATE turns SET answer = 'a' || char(0) || 'b' WHERE turn = 3", r"turn 't3' of turns .*mend it.*NUL"),
        ("UPDATE work SET succeeded = 3000000000 WHERE id = 2", r"id 2 of work .*integer out of range"),
    ],
)
async def test_the_row_that_cannot_be_copied_is_named(
    tmp_path: Path, postgres_server: PostgresServer, statement: str, told: str
) -> None:
    source = f"sqlite:///{tmp_path}/errand.db"
    await filled(source)
    execute(source, statement)
    with postgres_server.database() as target:
        with pytest.raises(StorageError, match=told):
            await move(source, target)
        assert await counts(target) == NOTHING


# --- checked


IN_SQLITE = (
    """CREATE TRIGGER other AFTER INSERT ON memories WHEN new.id = 2
    BEGIN UPDATE memories SET text = 'other' WHERE id = 2; END""",
)
IN_POSTGRESQL = (
    "CREATE FUNCTION other() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.text = 'other'; RETURN NEW; END $$",
    "CREATE TRIGGER other BEFORE INSERT ON memories FOR EACH ROW WHEN (NEW.id = 2) EXECUTE FUNCTION other()",
)


@pytest.mark.slow
@pytest.mark.proves("storage.migrate_checked")
async def test_a_copy_that_differs_is_named_and_not_kept(url: str, target: str) -> None:
    await filled(url)
    await (await open_store(target)).close()
    for statement in IN_SQLITE if target.startswith("sqlite") else IN_POSTGRESQL:
        execute(target, statement)
    with pytest.raises(StorageError, match=r"copy of memories differs, so nothing was kept.*4 rows .* became 4 "):
        await move(url, target)
    assert await counts(target) == NOTHING


# --- all or nothing


@pytest.mark.slow
@pytest.mark.proves("storage.migrate_whole")
@pytest.mark.parametrize("table", ["sessions", "votes"])
async def test_a_copy_that_is_killed_leaves_an_empty_database_and_can_be_made_again(
    url: str, target: str, table: str
) -> None:
    await filled(url)
    command = [sys.executable, "-m", "tests.storage.dying_move", url, target, table]
    killed = subprocess.run(command, cwd=HOME, capture_output=True, timeout=50, check=False)
    assert killed.returncode == -9, killed.stderr
    assert await counts(target) == NOTHING
    await move(url, target)
    assert await counts(target) == await counts(url)


@contextmanager
def at_statements(beginning: str, act: Callable[[], object], *, on: str) -> Iterator[None]:
    """Act before each statement that begins so, in databases of the kind of this one."""
    kind = on.partition(":")[0]

    def look(connection: Connection, cursor: Any, statement: str, *_: Any) -> None:
        if connection.dialect.name == kind and statement.startswith(beginning):
            act()

    event.listen(Engine, "before_cursor_execute", look)
    try:
        yield
    finally:
        event.remove(Engine, "before_cursor_execute", look)


@pytest.mark.proves("storage.migrate_whole")
async def test_a_copy_that_is_cancelled_stops_and_leaves_an_empty_database(url: str, target: str) -> None:
    await filled(url)
    later: list[str] = []
    loop = asyncio.get_running_loop()
    moving = asyncio.ensure_future(move(url, target))

    def cancel() -> None:
        asyncio.run_coroutine_threadsafe(_cancel(moving), loop).result(10)

    with (
        at_statements("INSERT INTO inbox ", cancel, on=target),
        at_statements("INSERT INTO turns ", lambda: later.append("turns"), on=target),
        pytest.raises(asyncio.CancelledError),
    ):
        await moving
    assert later == []
    assert await counts(target) == NOTHING


async def _cancel(task: "asyncio.Future[Any]") -> None:
    task.cancel()


# --- beside an Errand that works


@pytest.mark.proves("storage.backup_runs")
async def test_a_copy_of_one_moment_is_made_while_an_errand_writes(url: str, target: str) -> None:
    store = await open_store(url)
    await talk(store, "direct", "plan")
    loop, late = asyncio.get_running_loop(), iter([True])

    def write() -> None:
        if next(late, None):
            asyncio.run_coroutine_threadsafe(_further(store), loop).result(20)

    with at_statements("INSERT INTO sessions ", write, on=target):
        there = await copy_out(url, target)
    assert (there["inbox"].rows, there["turns"].rows) == (2, 2), "all of it is of the moment at which it began"
    assert len(await store.recent_turns(last=9)) == 3
    await store.close()


async def _further(store: Store) -> None:
    await store.finish(conclusion(await arrive(store, "later")))
