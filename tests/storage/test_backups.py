"""A backup is whole or it is refused: it comes back with all of its rows and files, or nothing is changed."""

import asyncio
import io
import json
import os
import tarfile
import tempfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage import moving
from storage.backups import MANIFEST, back_up, restore
from storage.errors import StorageError, StorageMissing, StorageTaken
from storage.files import FileStore
from storage.store import open_store
from tests.storage.filled import Values, fill
from tests.storage.samples import record, talk
from tests.storage.test_conversations import BACK, BACK_IN_SQLITE
from tests.storage.test_moving import NOTHING, counts, filled
from tests.storage.test_opening import execute

Change = Callable[[dict[str, bytes]], Any]


async def backed_up(folder: Path, url: str) -> tuple[Path, list[str]]:
    """A backup of this database with rows, and of two files; their ids."""
    await filled(url)
    files = FileStore(folder / "errand-files")
    ids = [await files.keep("Grüße.txt", "text/plain", b"hello"), await files.keep("b", "image/png", os.urandom(2**17))]
    Path(folder, "errand-files", ".x.part").write_bytes(b"not yet")  # on its way, and nobody's file so far
    await back_up(url, folder / "errand-files", folder / "backup.tar.gz", made_by="1.2.3")
    return folder / "backup.tar.gz", ids


def there(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()} if folder.exists() else {}


@pytest.mark.proves("storage.backup_restores")
@pytest.mark.parametrize("into", ["sqlite", "postgresql"])
async def test_a_backup_brings_back_every_row_and_file_into_either_kind(
    url: str, tmp_path: Path, into: str, request: pytest.FixtureRequest
) -> None:
    backup, ids = await backed_up(tmp_path, url)
    assert backup.stat().st_mode & 0o777 == 0o600, "conversations are private"
    before = tmp_path / "errand-files"
    os.utime(before / ids[0], (1_000, 1_000))
    backup.unlink()
    manifest, tables = await back_up(url, before, backup, made_by="1.2.3")
    assert manifest.files == 2
    new = tmp_path / "new"

    async def bring_back(target: str) -> None:
        again, restored = await restore(backup, target, new / "errand-files")
        assert (again, restored) == (manifest, tables)
        assert await counts(target) == dict.fromkeys(NOTHING, 4)
        assert there(new / "errand-files") == {name: (before / name).read_bytes() for name in ids}
        assert Path(new, "errand-files", ids[0]).stat().st_mtime == 1_000, (
            "files are kept for days from their coming on"
        )
        assert [path.name for path in new.iterdir() if path.name.startswith(".")] == []

    if into == "sqlite":
        await bring_back(f"sqlite:///{new}/errand.db")
    else:
        with request.getfixturevalue("postgres_server").database() as target:
            await bring_back(target)


@pytest.mark.proves("storage.backup_runs")
async def test_a_backup_is_made_while_errand_runs_which_goes_on(url: str, tmp_path: Path) -> None:
    store = await open_store(url)
    (turn,) = await talk(store, "direct")
    await back_up(url, tmp_path / "no files yet", tmp_path / "backup.tar.gz", made_by="1")
    await talk(store, "direct", session="console:other")
    await store.close()
    await restore(tmp_path / "backup.tar.gz", f"{tmp_path}/new.db", tmp_path / "new files")
    store = await open_store(f"{tmp_path}/new.db")
    assert await store.recent_turns(last=9) == [record(turn)]
    await store.close()


@pytest.mark.proves("storage.backup_restores")
async def test_a_backup_of_an_older_errand_is_brought_up_to_date(tmp_path: Path) -> None:
    store = await open_store(f"{tmp_path}/errand.db")
    (turn,) = await talk(store, "direct")
    await store.close()
    for statement in (*BACK_IN_SQLITE, *BACK):
        execute(f"sqlite:///{tmp_path}/errand.db", statement)
    database = Path(tmp_path, "errand.db").read_bytes()
    write(tmp_path / "old.tar.gz", {"errand.db": database}, database_version="0012")
    await restore(tmp_path / "old.tar.gz", f"{tmp_path}/new.db", tmp_path / "files")
    store = await open_store(f"{tmp_path}/new.db")
    assert await store.turn(turn) == record(turn)
    await store.close()


# --- refused


