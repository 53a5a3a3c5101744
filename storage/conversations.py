"""What was said in a channel, for those that show it back: conversations, their turns, and words sought in them."""

import json
import re
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Integer, column, exists, func, or_, select, table, text, type_coerce

from storage import runs
from storage.erasing import FORGOTTEN
from storage.records import Conversation, Found, Parcel, Said, StoredPlan, Talk
from storage.rows import columns, records
from storage.tables import (
    inbox,
    outbox,
    plans,
    questions,
    sessions,
    still_open,
    turn_name,
    turn_number,
    turn_of_event,
    turns,
    unfinished,
)
from storage.turns import conversation

MOST_WORDS = 10  # of what is looked for
INDEXED = 100_000  # characters of a turn; PostgreSQL refuses a tsvector above 1 MB
MOST_CONVERSATIONS = 200

known = ~inbox.c.event_id.startswith(f"{FORGOTTEN}:")  # of the others no word is left
turn_words = table("turn_words", column("rowid", Integer))  # of SQLite: FTS5; PostgreSQL has an index of that name


def conversations(connection: Connection, place: str) -> list[Conversation]:
    """The conversations of a place, such as "web:ann": its own, and those in threads of it. The newest first."""
    last_at = select(func.max(turns.c.finished_at)).where(turns.c.session == sessions.c.session).scalar_subquery()
    when = func.coalesce(last_at, sessions.c.created_at)
    first = select(turns.c.request).where(turns.c.session == sessions.c.session, conversation)
    mine = (
        select(
            sessions.c.session,
            func.coalesce(first.order_by(turns.c.turn).limit(1).scalar_subquery(), ""),
            when,
            exists().where(questions.c.session == sessions.c.session, still_open),
        )
        .where(_in(place, sessions.c.session))
        .order_by(when.desc(), sessions.c.session)
    )
    return records(connection, Conversation, mine.limit(MOST_CONVERSATIONS))


def talk(connection: Connection, session: str, *, last: int, before: str | None, since: str | None) -> Talk:
    """The `last` events of a session before one, or from one on, with the parts that people were shown for them."""
    mine = select(turn_of_event, inbox.c.event_id, inbox.c.payload, inbox.c.done_at.is_not(None)).where(
        inbox.c.session == session, known
    )
    if since is not None:
        said = records(connection, Said, mine.where(inbox.c.number >= turn_number(since)).order_by(inbox.c.number))
    else:
        older = mine if before is None else mine.where(inbox.c.number < turn_number(before))
        said = records(connection, Said, older.order_by(inbox.c.number.desc()).limit(last))[::-1]
    asked = select(questions.c.id).where(questions.c.session == session, still_open)
    working = select(inbox.c.number).where(inbox.c.session == session, unfinished).limit(1)
    under_way = _plans(connection, session, said)
    return Talk(
        said=tuple(said),
        plans=tuple(under_way),
        steps={each.id: runs.steps(connection, each.id) for each in under_way},
        shown=tuple(_shown(connection, session, said, before=before)),
        question=connection.execute(asked).scalar(),
        is_busy=connection.execute(working).first() is not None,
    )


def _shown(connection: Connection, session: str, said: Sequence[Said], *, before: str | None) -> list[Parcel]:
    """The parts from the first of these events on, also those that turns of other sessions have sent."""
    if not said:
        return []
    theirs = select(*columns(Parcel, outbox)).where(outbox.c.session == session, outbox.c.turn >= said[0].turn)
    if before is not None:
        theirs = theirs.where(outbox.c.turn < before)
    return records(connection, Parcel, theirs.order_by(outbox.c.turn, outbox.c.position))


def _plans(connection: Connection, session: str, said: Sequence[Said]) -> list[StoredPlan]:
    if not said:
        return []
    mine = select(*columns(StoredPlan, plans)).where(
        plans.c.session == session, plans.c.turn >= said[0].turn, plans.c.turn <= said[-1].turn
    )
    return records(connection, StoredPlan, mine.order_by(plans.c.saved_at))


