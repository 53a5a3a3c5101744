"""Templates: named plans, as JSON whose meaning is the caller's."""

from datetime import UTC, datetime

from sqlalchemy import Connection, delete, select

from storage.records import KeptTemplate
from storage.rows import columns, records, upsert
from storage.tables import templates


def keep(connection: Connection, name: str, body: str, made_by: str) -> None:
    """Write a template, over an older one of its name, if that was of the same person."""
    row = {"body": body, "made_by": made_by, "made_at": datetime.now(UTC)}
    new = upsert(connection, templates).values(name=name, **row)
    mine = templates.c.made_by == made_by
    connection.execute(new.on_conflict_do_update(index_elements=[templates.c.name], set_=row, where=mine))


def kept(connection: Connection) -> dict[str, KeptTemplate]:
    """Every template by its name."""
    known = records(connection, KeptTemplate, select(*columns(KeptTemplate, templates)).order_by(templates.c.name))
    return {template.name: template for template in known}


def forget(connection: Connection, name: str) -> None:
    """Take a template away."""
    connection.execute(delete(templates).where(templates.c.name == name))
