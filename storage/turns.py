"""Turns: how each one ended, and what a session remembers of them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Integer, Select, case, cast, func, select, text

from storage import inbox, outbox, questions, sessions, tables
from storage.records import Conclusion, ModelCall, Parcel, TurnRecord, Usage, UsedBy
from storage.rows import columns, record, records, upsert, values
from storage.tables import model_calls, turns

conversation = turns.c.outcome.not_in(["command", "forgotten"])


def finish(connection: Connection, conclusion: Conclusion) -> list[Parcel]:
    """Write the end of a turn; where it has ended before, nothing changes. Its parcels that still wait."""
    turn = conclusion.record.turn
    new = upsert(connection, turns).values(values(conclusion.record)).on_conflict_do_nothing()
    if connection.execute(new.returning(turns.c.turn)).first() is None:
        return outbox.waiting(connection, [turn])
    if conclusion.closes is not None:
        questions.close(connection, conclusion.closes)
    if conclusion.question is not None:
        questions.ask(connection, conclusion.question)
    if conclusion.model_calls:
        _keep_calls(connection, turn, conclusion.model_calls)
    if conclusion.forget_history:
        sessions.forget_history(connection, conclusion.record.session, turn)
        connection.execute(tables.summaries.delete().where(tables.summaries.c.session == conclusion.record.session))
    inbox.mark_done(connection, turn)
    parcels = outbox.put(connection, conclusion)
    for change in conclusion.changes:  # the audit is the last, as on PostgreSQL one writer at a time adds to it
        change(connection)
    return parcels


def turn(connection: Connection, name: str) -> TurnRecord | None:
    """One finished turn."""
    return record(connection, TurnRecord, select(turns).where(turns.c.turn == name))


def last(connection: Connection, session: str) -> TurnRecord | None:
    """The newest turn of a session's conversation: commands are no part of it."""
    mine = select(turns).where(turns.c.session == session, conversation)
    return record(connection, TurnRecord, mine.order_by(turns.c.turn.desc()).limit(1))


def recent(connection: Connection, *, last: int) -> list[TurnRecord]:
    """The `last` turns over all sessions, oldest first, without commands."""
    newest = select(turns).where(conversation).order_by(turns.c.turn.desc()).limit(last)
    return records(connection, TurnRecord, newest)[::-1]


def after(
    connection: Connection, turn: str, *, person: tuple[str, str] | None, since: datetime | None, most: int
) -> list[TurnRecord]:
    """The turns behind this one over all sessions, oldest first; those of a person (channel and id) where one is
    given."""
    found = select(turns).where(turns.c.turn > turn)
    if person is not None:
        here = tables.inbox.c.number == cast(turns.c.turn, Integer)
        found = found.join(tables.inbox, here).where(tables.inbox.c.channel == person[0], turns.c.person == person[1])
    if since is not None:
        found = found.where(turns.c.finished_at >= since)
    return records(connection, TurnRecord, found.order_by(turns.c.turn).limit(most))


def before(connection: Connection, turn: str | None, *, session: str | None, most: int) -> list[TurnRecord]:
    """The turns before this one, or the newest ones, over all sessions or of one, also commands; the newest first."""
    found = select(turns).order_by(turns.c.turn.desc()).limit(most)
    if turn is not None:
        found = found.where(turns.c.turn < turn)
    if session is not None:
        found = found.where(turns.c.session == session)
    return records(connection, TurnRecord, found)


def history(connection: Connection, session: str, *, last: int) -> list[TurnRecord]:
    """The `last` turns of a session's conversation after its mark, oldest first."""
    mine = (
        select(turns)
        .join(tables.sessions)
        .where(turns.c.session == session, conversation, turns.c.turn > tables.sessions.c.history_after)
    )
    return records(connection, TurnRecord, mine.order_by(turns.c.turn.desc()).limit(last))[::-1]


