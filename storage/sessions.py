"""Sessions: one row per conversation, with the mark where its history begins."""

from datetime import UTC, datetime

from sqlalchemy import Connection, func, select, update

from storage.records import SessionSummary
from storage.rows import records, upsert
from storage.tables import questions, sessions, still_open, turns


def begin(connection: Connection, session: str, address: str) -> None:
    """Make sure that the session is there."""
    row = {"session": session, "address": address, "created_at": datetime.now(UTC), "history_after": "t0"}
    connection.execute(upsert(connection, sessions).values(row).on_conflict_do_nothing())


def forget_history(connection: Connection, session: str, turn: str) -> None:
    """From here on, the history of the session begins after this turn."""
    connection.execute(update(sessions).where(sessions.c.session == session).values(history_after=turn))


def summaries(connection: Connection) -> list[SessionSummary]:
    """Every session, the one with the newest turn first."""
    asked = select(questions.c.id).where(questions.c.session == sessions.c.session, still_open)
    last_at = func.max(turns.c.finished_at)
    counted = (
        select(sessions.c.session, func.count(turns.c.turn), last_at, asked.exists())
        .outerjoin(turns)
        .group_by(sessions.c.session)
        .order_by(last_at.desc().nulls_last(), sessions.c.session)
    )
    return records(connection, SessionSummary, counted)
