"""The backlog: how much waits to be delivered, answered or looked at."""

from sqlalchemy import ColumnElement, Connection, func, select

from storage.records import Backlog
from storage.tables import cases, outbox, questions, still_open, undelivered


def backlog(connection: Connection) -> Backlog:
    """The counts of this moment."""
    return Backlog(
        parcels=_count(connection, outbox.c.id, undelivered),
        questions=_count(connection, questions.c.id, still_open),
        cases=_count(connection, cases.c.turn, cases.c.state == "open"),
    )


def _count(connection: Connection, column: ColumnElement[str], which: ColumnElement[bool]) -> int:
    return connection.execute(select(func.count(column)).where(which)).scalar_one()
