"""People: how each one wants to be spoken to, and what they want to be kept in mind."""

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import Connection, delete, select

from storage.records import Memory, Preferences
from storage.rows import columns, record, records, upsert
from storage.tables import memories, people


def preferences(connection: Connection, channel: str, person: str) -> Preferences:
    """What a person prefers; nothing, where they have not said."""
    mine = select(*columns(Preferences, people)).where(people.c.channel == channel, people.c.person == person)
    return record(connection, Preferences, mine) or Preferences()


def prefer(connection: Connection, channel: str, person: str, changed: dict[str, str]) -> None:
    """Write down what a person prefers from now on."""
    new = upsert(connection, people).values(channel=channel, person=person, **changed)
    connection.execute(new.on_conflict_do_update(index_elements=list(people.primary_key), set_=changed))


def remembered(connection: Connection, channel: str, person: str) -> list[Memory]:
    """What a person wants to be kept in mind, oldest first."""
    mine = select(*columns(Memory, memories)).where(memories.c.channel == channel, memories.c.person == person)
    return records(connection, Memory, mine.order_by(memories.c.id))


def remember(connection: Connection, channel: str, person: str, text: str) -> None:
    """Keep one more thing in mind."""
    row = {"channel": channel, "person": person, "text": text, "noted_at": datetime.now(UTC)}
    connection.execute(memories.insert(), row)


def forget(connection: Connection, ids: Sequence[int]) -> None:
    """Forget these."""
    connection.execute(delete(memories).where(memories.c.id.in_(ids)))
