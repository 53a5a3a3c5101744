"""Questions: what waits for a person, at most one in a session."""

from datetime import UTC, datetime

from sqlalchemy import Connection, select, update

from storage.records import OpenQuestion
from storage.rows import columns, record, records, values
from storage.tables import questions, still_open


def open_question(connection: Connection, session: str) -> OpenQuestion | None:
    """The session's one open question."""
    mine = select(*columns(OpenQuestion, questions)).where(questions.c.session == session, still_open)
    return record(connection, OpenQuestion, mine)


def question(connection: Connection, name: str) -> OpenQuestion | None:
    """A question by its id, also one that is closed."""
    return record(connection, OpenQuestion, select(*columns(OpenQuestion, questions)).where(questions.c.id == name))


def unanswered(connection: Connection, asked_before: datetime) -> list[OpenQuestion]:
    """The open questions of all sessions that were asked before this, oldest first."""
    old = select(*columns(OpenQuestion, questions)).where(still_open, questions.c.asked_at < asked_before)
    return records(connection, OpenQuestion, old.order_by(questions.c.asked_at))


def ask(connection: Connection, question: OpenQuestion) -> None:
    """Make this the session's one open question."""
    older = update(questions).where(questions.c.session == question.session, still_open)
    connection.execute(older.values(closed_at=datetime.now(UTC)))
    connection.execute(questions.insert(), values(question))


def close(connection: Connection, question: str) -> None:
    """This question was answered."""
    answered = update(questions).where(questions.c.id == question, still_open)
    connection.execute(answered.values(closed_at=datetime.now(UTC)))
