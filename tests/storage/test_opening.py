"""Opening a database: what is missing is made, and what is wrong is said with the way out."""

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

from storage import migrations
from storage.errors import StorageBusy, StorageError, StorageReadOnly, StorageTaken, StorageUnreadable
from storage.store import open_store
from tests.databases import PostgresServer
from tests.storage.samples import arrive, conclusion, record, remember

HOME = Path(__file__).parents[2]
OWNER = """
import asyncio, sys
from storage.store import open_store

async def main():
    store = await open_store(sys.argv[1])
    print("open", flush=True)
    await asyncio.to_thread(sys.stdin.read)

asyncio.run(main())
"""


def execute(url: str, statement: str) -> None:
    """Run a statement, as another program would."""
    if url.startswith("sqlite"):
        connection = sqlite3.connect(str(make_url(url).database), isolation_level=None)
        connection.execute(statement)
        connection.close()
    else:
        with psycopg.connect(url, autocommit=True) as other:
            other.execute(statement)


# --- where it is


@pytest.mark.proves("store.start")
@pytest.mark.parametrize("form", ["{}", "sqlite:///{}", "sqlite+aiosqlite:///{}"])
async def test_a_path_and_a_url_open_the_same_file_and_make_its_folder(tmp_path: Path, form: str) -> None:
    path = tmp_path / "a folder" / "50% of it" / "errand.db"
    for _ in range(2):
        await (await open_store(form.format(path))).close()
    assert [each.name for each in path.parent.iterdir()] == ["errand.db"]


@pytest.mark.proves("store.start")
async def test_a_home_folder_may_be_written_as_a_tilde(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    await (await open_store("~/errand.db")).close()
    assert Path(tmp_path, "errand.db").exists()


@pytest.mark.proves("store.private")
async def test_nobody_else_may_read_a_new_database(tmp_path: Path) -> None:
    store = await open_store(str(tmp_path / "errand.db"))
    await arrive(store, "1")
    modes = {each.name: each.stat().st_mode & 0o777 for each in tmp_path.glob("errand.db*")}
    assert modes.pop("errand.db.lock")  # it is empty
    assert modes == {"errand.db": 0o600, "errand.db-wal": 0o600, "errand.db-shm": 0o600}
    await store.close()


@pytest.mark.proves("store.start")
@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "mysql://root:secret@host/x", "://", "nonsense://"])
async def test_what_is_no_database_url_is_answered_with_the_forms_that_are(url: str) -> None:
    with pytest.raises(StorageError, match=r"A database is .*sqlite:///PATH") as caught:
        await open_store(url)
    assert "secret" not in str(caught.value)


@pytest.mark.proves("store.private")
async def test_a_password_is_in_no_message(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"postgresql://me:\*\*\*@") as caught:
        await open_store(f"postgresql://me:secret@/x?host={tmp_path}")
    assert "secret" not in str(caught.value)


@pytest.mark.proves("store.start")
@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
async def test_every_usual_scheme_of_postgresql_is_understood(postgres_server: PostgresServer, scheme: str) -> None:
    with postgres_server.database() as url:
        await (await open_store(url.replace("postgresql", scheme, 1))).close()


@pytest.mark.proves("store.start")
async def test_a_missing_driver_is_answered_with_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(StorageError, match=r"pip install '\.\[postgres\]'"):
        await open_store("postgresql://me@/x")


# --- what is there


@pytest.mark.proves("store.unreadable")
async def test_a_file_that_is_no_database_is_left_alone_and_named(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("Buy milk. " * 1000)
    with pytest.raises(StorageUnreadable, match=r"Move the file away.*notes\.txt"):
        await open_store(str(path))
    assert path.read_text() == "Buy milk. " * 1000
    assert [each.name for each in tmp_path.iterdir()] == ["notes.txt"]


@pytest.mark.proves("store.unreadable")
async def test_a_folder_in_the_place_of_the_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=str(tmp_path)):
        await open_store(str(tmp_path))


@pytest.mark.proves("store.newer")
async def test_a_database_of_a_newer_version_is_refused_and_left_alone(url: str) -> None:
    await (await open_store(url)).close()
    execute(url, "UPDATE errand_version SET version_num = '9999'")
    for _ in range(2):
        with pytest.raises(StorageError, match=r"newer Errand .*9999.*update Errand"):
            await open_store(url)
    execute(url, f"UPDATE errand_version SET version_num = '{migrations.KNOWN[-1]}'")
    await (await open_store(url)).close()


@pytest.mark.faults
@pytest.mark.proves("store.busy")
async def test_a_database_that_another_program_holds_says_so_at_the_start(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/errand.db"
    await (await open_store(url)).close()
    other = sqlite3.connect(tmp_path / "errand.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StorageBusy, match="Close that program"):
        await open_store(url, busy_timeout_seconds=0.1)
    other.close()
    await (await open_store(url)).close()


# --- who else is there


@pytest.mark.proves("store.owner")
async def test_a_second_store_on_one_database_is_refused_until_the_first_is_closed(url: str) -> None:
    first = await open_store(url)
    with pytest.raises(StorageTaken, match=r"Another Errand .* Stop that one first"):
        await open_store(url, busy_timeout_seconds=0.2)
    assert await remember(first, "1")
    await first.close()
    await (await open_store(url)).close()


@pytest.mark.proves("store.owner")
async def test_a_second_process_is_refused_until_the_first_was_killed(url: str) -> None:
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, url], cwd=HOME, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == b"open\n"
        with pytest.raises(StorageTaken):
            await open_store(url, busy_timeout_seconds=0.2)
        owner.kill()
    store = await open_store(url)
    assert await remember(store, "1")
    await store.close()


# --- what may not be written


@contextmanager
def as_nobody() -> Iterator[None]:
    """Without root's right to write everywhere."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that everyone may look into, unlike pytest's own."""
    folder = Path(tempfile.mkdtemp(prefix="errand-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.proves("store.readonly")
@pytest.mark.parametrize(("of_file", "of_folder"), [(0o444, 0o777), (0o666, 0o555)])
async def test_a_file_or_folder_that_may_not_be_written_says_so(
    open_folder: Path, of_file: int, of_folder: int
) -> None:
    path = open_folder / "errand.db"
    store = await open_store(str(path))
    turn = await arrive(store, "1")
    await store.finish(conclusion(turn))
    await store.close()
    path.chmod(of_file)
    open_folder.chmod(of_folder)
    with as_nobody(), pytest.raises(StorageReadOnly, match=r"Make the file and its folder writable.*errand\.db"):
        await open_store(str(path))
    path.chmod(0o600)
    open_folder.chmod(0o755)
    store = await open_store(str(path))
    assert await store.turn(turn) == record(turn)
    await store.close()
