"""Files that people sent and tools made: one folder, each file under the hash of its content and its name."""

import asyncio
import hashlib
import logging
import mimetypes
import os
import re
import tempfile
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from storage.errors import StorageError, StorageFileUnknown
from storage.failures import SYSTEM

log = logging.getLogger(__name__)

HASH = 32  # hexadecimal digits of SHA-256: 128 bits, so that nobody can make two files of one id
ID = re.compile(rf"[0-9a-f]{{{HASH}}}-[\w.-]+")
LONGEST_NAME = 150  # bytes of a name, where most file systems take 255 for all of it


class FileStore:
    """Keeps files. An id says what the file is called in the folder; the folder is made when the first one comes.

    Raises StorageError, and its kinds.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder.absolute()  # tools may run in another one

    async def keep(self, name: str, mime: str, data: bytes) -> str:
        """The id under which these bytes are kept. The same ones under the same name are kept once."""
        file_id = await asyncio.to_thread(_id_of, name, mime, data)
        await asyncio.to_thread(_write, self.path(file_id), data)
        return file_id

    async def read(self, file_id: str) -> bytes:
        path = self.path(file_id)
        return await asyncio.to_thread(_read, path)

    async def delete(self, file_id: str) -> None:
        """Delete a file, if it is here."""
        await asyncio.to_thread(_delete, self.path(file_id))

    async def delete_old(self, before: datetime) -> int:
        """Delete the files that came before this. How many there were."""
        return await asyncio.to_thread(_delete_old, self._folder, before)

    def id_at(self, path: str) -> str:
        """The id of the kept file at this path. Raises StorageFileUnknown where it is none."""
        given = Path(path)
        if given.parent != self._folder or not given.is_file():
            raise StorageFileUnknown
        return self.path(given.name).name

    def path(self, file_id: str) -> Path:
        """Where the file is, or would be: always in the folder. Raises StorageFileUnknown for what is no id."""
        if not ID.fullmatch(file_id):
            raise StorageFileUnknown
        return self._folder / file_id


def _id_of(name: str, mime: str, data: bytes) -> str:
    return f"{hashlib.sha256(data).hexdigest()[:HASH]}-{_safe(name, mime)}"


def _safe(name: str, mime: str) -> str:
    """The name in letters, digits, dots and dashes, with an ending: by it tools know what a file is."""
    plain = re.sub(r"[^\w.-]+", "_", unicodedata.normalize("NFC", name)).strip("._-") or "file"
    stem, dot, ending = plain.rpartition(".")
    if not dot or len(ending) > 10:
        stem, dot, ending = plain, "", (mimetypes.guess_extension(mime) or "")
    room = LONGEST_NAME - len(f"{dot}{ending}".encode())
    return f"{stem.encode()[:room].decode(errors='ignore')}{dot}{ending}"


def _write(path: Path, data: bytes) -> None:
    """As a whole or not at all: what stands under an id is never half of it."""
    with _told():
        if path.exists():
            path.touch()  # it has come again, and is as old as that
            return
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".", suffix=".part", delete=False) as part:
            try:
                part.write(data)
                part.flush()
                os.fsync(part.fileno())
                Path(part.name).replace(path)
            except BaseException:
                Path(part.name).unlink(missing_ok=True)
                raise


def _delete(path: Path) -> None:
    with _told():
        path.unlink(missing_ok=True)


def _delete_old(folder: Path, before: datetime) -> int:
    with _told():
        known = [path for path in folder.iterdir() if ID.fullmatch(path.name)] if folder.exists() else []
        old = [path for path in known if path.stat().st_mtime < before.timestamp()]
        for path in old:
            path.unlink(missing_ok=True)
    return len(old)


def _read(path: Path) -> bytes:
    with _told():
        return path.read_bytes()


@contextmanager
def _told() -> Iterator[None]:
    """Lets the errors of the system out as ours, without the folder's name: a person may read them."""
    try:
        yield
    except FileNotFoundError as error:
        raise StorageFileUnknown from error
    except OSError as error:
        log.warning("the folder for files cannot be used", extra={"reason": str(error)})
        kind = SYSTEM.get(error.errno or 0, StorageError)
        raise kind(f"The folder for files cannot be used: {error.strerror}.") from error
