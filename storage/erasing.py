"""Taking away what was said: whole turns with all that hangs on them, or only the words in them."""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    String,
    Table,
    cast,
    delete,
    literal,
    select,
    update,
)

from storage.tables import Text as KeptText
from storage.tables import (
    cases,
    inbox,
    metadata,
    model_calls,
    outbox,
    petitions,
    plan_versions,
    plans,
    questions,
    ratings,
    sessions,
    step_results,
    summaries,
    turn_number,
    turn_of_event,
    turns,
    votes,
    work,
)

AT_ONCE = 500  # turns in one statement: databases limit how many values it may hold
FILE = re.compile(r"[0-9a-f]{32}-[\w.-]*\w")  # the id of a kept file, wherever it stands
FORGOTTEN = "forgotten"  # the outcome of a turn whose words are gone

Counts = Counter[str]
"""Rows by table."""


def erase(connection: Connection, which: Collection[str]) -> Counts:
    """Delete these turns and their events."""
    counts = Counts()
    for some in _chunks(which):
        last = ((model_calls, model_calls.c.turn.in_(some)), (turns, turns.c.turn.in_(some)))
        for table, theirs in (*_hanging(some), *last, (inbox, turn_of_event.in_(some))):
            counts[table.name] += connection.execute(delete(table).where(theirs)).rowcount
    return counts


def blank(connection: Connection, which: Collection[str]) -> Counts:
    """Leave nothing of these turns but when they were, how they were rated, and what their model calls have used."""
    counts = Counts()
    for some in _chunks(which):
        for table, theirs in _hanging(some):
            if table is not ratings:
                counts[table.name] += connection.execute(delete(table).where(theirs)).rowcount
        failed = model_calls.c.turn.in_(some) & model_calls.c.error.is_not(None)
        connection.execute(update(model_calls).where(failed).values(error=FORGOTTEN))
        empty = {"person": "", "request": "", "answer": "", "dossier": "{}", "outcome": FORGOTTEN}
        counts[turns.name] += connection.execute(update(turns).where(turns.c.turn.in_(some)).values(empty)).rowcount
        event = {"payload": "{}", "event_id": literal(f"{FORGOTTEN}:") + cast(inbox.c.number, String)}
        counts[inbox.name] += connection.execute(update(inbox).where(turn_of_event.in_(some)).values(event)).rowcount
    return counts


def drop_summaries(connection: Connection, which: Collection[str]) -> int:
    """Delete the summaries that may hold words of these turns; they are made anew of what is left."""
    return sum(
        connection.execute(
            delete(summaries).where(
                summaries.c.session.in_(select(inbox.c.session).where(turn_of_event.in_(some)).distinct())
            )
        ).rowcount
        for some in _chunks(which)
    )


def drop_empty_sessions(connection: Connection) -> int:
    """Delete the sessions of which nothing is kept any more."""
    pointing = (
        column
        for table in metadata.sorted_tables
        for column in table.c
        if any(key.column is sessions.c.session for key in column.foreign_keys)
    )
    used = (select(column).where(column == sessions.c.session).exists() for column in pointing)
    empty = delete(sessions)
    for each in used:
        empty = empty.where(~each)
    return connection.execute(empty).rowcount


def files_of(connection: Connection, which: Collection[str]) -> set[str]:
    """The ids of the files that these turns have brought, used or made."""
    found: set[str] = set()
    for some in _chunks(which):
        theirs = plans.c.turn.in_(some)
        for told in (
            select(inbox.c.payload).where(turn_of_event.in_(some)),
            select(turns.c.dossier).where(turns.c.turn.in_(some)),
            select(outbox.c.payload).where(outbox.c.turn.in_(some)),
            select(plans.c.body).where(theirs),
            select(step_results.c.body).join(plans).where(theirs),
        ):
            found.update(*map(FILE.findall, connection.execute(told).scalars()))
    return found


def unused(connection: Connection, files: Collection[str]) -> list[str]:
    """Those of these files that no row names any more."""
    left = set(files)
    for column in _texts():
        if not left:
            return []
        for text in connection.execute(select(column).where(column.like("%-%"))).scalars():
            left.difference_update(FILE.findall(text))
    return sorted(left)


def _texts() -> Iterator[Column[str]]:
    """Every column that holds text."""
    for table in metadata.sorted_tables:
        yield from (column for column in table.c if isinstance(column.type, KeptText))


def _hanging(some: Sequence[str]) -> Iterator[tuple[Table, ColumnElement[bool]]]:
    """Every table whose rows hang on turns, those first on which nothing hangs, with the rows that do."""
    their_plans = select(plans.c.id).where(plans.c.turn.in_(some))
    asked = [f"q{turn_number(turn)}" for turn in some]
    their_petitions = select(petitions.c.id).where(petitions.c.plan.in_(their_plans))
    yield ratings, ratings.c.turn.in_(some)
    yield votes, votes.c.petition.in_(their_petitions)
    yield petitions, petitions.c.plan.in_(their_plans)
    yield cases, cases.c.turn.in_(some)
    yield outbox, outbox.c.turn.in_(some)
    yield work, work.c.plan.in_(their_plans)
    yield questions, questions.c.plan.in_(their_plans) | questions.c.id.in_(asked)
    yield step_results, step_results.c.plan.in_(their_plans)
    yield plan_versions, plan_versions.c.plan.in_(their_plans)
    yield plans, plans.c.turn.in_(some)


def _chunks(which: Collection[str]) -> Iterator[list[str]]:
    some = sorted(which, key=turn_number)
    for start in range(0, len(some), AT_ONCE):
        yield some[start : start + AT_ONCE]
