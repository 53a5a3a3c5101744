"""A lock on a file that ends with the process that holds it."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from storage.errors import StorageTaken


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Only one process is in here. The kernel gives the lock back when it dies, however it dies."""
    while True:
        with path.open("a") as file:
            _lock(file)
            if _is_at(path, file):
                try:
                    yield
                finally:
                    path.unlink(missing_ok=True)
                return


def _lock(file: IO[str]) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise StorageTaken from None


def _is_at(path: Path, file: IO[str]) -> bool:
    """Whether the path still leads to this file: its last owner may have removed it since we opened it."""
    try:
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False
