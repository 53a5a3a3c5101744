"""The versions of the schema, and the way up to the newest."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Column, Connection, MetaData, Table, Text, inspect, select

from storage.errors import StorageError

KNOWN = (
    "0001",
    "0002",
    "0003",
    "0004",
    "0005",
    "0006",
    "0007",
    "0008",
    "0009",
    "0010",
    "0011",
    "0012",
    "0013",
    "0014",
)  # oldest first; a version is never edited after its release
# Not under alembic's own name: in a PostgreSQL database that is shared, that table may be another program's.
NEWEST = Path(__file__).with_name("newest.sql")  # all steps in one, for a new SQLite file: `make docs` writes it
VERSION = Table("errand_version", MetaData(), Column("version_num", Text))


def migrate(connection: Connection) -> None:
    """Bring the schema up to date, inside the caller's transaction."""
    version = current(connection)
    if version == KNOWN[-1]:
        return
    if version is not None and version not in KNOWN:
        raise StorageError(
            f"A newer Errand made this database (schema {version}, known here up to {KNOWN[-1]}): update Errand."
        )
    if version is None and connection.dialect.name == "sqlite":
        for statement in _statements(NEWEST.read_text(encoding="utf-8")):
            connection.exec_driver_sql(statement)
    else:
        upgrade(connection)


def upgrade(connection: Connection) -> None:
    """Take one step after the other, from whichever version to the newest, inside the caller's transaction."""
    # Importing alembic takes 0.26 s and 10 MB, which a start without a migration need not pay.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def current(connection: Connection) -> str | None:
    """The version of the schema; None for an empty database."""
    if not inspect(connection).has_table(VERSION.name):
        return None
    return connection.execute(select(VERSION.c.version_num)).scalar()


def _statements(script: str) -> Iterator[str]:
    """One after the other; a trigger holds semicolons of its own."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
