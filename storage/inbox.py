"""The inbox: every event, once, before its platform is told that it has arrived."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from sqlalchemy import Connection, func, select, update

from storage.database import wires_of
from storage.records import Arrived
from storage.rows import record, records, upsert
from storage.tables import inbox, turn_of_event, unfinished

ARRIVED = (
    inbox.c.number,
    turn_of_event,
    inbox.c.session,
    inbox.c.channel,
    inbox.c.event_id,
    inbox.c.payload,
    inbox.c.received_at,
    inbox.c.attempts,
)


def remember(connection: Connection, *, channel: str, event_id: str, session: str, payload: str) -> Arrived | None:
    """Take in one event; None where it is already known."""
    row = {
        "channel": channel,
        "event_id": event_id,
        "session": session,
        "payload": payload,
        "received_at": datetime.now(UTC),
        "attempts": -1 if wires_of(connection) else 0,  # in a cluster the first one counts itself, too
    }
    new = upsert(connection, inbox).values(row).on_conflict_do_nothing(index_elements=["channel", "event_id"])
    arrived = record(connection, Arrived, new.returning(*ARRIVED))
    if arrived and (wires := wires_of(connection)):
        wires.arrived(connection, arrived)
    return arrived


def arrived(connection: Connection, turn: str) -> Arrived | None:
    """The event on which this turn works."""
    return record(connection, Arrived, select(*ARRIVED).where(turn_of_event == turn))


def unfinished_in(connection: Connection, session: str) -> list[Arrived]:
    """Every unfinished event of a session, oldest first."""
    theirs = select(*ARRIVED).where(unfinished, inbox.c.session == session).order_by(inbox.c.number)
    return [replace(each, left_over=True) for each in records(connection, Arrived, theirs)]


def unfinished_sessions(connection: Connection) -> list[str]:
    """The sessions with unfinished events, the one that waits longest first."""
    theirs = select(inbox.c.session).where(unfinished).group_by(inbox.c.session).order_by(func.min(inbox.c.number))
    return [*connection.execute(theirs).scalars()]


def left_over(connection: Connection, channels: Sequence[str]) -> list[Arrived]:
    """Every unfinished event of these channels, oldest first."""
    theirs = select(*ARRIVED).where(unfinished, inbox.c.channel.in_(channels)).order_by(inbox.c.number)
    return [replace(arrived, left_over=True) for arrived in records(connection, Arrived, theirs)]


def count_attempt(connection: Connection, turn: str) -> int | None:
    """One attempt more for the event of this turn: how many there are now. None where it was deleted."""
    this = turn_of_event == turn
    counted = update(inbox).where(this).values(attempts=inbox.c.attempts + 1).returning(inbox.c.attempts)
    attempts: int | None = connection.execute(counted).scalar()
    return attempts


def uncount_attempt(connection: Connection, turn: str) -> None:
    """One attempt less. There stays a first one, as something of it may be stored."""
    this = turn_of_event == turn
    connection.execute(update(inbox).where(this, inbox.c.attempts > 0).values(attempts=inbox.c.attempts - 1))


def event(connection: Connection, channel: str, event_id: str) -> Arrived | None:
    """An event by its id."""
    this = select(*ARRIVED).where(inbox.c.channel == channel, inbox.c.event_id == event_id)
    return record(connection, Arrived, this)


def payload(connection: Connection, channel: str, event_id: str) -> str | None:
    """What an event is, as it stands now."""
    this = select(inbox.c.payload).where(inbox.c.channel == channel, inbox.c.event_id == event_id)
    return connection.execute(this).scalar()


def amend(connection: Connection, turn: str, payload: str) -> None:
    """Write other words over the event of this turn."""
    this = turn_of_event == turn
    connection.execute(update(inbox).where(this).values(payload=payload))


def mark_done(connection: Connection, turn: str) -> None:
    """The event of this turn needs nothing more."""
    this = turn_of_event == turn
    connection.execute(update(inbox).where(this).values(done_at=datetime.now(UTC)))
