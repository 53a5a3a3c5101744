"""The outbox: what a turn has to say, until its channel has taken it."""

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import Connection, select, update

from storage import sessions
from storage.database import wires_of
from storage.records import Conclusion, Letter, Parcel
from storage.rows import columns, records, values
from storage.tables import outbox, undelivered


def put(connection: Connection, conclusion: Conclusion) -> list[Parcel]:
    """A turn's parcels. Their ids stay the same over every attempt: the turn's name and the part's place."""
    turn, session = conclusion.record.turn, conclusion.record.session
    shown = [Letter(session, conclusion.channel, conclusion.address, payload) for payload in conclusion.shown]
    parcels = [
        Parcel(id=f"{turn}.{position}", turn=turn, **values(letter))
        for position, letter in enumerate((*shown, *conclusion.letters))
    ]
    for letter in conclusion.letters:  # nothing may have been said there for so long that it is deleted
        sessions.begin(connection, letter.session, letter.address)
    if parcels:
        rows = [{"position": position, **values(parcel)} for position, parcel in enumerate(parcels)]
        connection.execute(outbox.insert(), rows)
        if wires := wires_of(connection):
            wires.put_out(connection, parcels)
    return parcels


def waiting(connection: Connection, turns: Sequence[str] | None = None) -> list[Parcel]:
    """The parcels, of these turns or of all, that no channel has taken yet, oldest first."""
    parcels = select(*columns(Parcel, outbox)).where(undelivered).order_by(outbox.c.turn, outbox.c.position)
    return records(connection, Parcel, parcels if turns is None else parcels.where(outbox.c.turn.in_(turns)))


def mark_delivered(connection: Connection, parcel: str) -> None:
    """The channel has taken this parcel."""
    connection.execute(update(outbox).where(outbox.c.id == parcel).values(delivered_at=datetime.now(UTC)))
