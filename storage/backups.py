"""Backups: a database and the kept files of one moment, in one file that tells how to check it.

It is a .tar.gz of errand.db, files/ID for each file, and at its end manifest.json: without that it is not whole.
Nothing in it is trusted before all of it was compared with the manifest, and no name in it becomes a path unless it is
one of these. That finds damage, not forgery: whoever can write a backup can write its manifest.
"""

import hashlib
import io
import os
import re
import shutil
import tarfile
import tempfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from gzip import BadGzipFile
from pathlib import Path
from typing import IO

from pydantic import AwareDatetime, BaseModel, ValidationError

from storage.errors import StorageError
from storage.failures import SYSTEM
from storage.files import ID
from storage.migrations import KNOWN
from storage.moving import Digests, copy_out, move, refuse_filled
from storage.threads import aside, until_cancelled

FORM = 1  # of the backup; a newer one is refused
DATABASE, FILES, MANIFEST = "errand.db", "files", "manifest.json"
MEMBER = re.compile(rf"{re.escape(DATABASE)}|{re.escape(MANIFEST)}|{FILES}/{ID.pattern}")
DAMAGE = (tarfile.TarError, BadGzipFile, zlib.error, EOFError)
PACKED = 6  # of 9: the best makes it 1 % smaller, and takes twice as long


class Member(BaseModel, frozen=True, extra="forbid"):
    """One file in a backup."""

    size: int  # bytes
    sha256: str


class Manifest(BaseModel, frozen=True):
    """What a backup is: its form, who made it when, the schema of its database, and every other file in it."""

    errand_backup: int
    made_by: str
    made_at: AwareDatetime
    database_version: str
    members: Mapping[str, Member]

    @property
    def files(self) -> int:
        """How many kept files are in it."""
        return len(self.members) - 1


async def back_up(url: str, folder: Path, file: Path, *, made_by: str) -> tuple[Manifest, Digests]:
    """Write a database and the files of a folder into a new file; an Errand may be at work on both.

    The database is of one moment; files that come later may be in it too, those deleted since then are not.
    Raises StorageError.
    """
    _refuse_existing(file)
    with _told(file), tempfile.TemporaryDirectory(prefix=".errand-", dir=file.parent) as name:
        room = Path(name)
        tables = await copy_out(url, str(room / DATABASE))
        part = room / file.name
        manifest = await aside(partial(_pack, part, folder, until_cancelled(), made_by=made_by))
        part.replace(file)
    return manifest, tables


async def restore(file: Path, url: str, folder: Path) -> tuple[Manifest, Digests]:
    """Put what a backup holds into an empty database and a folder without other files.

    Where that cannot be done as a whole, nothing is. Raises StorageError.
    """
    refuse_filled(url)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _told(folder), tempfile.TemporaryDirectory(prefix=".errand-", dir=folder.parent) as name:
        room = Path(name)
        manifest = await aside(partial(_unpack, file, room, until_cancelled()))
        with _placed(room / FILES, folder):
            return manifest, await move(str(room / DATABASE), url)


# --- into a file


def _refuse_existing(file: Path) -> None:
    if file.exists():
        raise StorageError(f"{file} is there already: name another file, or take it away first.")


def _pack(part: Path, folder: Path, go_on: Callable[[], None], *, made_by: str) -> Manifest:
    with part.open("xb") as raw:
        with tarfile.open(fileobj=raw, mode="w:gz", compresslevel=PACKED) as tar:
            members = {DATABASE: _put(tar, DATABASE, part.with_name(DATABASE))}
            for path in sorted(folder.iterdir()) if folder.exists() else ():
                go_on()
                if ID.fullmatch(path.name):
                    members[f"{FILES}/{path.name}"] = _put(tar, f"{FILES}/{path.name}", path)
            manifest = Manifest(
                errand_backup=FORM,
                made_by=made_by,
                made_at=datetime.now(UTC),
                database_version=KNOWN[-1],
                members={name: member for name, member in members.items() if member},
            )
            told = io.BytesIO(manifest.model_dump_json(indent=1).encode())
            _add(tar, MANIFEST, told, at=manifest.made_at.timestamp())
        os.fsync(raw.fileno())
    part.chmod(0o600)  # conversations are private
    return manifest


