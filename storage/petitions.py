"""Petitions: what waits for the yes of others than the one whose plan it is in, and what they have said."""

from sqlalchemy import Connection, select

from storage import inbox
from storage.records import Arrived, Event, Petition, Vote
from storage.rows import columns, record, records, upsert, values
from storage.tables import petitions, votes


def ask(connection: Connection, petition: Petition) -> None:
    """Write one down; one that is known already stays as it is, with its votes."""
    connection.execute(upsert(connection, petitions).values(values(petition)).on_conflict_do_nothing())


def petition(connection: Connection, name: str) -> Petition | None:
    """One by its id."""
    this = select(*columns(Petition, petitions)).where(petitions.c.id == name)
    return record(connection, Petition, this)


def vote(connection: Connection, given: Vote, goes_on: Event) -> Arrived | None:
    """Write down what an account says, over what it said before, and let the petition's session look at it."""
    row = {**values(given), "agreed": int(given.agreed)}
    new = upsert(connection, votes).values(row)
    changed = {name: row[name] for name in ("agreed", "payload", "given_at")}
    connection.execute(new.on_conflict_do_update(index_elements=list(votes.primary_key), set_=changed))
    arrives = {"channel": goes_on.channel, "session": goes_on.session, "payload": goes_on.payload}
    return inbox.remember(connection, event_id=goes_on.event_id, **arrives)


def votes_on(connection: Connection, name: str) -> list[Vote]:
    """What was said to a petition, oldest first."""
    theirs = select(*columns(Vote, votes)).where(votes.c.petition == name)
    return records(connection, Vote, theirs.order_by(votes.c.given_at))
