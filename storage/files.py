"""Files that people sent and tools made: in one folder, under names made of their content."""

import asyncio
import hashlib
import os
import re
from pathlib import Path

from storage.errors import StorageError

LONGEST_NAME = 80  # characters


class FileMissing(StorageError):
    """The file is not there any more."""


class FileStore:
    """A folder, made when the first file comes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()

    async def keep(self, name: str, content: bytes) -> Path:
        """Write a file; its path. The same content under the same name is one file. Raises StorageError."""
        return await asyncio.to_thread(self._keep, name, content)

    async def read(self, path: str) -> bytes:
        """The content of a kept file. Raises StorageError, also for a path that leads elsewhere."""
        return await asyncio.to_thread(self._read, path)

    def _keep(self, name: str, content: bytes) -> Path:
        safe = re.sub(r"[^\w.-]+", "_", Path(name).name)[-LONGEST_NAME:].lstrip(".") or "file"
        path = self._folder / hashlib.sha256(content).hexdigest()[:16] / safe
        if path.exists():
            return path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            half = path.with_name(f".{safe}.{os.getpid()}")
            half.write_bytes(content)
            half.replace(path)
        except OSError as error:
            raise StorageError(f"A file cannot be kept in {self._folder}: {error.strerror}.") from error
        return path

    def _read(self, path: str) -> bytes:
        whole = Path(path).resolve()
        if not whole.is_relative_to(self._folder):
            raise FileMissing
        try:
            return whole.read_bytes()
        except OSError as error:
            raise FileMissing from error
