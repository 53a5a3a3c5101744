"""SQLite: one writer that commits in groups, readers beside it, and a lock against a second process."""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import URL, Connection, Engine, create_engine, event

from storage.database import Work
from storage.errors import StorageBusy, StorageMissing
from storage.failures import told
from storage.lock import locked
from storage.migrations import migrate
from storage.threads import outcome

T = TypeVar("T")

READERS = 2  # a read takes a fraction of a millisecond, and most of that holds the interpreter's lock


class SQLite:
    """One SQLite file.

    SQLite lets one connection write at a time, and the others poll for their turn with ever longer sleeps. So
    ours do not compete: one thread writes, on one connection, and commits what has come in meanwhile in one
    transaction. Readers stand beside it, which WAL allows.
    """

    def __init__(self, path: Path, *, busy_timeout_seconds: float) -> None:
        self.url = f"sqlite:///{path}"
        self._path = path
        self._busy_timeout_seconds = busy_timeout_seconds
        self._waiting: deque[tuple[Work[Any], Future[Any]]] = deque()
        self._opened = ExitStack()
        self._write_thread = ThreadPoolExecutor(1, "errand-writer")
        self._read_threads = ThreadPoolExecutor(READERS, "errand-reader")

    async def open(self) -> None:
        """Take the lock, create what is missing, and bring the schema up to date."""
        try:
            await outcome(self._write_thread.submit(self._open))
        except BaseException:
            await self.close()
            raise

    async def read(self, work: Work[T]) -> T:
        """Run one SELECT."""
        return await outcome(self._read_threads.submit(self._read, work))

    async def write(self, work: Work[T]) -> T:
        """Run the work in one transaction, together with what else waits: alone, if that fails."""
        future: Future[T] = Future()
        self._waiting.append((work, future))
        self._write_thread.submit(self._commit_waiting)
        return await outcome(future)

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """All of it at one moment, for reading."""
        with told(), ExitStack() as opened:
            if not self._path.is_file():
                raise StorageMissing
            engine = self._engine(pool_size=1)
            opened.callback(engine.dispose)
            event.listen(engine, "begin", _stand_still)
            yield opened.enter_context(engine.begin())

    async def compact(self) -> None:
        """Write the whole file anew, without what deleted rows have left in it, and empty the write-ahead log."""
        await outcome(self._write_thread.submit(self._compact))

    async def close(self) -> None:
        """End what runs, fold the write-ahead log into the file, and give the lock back."""
        await outcome(self._write_thread.submit(self._close))
        self._write_thread.shutdown(wait=False)  # its last job is done

    def _open(self) -> None:
        with ExitStack() as opened, told():
            self._path.parent.mkdir(parents=True, exist_ok=True)
            opened.enter_context(locked(self._path.with_name(f"{self._path.name}.lock")))
            self._path.touch(mode=0o600)  # conversations are private
            writer = self._engine(pool_size=1)
            opened.callback(writer.dispose)
            event.listen(writer, "begin", _take_the_write_lock)
            self._writer = opened.enter_context(writer.connect())
            with self._writer.begin():
                migrate(self._writer)
            self._readers = self._engine(pool_size=READERS)
            opened.callback(self._readers.dispose)
            self._opened = opened.pop_all()

    def _engine(self, *, pool_size: int) -> Engine:
        engine = create_engine(
            URL.create("sqlite", database=str(self._path)),
            connect_args={"timeout": self._busy_timeout_seconds},
            pool_size=pool_size,
            max_overflow=0,
        )
        event.listen(engine, "connect", _prepare)
        return engine

    def _read(self, work: Work[T]) -> T:
        with told(), self._readers.connect() as connection:
            return work(connection)

    def _commit_waiting(self) -> None:
        jobs = []
        while self._waiting:
            work, future = self._waiting.popleft()
            if future.set_running_or_notify_cancel():
                jobs.append((work, future))
        if jobs:
            self._commit(jobs)

    def _commit(self, jobs: list[tuple[Work[Any], Future[Any]]]) -> None:
        try:
            with told(), self._writer.begin():
                results = [work(self._writer) for work, _ in jobs]
        except StorageBusy:  # nothing of any job ran, and trying each alone would wait for the lock once more
            for _, future in jobs:
                future.set_exception(StorageBusy())
        except Exception as error:  # noqa: BLE001 - not ours to handle: it goes to the one whose work raised it
            if len(jobs) == 1:
                jobs[0][1].set_exception(error)
            else:
                for job in jobs:
                    self._commit([job])
        else:
            for (_, future), result in zip(jobs, results, strict=True):
                future.set_result(result)

    def _compact(self) -> None:
        with told(), self._readers.connect() as connection:  # the writer's would begin a transaction
            connection.exec_driver_sql("INSERT INTO turn_words (turn_words) VALUES ('optimize')")  # drops deleted words
            connection.exec_driver_sql("VACUUM")
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").all()

    def _close(self) -> None:
        self._read_threads.shutdown()
        self._opened.close()


def _prepare(connection: Any, _: object) -> None:
    """Set up a new connection of the sqlite3 module."""
    connection.isolation_level = None  # that module's implicit transactions off: ours begin when we say so
    connection.execute("PRAGMA journal_mode = WAL")
    # FULL waits for the disk at each commit, so what was acknowledged survives a loss of power too. It costs a lone
    # message 0.8 ms, and a busy bot nothing, because commits are made in groups (docs/decisions/0002).
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")


def _take_the_write_lock(connection: Connection) -> None:
    # A plain BEGIN reads first and asks for the lock later, where waiting for it is no longer possible.
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _stand_still(connection: Connection) -> None:
    connection.exec_driver_sql("PRAGMA query_only = ON")
    connection.exec_driver_sql("BEGIN")
