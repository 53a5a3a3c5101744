"""What both databases offer: work that reads, and work that writes in one transaction."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Protocol, TypeVar

from sqlalchemy import Connection

from storage.records import Arrived, Parcel

T = TypeVar("T")

Work = Callable[[Connection], T]
"""Statements on one connection. It may run again from the start after a rollback, so it does nothing else."""


class Wires(Protocol):
    """Who hears of writes that others must act upon: in their transaction, so that one is never without the other."""

    def prepare(self, connection: Connection) -> None:
        """Bring what they need in the database up to date, together with its schema."""

    def arrived(self, connection: Connection, arrived: Arrived) -> None:
        """An event came into the inbox."""

    def put_out(self, connection: Connection, parcels: Sequence[Parcel]) -> None:
        """These parcels came into the outbox."""


def wires_of(connection: Connection) -> Wires | None:
    """Who hears of what is written over this connection."""
    wires: Wires | None = connection.get_execution_options().get("wires")
    return wires


class Database(Protocol):
    """One open database. Raises only StorageError."""

    @property
    def url(self) -> str:
        """Where it is, for a person: without a password."""

    async def read(self, work: Work[T]) -> T:
        """Run one SELECT."""

    async def write(self, work: Work[T]) -> T:
        """Run the work in one transaction. When this returns it is stored; when it raises, nothing is; or all of it,
        where the connection broke behind the COMMIT."""

    def snapshot(self) -> AbstractContextManager[Connection]:
        """All of it at one moment, for reading, on the thread of the caller. It need not be open, and another process
        may be at work on it."""

    async def compact(self) -> None:
        """Leave nothing of deleted rows in the database's own files, as far as it can."""

    async def close(self) -> None:
        """End what runs, and let go of the database."""
