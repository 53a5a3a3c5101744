"""From a URL to an open database."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from sqlalchemy import URL, Connection, make_url
from sqlalchemy.exc import ArgumentError

from storage.database import Database, Wires
from storage.errors import (
    StorageBusy,
    StorageError,
    StorageFull,
    StorageMissing,
    StorageReadOnly,
    StorageTaken,
    StorageUnreadable,
)
from storage.postgresql import PostgreSQL
from storage.sqlite import SQLite

BUSY_SECONDS = 5.0
FORMS = "A database is a file's path, sqlite:///PATH, or postgresql://USER@HOST/NAME."
WAYS_OUT: dict[type[StorageError], str] = {
    StorageFull: "Free some space, or choose another place.",
    StorageReadOnly: "Make the file and its folder writable, or choose another place.",
    StorageBusy: "Close that program, and start again.",
    StorageUnreadable: "Move the file away, or choose another place.",
    StorageMissing: "Name the right one with the setting database.",
    StorageTaken: "Stop that one first, or give this one a database of its own.",
}


async def open_database(url: str, *, busy_timeout_seconds: float, wires: Wires | None = None) -> Database:
    """The database behind a URL or a plain path, locked for this process and up to date. With `wires` a PostgreSQL
    database, locked for their cluster."""
    database = _database(url, busy_timeout_seconds=busy_timeout_seconds, wires=wires)
    with _explained(database):
        await database.open()
    return database


@contextmanager
def snapshot(url: str) -> Iterator[Connection]:
    """What a database of any version holds at one moment, for reading, also while an Errand runs on it.

    Raises StorageError; StorageMissing where there is no file.
    """
    database = _database(url, busy_timeout_seconds=BUSY_SECONDS)
    with ExitStack() as opened:
        with _explained(database):
            connection = opened.enter_context(database.snapshot())
        yield connection


def shown(url: str) -> str:
    """A database's URL for people: without its password."""
    return _database(url, busy_timeout_seconds=BUSY_SECONDS).url


@contextmanager
def _explained(database: Database) -> Iterator[None]:
    try:
        yield
    except StorageError as error:
        way_out = WAYS_OUT.get(type(error), "")
        raise type(error)(f"{error} {way_out} ({database.url})") from error


def _database(url: str, *, busy_timeout_seconds: float, wires: Wires | None = None) -> SQLite | PostgreSQL:
    try:
        target = make_url(url) if "://" in url else URL.create("sqlite", database=url)
    except ArgumentError as error:
        raise StorageError(FORMS) from error
    if wires is not None and target.get_backend_name() not in {"postgresql", "postgres"}:
        raise StorageError("A cluster needs a PostgreSQL database: set ERRAND_DATABASE=postgresql://USER@HOST/NAME.")
    if target.get_backend_name() == "sqlite" and target.database not in {None, "", ":memory:"}:
        return SQLite(Path(str(target.database)).expanduser(), busy_timeout_seconds=busy_timeout_seconds)
    if target.get_backend_name() in {"postgresql", "postgres"}:
        return PostgreSQL(target, busy_timeout_seconds=busy_timeout_seconds, wires=wires)
    raise StorageError(FORMS)  # without the URL itself, which may hold a password