def _put(tar: tarfile.TarFile, name: str, path: Path) -> Member | None:
    """Put a file in; None where it was deleted meanwhile."""
    try:
        source = path.open("rb")
    except FileNotFoundError:
        return None
    with source:
        digest = hashlib.file_digest(source, "sha256").hexdigest()
        return Member(size=_add(tar, name, source, at=os.fstat(source.fileno()).st_mtime), sha256=digest)


def _add(tar: tarfile.TarFile, name: str, content: IO[bytes], *, at: float) -> int:
    """Put bytes in, which are of this time; how many there are."""
    entry = tarfile.TarInfo(name)
    entry.size, entry.mtime, entry.mode = content.seek(0, os.SEEK_END), int(at), 0o600
    content.seek(0)
    tar.addfile(entry, content)
    return entry.size


# --- out of a file


def _unpack(file: Path, room: Path, go_on: Callable[[], None]) -> Manifest:
    """Write all of a backup into the room. Raises StorageError for what is damaged, missing or not ours."""
    found: dict[str, Member] = {}
    try:
        with tarfile.open(file, "r:gz") as tar:
            for entry in tar:
                go_on()
                if not entry.isfile() or not MEMBER.fullmatch(entry.name) or entry.name in found:
                    raise StorageError(f"{file} holds {entry.name!r}, which is in no backup of Errand.")
                found[entry.name] = _take_out(tar, entry, room / entry.name)
    except DAMAGE as error:
        raise StorageError(f"{file} is damaged, or no backup of Errand: {error}.") from error
    if found.pop(MANIFEST, None) is None:
        raise StorageError(f"{file} is not whole, or no backup of Errand: it has no {MANIFEST} at its end.")
    manifest = _read(file, (room / MANIFEST).read_bytes())
    if wrong := sorted(name for name in {*found, *manifest.members} if found.get(name) != manifest.members.get(name)):
        raise StorageError(f"{file} is damaged: {wrong[0]} is not what was put in.")
    return manifest


def _take_out(tar: tarfile.TarFile, entry: tarfile.TarInfo, path: Path) -> Member:
    content = tar.extractfile(entry)
    assert content is not None  # it is a file
    path.parent.mkdir(exist_ok=True)
    with path.open("xb") as out:
        shutil.copyfileobj(content, out)
        out.flush()
        os.fsync(out.fileno())
    path.chmod(0o600)
    os.utime(path, (entry.mtime, entry.mtime))  # how long a file is kept counts from then
    with path.open("rb") as written:
        return Member(size=entry.size, sha256=hashlib.file_digest(written, "sha256").hexdigest())


def _read(file: Path, told: bytes) -> Manifest:
    try:
        manifest = Manifest.model_validate_json(told)
    except ValidationError as error:
        raise StorageError(f"{file} is damaged, or no backup of Errand: its {MANIFEST} cannot be read.") from error
    if manifest.errand_backup != FORM or manifest.database_version not in KNOWN:
        raise StorageError(f"{file} was made by Errand {manifest.made_by}, which is newer: update this one.")
    if DATABASE not in manifest.members:
        raise StorageError(f"{file} is no backup of Errand: there is no {DATABASE} in it.")
    return manifest


@contextmanager
def _placed(new: Path, folder: Path) -> Iterator[None]:
    """The new files are in the folder: for good, unless the work with them fails."""
    names = {path.name for path in new.iterdir()} if new.exists() else set()
    there = {path.name for path in folder.iterdir() if ID.fullmatch(path.name)} if folder.exists() else set()
    if others := sorted(there - names):
        raise StorageError(f"{folder} has files of another Errand, such as {others[0]}: name an empty folder.")
    if names:
        folder.mkdir(mode=0o700, exist_ok=True)
    placed = sorted(names - there)  # of one name there is one content: a restore that was killed has left them
    for name in placed:
        (new / name).replace(folder / name)
    try:
        yield
    except BaseException:
        for name in placed:
            (folder / name).unlink(missing_ok=True)
        raise


@contextmanager
def _told(place: Path) -> Iterator[None]:
    """Lets the errors of the system out as ours."""
    try:
        yield
    except OSError as error:
        kind = SYSTEM.get(error.errno or 0, StorageError)
        raise kind(f"{place} cannot be used: {error.strerror}.") from error