def parcel(connection: Connection, place: str, name: str) -> Parcel | None:
    """A part that was shown in this place, by its id."""
    mine = select(*columns(Parcel, outbox)).where(outbox.c.id == name, _in(place, outbox.c.session))
    return next(iter(records(connection, Parcel, mine)), None)


def session_of(connection: Connection, place: str, turn: str) -> str | None:
    """The session of a turn, if that is in this place."""
    mine = select(inbox.c.session).where(inbox.c.number == turn_number(turn), _in(place, inbox.c.session), known)
    return connection.execute(mine).scalar()


def talk_of(connection: Connection, place: str, turn: str) -> tuple[str, Talk] | None:
    """The session of a turn, if that is in this place, and of that talk this turn alone."""
    session = session_of(connection, place, turn)
    behind = turn_name(turn_number(turn) + 1)
    return (session, talk(connection, session, last=1, before=behind, since=None)) if session else None


def asked_in(connection: Connection, place: str, question: str) -> str | None:
    """The session of this place in which a question was asked, or was shown that another session asks."""
    own = select(questions.c.session).where(questions.c.id == question, _in(place, questions.c.session))
    if found := connection.execute(own).scalar():
        return str(found)
    there = _in(place, outbox.c.session), outbox.c.payload.contains(question, autoescape=True)
    for session, payload in connection.execute(select(outbox.c.session, outbox.c.payload).where(*there)):
        part = json.loads(payload)
        if part["kind"] == "question" and part["id"] == question:
            return str(session)
    return None


def shown_after(connection: Connection, session: str, name: str | None, *, last: int) -> list[Parcel]:
    """What a session was shown after a part, and what is on its way; else the `last`. In the order of delivery, as a
    turn of another session may show something here at any time."""
    mine = select(*columns(Parcel, outbox)).where(outbox.c.session == session)
    seen = select(outbox.c.delivered_at).where(outbox.c.session == session, outbox.c.id == name)
    if (since := connection.execute(seen).scalar()) is not None:
        later = outbox.c.delivered_at.is_(None) | (outbox.c.delivered_at >= since)
        return records(connection, Parcel, mine.where(later, outbox.c.id != name).order_by(*_as_delivered()))
    newest = (order.desc() for order in _as_delivered())
    return records(connection, Parcel, mine.order_by(*newest).limit(last))[::-1]


def _as_delivered() -> tuple[ColumnElement[Any], ...]:
    return outbox.c.delivered_at.is_(None), outbox.c.delivered_at, outbox.c.turn, outbox.c.position


def find(connection: Connection, place: str, wanted: str, *, last: int) -> list[Found]:
    """The `last` turns of a place in which every one of these words stands, also as the beginning of one. The newest
    first."""
    wanted_words = re.findall(r"\w+", wanted.casefold())[:MOST_WORDS]
    if not wanted_words:
        return []
    mine = select(turns.c.turn, turns.c.session, turns.c.request, turns.c.answer, turns.c.finished_at)
    mine = mine.where(_in(place, turns.c.session), conversation).order_by(turns.c.turn.desc()).limit(last)
    if connection.dialect.name == "sqlite":
        mine = mine.join(turn_words, turn_words.c.rowid == type_coerce(turns.c.turn, Integer))
        held, value = text("turn_words MATCH :wanted"), " ".join(f'"{word}"*' for word in wanted_words)
    else:
        held = text(
            f"to_tsvector('simple', left(request || ' ' || answer, {INDEXED})) @@ to_tsquery('simple', :wanted)"
        )
        value = " & ".join(f"{word}:*" for word in wanted_words)
    return records(connection, Found, mine.where(held.bindparams(wanted=value)))


def _in(place: str, session: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether a session is of this place. Letter by letter: LIKE would take Ann's for ann's in SQLite."""
    return or_(session == place, func.substr(session, 1, len(place) + 1) == f"{place}/")
