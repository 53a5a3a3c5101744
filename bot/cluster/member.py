"""A process as a member of its cluster: what it writes is told to those who must act upon it, in its transaction."""

import uuid
from collections.abc import Sequence

from sqlalchemy import Connection, func, make_url, select

from bot.cluster.line import Line, to_channel, written
from bot.cluster.queue import Queue
from bot.cluster.remote import Asking
from storage.records import Arrived, Parcel

ARRIVALS = "errand_arrivals"


class Member:
    """Its name, its end of the queue, and its line to the others. It is the `wires` of its store."""

    def __init__(self, database: str) -> None:
        self.process = uuid.uuid4().hex[:16]
        url = make_url(database).set(drivername="postgresql").render_as_string(hide_password=False)
        self.queue = Queue(url)
        self.line = Line(url, self.process)
        self.asking = Asking(self.process, self.line)

    def prepare(self, connection: Connection) -> None:
        """The tables of the queue."""
        self.queue.prepare(connection)

    def arrived(self, connection: Connection, arrived: Arrived) -> None:
        """A job for it, and a word to whoever is at work in its session just now."""
        self.queue.defer(connection, arrived.session)
        _notify(connection, ARRIVALS, {"session": arrived.session})

    def put_out(self, connection: Connection, parcels: Sequence[Parcel]) -> None:
        """A word to those who lead the channels in which they are to be shown."""
        for channel, turn in dict.fromkeys((parcel.channel, parcel.turn) for parcel in parcels):
            _notify(connection, to_channel(channel), {"turn": turn})


def _notify(connection: Connection, topic: str, message: dict[str, str]) -> None:
    connection.execute(select(func.pg_notify(topic, written(message))))
