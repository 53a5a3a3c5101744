"""People: how each one wants to be spoken to, and what they want to be kept in mind."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import UTC, datetime

from sqlalchemy import Connection, delete, select

from storage.identities import Place, accounts_of, among
from storage.records import Memory, Preferences
from storage.rows import columns, records, upsert
from storage.tables import memories, people

PREFERRED = [field.name for field in fields(Preferences)]


def preferences(connection: Connection, places: Sequence[Place]) -> Preferences:
    """What somebody with these accounts prefers, in the first one or else in another one; nothing, where they have
    not said."""
    theirs = select(people).where(among(people, places))
    known = {(row["channel"], row["person"]): row for row in connection.execute(theirs).mappings()}
    found = [known[place] for place in places if place in known]
    return Preferences(**{name: next(filter(None, (row[name] for row in found)), None) for name in PREFERRED})


def prefer(connection: Connection, channel: str, person: str, changed: dict[str, str]) -> None:
    """Write down what a person prefers from now on, in each of their accounts."""
    rows = [{"channel": where, "person": who, **changed} for where, who in accounts_of(connection, channel, person)]
    new = upsert(connection, people).values(rows)
    connection.execute(new.on_conflict_do_update(index_elements=list(people.primary_key), set_=changed))


def remembered(connection: Connection, accounts: Sequence[Place]) -> list[Memory]:
    """What somebody with these accounts wants to be kept in mind, oldest first."""
    mine = select(*columns(Memory, memories)).where(among(memories, accounts))
    return records(connection, Memory, mine.order_by(memories.c.id))


def remember(connection: Connection, channel: str, person: str, text: str) -> None:
    """Keep one more thing in mind."""
    row = {"channel": channel, "person": person, "text": text, "noted_at": datetime.now(UTC)}
    connection.execute(memories.insert(), row)


def forget(connection: Connection, ids: Sequence[int]) -> None:
    """Forget these."""
    connection.execute(delete(memories).where(memories.c.id.in_(ids)))
