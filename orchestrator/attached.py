"""Files of a message inside of a prompt: a line for each, and what stands in those that are text, marked as data."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath

from orchestrator.keeping import PHOTOS
from orchestrator.messages import Attachment, size_in_words
from orchestrator.quoting import attribute, enclosed
from storage.errors import StorageFileUnknown
from storage.files import FileStore

log = logging.getLogger(__name__)

SHOWN = 12_000  # characters of all files of one message together, about 3,000 tokens
LARGEST_IMAGE = 5 * 10**6  # bytes; what the strictest provider takes, Anthropic's vision guide, 2026-11
TEXTS = frozenset({"application/json", "application/xml", "application/yaml", "application/x-yaml", "application/toml"})
TEXT_ENDINGS = frozenset(".csv .json .log .md .rst .toml .tsv .txt .xml .yaml .yml".split())


@dataclass(frozen=True, slots=True)
class Seen:
    """A file as the prompt shows it. `path` is where it is, `text` what stands in it, `image` its bytes: each empty
    where there is none."""

    file: Attachment
    path: str = ""
    text: str = ""
    image: bytes = b""


async def seen(files: Sequence[Attachment], store: FileStore, *, images: bool) -> tuple[Seen, ...]:
    """The files of a message, read as far as a model is to see them. Raises StorageError."""
    return tuple([await _seen(file, store, images=images) for file in files])


async def _seen(file: Attachment, store: FileStore, *, images: bool) -> Seen:
    try:
        here = Seen(file, path=str(store.path(file.file)))
        if _is_text(file):
            return replace(here, text=_decoded(await store.read(file.file)))
        if images and file.mime in PHOTOS and (file.size or 0) <= LARGEST_IMAGE:
            return replace(here, image=await store.read(file.file))
    except StorageFileUnknown:  # it never came, or somebody has tidied up
        log.info("a file of a message is not here", extra={"reason": file.problem})
        return Seen(file)
    return here


def _is_text(file: Attachment) -> bool:
    known = file.mime.startswith("text/") or file.mime in TEXTS or file.mime.endswith(("+json", "+xml"))
    return known or PurePath(file.name).suffix.lower() in TEXT_ENDINGS


def _decoded(data: bytes) -> str:
    """The text; empty where it is none."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return ""
    return "" if "\0" in text else text


def lines(files: Sequence[Seen]) -> str:
    """A line for each file: what is known of it, and its path, which tools can take."""
    return "\n".join(map(_line, files))


def _line(seen: Seen) -> str:
    file = seen.file
    known = {
        "name": attribute(file.name),
        "kind": file.kind,
        "mime": attribute(file.mime),
        "size": "" if file.size is None else size_in_words(file.size),
        "path": seen.path,
        "problem": attribute(file.problem),
    }
    written = "".join(f' {name}="{value}"' for name, value in known.items() if value)
    return f"<file{written}/>"


def contents(files: Sequence[Seen]) -> str:
    """What stands in the files that are text: all of it, or the beginning, and a word on how much that is."""
    return "\n\n".join(_contents(files))


def _contents(files: Sequence[Seen]) -> Iterator[str]:
    room = SHOWN
    for each in files:
        if each.text:
            shown = each.text[:room]
            cut = f"\n[cut: the first {len(shown):,} of {len(each.text):,} characters]" if shown != each.text else ""
            yield enclosed("attached", f"{shown}{cut}", name=each.file.name)
            room -= len(shown)
