"""Which files a prompt shows, and how far."""

from pathlib import Path

import pytest

from orchestrator.attached import LARGEST_IMAGE, Seen, contents, lines, seen
from orchestrator.messages import Attachment
from storage.files import FileStore


async def shown(folder: Path, name: str, mime: str, data: bytes) -> Seen:
    store = FileStore(folder)
    file = Attachment(name=name, mime=mime, size=len(data), file=await store.keep(name, mime, data))
    (one,) = await seen([file], store, images=True)
    return one


@pytest.mark.proves("files.shown")
@pytest.mark.parametrize(
    ("name", "mime", "data", "text"),
    [
        ("a.txt", "text/plain", "\ufeffgrüß".encode(), "grüß"),
        ("a.json", "application/json", b"{}", "{}"),
        ("a.svg", "image/svg+xml", b"<svg/>", "<svg/>"),
        ("a.csv", "application/octet-stream", b"a,b", "a,b"),
        ("a.txt", "text/plain", b"\xff\xfea\0", ""),
        ("a.txt", "text/plain", b"a\0b", ""),
        ("a.pdf", "application/pdf", b"%PDF", ""),
    ],
)
async def test_what_stands_in_a_file_is_shown_where_it_is_text(
    tmp_path: Path, name: str, mime: str, data: bytes, text: str
) -> None:
    assert (await shown(tmp_path, name, mime, data)).text == text


@pytest.mark.proves("files.pictures")
@pytest.mark.parametrize(
    ("mime", "size", "is_seen"),
    [("image/png", 10, True), ("image/tiff", 10, False), ("image/png", LARGEST_IMAGE + 1, False)],
)
async def test_pictures_are_seen_that_every_provider_takes(tmp_path: Path, mime: str, size: int, is_seen: bool) -> None:
    assert bool((await shown(tmp_path, "a", mime, b"x" * size)).image) is is_seen


@pytest.mark.proves("files.shown", "files.inside")
@pytest.mark.parametrize("file", ["", "../errand.db", f"{'0' * 32}-gone.txt"])
async def test_a_file_that_is_not_in_the_store_has_a_line_and_nothing_else(tmp_path: Path, file: str) -> None:
    away = Attachment(name='x".txt\n', mime="text/plain", file=file)
    (one,) = await seen([away], FileStore(tmp_path), images=True)
    assert lines([one]) == '<file name="x\'.txt" kind="document" mime="text/plain"/>'
    assert contents([one]) == ""
