"""Schedules: what is to come into a conversation at a time, once or again and again."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, func, select, update

from storage import inbox, sessions
from storage.records import Arrived, Event, Scheduled
from storage.rows import columns, records, upsert, values
from storage.tables import schedules


def schedule(connection: Connection, new: Scheduled) -> int:
    """Write one down; of the same key there is only one. Its id."""
    row = {name: value for name, value in values(new).items() if name != "id"}
    connection.execute(upsert(connection, schedules).values(row).on_conflict_do_nothing(index_elements=["key"]))
    known: int = connection.execute(select(schedules.c.id).where(schedules.c.key == new.key)).scalar_one()
    return known


def of_person(connection: Connection, channel: str, person: str) -> list[Scheduled]:
    """What is still to come of a person's, the next one first."""
    mine = select(*columns(Scheduled, schedules)).where(
        schedules.c.channel == channel, schedules.c.person == person, schedules.c.next_at.is_not(None)
    )
    return records(connection, Scheduled, mine.order_by(schedules.c.next_at, schedules.c.id))


def cancel(connection: Connection, channel: str, person: str, ids: Sequence[int]) -> None:
    """Let these of a person's not come any more."""
    mine = schedules.c.id.in_(ids), schedules.c.channel == channel, schedules.c.person == person
    connection.execute(update(schedules).where(*mine).values(next_at=None))


def due(connection: Connection, channels: Sequence[str], now: datetime) -> list[Scheduled]:
    """What is due in these channels, the oldest first."""
    found = select(*columns(Scheduled, schedules)).where(schedules.c.goes_to.in_(channels), schedules.c.next_at <= now)
    return records(connection, Scheduled, found.order_by(schedules.c.next_at, schedules.c.id))


def next_due(connection: Connection, channels: Sequence[str]) -> datetime | None:
    """When the next one is due in these channels."""
    return connection.execute(select(func.min(schedules.c.next_at)).where(schedules.c.goes_to.in_(channels))).scalar()


def come_due(
    connection: Connection, due_now: Scheduled, next_at: datetime | None, events: Sequence[Event]
) -> list[Arrived]:
    """Let these events arrive for one that is due, and move it on; none where that has happened, or it was
    cancelled."""
    this = schedules.c.id == due_now.id, schedules.c.next_at == due_now.next_at
    moved = update(schedules).where(*this).values(next_at=next_at, last_at=due_now.next_at)
    if connection.execute(moved.returning(schedules.c.id)).first() is None:
        return []
    arrived = []
    for event in events:
        sessions.begin(connection, event.session, event.address)
        arrived.append(
            inbox.remember(
                connection,
                channel=event.channel,
                event_id=event.event_id,
                session=event.session,
                payload=event.payload,
            )
        )
    return [each for each in arrived if each]
