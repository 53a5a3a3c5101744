"""Ratings: what people think of answers. The last word of each counts."""

from sqlalchemy import Connection, select

from storage.records import Rating
from storage.rows import columns, records, upsert, values
from storage.tables import ratings


def rate(connection: Connection, turn: str, rating: Rating) -> None:
    """Write down what somebody thinks of the answer of a turn, over what they thought before."""
    new = upsert(connection, ratings).values(turn=turn, **values(rating))
    changed = {"rating": rating.rating, "rated_at": rating.rated_at}
    connection.execute(new.on_conflict_do_update(index_elements=list(ratings.primary_key), set_=changed))


def rated(connection: Connection, turn: str) -> list[Rating]:
    """What people think of the answer of a turn, the oldest word first."""
    mine = select(*columns(Rating, ratings)).where(ratings.c.turn == turn)
    return records(connection, Rating, mine.order_by(ratings.c.rated_at))