def outcome_counts(connection: Connection) -> dict[str, int]:
    """How many turns had which outcome, over all sessions."""
    counted = select(turns.c.outcome, func.count()).group_by(turns.c.outcome)
    return dict(connection.execute(counted).all())


def outcomes_since(connection: Connection, since: Sequence[datetime]) -> list[tuple[datetime, str, int]]:
    """How many turns ended how between these moments, given oldest first, and after the last one."""
    place = case(*((turns.c.finished_at >= moment, at) for at, moment in reversed([*enumerate(since)])))
    counted = select(place, turns.c.outcome, func.count()).where(turns.c.finished_at >= since[0])
    rows = connection.execute(counted.group_by(text("1"), turns.c.outcome).order_by(text("1")))
    return [(since[at], outcome, count) for at, outcome, count in rows]


def calls(connection: Connection, turn: str) -> list[ModelCall]:
    """The model calls of a turn, in their order."""
    mine = select(*columns(ModelCall, model_calls)).where(model_calls.c.turn == turn)
    return records(connection, ModelCall, mine.order_by(model_calls.c.position))


def _used(*group: ColumnElement[Any]) -> Select[Any]:
    """The columns of a Usage, with those of a group before them: model calls with their turns and events."""
    known = func.coalesce
    return (
        select(
            *group,
            func.count(),
            known(func.sum(model_calls.c.input_tokens), 0),
            known(func.sum(model_calls.c.output_tokens), 0),
            known(func.sum(model_calls.c.cost_usd), 0.0),
            func.count().filter(model_calls.c.cost_usd.is_(None), model_calls.c.error.is_(None)),
        )
        .join_from(model_calls, turns, turns.c.turn == model_calls.c.turn)
        .join(tables.inbox, tables.inbox.c.number == cast(turns.c.turn, Integer))
    )


def usage(connection: Connection, channel: str, person: str, since: datetime) -> Usage:
    """What a person's turns in a channel have used since then."""
    mine = _used().where(turns.c.person == person, turns.c.finished_at >= since, tables.inbox.c.channel == channel)
    return Usage(*connection.execute(mine).one())


def used_by(
    connection: Connection, since: Sequence[datetime], *, channel: str | None = None, person: str | None = None
) -> list[UsedBy]:
    """What was used between these moments, given oldest first, and after the last one, by person and model; of one
    person where one is given."""
    place = case(*((turns.c.finished_at >= moment, at) for at, moment in reversed([*enumerate(since)])))
    group = (place, tables.inbox.c.channel, turns.c.person, model_calls.c.model)
    used = _used(*group).where(turns.c.finished_at >= since[0])
    if person is not None:
        used = used.where(turns.c.person == person, tables.inbox.c.channel == channel)
    grouped = used.group_by(text("1"), *group[1:]).order_by(text("1"))
    rows = connection.execute(grouped)
    return [UsedBy(since[at], channel, who, model, Usage(*used)) for at, channel, who, model, *used in rows]


def events_of(connection: Connection, channel: str, person: str, *, last: int) -> list[str]:
    """The newest events (JSON) of a person in a channel, the newest first."""
    newest = (
        select(tables.inbox.c.payload)
        .join_from(turns, tables.inbox, tables.inbox.c.number == cast(turns.c.turn, Integer))
        .where(turns.c.person == person, tables.inbox.c.channel == channel)
        .order_by(turns.c.turn.desc())
    )
    return list(connection.execute(newest.limit(last)).scalars())


def add_calls(connection: Connection, turn: str, made: tuple[ModelCall, ...]) -> None:
    """Write down further model calls of a turn that has ended."""
    if made:
        count = select(func.count()).select_from(model_calls).where(model_calls.c.turn == turn)
        _keep_calls(connection, turn, made, first=connection.execute(count).scalar_one())


def _keep_calls(connection: Connection, turn: str, made: tuple[ModelCall, ...], *, first: int = 0) -> None:
    rows = [{"turn": turn, "position": position, **values(call)} for position, call in enumerate(made, first)]
    connection.execute(model_calls.insert(), rows)
