"""Writes the schema to which the migrations of a SQLite file lead: `make docs`. A test compares it."""

import sqlite3
import tempfile
from pathlib import Path

from sqlalchemy import create_engine

from storage.migrations import NEWEST, VERSION, upgrade

HEAD = "-- The schema after all migrations, for a new SQLite file. `make docs` writes it; the tests compare it.\n\n"


def newest_schema() -> str:
    """The statements that make it, in the order in which the migrations did."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "new.db"
        engine = create_engine(f"sqlite:///{file}")
        with engine.begin() as connection:
            upgrade(connection)
        engine.dispose()
        return HEAD + statements_of(file)


def statements_of(file: Path) -> str:
    """All that is declared in a SQLite file, and the version that stands in it."""
    connection = sqlite3.connect(file)
    try:
        declared = connection.execute("SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY rowid")
        found = declared.fetchall()
        (version,) = connection.execute(f"SELECT version_num FROM {VERSION.name}").fetchone()
    finally:
        connection.close()
    virtual = [name for _, name, sql in found if sql.startswith("CREATE VIRTUAL TABLE")]
    own = ("sqlite_", *(f"{name}_" for name in virtual))  # tables that SQLite makes by itself
    made = [sql for kind, name, sql in found if kind != "table" or not name.startswith(own)]
    insert = f"INSERT INTO {VERSION.name} VALUES ('{version}')"
    return ";\n\n".join([*made, insert]) + ";\n"


if __name__ == "__main__":
    NEWEST.write_text(newest_schema(), encoding="utf-8")
