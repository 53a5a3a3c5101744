"""What a tool gave back, with its files kept: on disk before anything else happens, and where later steps find them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from orchestrator.messages import Attachment, FileKind
from orchestrator.repair import repaired, repaired_data
from orchestrator.tools.spec import File, ToolResult, file_line
from storage.files import FileStore

MOST_FILES = 10  # that go out with one answer; what platforms take as one album
PHOTOS = {"image/jpeg", "image/png", "image/webp"}  # what every platform shows; other pictures go out as documents


@dataclass(frozen=True, slots=True)
class Kept:
    """A tool's answer. `text` ends with a line a file that says where it is; `paths` are in the order of `files`.

    An answer that is nothing but one file has that one's path for its data.
    """

    text: str
    data: Any = None
    files: tuple[Attachment, ...] = ()
    paths: tuple[str, ...] = ()


async def kept(answer: ToolResult, store: FileStore) -> Kept:
    """The answer, its text repaired and its files in the store. Raises StorageError."""
    text, data = repaired(answer.text), repaired_data(answer.data)
    if not answer.files:
        return Kept(text, data)
    files = tuple([await _kept(file, store) for file in answer.files])
    paths = tuple(str(store.path(file.file)) for file in files)
    if data is None and [text] == [file_line(file) for file in answer.files]:
        data = paths[0]
    return Kept("\n".join(filter(None, (text, *_places(files, paths)))), data, files, paths)


async def _kept(file: File, store: FileStore) -> Attachment:
    name, mime = base_name(repaired(file.name)), repaired(file.mime)
    file_id = await store.keep(name, mime, file.data)
    return Attachment(kind=kind_of(mime), name=name, mime=mime, size=len(file.data), file=file_id)


def base_name(name: str) -> str:
    """A file's name without folders, whatever system it comes from."""
    return re.split(r"[/\\]", name.rstrip("/\\"))[-1] or "file"


def kind_of(mime: str) -> FileKind:
    """As what a file of this type is shown."""
    match mime.partition("/")[0]:
        case "image" if mime in PHOTOS:
            return "photo"
        case "audio":
            return "audio"
        case "video":
            return "video"
    return "document"


def without_places(text: str, files: Sequence[Attachment], paths: Sequence[str]) -> str:
    """A text without where its files are: people get the files themselves."""
    return text.removesuffix("\n".join(_places(files, paths))).removesuffix("\n")


def _places(files: Sequence[Attachment], paths: Sequence[str]) -> list[str]:
    return [f"[{file.name} is at {path}]" for file, path in zip(files, paths, strict=True)]
