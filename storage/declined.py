"""Requests that nothing here could serve: what somebody wanted, without saying who."""

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import Connection, delete, select, update

from storage.aliases import alias_of, forget_unused, person_name
from storage.records import Declined
from storage.rows import columns, records
from storage.tables import declined

MOST = 5_000  # of the newest that are looked at: grouping so many takes about a second


def add(connection: Connection, channel: str, person: str, text: str, reason: str) -> None:
    """Write down that this was asked for, and why nothing came of it."""
    alias, _ = alias_of(connection, "person", person_name(channel, person))
    row = {"at": datetime.now(UTC), "channel": channel, "person": alias, "text": text, "reason": reason}
    connection.execute(declined.insert(), row)


def waiting(connection: Connection) -> list[Declined]:
    """The newest that nothing serves yet, oldest first."""
    found = select(*columns(Declined, declined)).where(declined.c.served_by.is_(None))
    return records(connection, Declined, found.order_by(declined.c.id.desc()).limit(MOST))[::-1]


def serve(connection: Connection, ids: Sequence[int], served_by: str) -> None:
    """There is something for these now."""
    connection.execute(update(declined).where(declined.c.id.in_(ids)).values(served_by=served_by))


def remove(connection: Connection, before: datetime) -> int:
    """Take away those from before this time. How many there were."""
    count = connection.execute(delete(declined).where(declined.c.at < before)).rowcount
    forget_unused(connection)
    return count
