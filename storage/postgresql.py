"""PostgreSQL: a pool of connections, each at work on a thread, and a lock against a second process."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from math import ceil
from typing import Any, TypeVar

from sqlalchemy import URL, Connection, Engine, create_engine, event, func, select

from storage.database import Wires, Work
from storage.errors import StorageBusy, StorageError, StorageTaken
from storage.failures import told
from storage.migrations import migrate
from storage.threads import outcome

T = TypeVar("T")

CONNECTIONS = 8
LOCK = int.from_bytes(b"errand")  # the advisory lock of one Errand, or one cluster, on one database
MIGRATION = int.from_bytes(b"schema")  # that of the process of a cluster which brings the schema up to date


class PostgreSQL:
    """One PostgreSQL database.

    Its driver runs on threads, as SQLite does, and not in asyncio: so both have the same statements, and a
    cancelled turn never leaves open whether a COMMIT that was on its way has arrived. With `wires` it is shared with
    the other processes of a cluster, and they hear of what is written.
    """

    def __init__(self, url: URL, *, busy_timeout_seconds: float, wires: Wires | None = None) -> None:
        self.url = url.render_as_string(hide_password=True)
        self._target = url.set(drivername="postgresql+psycopg")
        self._busy_timeout_seconds = busy_timeout_seconds
        self._wires = wires
        self._opened = ExitStack()
        self._keeper_thread = ThreadPoolExecutor(1, "errand-postgresql-keeper")
        self._threads = ThreadPoolExecutor(CONNECTIONS, "errand-postgresql")

    async def open(self) -> None:
        """Take the lock, and bring the schema up to date."""
        try:
            await outcome(self._keeper_thread.submit(self._open))
        except BaseException:
            await self.close()
            raise

    async def read(self, work: Work[T]) -> T:
        """Run one SELECT."""
        return await outcome(self._threads.submit(self._read, work))

    async def write(self, work: Work[T]) -> T:
        """Run the work in one transaction."""
        return await outcome(self._threads.submit(self._write, work))

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """All of it at one moment, for reading."""
        with told(), ExitStack() as opened:
            engine = self._engine()
            opened.callback(engine.dispose)
            still = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            yield opened.enter_context(still.begin())

    async def compact(self) -> None:
        """Let the room of deleted rows be written over. Its log, and copies of it, are the server's own."""
        await outcome(self._threads.submit(self._compact))

    async def close(self) -> None:
        """End what runs, and give the lock back."""
        await outcome(self._keeper_thread.submit(self._close))
        self._keeper_thread.shutdown(wait=False)  # its last job is done

    def _open(self) -> None:
        with ExitStack() as opened, told():
            self._writers = self._engine().execution_options(wires=self._wires)
            opened.callback(self._writers.dispose)
            self._readers = self._writers.execution_options(isolation_level="AUTOCOMMIT")
            _lock(opened.enter_context(self._readers.connect()), shared=self._wires is not None)
            with self._writers.begin() as connection:
                connection.execute(select(func.pg_advisory_xact_lock(MIGRATION)))
                migrate(connection)
                if self._wires:
                    self._wires.prepare(connection)
            self._opened = opened.pop_all()

    def _engine(self) -> Engine:
        seconds = self._busy_timeout_seconds
        try:
            engine = create_engine(
                self._target,
                pool_size=CONNECTIONS + 1,  # one of them holds the lock
                max_overflow=0,
                pool_pre_ping=True,  # after a restart of the server, the next call finds a new connection
                connect_args={"connect_timeout": ceil(seconds), "tcp_user_timeout": ceil(seconds * 1000)},
            )
        except ModuleNotFoundError as error:
            raise StorageError("PostgreSQL needs its driver: pip install 'errand[postgres]'") from error
        event.listen(engine, "connect", partial(_limit_waiting, seconds=seconds))
        return engine

    def _read(self, work: Work[T]) -> T:
        with told(), self._readers.connect() as connection:
            return work(connection)

    def _write(self, work: Work[T]) -> T:
        with told(), self._writers.begin() as connection:
            return work(connection)

    def _compact(self) -> None:
        with told(), self._readers.connect() as connection:
            connection.exec_driver_sql("VACUUM")

    def _close(self) -> None:
        self._threads.shutdown()
        self._opened.close()


def _limit_waiting(connection: Any, _: object, *, seconds: float) -> None:
    """On a new connection of psycopg: wait as long for a lock as SQLite does."""
    connection.execute(f"SET lock_timeout = {ceil(seconds * 1000)}")
    connection.commit()


def _lock(connection: Connection, *, shared: bool) -> None:
    """Held as long as its connection. It waits a moment, for the connection of an Errand that just died."""
    take = func.pg_advisory_lock_shared if shared else func.pg_advisory_lock
    try:
        with told():
            connection.execute(select(take(LOCK)))
    except StorageBusy as error:
        raise StorageTaken from error
