"""Summaries: what was said in a session before the part that models see word by word."""

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import Connection, select

from storage.erasing import FORGOTTEN
from storage.records import ModelCall, Summary, TurnRecord
from storage.rows import columns, record, records, upsert
from storage.tables import sessions, summaries, turns
from storage.turns import add_calls, conversation


def summary(connection: Connection, session: str) -> Summary | None:
    """The summary of a session."""
    return record(connection, Summary, select(*columns(Summary, summaries)).where(summaries.c.session == session))


def not_summed_up(connection: Connection, session: str) -> list[TurnRecord]:
    """The turns of a session since its last /new that no summary holds, oldest first."""
    known = summary(connection, session)
    begins = select(sessions.c.history_after).where(sessions.c.session == session).scalar_subquery()
    mine = select(turns).where(turns.c.session == session, conversation, turns.c.turn > begins)
    if known:
        mine = mine.where(turns.c.turn > known.upto)
    return records(connection, TurnRecord, mine.order_by(turns.c.turn))


def keep(
    connection: Connection,
    new: Summary,
    *,
    before: str,
    of: Sequence[str],
    turn: str,
    calls: tuple[ModelCall, ...],
) -> None:
    """Write the summary over the older one, and its model calls to the turn after which they were made; not where
    words that it was made of were forgotten meanwhile. Whoever forgets just now is waited for, and waits for this."""
    known = select(turns.c.turn, turns.c.outcome).where(turns.c.turn.in_([*of, turn])).with_for_update(read=True)
    left = {name for name, outcome in connection.execute(known) if outcome != FORGOTTEN}
    if turn in left:
        add_calls(connection, turn, calls)
    older = select(summaries.c.text).where(summaries.c.session == new.session).with_for_update()
    if not left.issuperset(of) or (connection.execute(older).scalar() or "") != before:
        return
    row = {"upto": new.upto, "text": new.text, "made_at": datetime.now(UTC)}
    upserted = upsert(connection, summaries).values(session=new.session, **row)
    connection.execute(upserted.on_conflict_do_update(index_elements=[summaries.c.session], set_=row))
