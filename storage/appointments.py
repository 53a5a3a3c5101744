"""Appointments: roles that people were given. What a role means is the caller's."""

from datetime import UTC, datetime

from sqlalchemy import Connection, Executable, delete, func, select

from storage.identities import among, one_by_one
from storage.records import Appointment
from storage.rows import columns, records, upsert, values
from storage.tables import appointments


def all_of(connection: Connection) -> list[Appointment]:
    """Every one, oldest first."""
    every = select(*columns(Appointment, appointments))
    return records(connection, Appointment, every.order_by(appointments.c.at, appointments.c.channel))


def appoint(connection: Connection, given: Appointment, *, keeping: str | None) -> bool:
    """Give somebody a role, over an older one. False, and nothing has changed, where nobody would be left with the role
    `keeping`."""
    new = upsert(connection, appointments).values(row := {**values(given), "at": datetime.now(UTC)})
    keys = list(appointments.primary_key)
    return _unless_lost(connection, keeping, new.on_conflict_do_update(index_elements=keys, set_=row))


def dismiss(connection: Connection, channel: str, person: str, *, keeping: str | None) -> bool:
    """Take somebody's role away; as `appoint`."""
    theirs = delete(appointments).where(among(appointments, [(channel, person)]))
    return _unless_lost(connection, keeping, theirs)


def appoint_first(connection: Connection, given: Appointment) -> bool:
    """Give somebody a role that nobody has, unless they were given one before: whether they have it now."""
    one_by_one(connection)
    if _count(connection, given.role):
        return False
    row = {**values(given), "at": datetime.now(UTC)}
    new = upsert(connection, appointments).values(row).on_conflict_do_nothing()
    return connection.execute(new.returning(appointments.c.person)).first() is not None


def _unless_lost(connection: Connection, keeping: str | None, change: Executable) -> bool:
    one_by_one(connection)
    attempt = connection.begin_nested()
    connection.execute(change)
    if keeping is not None and not _count(connection, keeping):
        attempt.rollback()
        return False
    attempt.commit()
    return True


def _count(connection: Connection, role: str) -> int:
    counted = select(func.count()).select_from(appointments).where(appointments.c.role == role)
    count: int = connection.execute(counted).scalar_one()
    return count
