"""Grants: standing yeses of people to tools, in one session or everywhere."""

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import Connection, delete, or_, select

from storage.identities import Place, among
from storage.records import Grant
from storage.rows import columns, records
from storage.tables import grants


def grant(connection: Connection, given: Grant) -> None:
    """Write a standing yes down."""
    row = {"channel": given.channel, "person": given.person, "session": given.session, "tool": given.tool}
    connection.execute(grants.insert(), {**row, "granted_at": datetime.now(UTC)})


def granted(connection: Connection, accounts: Sequence[Place], session: str | None = None) -> list[Grant]:
    """The grants of somebody with these accounts, oldest first; with a session only those that hold there."""
    mine = select(*columns(Grant, grants)).where(among(grants, accounts))
    if session is not None:
        mine = mine.where(or_(grants.c.session.is_(None), grants.c.session == session))
    return records(connection, Grant, mine.order_by(grants.c.id))


def revoke(connection: Connection, ids: Sequence[int]) -> None:
    """Take these back."""
    connection.execute(delete(grants).where(grants.c.id.in_(ids)))
