"""Rows for every table, also for those that are yet to come, with values of the test's choice."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Column, Connection, Float, Integer, Table

from storage.store import Store
from storage.tables import Instant, TurnName, metadata
from tests.storage.samples import NOW


@dataclass(frozen=True)
class Values:
    """What stands in the columns, in turn. Texts stand in the keys too."""

    texts: Sequence[str] = ("plain", "{'quotes': \"too\"}", "Grüße 😀\n", "")
    integers: Sequence[int] = (0, -1, 2**31 - 1)
    large: Sequence[int] = (0, 2**53 + 1, -(2**63), 2**63 - 1)
    floats: Sequence[float] = (0.0, 0.1, 1 / 3, 1e-300, 1e300)
    times: Sequence[datetime] = (NOW, NOW.replace(microsecond=0), NOW.replace(microsecond=1))


def rows(values: Values, count: int = 4) -> Iterator[tuple[Table, list[dict[str, Any]]]]:
    """So many rows of each table, those first to which others point."""
    for table in metadata.sorted_tables:
        yield (
            table,
            [{column.name: _value(column, place, values) for column in table.c} for place in range(1, count + 1)],
        )


async def fill(store: Store, values: Values, count: int = 4) -> None:
    def work(connection: Connection) -> None:
        for table, some in rows(values, count):
            connection.execute(table.insert(), some)

    await store._database.write(work)


def _value(column: Column[Any], place: int, values: Values) -> Any:
    root = column
    while root.foreign_keys:
        (key,) = root.foreign_keys
        root = key.column
    is_key = root.primary_key or column.name in {"channel", "event_id", "key", "kind", "name"}  # or of a unique index
    turn = place + sum(map(ord, column.name))  # so that not all columns of a row hold the same
    match column.type:
        case TurnName():
            return f"t{place}"
        case BigInteger():
            return values.large[turn % len(values.large)]
        case Integer():
            return place if is_key else values.integers[turn % len(values.integers)]
        case Float():
            return values.floats[turn % len(values.floats)]
        case Instant():
            return values.times[turn % len(values.times)]
        case _:
            text = values.texts[(place if is_key else turn) % len(values.texts)]
            return f"{text} {root.name} {place}" if is_key else text
