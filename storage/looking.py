"""A database as it is at one moment, for commands that only look: an Errand may be at work on it meanwhile."""

from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, asynccontextmanager
from functools import partial
from typing import NoReturn, TypeVar

from sqlalchemy import Connection

from storage.database import Work
from storage.engine import shown, snapshot
from storage.errors import StorageMissing, StorageReadOnly
from storage.failures import told
from storage.migrations import KNOWN, current
from storage.store import Store, open_store
from storage.threads import outcome

T = TypeVar("T")


@asynccontextmanager
async def looking(url: str) -> AsyncIterator[Store]:
    """The store behind a URL, whose methods that write raise StorageReadOnly.

    Where there is none yet, or one of an older schema, it is opened as by `open_store`: that makes it, or brings it up
    to date, which wants it for itself. Raises StorageError.
    """
    still = Still(url)
    store = Store(still) if await still.open() else await open_store(url)
    try:
        yield store
    finally:
        await store.close()


class Still:
    """A Database that stands still."""

    def __init__(self, url: str) -> None:
        self.url = shown(url)
        self.snapshot: Callable[[], AbstractContextManager[Connection]] = partial(snapshot, url)
        self._opened = ExitStack()
        self._thread = ThreadPoolExecutor(1, "errand-looking")  # a connection of SQLite's stays on its thread

    async def open(self) -> bool:
        """Stop here. False, and closed again, where nothing is, or nothing of today's schema. Raises StorageError."""
        is_current = False
        try:
            is_current = await outcome(self._thread.submit(self._open))
        finally:
            if not is_current:
                await self.close()
        return is_current

    def _open(self) -> bool:
        try:
            self._connection = self._opened.enter_context(self.snapshot())
        except StorageMissing:
            return False
        with told():
            return current(self._connection) == KNOWN[-1]  # the moment is that of the first SELECT

    async def read(self, work: Work[T]) -> T:
        """Run one SELECT."""
        return await outcome(self._thread.submit(self._read, work))

    def _read(self, work: Work[T]) -> T:
        with told():
            return work(self._connection)

    async def write(self, work: Work[T]) -> NoReturn:
        """Raises StorageReadOnly."""
        raise StorageReadOnly("This command only looks at the database.")

    async def compact(self) -> NoReturn:
        """Raises StorageReadOnly."""
        raise StorageReadOnly("This command only looks at the database.")

    async def close(self) -> None:
        """Let go of it."""
        await outcome(self._thread.submit(self._opened.close))
        self._thread.shutdown(wait=False)  # its last job is done
