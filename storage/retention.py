"""Retention: how long what was said is kept."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, String, cast, func, literal, select

from storage import erasing
from storage.erasing import AT_ONCE, Counts
from storage.tables import cases, inbox, outbox, plans, questions, still_open, turn_of_event, turns, undelivered


def remove_turns(connection: Connection, before: datetime) -> tuple[Counts, list[str]]:
    """Delete some of the turns that ended before this, with all that hangs on them: how many rows, by table, and the
    files that nobody needs any more. What still waits for somebody stays. No counts: nothing was left to delete."""
    old = [*connection.execute(_old(before)).scalars()]
    files = erasing.files_of(connection, old)
    counts = Counts(summaries=erasing.drop_summaries(connection, old))
    counts.update(erasing.erase(connection, old))
    if old:
        counts["sessions"] += erasing.drop_empty_sessions(connection)
    return +counts, erasing.unused(connection, files)


def _old(before: datetime) -> Select[Any]:
    """The oldest turns from before this, without those that wait for an answer, for their channel or for a reviewer."""
    asked = questions.c.id == literal("q") + cast(inbox.c.number, String)
    asks = (
        select(questions.c.id)
        .join_from(questions, plans, isouter=True)
        .where(still_open, asked | (plans.c.turn == turn_of_event))
    )
    waits = select(outbox.c.id).where(outbox.c.turn == turn_of_event, undelivered)
    is_case = select(cases.c.turn).where(cases.c.turn == turn_of_event, cases.c.state != "closed")
    ended = func.coalesce(turns.c.finished_at, inbox.c.received_at)
    old = select(turn_of_event).outerjoin(turns, turns.c.turn == turn_of_event)
    old = old.where(inbox.c.done_at.is_not(None), ended < before, ~asks.exists(), ~waits.exists(), ~is_case.exists())
    return old.order_by(inbox.c.number).limit(AT_ONCE)
