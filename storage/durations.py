"""Durations: how long each tool and worker takes, learned from every step that was done."""

from sqlalchemy import Connection, select

from storage.rows import upsert
from storage.tables import durations

KEPT = 0.7  # of the old value; the rest is the new one (FEATURES row 38)


def learn(connection: Connection, work: str, seconds: float) -> None:
    """Take in one measurement. The first one counts as it is."""
    new = upsert(connection, durations).values(work=work, seconds=seconds, runs=1)
    mixed = {"seconds": durations.c.seconds * KEPT + seconds * (1 - KEPT), "runs": durations.c.runs + 1}
    connection.execute(new.on_conflict_do_update(index_elements=[durations.c.work], set_=mixed))


def learned(connection: Connection) -> dict[str, float]:
    """Seconds by tool or worker."""
    return dict(connection.execute(select(durations.c.work, durations.c.seconds)).all())