@pytest.mark.slow
@pytest.mark.proves("storage.backup_refuses")
async def test_a_restore_wants_an_empty_database_that_nobody_works_on(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(moving, "BUSY_SECONDS", 0.2)
    await filled(f"{tmp_path}/source.db")
    await back_up(f"{tmp_path}/source.db", tmp_path / "none", tmp_path / "backup.tar.gz", made_by="1")
    store = await open_store(url)
    with pytest.raises(StorageTaken):
        await restore(tmp_path / "backup.tar.gz", url, tmp_path / "files")
    await talk(store, "direct")
    await store.close()
    with pytest.raises(StorageError, match="is not empty"):
        await restore(tmp_path / "backup.tar.gz", url, tmp_path / "files")
    assert sum((await counts(url)).values()) == 4
    assert not (tmp_path / "files").exists()


@pytest.mark.proves("storage.backup_refuses")
async def test_files_of_somebody_else_are_not_mixed_in_and_those_of_a_killed_restore_are_no_hindrance(
    tmp_path: Path,
) -> None:
    backup, ids = await backed_up(tmp_path, f"{tmp_path}/errand.db")
    folder = tmp_path / "new"
    stranger = await FileStore(folder).keep("other.txt", "text/plain", b"other")
    with pytest.raises(StorageError, match=r"files of another Errand, such as .*-other\.txt: name an empty folder"):
        await restore(backup, f"{tmp_path}/new.db", folder)
    assert there(folder) == {stranger: b"other"}
    assert not Path(tmp_path, "new.db").exists()
    Path(folder, stranger).unlink()
    await FileStore(folder).keep("Grüße.txt", "text/plain", b"hello")
    await restore(backup, f"{tmp_path}/new.db", folder)
    assert sorted(there(folder)) == sorted(ids)


@pytest.mark.proves("storage.backup_refuses")
async def test_a_backup_writes_over_no_file_and_makes_no_database(tmp_path: Path) -> None:
    backup, _ = await backed_up(tmp_path, f"{tmp_path}/errand.db")
    before = backup.read_bytes()
    with pytest.raises(StorageError, match="is there already"):
        await back_up(f"{tmp_path}/errand.db", tmp_path, backup, made_by="1")
    assert backup.read_bytes() == before
    with pytest.raises(StorageError, match=r"no/such/x\.tar\.gz cannot be used: No such file or directory"):
        await back_up(f"{tmp_path}/errand.db", tmp_path, tmp_path / "no" / "such" / "x.tar.gz", made_by="1")
    with pytest.raises(StorageMissing, match="no database of Errand"):
        await back_up(f"{tmp_path}/other.db", tmp_path, tmp_path / "x.tar.gz", made_by="1")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["backup.tar.gz", "errand-files", "errand.db"]


# --- damaged, or not ours


def members(file: Path) -> dict[str, bytes]:
    with tarfile.open(file) as tar:
        return {entry.name: tar.extractfile(entry).read() for entry in tar}  # type: ignore[union-attr]


def write(file: Path, content: dict[str, bytes], **manifest: Any) -> None:
    """A backup by hand, with a manifest that fits where parts of it are given."""
    if manifest:
        told = {name: {"size": len(data), "sha256": sha256(data).hexdigest()} for name, data in content.items()}
        whole = {"errand_backup": 1, "made_by": "0.1", "made_at": "2026-11-21T08:00:00Z", "members": told, **manifest}
        content = {**content, MANIFEST: json.dumps(whole).encode()}
    with tarfile.open(file, "w:gz") as tar:
        for name, data in content.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))


async def refused(backup: Path, folder: Path) -> str:
    """What a restore says that changes nothing."""
    before = sorted(folder.rglob("*"))
    with pytest.raises(StorageError) as caught:
        await restore(backup, f"{folder}/new.db", folder / "new")
    assert sorted(folder.rglob("*")) == before
    return str(caught.value)


@pytest.mark.proves("storage.backup_damaged")
async def test_what_is_missing_changed_or_added_is_named(tmp_path: Path) -> None:
    backup, ids = await backed_up(tmp_path, f"{tmp_path}/errand.db")
    content = members(backup)
    file = f"files/{ids[0]}"
    changes: list[tuple[Change, str]] = [
        (lambda it: it.pop(file), f"{file} is not what was put in"),
        (lambda it: it.update({file: b"hellp"}), f"{file} is not what was put in"),
        (lambda it: it.update({f"files/{'0' * 32}-new.txt": b""}), "-new.txt is not what was put in"),
        (lambda it: it.pop(MANIFEST), "is not whole"),
        (lambda it: it.update({MANIFEST: b"{}"}), "manifest.json cannot be read"),
        (lambda it: it.update({MANIFEST: b"\xff"}), "manifest.json cannot be read"),
        (lambda it: it.update({"errand.db": it["errand.db"][:-1]}), "errand.db is not what was put in"),
        (lambda it: it.update({"notes.txt": b"hello"}), "'notes.txt', which is in no backup"),
    ]
    for change, told in changes:
        changed = dict(content)
        change(changed)
        write(backup, changed)
        assert told in await refused(backup, tmp_path)


