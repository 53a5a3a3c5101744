"""Pins: the definitions of tools that may run, by server. A pin without a tool says that a server was seen."""

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import Connection, delete, select

from storage.records import Pin
from storage.rows import columns, records, upsert, values
from storage.tables import pins

SEEN = Pin(tool="", digest="", definition="")


def pinned(connection: Connection, server: str) -> list[Pin]:
    """What may run of a server's."""
    return records(connection, Pin, select(*columns(Pin, pins)).where(pins.c.server == server, pins.c.tool != ""))


def pin_first(connection: Connection, server: str, first: Sequence[Pin]) -> None:
    """Pin these, unless the server was seen before."""
    if connection.execute(select(pins.c.tool).where(pins.c.server == server)).first() is None:
        _write(connection, server, [SEEN, *first])


def pin(connection: Connection, server: str, new: Sequence[Pin]) -> None:
    """Pin these instead of all that was."""
    connection.execute(delete(pins).where(pins.c.server == server))
    _write(connection, server, [SEEN, *new])


def _write(connection: Connection, server: str, new: Sequence[Pin]) -> None:
    at = datetime.now(UTC)
    for each in new:
        row = {"server": server, "pinned_at": at, **values(each)}
        connection.execute(upsert(connection, pins).values(row).on_conflict_do_nothing())
