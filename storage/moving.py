"""Moving: all of a database into an empty one, of the same kind or the other, checked by counts and hashes."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Table, cast, collate, func, literal, select, text
from sqlalchemy.dialects.postgresql import REGCLASS

from storage.engine import BUSY_SECONDS, open_database, shown, snapshot
from storage.errors import StorageError, StorageMissing, StorageTextUnstorable
from storage.failures import told
from storage.migrations import KNOWN, current
from storage.tables import Text, metadata
from storage.threads import until_cancelled

BATCH = 500  # rows in memory at once
OF_A_ROW = (StorageError, StorageTextUnstorable)  # errors that another row may not have; a full disk is everybody's


@dataclass(frozen=True, slots=True)
class Digest:
    """What a table holds: how many rows, and a hash over them in the order of their keys."""

    rows: int
    sha256: str


Digests = Mapping[str, Digest]
"""What every table holds, by its name."""


async def move(source: str, target: str) -> Digests:
    """Copy all of a database into an empty one; nobody else may be at work on either.

    The target is filled in one transaction, which ends only when both hold the same: whatever happens before, the
    target stays empty. The source stays as it is, but for an older schema, which is brought up to date.
    Raises StorageError.
    """
    if shown(source) == shown(target):
        raise StorageError(f"{shown(source)} is the database that is in use: name another one.")
    _version_of(source)
    locked = await open_database(source, busy_timeout_seconds=BUSY_SECONDS)
    try:
        return await _fill(target, partial(snapshot, source))
    finally:
        await locked.close()


async def copy_out(source: str, target: str) -> Digests:
    """As `move`, of one moment of a database on which an Errand may be at work."""
    if (version := _version_of(source)) != KNOWN[-1]:
        raise StorageError(
            f"Another version of Errand made this database (schema {version}, here {KNOWN[-1]}): copy it with that "
            f"one, or let this one bring it up to date, which `errand sessions` does. ({shown(source)})"
        )
    return await _fill(target, partial(snapshot, source))


def refuse_filled(url: str) -> None:
    """Raises StorageError where a database is not empty. Nothing is made or changed."""
    if _version(url) is None:
        return
    with snapshot(url) as connection:
        _refuse_filled(connection, shown(url))


def _version_of(source: str) -> str:
    """The version of its schema. Raises StorageMissing where there is nothing of ours to copy."""
    version = _version(source)
    if version is None:
        raise StorageMissing(f"There is no database of Errand to copy from. ({shown(source)})")
    return version


def _version(url: str) -> str | None:
    """The version of the schema; None where there is nothing of ours."""
    try:
        with snapshot(url) as connection:
            return current(connection)
    except StorageMissing:
        return None


async def _fill(target: str, source: Callable[[], AbstractContextManager[Connection]]) -> Digests:
    refuse_filled(target)
    go_on = until_cancelled()
    database = await open_database(target, busy_timeout_seconds=BUSY_SECONDS)

    def work(new: Connection) -> Digests:
        _refuse_filled(new, database.url)  # nobody else can fill it any more
        with source() as old:
            _copy(old, new, go_on)
            return _compared(old, new, go_on)

    try:
        return await database.write(work)
    finally:
        await database.close()


def _refuse_filled(connection: Connection, url: str) -> None:
    version = current(connection)
    if version != KNOWN[-1]:
        raise StorageError(f"{url} belongs to an Errand of another version ({version}): name an empty database.")
    for table in metadata.sorted_tables:
        if connection.execute(select(literal(1)).select_from(table).limit(1)).first():
            raise StorageError(
                f"{url} is not empty, there are rows in {table.name}: name a file that is not there yet, or a new "
                "database (createdb NAME)."
            )


def _copy(old: Connection, new: Connection, go_on: Callable[[], None]) -> None:
    for table in metadata.sorted_tables:  # those first to which others point
        for rows in _batches(old, table):
            go_on()
            _insert(new, table, rows)
    given = _given(old)
    for table, number in _numbered():
        highest = max(given.get(table.name, 0), new.execute(select(func.max(number))).scalar() or 0)
        if highest:
            _go_on_behind(new, table, number, highest)


def _insert(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """Insert these rows. Where that is not possible, the error names the first of them that is in the way."""
    try:
        with told(), connection.begin_nested():
            connection.execute(table.insert(), rows)
    except StorageError as error:
        if type(error) not in OF_A_ROW:
            raise
        for row in rows if len(rows) > 1 else ():
            _insert(connection, table, [row])
        which = ", ".join(f"{column.name} {rows[0][column.name]!r}" for column in table.primary_key)
        raise StorageError(f"The row with {which} of {table.name} cannot be copied, mend it: {error}") from error


def _compared(old: Connection, new: Connection, go_on: Callable[[], None]) -> Digests:
    """What the tables of both hold. Raises StorageError for the first one that differs."""
    found = {}
    for table in metadata.sorted_tables:
        there, here = _digest(old, table, go_on), _digest(new, table, go_on)
        if there != here:
            raise StorageError(
                f"The copy of {table.name} differs, so nothing was kept of it: {there.rows} rows with the hash "
                f"{there.sha256[:12]} became {here.rows} with {here.sha256[:12]}."
            )
        found[table.name] = there
    return found


def _digest(connection: Connection, table: Table, go_on: Callable[[], None]) -> Digest:
    count, digest = 0, hashlib.sha256()
    for rows in _batches(connection, table):
        go_on()
        for row in rows:
            digest.update(json.dumps([*row.values()], default=datetime.isoformat).encode() + b"\n")
        count += len(rows)
    return Digest(count, digest.hexdigest())


def _batches(connection: Connection, table: Table) -> Iterator[list[dict[str, Any]]]:
    """All rows of a table in the order of their keys, which is the same in both databases."""
    is_sqlite = connection.dialect.name == "sqlite"
    # SQLite compares text by its bytes, PostgreSQL as people of some country sort names, unless it is told otherwise.
    order = [
        collate(column, "C") if isinstance(column.type, Text) and not is_sqlite else column
        for column in table.primary_key
    ]
    rows = select(table).order_by(*order).execution_options(yield_per=BATCH)
    with connection.execute(rows) as result:
        for some in result.mappings().partitions():
            yield [dict(row) for row in some]


# --- numbers that are given out once, also where their row is gone


def _numbered() -> Iterator[tuple[Table, Column[Any]]]:
    """The tables whose rows the database numbers, with the column."""
    for table in metadata.sorted_tables:
        if table.autoincrement_column is not None:
            yield table, table.autoincrement_column


def _given(connection: Connection) -> dict[str, int]:
    """The highest number that each table has ever given out, as far as the database remembers it."""
    if connection.dialect.name == "sqlite":
        return dict(connection.execute(text("SELECT name, seq FROM sqlite_sequence")).all())
    return {
        table.name: connection.execute(select(func.pg_sequence_last_value(_sequence(table, number)))).scalar() or 0
        for table, number in _numbered()
    }


def _go_on_behind(connection: Connection, table: Table, number: Column[Any], highest: int) -> None:
    """Let the next row of the table get a number behind this one."""
    if connection.dialect.name != "sqlite":
        connection.execute(select(func.setval(_sequence(table, number), highest)))
    elif table.dialect_options["sqlite"]["autoincrement"]:
        row = {"name": table.name, "number": highest}
        connection.execute(text("DELETE FROM sqlite_sequence WHERE name = :name"), row)
        connection.execute(text("INSERT INTO sqlite_sequence (name, seq) VALUES (:name, :number)"), row)


def _sequence(table: Table, number: Column[Any]) -> ColumnElement[Any]:
    """What numbers the rows of a table in PostgreSQL."""
    return cast(func.pg_get_serial_sequence(table.name, number.name), REGCLASS)