@pytest.mark.proves("storage.backup_damaged")
async def test_a_newer_backup_and_one_without_a_database_are_refused(tmp_path: Path) -> None:
    database = b"SQLite format 3\0"
    for newer in ({"errand_backup": 2, "database_version": "0014"}, {"database_version": "9999"}):
        write(tmp_path / "x", {"errand.db": database}, made_by="9.0", **newer)
        assert "made by Errand 9.0, which is newer: update this one" in await refused(tmp_path / "x", tmp_path)
    write(tmp_path / "x", {}, database_version="0014")
    assert "there is no errand.db in it" in await refused(tmp_path / "x", tmp_path)
    write(tmp_path / "x", {"errand.db": b"Buy milk. " * 999}, database_version="0014")
    assert "is no database" in await refused(tmp_path / "x", tmp_path)
    Path(tmp_path, "x").write_text("Buy milk.")
    assert "no backup of Errand" in await refused(tmp_path / "x", tmp_path)


@pytest.mark.proves("storage.backup_damaged")
@pytest.mark.parametrize(
    "name",
    [
        "../errand.db",
        "/tmp/errand.db",
        "./errand.db",
        "errand.db/x",
        "files",
        "files/..",
        "files/../errand.db",
        f"files/{'0' * 32}-../../x",
        f"files/{'0' * 32}-x/y",
        f"files/{'0' * 32}-x\n",
        "errand.db-wal",
        ".errand.db",
    ],
)
async def test_no_name_leads_out_of_the_room(tmp_path: Path, name: str) -> None:
    write(tmp_path / "x", {name: b"x"}, database_version="0014")
    assert "which is in no backup" in await refused(tmp_path / "x", tmp_path)


@pytest.mark.proves("storage.backup_damaged")
@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE])
async def test_only_files_are_taken_out_each_of_them_once(tmp_path: Path, kind: bytes) -> None:
    entry = tarfile.TarInfo("errand.db")
    entry.type, entry.linkname = kind, "/etc/passwd"
    with tarfile.open(tmp_path / "x", "w:gz") as tar:
        tar.addfile(entry)
    assert "which is in no backup" in await refused(tmp_path / "x", tmp_path)
    with tarfile.open(tmp_path / "x", "w:gz") as tar:
        for _ in range(2):
            tar.addfile(tarfile.TarInfo("errand.db"))
    assert "which is in no backup" in await refused(tmp_path / "x", tmp_path)


@pytest.fixture(scope="module")
def small() -> bytes:
    """A backup in bytes."""

    async def make(folder: Path) -> bytes:
        store = await open_store(f"{folder}/errand.db")
        await fill(store, Values(), 1)
        await store.close()
        await FileStore(folder / "files").keep("a.txt", "text/plain", b"hello" * 99)
        await back_up(f"{folder}/errand.db", folder / "files", folder / "x", made_by="1")
        return Path(folder, "x").read_bytes()

    with tempfile.TemporaryDirectory() as name:
        return asyncio.run(make(Path(name)))


@pytest.mark.proves("storage.backup_damaged")
@settings(max_examples=40, deadline=None)
@given(place=st.floats(0, 1, exclude_max=True), what=st.sampled_from(["flip", "cut", "zero"]))
def test_a_backup_that_was_damaged_anywhere_is_refused_or_comes_back_whole(
    small: bytes, place: float, what: str
) -> None:
    at = int(place * len(small))
    damaged = {
        "flip": small[:at] + bytes([small[at] ^ 1]) + small[at + 1 :],
        "cut": small[:at],
        "zero": small[:at] + bytes(len(small) - at),
    }[what]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        Path(folder, "x").write_bytes(damaged)
        try:
            _, tables = asyncio.run(restore(folder / "x", f"{folder}/errand.db", folder / "files"))
        except StorageError:
            assert [path.name for path in folder.iterdir()] == ["x"]
        else:
            assert {digest.rows for digest in tables.values()} == {1}
            assert list(there(folder / "files").values()) == [b"hello" * 99]
