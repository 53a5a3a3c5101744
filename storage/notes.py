"""Notes: what a channel must know over a restart, under keys of its own."""

from datetime import UTC, datetime

from sqlalchemy import Connection, delete, select

from storage.rows import upsert
from storage.tables import channel_notes


def note(connection: Connection, channel: str, key: str, value: str | None) -> None:
    """Write a note over an older one of its key; None takes it away."""
    mine = (channel_notes.c.channel == channel) & (channel_notes.c.key == key)
    if value is None:
        connection.execute(delete(channel_notes).where(mine))
        return
    row = {"value": value, "noted_at": datetime.now(UTC)}
    new = upsert(connection, channel_notes).values(channel=channel, key=key, **row)
    connection.execute(new.on_conflict_do_update(index_elements=list(channel_notes.primary_key), set_=row))


def noted(connection: Connection, channel: str, key: str) -> str | None:
    """One note."""
    mine = select(channel_notes.c.value).where(channel_notes.c.channel == channel, channel_notes.c.key == key)
    return connection.execute(mine).scalar_one_or_none()


def notes(connection: Connection, channel: str, prefix: str) -> dict[str, str]:
    """Every note whose key begins so, oldest first."""
    mine = channel_notes.c.channel == channel, channel_notes.c.key.startswith(prefix, autoescape=True)
    written = select(channel_notes.c.key, channel_notes.c.value).where(*mine).order_by(channel_notes.c.noted_at)
    return dict(connection.execute(written).all())
