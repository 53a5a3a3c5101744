"""Erasures: who is to be forgotten, and which files are still to go after that. Nobody is named in the latter."""

import json
from collections.abc import Sequence

from sqlalchemy import Connection, delete, select, update

from storage import forgetting
from storage.erasing import Counts
from storage.forgetting import UnderWay, Who
from storage.tables import erasures


def ask(connection: Connection, channel: str, person: str) -> None:
    """Write down that somebody wants to be forgotten."""
    connection.execute(erasures.insert(), {"channel": channel, "person": person})


def asked(connection: Connection) -> list[tuple[str, str]]:
    """The channel and the id of whoever wants to be forgotten."""
    waiting = select(erasures.c.channel, erasures.c.person).where(erasures.c.files.is_(None))
    return [(channel, person) for channel, person in connection.execute(waiting.order_by(erasures.c.id))]


def carry_out(connection: Connection, channel: str, person: str, who: Who, *, waits: bool = False) -> Counts | None:
    """Forget somebody, and write down which files are still to go. With `waits` only who still waits for it, and has
    nothing under way: else nothing happens (None)."""
    attempt = connection.begin_nested()
    theirs = (erasures.c.channel == channel) & (erasures.c.person == person) & erasures.c.files.is_(None)
    if waits and not connection.execute(delete(erasures).where(theirs)).rowcount:
        attempt.rollback()  # by now another process has done it
        return None
    try:
        counts, files = forgetting.forget(connection, channel, person, who, waits=waits)
    except UnderWay:
        attempt.rollback()
        return None
    attempt.commit()
    leave(connection, files)
    counts["files"] = len(files)
    return +counts


def leave(connection: Connection, files: list[str]) -> None:
    """Write down that these files are to go, and what is left of deleted rows."""
    connection.execute(erasures.insert(), {"channel": "", "person": "", "files": json.dumps(files)})


def left(connection: Connection) -> dict[int, list[str]]:
    """The files that are to go, by the number of the erasure."""
    rows = connection.execute(select(erasures.c.id, erasures.c.files).where(erasures.c.files.is_not(None)))
    return {number: json.loads(files) for number, files in rows}


def blank(connection: Connection, numbers: Sequence[int]) -> None:
    """The files of these erasures are gone; what deleted rows have left is not yet."""
    connection.execute(update(erasures).where(erasures.c.id.in_(numbers)).values(files="[]"))


def done(connection: Connection, numbers: Sequence[int]) -> None:
    """Nothing of these erasures is left to be done."""
    connection.execute(delete(erasures).where(erasures.c.id.in_(numbers)))
