"""The folder of files: what is kept stays as it was, under ids that lead nowhere else."""

import errno
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.errors import StorageError, StorageFileUnknown, StorageFull, StorageReadOnly
from storage.files import FileStore


@pytest.fixture
def files(tmp_path: Path) -> FileStore:
    return FileStore(tmp_path / "files")


@pytest.mark.proves("files.kept")
async def test_what_is_kept_is_read_again_under_its_name(files: FileStore) -> None:
    file_id = await files.keep("Q3 report.pdf", "application/pdf", b"%PDF")
    assert await files.read(file_id) == b"%PDF"
    assert files.path(file_id).name.endswith("-Q3_report.pdf")
    assert files.path(file_id).read_bytes() == b"%PDF"


@pytest.mark.proves("files.kept")
async def test_the_same_content_is_kept_once_and_nothing_half_done_stays(files: FileStore, tmp_path: Path) -> None:
    first = await files.keep("a.txt", "text/plain", b"same")
    written = files.path(first).stat().st_ino
    assert await files.keep("a.txt", "text/plain", b"same") == first
    assert files.path(first).stat().st_ino == written
    other = await files.keep("a.txt", "text/plain", b"other")
    assert {each.name for each in (tmp_path / "files").iterdir()} == {first, other}


@pytest.mark.proves("files.kept")
async def test_a_name_without_an_ending_gets_that_of_its_type(files: FileStore) -> None:
    assert (await files.keep("voice", "image/png", b"x")).endswith("-voice.png")
    assert (await files.keep("...", "", b"x")).endswith("-file")


@pytest.mark.proves("files.inside")
@pytest.mark.parametrize(
    "file_id", ["", "..", "../errand.db", "/etc/passwd", f"{'a' * 32}-../x", f"{'a' * 32}-x\n", f"{'a' * 32}-x\0"]
)
async def test_an_id_that_is_none_leads_nowhere(files: FileStore, file_id: str) -> None:
    with pytest.raises(StorageFileUnknown):
        files.path(file_id)
    with pytest.raises(StorageFileUnknown):
        await files.read(file_id)


@pytest.mark.proves("files.inside")
@given(name=st.text(), mime=st.text(max_size=20))
async def test_whatever_a_file_is_called_it_stays_in_the_folder(
    tmp_path_factory: pytest.TempPathFactory, name: str, mime: str
) -> None:
    folder = tmp_path_factory.getbasetemp() / "all-names"
    files = FileStore(folder)
    file_id = await files.keep(name, mime, b"x")
    assert files.path(file_id).parent == folder
    assert len(file_id.encode()) < 255
    assert await files.read(file_id) == b"x"


@pytest.mark.proves("files.trouble")
async def test_a_file_that_is_gone_is_unknown(files: FileStore) -> None:
    file_id = await files.keep("a.txt", "text/plain", b"x")
    files.path(file_id).unlink()
    with pytest.raises(StorageFileUnknown):
        await files.read(file_id)


@pytest.mark.proves("files.trouble")
@pytest.mark.parametrize(("code", "kind"), [(errno.ENOSPC, StorageFull), (errno.EROFS, StorageReadOnly)])
async def test_a_disk_that_refuses_is_told_by_its_kind_and_leaves_nothing_behind(
    files: FileStore, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, code: int, kind: type[StorageError]
) -> None:
    def refuse(_: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr("storage.files.os.fsync", refuse)
    with pytest.raises(kind, match=os.strerror(code)):
        await files.keep("a.txt", "text/plain", b"x")
    assert list((tmp_path / "files").iterdir()) == []


@pytest.mark.proves("files.trouble")
async def test_a_folder_that_is_none_is_told_without_its_place(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file, not a folder")
    with pytest.raises(StorageError, match="folder for files") as raised:
        await FileStore(tmp_path / "taken").keep("a.txt", "text/plain", b"x")
    assert str(tmp_path) not in str(raised.value), "a person may read it"
