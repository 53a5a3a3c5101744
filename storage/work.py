"""Work: what each worker was given, and whether it was done."""

from datetime import datetime

from sqlalchemy import Connection, func, select

from storage.records import Work, WorkRecord
from storage.rows import columns, records, values
from storage.tables import plans, work


def keep(connection: Connection, done: Work) -> None:
    """Write down how one piece of work ended."""
    connection.execute(work.insert(), values(done))


def recent(connection: Connection, *, last: int) -> list[Work]:
    """The `last` pieces of work of all workers, oldest first."""
    newest = select(*columns(Work, work)).order_by(work.c.id.desc()).limit(last)
    return records(connection, Work, newest)[::-1]


def record_of(
    connection: Connection, kind: str, plan: str, *, since: datetime, recent_since: datetime
) -> list[WorkRecord]:
    """What each worker has made of this kind of work since then; `recent` are its successes of late in the session
    of this plan."""
    session = select(plans.c.session).where(plans.c.id == plan).scalar_subquery()
    here = (plans.c.session == session) & (work.c.ended_at >= recent_since) & (work.c.succeeded == 1)
    known = (
        select(
            work.c.worker,
            func.count(),
            func.sum(work.c.succeeded),
            func.avg(work.c.seconds),
            func.count().filter(here),
        )
        .join_from(work, plans, plans.c.id == work.c.plan)
        .where(work.c.kind == kind, work.c.ended_at >= since)
        .group_by(work.c.worker)
    )
    return records(connection, WorkRecord, known)
