"""PostgreSQL: a pool of connections, each at work on a thread, and a lock against a second process."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from math import ceil
from threading import Lock
from typing import Any, TypeVar

from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, event, func, select
from sqlalchemy.exc import DBAPIError

from storage.database import Wires, Work
from storage.errors import StorageBusy, StorageError, StorageTaken
from storage.failures import told
from storage.migrations import migrate
from storage.threads import outcome

T = TypeVar("T")

CONNECTIONS = 8
LOCK = int.from_bytes(b"errand")  # the advisory lock of one Errand, or one cluster, on one database
MIGRATION = int.from_bytes(b"schema")  # that of the process of a cluster which brings the schema up to date
# The server gives up a connection whose other end is silent for longer than that, with all locks that it holds: after
# 2 s, and 4 times 1 s. Else it would wait for two hours, and a machine that was cut off would hold up the others.
SILENCE = {
    "tcp_keepalives_idle": 2,
    "tcp_keepalives_interval": 1,
    "tcp_keepalives_count": 4,
    "tcp_user_timeout": 6_000,
}


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
        self._keeping = Lock()
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
            self._lockers = self._engine(poolclass=NullPool).execution_options(isolation_level="AUTOCOMMIT")
            self._keeper = self._lockers.connect()
            opened.callback(self._let_go)
            _lock(self._keeper, shared=self._wires is not None)
            pool = self._engine(
                pool_size=CONNECTIONS,
                max_overflow=0,
                pool_pre_ping=True,  # after a restart of the server, the next call finds a new connection
            )
            event.listen(pool, "connect", self._keep_the_lock)
            self._writers = pool.execution_options(wires=self._wires)
            opened.callback(self._writers.dispose)
            self._readers = self._writers.execution_options(isolation_level="AUTOCOMMIT")
            with self._writers.begin() as connection:
                connection.execute(select(func.pg_advisory_xact_lock(MIGRATION)))
                migrate(connection)
                if self._wires:
                    self._wires.prepare(connection)
            self._opened = opened.pop_all()

    def _keep_the_lock(self, new: Any, _: object) -> None:
        """With a new connection: where the server has restarted, the lock went with the old ones, and is taken again.
        Raises StorageTaken, StorageError."""
        with self._keeping, ExitStack() as otherwise, told():
            otherwise.callback(new.close)
            if not _is_alive(self._keeper):
                self._keeper.close()
                self._keeper = self._lockers.connect()
                otherwise.callback(self._keeper.close)
                _lock(self._keeper, shared=self._wires is not None)
            otherwise.pop_all()

    def _let_go(self) -> None:
        self._keeper.close()

    def _engine(self, **pool: Any) -> Engine:
        seconds = self._busy_timeout_seconds
        waits = {"connect_timeout": ceil(seconds), "tcp_user_timeout": ceil(seconds * 1000)}
        try:
            engine = create_engine(self._target, connect_args=waits, **pool)
        except ModuleNotFoundError as error:
            raise StorageError("PostgreSQL needs its driver: pip install '.[postgres]' in Errand's folder") from error
        event.listen(engine, "connect", self._limit_waiting)
        return engine

    def _limit_waiting(self, connection: Any, _: object) -> None:
        """On a new connection of psycopg: wait as long for a lock as SQLite does."""
        limits = {"lock_timeout": ceil(self._busy_timeout_seconds * 1000), **SILENCE}
        connection.execute("; ".join(f"SET {name} = {value}" for name, value in limits.items()))
        connection.commit()

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


def _is_alive(connection: Connection) -> bool:
    if connection.closed:
        return False
    try:
        connection.execute(select(1))
    except DBAPIError:
        return False
    return True


def _lock(connection: Connection, *, shared: bool) -> None:
    """Held as long as its connection. It waits a moment, for the connection of an Errand that just died."""
    take = func.pg_advisory_lock_shared if shared else func.pg_advisory_lock
    try:
        with told():
            connection.execute(select(take(LOCK)))
    except StorageBusy as error:
        raise StorageTaken from error
