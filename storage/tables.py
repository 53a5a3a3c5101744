"""The tables, and the three column types that make both databases give back the same values."""

import re
from datetime import UTC, datetime

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    TypeDecorator,
    UniqueConstraint,
    type_coerce,
)
from sqlalchemy import Text as AnyText

from storage.errors import StorageError, StorageTextUnstorable


class Text(TypeDecorator[str]):
    """Text that both databases can hold: PostgreSQL takes no NUL, and neither takes half a surrogate pair."""

    impl = AnyText
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        if value is None:
            return None
        if "\0" in value:
            raise StorageTextUnstorable("Text with a NUL character cannot be stored.")
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise StorageTextUnstorable("Text with a lone surrogate cannot be stored.") from error
        return value


class Instant(TypeDecorator[datetime]):
    """A time in UTC, aware on the way in and out. SQLite itself knows no time zones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise StorageError(f"A time without a time zone cannot be stored: {value!r}")
        return value and value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is not None and value.tzinfo is None:
            return value.replace(tzinfo=UTC)
        return value and value.astimezone(UTC)


class TurnName(TypeDecorator[str]):
    """The name of a turn, "t42", kept as the number of its inbox row: so turns sort by the order of arrival."""

    impl = Integer
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> int | None:
        return None if value is None else turn_number(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> str | None:
        return None if value is None else turn_name(value)


def turn_name(number: int) -> str:
    """The name of the turn that works on this inbox row."""
    return f"t{number}"


def turn_number(turn: str) -> int:
    """The inbox row that a turn works on; -1, which is nobody's, for anything but a turn's name."""
    match = re.fullmatch(r"t(\d{1,9})", turn, re.ASCII)
    return int(match[1]) if match else -1


metadata = MetaData()

sessions = Table(
    "sessions",
    metadata,
    Column("session", Text, primary_key=True),
    Column("address", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("history_after", TurnName, nullable=False),
)

inbox = Table(
    "inbox",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("session", ForeignKey(sessions.c.session), nullable=False),
    Column("channel", Text, nullable=False),
    Column("event_id", Text, nullable=False),
    Column("payload", Text, nullable=False),
    Column("received_at", Instant, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("done_at", Instant),
    UniqueConstraint("channel", "event_id", name="inbox_event"),
    # A number names a turn for good: it is not given out again, not even after the newest row was deleted.
    sqlite_autoincrement=True,
)
unfinished = inbox.c.done_at.is_(None)
turn_of_event = type_coerce(inbox.c.number, TurnName)
Index("inbox_unfinished", inbox.c.number, sqlite_where=unfinished, postgresql_where=unfinished)
Index("inbox_of_session", inbox.c.session, inbox.c.number)

turns = Table(
    "turns",
    metadata,
    Column("turn", TurnName, ForeignKey(inbox.c.number), primary_key=True, autoincrement=False),
    Column("session", ForeignKey(sessions.c.session), nullable=False),
    Column("person", Text, nullable=False),
    Column("request", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("answer", Text, nullable=False),
    Column("dossier", Text, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("finished_at", Instant, nullable=False),
    Index("turns_of_session", "session", "turn"),
)

plans = Table(
    "plans",
    metadata,
    Column("id", Text, primary_key=True),
    Column("session", ForeignKey(sessions.c.session), nullable=False),
    Column("turn", TurnName, ForeignKey(inbox.c.number), nullable=False),
    Column("body", Text, nullable=False),
    Column("saved_at", Instant, nullable=False),
    Index("plans_of_turn", "turn", "saved_at"),
    Index("plans_of_session", "session", "turn"),
)

step_results = Table(
    "step_results",
    metadata,
    Column("plan", ForeignKey(plans.c.id), primary_key=True),
    Column("step", Text, primary_key=True),
    Column("status", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("kept_at", Instant, nullable=False),
)

questions = Table(
    "questions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("session", ForeignKey(sessions.c.session), nullable=False),
    Column("person", Text, nullable=False),
    Column("plan", ForeignKey(plans.c.id)),
    Column("payload", Text, nullable=False),
    Column("asked_at", Instant, nullable=False),
    Column("closed_at", Instant),
)
still_open = questions.c.closed_at.is_(None)
Index(
    "questions_open",
    questions.c.session,
    unique=True,
    sqlite_where=still_open,
    postgresql_where=still_open,
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", Text, primary_key=True),
    Column("turn", TurnName, ForeignKey(turns.c.turn), nullable=False),
    Column("position", Integer, nullable=False),
    Column("session", ForeignKey(sessions.c.session), nullable=False),
    Column("channel", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("payload", Text, nullable=False),
    Column("delivered_at", Instant),
)
undelivered = outbox.c.delivered_at.is_(None)
Index(
    "outbox_undelivered",
    outbox.c.turn,
    outbox.c.position,
    sqlite_where=undelivered,
    postgresql_where=undelivered,
)
Index("outbox_of_session", outbox.c.session, outbox.c.turn, outbox.c.position)

model_calls = Table(
    "model_calls",
    metadata,
    Column("turn", TurnName, ForeignKey(turns.c.turn), primary_key=True, autoincrement=False),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("component", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("error", Text),
    Column("input_tokens", Integer),
    Column("output_tokens", Integer),
    Column("cost_usd", Float),
)

people = Table(
    "people",
    metadata,
    Column("channel", Text, primary_key=True),
    Column("person", Text, primary_key=True),
    Column("language", Text),
    Column("verbosity", Text),
    Column("time_zone", Text),
)

grants = Table(
    "grants",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("channel", Text, nullable=False),
    Column("person", Text, nullable=False),
    Column("session", ForeignKey(sessions.c.session)),
    Column("tool", Text, nullable=False),
    Column("granted_at", Instant, nullable=False),
    Index("grants_of_person", "channel", "person"),
)

memories = Table(
    "memories",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("channel", Text, nullable=False),
    Column("person", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("noted_at", Instant, nullable=False),
    Index("memories_of_person", "channel", "person"),
    sqlite_autoincrement=True,  # a person says "forget 3": that must never mean another memory
)

templates = Table(
    "templates",
    metadata,
    Column("name", Text, primary_key=True),
    Column("body", Text, nullable=False),
    Column("made_by", Text, nullable=False),
    Column("made_at", Instant, nullable=False),
)

durations = Table(
    "durations",
    metadata,
    Column("work", Text, primary_key=True),
    Column("seconds", Float, nullable=False),
    Column("runs", Integer, nullable=False),
)

summaries = Table(
    "summaries",
    metadata,
    Column("session", ForeignKey(sessions.c.session), primary_key=True),
    Column("upto", TurnName, nullable=False),
    Column("text", Text, nullable=False),
    Column("made_at", Instant, nullable=False),
)

plan_versions = Table(
    "plan_versions",
    metadata,
    Column("plan", ForeignKey(plans.c.id), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("why", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("saved_at", Instant, nullable=False),
)

channel_notes = Table(
    "channel_notes",
    metadata,
    Column("channel", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
    Column("noted_at", Instant, nullable=False),
)

ratings = Table(
    "ratings",
    metadata,
    Column("turn", TurnName, ForeignKey(turns.c.turn), primary_key=True),
    Column("channel", Text, primary_key=True),
    Column("person", Text, primary_key=True),
    Column("rating", Text, nullable=False),
    Column("rated_at", Instant, nullable=False),
)

pins = Table(
    "pins",
    metadata,
    Column("server", Text, primary_key=True),
    Column("tool", Text, primary_key=True),
    Column("digest", Text, nullable=False),
    Column("definition", Text, nullable=False),
    Column("pinned_at", Instant, nullable=False),
)

schedules = Table(
    "schedules",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("key", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("person", Text, nullable=False),
    Column("goes_to", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("next_at", Instant),
    Column("last_at", Instant),
    UniqueConstraint("key", name="schedules_key"),
    Index("schedules_of_person", "channel", "person"),
    Index("schedules_next", "next_at"),
    sqlite_autoincrement=True,  # a person says "cancel 3": that must never mean another one
)

spending = Table(
    "spending",
    metadata,
    Column("scope", Text, primary_key=True),
    Column("period", Text, primary_key=True),
    Column("tokens", BigInteger, nullable=False),
    Column("micro_usd", BigInteger, nullable=False),
    Column("held_tokens", BigInteger, nullable=False),
    Column("held_micro_usd", BigInteger, nullable=False),
    Column("more_tokens", BigInteger, nullable=False),
    Column("more_micro_usd", BigInteger, nullable=False),
    Column("warned", Integer, nullable=False),
)

reservations = Table(
    "reservations",
    metadata,
    Column("id", Text, primary_key=True),
    Column("scope", Text, primary_key=True),
    Column("period", Text, primary_key=True),
    Column("tokens", BigInteger, nullable=False),
    Column("micro_usd", BigInteger, nullable=False),
)

budget_requests = Table(
    "budget_requests",
    metadata,
    Column("id", Text, primary_key=True),
    Column("scope", Text, nullable=False),
    Column("period", Text, nullable=False),
    Column("tokens", BigInteger, nullable=False),
    Column("micro_usd", BigInteger, nullable=False),
    Column("person", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("asked_at", Instant, nullable=False),
    Column("answered_by", Text),
)

cases = Table(
    "cases",
    metadata,
    Column("turn", TurnName, ForeignKey(turns.c.turn), primary_key=True, autoincrement=False),
    Column("why", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("claimed_by", Text),
    Column("words", Text),
    Column("answer", Text),
    Column("entered_at", Instant, nullable=False),
)
open_case = cases.c.state == "open"
Index("cases_open", cases.c.turn, sqlite_where=open_case, postgresql_where=open_case)

work = Table(
    "work",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("plan", ForeignKey(plans.c.id), nullable=False),
    Column("step", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("worker", Text, nullable=False),
    Column("succeeded", Integer, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("ended_at", Instant, nullable=False),
    Index("work_of_kind", "kind", "ended_at"),
)

# What stands for people and conversations in the audit and in what was declined. Rows go when somebody is forgotten.
aliases = Table(
    "aliases",
    metadata,
    Column("alias", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("key", Text, nullable=False),
    UniqueConstraint("kind", "name", name="aliases_name"),
)

# Its triggers, which refuse changes, are in the migration. No row points elsewhere: turns go, the audit stays.
audit = Table(
    "audit",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("kind", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("person", Text),
    Column("session", Text),
    Column("turn", TurnName),
    Column("details", Text, nullable=False),
    Column("digest", Text),
    Column("removes_upto", Integer),
    Column("chain", Text, nullable=False),
    Index("audit_of_person", "person"),
    Index("audit_at", "at"),
    Index("audit_removes", "removes_upto"),  # asked for each row that goes
    sqlite_autoincrement=True,
)

declined = Table(
    "declined",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("channel", Text, nullable=False),
    Column("person", Text, nullable=False),  # an alias
    Column("text", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("served_by", Text),
    Index("declined_of_person", "person"),
    Index("declined_at", "at"),
    sqlite_autoincrement=True,
)

# Who wants to be forgotten; then, without a name, the files (JSON) that are still to be taken away.
erasures = Table(
    "erasures",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("channel", Text, nullable=False),
    Column("person", Text, nullable=False),
    Column("files", Text),
    sqlite_autoincrement=True,
)

appointments = Table(
    "appointments",
    metadata,
    Column("channel", Text, primary_key=True),
    Column("person", Text, primary_key=True),
    Column("role", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("at", Instant, nullable=False),
)

accounts = Table(
    "accounts",
    metadata,
    Column("channel", Text, primary_key=True),
    Column("person", Text, primary_key=True),
    Column("identity", Text, nullable=False),
    Column("joined_at", Instant, nullable=False),
    Index("accounts_of_identity", "identity"),
)

link_codes = Table(
    "link_codes",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("channel", Text, nullable=False),
    Column("person", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("expires_at", Instant, nullable=False),
)

petitions = Table(
    "petitions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("plan", ForeignKey(plans.c.id), nullable=False),
    Column("session", ForeignKey(sessions.c.session), nullable=False),
    Column("payload", Text, nullable=False),
    Column("asked_at", Instant, nullable=False),
)

votes = Table(
    "votes",
    metadata,
    Column("petition", ForeignKey(petitions.c.id), primary_key=True),
    Column("channel", Text, primary_key=True),
    Column("person", Text, primary_key=True),
    Column("agreed", Integer, nullable=False),
    Column("payload", Text, nullable=False),
    Column("given_at", Instant, nullable=False),
)
