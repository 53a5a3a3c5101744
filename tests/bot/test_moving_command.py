"""`errand migrate`, `errand backup` and `errand restore`, as the operator calls them."""

from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import make_url

from bot.cli import errand as command_line
from bot.settings import files_folder, read_settings
from storage.errors import StorageError
from tests.bot.command import errand, errand_now
from tests.conversations.talk import talking
from tests.databases import PostgresServer


async def filled(folder: Path) -> None:
    async with talking(folder) as talk:
        await talk.told("/help")
        await talk.app.files.keep("a.txt", "text/plain", b"hello")


@pytest.mark.slow
@pytest.mark.proves("storage.migrate_told")
async def test_migrate_tells_what_arrived_and_what_to_set_without_the_password(
    tmp_path: Path, postgres_server: PostgresServer
) -> None:
    await filled(tmp_path)
    with postgres_server.database() as url:
        with_password = make_url(url).set(password="hush").render_as_string(hide_password=False)
        done = await errand(tmp_path, "migrate", "--to", with_password)
        assert done.returncode == 0, done.stderr
        assert "turns                    1  " in done.stdout
        assert "Both sides hold the same. sqlite:///errand.db stays as it is." in done.stdout
        assert "  ERRAND_DATABASE=postgresql://postgres:***@/" in done.stdout
        assert "with its password in place of ***" in done.stdout
        assert "ERRAND_FILES" not in done.stdout, "they are found where they are"
        assert "hush" not in done.stdout + done.stderr
        assert "t1" in (await errand(tmp_path, "--database", with_password, "dossier", "t1")).stdout
        assert (await errand(tmp_path, "--database", with_password, "audit", "verify")).returncode == 0
        again = await errand(tmp_path, "migrate", "--to", with_password)
    assert again.returncode == 1
    assert again.stderr.startswith("errand: postgresql://postgres:***@/")
    assert "is not empty" in again.stderr


@pytest.mark.slow
@pytest.mark.proves("storage.migrate_told")
async def test_files_that_would_not_be_found_any_more_get_a_line_of_their_own(tmp_path: Path) -> None:
    await filled(tmp_path)
    Path(tmp_path, "errand.key").write_text("key")
    done = await errand(tmp_path, "migrate", "--to", "elsewhere/new.db")
    lines = done.stdout.splitlines()
    assert lines[-3:] == [
        "  ERRAND_DATABASE=sqlite:///elsewhere/new.db",
        f"  ERRAND_FILES={tmp_path}/errand-files",
        "Files stay in errand-files, the key of the sign-ins in errand.key.",
    ]
    database, files = (line.partition("=")[2] for line in lines[-3:-1])
    set_so = read_settings(database=database, files=files)
    assert files_folder(set_so) == files_folder(read_settings(database=f"{tmp_path}/errand.db"))
    async with talking(tmp_path, database=f"{tmp_path}/elsewhere/new.db", files=files) as talk:
        assert await talk.app.store.turn("t1")


@pytest.mark.slow
@pytest.mark.proves("storage.backup_restores", "storage.backup_runs")
async def test_a_backup_is_made_while_errand_runs_and_comes_back_in_another_folder(tmp_path: Path) -> None:
    async with talking(tmp_path) as talk:
        await talk.told("/help")
        await talk.app.files.keep("a.txt", "text/plain", b"hello")
        done = await errand(tmp_path, "backup", "backup.tar.gz")
        assert done.returncode == 0, done.stderr
        assert "and 1 file stand in backup.tar.gz. It has no keys" in done.stdout
        await talk.told("/help")
    back = errand_now(tmp_path, "--database", "new/errand.db", "restore", "backup.tar.gz")
    assert back.returncode == 0, back.stderr
    assert "UTC is in sqlite:///new/errand.db, and 1 file in new/errand-files." in back.stdout
    (kept,) = Path(tmp_path, "new", "errand-files").iterdir()
    assert kept.read_bytes() == b"hello"
    assert "fake:1: 1 turn" in errand_now(tmp_path, "--database", "new/errand.db", "sessions").stdout


@pytest.mark.proves("storage.backup_refuses", "storage.migrate_refuses")
@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("--database errand.db restore x.tar.gz", "is not empty"),
        ("--database new.db restore x.tar.gz", "x.tar.gz is damaged, or no backup of Errand"),
        ("--database errand.db backup x.tar.gz", "x.tar.gz is there already"),
        ("--database errand.db migrate --to mysql://root:hush@host/x", "A database is a file's path"),
        ("--database none.db migrate --to new.db", "no database of Errand to copy from"),
    ],
)
def test_what_cannot_be_done_is_said_and_leaves_all_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: str, told: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert CliRunner().invoke(command_line, "--database errand.db people set slack:U1 owner").exit_code == 0
    Path("x.tar.gz").write_text("Buy milk.")
    result = CliRunner().invoke(command_line, words)
    assert isinstance(result.exception, StorageError)  # `main` tells it, as the test above has seen
    assert told in str(result.exception)
    assert "hush" not in str(result.exception)
    assert result.output == ""
    assert sorted(path.name for path in Path().iterdir()) == ["errand.db", "x.tar.gz"]
