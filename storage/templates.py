"""Templates: named plans, as JSON whose meaning is the caller's."""

from datetime import UTC, datetime

from sqlalchemy import Connection, delete, select

from storage.rows import upsert
from storage.tables import templates


def keep(connection: Connection, name: str, body: str, made_by: str) -> None:
    """Write a template, over an older one of its name."""
    row = {"body": body, "made_by": made_by, "made_at": datetime.now(UTC)}
    new = upsert(connection, templates).values(name=name, **row)
    connection.execute(new.on_conflict_do_update(index_elements=[templates.c.name], set_=row))


def bodies(connection: Connection) -> dict[str, str]:
    """Every template by its name."""
    known = select(templates.c.name, templates.c.body).order_by(templates.c.name)
    return dict(connection.execute(known).all())


def forget(connection: Connection, name: str) -> None:
    """Take a template away."""
    connection.execute(delete(templates).where(templates.c.name == name))
