"""Identities: the accounts that are one person. What is kept of one of them counts for all."""

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, Connection, Table, and_, delete, false, func, literal, or_, select, update

from storage import budgets
from storage.records import KnownAs, LinkCode
from storage.rows import columns, record, upsert, values
from storage.tables import accounts, appointments, link_codes

LOCK = int.from_bytes(b"people")  # PostgreSQL
Place = tuple[str, str]
"""A channel, and the id of an account there."""


def known_as(connection: Connection, channel: str, person: str) -> list[KnownAs]:
    """The accounts of a person with the roles that they were given: this one, then the others, oldest first."""
    identity, places = _circle(connection, (channel, person))
    given = select(appointments.c.channel, appointments.c.person, appointments.c.role)
    roles = {(where, who): role for where, who, role in connection.execute(given.where(among(appointments, places)))}
    label = identity or _name((channel, person))
    return [KnownAs(*place, roles.get(place), label) for place in places]


def accounts_of(connection: Connection, channel: str, person: str) -> list[Place]:
    """The same without their roles."""
    return _circle(connection, (channel, person))[1]


def label_of(connection: Connection, channel: str, person: str) -> str:
    """The name of an identity: that of one of its accounts, for as long as that is one of them."""
    return _circle(connection, (channel, person))[0] or _name((channel, person))


def among(table: Table, places: Sequence[Place]) -> ColumnElement[bool]:
    """Whether a row is about one of these accounts."""
    return or_(false(), *(and_(table.c.channel == channel, table.c.person == person) for channel, person in places))


def offer(connection: Connection, code: LinkCode) -> None:
    """Keep a code for joining, in place of older ones of its account."""
    connection.execute(delete(link_codes).where(among(link_codes, [(code.channel, code.person)])))
    connection.execute(link_codes.insert(), values(code))


def offered(connection: Connection, digest: str) -> LinkCode | None:
    """The code of this digest, if it is still good."""
    this = link_codes.c.digest == digest, link_codes.c.expires_at > datetime.now(UTC)
    return record(connection, LinkCode, select(*columns(LinkCode, link_codes)).where(*this))


def one_by_one(connection: Connection) -> None:
    """Let nobody else change who people are until this transaction ends."""
    if connection.dialect.name == "postgresql":  # in SQLite only one writes anyway
        connection.execute(select(func.pg_advisory_xact_lock(literal(LOCK))))


def join(connection: Connection, digest: str, channel: str, person: str) -> bool:
    """Use a code up: its account and this one are one person from now on, with all that were joined with either.
    False where there is nothing to be joined. What either has spent counts together."""
    one_by_one(connection)
    code = offered(connection, digest)
    mine = accounts_of(connection, channel, person)
    if code is None or (code.channel, code.person) in mine:
        return False
    theirs = accounts_of(connection, code.channel, code.person)
    label = label_of(connection, code.channel, code.person)
    budgets.count_together(connection, f"person:{label}", f"person:{label_of(connection, channel, person)}")
    for where, who in (*theirs, *mine):
        row = {"channel": where, "person": who, "identity": label, "joined_at": datetime.now(UTC)}
        new = upsert(connection, accounts).values(row)
        keys = list(accounts.primary_key)
        connection.execute(new.on_conflict_do_update(index_elements=keys, set_={"identity": label}))
    connection.execute(delete(link_codes).where(link_codes.c.digest == digest))
    return True


def leave(connection: Connection, channel: str, person: str) -> None:
    """Let this account be somebody of their own again. What all have spent counts for each of both sides."""
    one_by_one(connection)
    label, (mine, *others) = _circle(connection, (channel, person))
    if label is None:
        return
    connection.execute(delete(accounts).where(among(accounts, [mine] if len(others) > 1 else [mine, *others])))
    new_label = label if label != _name(mine) else _name(others[0])
    connection.execute(update(accounts).where(accounts.c.identity == label).values(identity=new_label))
    for each in {_name(mine), new_label, _name(others[0])} - {label}:
        budgets.count_apart(connection, f"person:{label}", f"person:{each}")


def _circle(connection: Connection, mine: Place) -> tuple[str | None, list[Place]]:
    """The identity of an account, if it is joined with others; it, and then the others, oldest first."""
    this = accounts.alias()
    theirs = (
        select(accounts.c.identity, accounts.c.channel, accounts.c.person)
        .join(this, this.c.identity == accounts.c.identity)
        .where(this.c.channel == mine[0], this.c.person == mine[1])
        .order_by(accounts.c.joined_at, accounts.c.channel, accounts.c.person)
    )
    rows = connection.execute(theirs).all()
    others = [(row.channel, row.person) for row in rows if (row.channel, row.person) != mine]
    return (rows[0].identity if rows else None), [mine, *others]


def _name(place: Place) -> str:
    return f"{place[0]}:{place[1]}"
