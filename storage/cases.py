"""Cases: turns that wait for a person to look at them. Each is open, given back to its session, or closed."""

from dataclasses import fields
from datetime import UTC, datetime

from sqlalchemy import Column, Connection, Integer, Select, cast, or_, select, update

from storage import inbox
from storage.records import Arrived, Case, GivenBack
from storage.rows import record, records, upsert
from storage.tables import cases, turn_of_event, turns
from storage.tables import inbox as events

NAMED: dict[str, Column[object]] = {
    **{name: turns.c[name] for name in ("session", "person", "request")},
    **{name: events.c[name] for name in ("channel", "payload")},
}


def enter(connection: Connection, turn: str, why: str) -> None:
    """Make a turn a case. One that is known already stays as it is."""
    row = {"turn": turn, "why": why, "state": "open", "tries": 0, "entered_at": datetime.now(UTC)}
    connection.execute(upsert(connection, cases).values(row).on_conflict_do_nothing(index_elements=["turn"]))


def waiting(connection: Connection) -> list[Case]:
    """Every open case, oldest first."""
    return records(connection, Case, _whole().where(cases.c.state == "open").order_by(cases.c.turn))


def case(connection: Connection, turn: str) -> Case | None:
    """One case, also a closed one."""
    return record(connection, Case, _whole().where(cases.c.turn == turn))


def claim(connection: Connection, turn: str, by: str) -> bool:
    """Let an open case be somebody's own, also where it was another one's."""
    mine = update(cases).where(cases.c.turn == turn, cases.c.state == "open").values(claimed_by=by)
    return connection.execute(mine).rowcount == 1


def close(connection: Connection, turn: str, by: str | None) -> bool:
    """Close an open case, unless it is somebody else's; `by` None may close each: whether it was closed."""
    return _moved(connection, turn, by, state="closed")


def give_back(connection: Connection, turn: str, given: GivenBack) -> Arrived | None:
    """Put an open case into the inbox of its session again; None where it is not open, or is somebody else's."""
    changed = {"state": "returned", "tries": given.tries, "answer": given.answer}
    if given.words:
        changed["words"] = given.words
    if not _moved(connection, turn, given.by, **changed):
        return None
    theirs = select(events.c.channel, events.c.session).where(turn_of_event == turn)
    channel, session = connection.execute(theirs).one()
    event = {"event_id": given.event_id, "payload": given.payload}
    return inbox.remember(connection, channel=channel, session=session, **event)


def settle(connection: Connection, turn: str, session: str, *, served: bool) -> None:
    """What became of a case that was given back to its session: it is closed, or open again."""
    theirs = select(turns.c.turn).where(turns.c.session == session)
    mine = update(cases).where(cases.c.turn == turn, cases.c.state == "returned", cases.c.turn.in_(theirs))
    connection.execute(mine.values(state="closed" if served else "open"))


def _moved(connection: Connection, turn: str, by: str | None, **changed: object) -> bool:
    """Whether an open case could be changed so."""
    mine = update(cases).where(cases.c.turn == turn, cases.c.state == "open")
    if by is not None:
        mine = mine.where(or_(cases.c.claimed_by.is_(None), cases.c.claimed_by == by))
    return connection.execute(mine.values(changed)).rowcount == 1


def _whole() -> Select[tuple[object, ...]]:
    """A case with what its turn and its event know."""
    whole = [NAMED[field.name] if field.name in NAMED else cases.c[field.name] for field in fields(Case)]
    joined = select(*whole).join_from(cases, turns, turns.c.turn == cases.c.turn)
    return joined.join(events, events.c.number == cast(cases.c.turn, Integer))
