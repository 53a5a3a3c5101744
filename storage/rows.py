"""The short way between rows and records: a record's fields are the columns of the same names."""

from dataclasses import fields
from typing import Any, TypeVar

from sqlalchemy import Column, Connection, Executable, Table
from sqlalchemy.dialects import postgresql, sqlite

R = TypeVar("R")


def columns(kind: type[Any], table: Table) -> list[Column[Any]]:
    """The columns that make one record of this kind, in the order of its fields."""
    return [table.c[field.name] for field in fields(kind)]


def values(record: Any) -> dict[str, Any]:
    """A record as the values of its row."""
    return {field.name: getattr(record, field.name) for field in fields(record)}


def records(connection: Connection, kind: type[R], statement: Executable) -> list[R]:
    """Every row as a record of this kind."""
    return [kind(*row) for row in connection.execute(statement)]


def record(connection: Connection, kind: type[R], statement: Executable) -> R | None:
    """The first row as a record of this kind."""
    row = connection.execute(statement).first()
    return None if row is None else kind(*row)


def upsert(connection: Connection, table: Table) -> sqlite.Insert | postgresql.Insert:
    """An insert that knows `on_conflict_...`: each dialect has a class of its own, with the same methods."""
    if connection.dialect.name == "sqlite":
        return sqlite.insert(table)
    return postgresql.insert(table)
