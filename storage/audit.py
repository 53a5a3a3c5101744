"""The audit: who decided, allowed, changed or took away what. Rows are added, and never changed.

A row names people and conversations by aliases; who is behind one stands in a table of its own. Whoever is forgotten
loses that row alone, and with it the key of their digests: the audit stays as it was written, and says nothing about
them any more.

Triggers of the database refuse to change rows, and to take away others than those that a row of the kind "retention"
names. Each row carries a hash over itself and the one before it, so a row that was changed, left out or put in shows.
That protects from mistakes, and from tampering by whoever can write to the database but did not think of the chain.
It does not stop somebody who may drop the triggers and computes the chain anew, nor does it show rows that are missing
at the newest end: for both, note the head that `verify` tells, somewhere else.
"""

import hashlib
import hmac
import json
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, delete, func, literal, select

from storage.aliases import alias_of, person_name
from storage.records import AuditCheck, AuditEntry, AuditRow
from storage.tables import aliases, audit

LOCK = int.from_bytes(b"audit")  # PostgreSQL: one writer at a time, as each row builds on the one before it
CHAINED = ("at", "kind", "channel", "person", "session", "turn", "details", "digest", "removes_upto")
RETENTION = "retention"


def add(connection: Connection, entry: AuditEntry) -> None:
    """Write a row, in the transaction of what it records."""
    whose = entry.person and person_name(entry.channel, entry.person)
    person, key = alias_of(connection, "person", whose) if whose else (None, "")
    session = alias_of(connection, "session", entry.session)[0] if entry.session else None
    row = {
        "kind": entry.kind,
        "channel": entry.channel,
        "person": person,
        "session": session,
        "turn": entry.turn or None,
        "details": entry.details,
        "digest": sealed(key, entry.sealed) if entry.sealed else None,
    }
    _append(connection, row)


def sealed(key: str, text: str) -> str:
    """A digest of a text, which says nothing to those who do not have the key."""
    return hmac.new(bytes.fromhex(key), text.encode(), hashlib.sha256).hexdigest()


def rows(
    connection: Connection,
    *,
    kinds: Sequence[str] = (),
    person: tuple[str, str] | None = None,
    since: datetime | None = None,
    after: int = 0,
    most: int = 1_000,
) -> list[AuditRow]:
    """Rows behind the one of the number `after`, oldest first, at `most` so many. `person` is a channel and an id."""
    people, places = aliases.alias(), aliases.alias()
    found = (
        select(audit, people.c.name.label("who"), places.c.name.label("place"))
        .join(people, people.c.alias == audit.c.person, isouter=True)
        .join(places, places.c.alias == audit.c.session, isouter=True)
        .where(audit.c.id > after)
    )
    if kinds:
        found = found.where(audit.c.kind.in_(kinds))
    if person is not None:
        found = found.where(people.c.name == person_name(*person))
    if since is not None:
        found = found.where(audit.c.at >= since)
    return [_row(each) for each in connection.execute(found.order_by(audit.c.id).limit(most)).mappings()]


def verify(connection: Connection, *, head: str = "") -> AuditCheck:
    """Whether each row still builds on the one before it, and the `head` noted earlier is among them."""
    chain, count, broken, seen = "", 0, None, not head
    removed = connection.execute(_newest_retention()).mappings().first()
    if removed is not None:
        chain = json.loads(removed["details"])["chain"]
    seen = seen or chain == head
    for row in connection.execute(select(audit).order_by(audit.c.id)).mappings():
        count += 1
        if row["chain"] != _link(chain, row):
            broken = row["id"] if broken is None else broken
        chain = row["chain"]
        seen = seen or chain == head
    return AuditCheck(rows=count, broken_at=broken, head=chain, head_found=seen)


def remove(connection: Connection, before: datetime) -> int:
    """Take away the rows from before this time, and write down that it was done. How many there were."""
    _wait_for_others(connection)
    # Up to the first row that stays: a clock may have been set back meanwhile, and the chain has one beginning.
    first_kept = connection.execute(select(func.min(audit.c.id)).where(audit.c.at >= before)).scalar()
    old = audit.c.at < before if first_kept is None else audit.c.id < first_kept
    last = connection.execute(select(audit).where(old).order_by(audit.c.id.desc()).limit(1)).mappings().first()
    if last is None:
        return 0
    details = json.dumps({"before": before.isoformat(), "chain": last["chain"]})
    _append(connection, {"kind": RETENTION, "channel": "", "details": details, "removes_upto": last["id"]})
    return connection.execute(delete(audit).where(audit.c.id <= last["id"])).rowcount


def concerning(connection: Connection, known: Collection[str]) -> int:
    """How many rows name one of these aliases."""
    concerned = audit.c.person.in_(known) | audit.c.session.in_(known)
    count: int = connection.execute(select(func.count()).select_from(audit).where(concerned)).scalar_one()
    return count


def _append(connection: Connection, row: dict[str, Any]) -> None:
    _wait_for_others(connection)
    newest = select(audit.c.chain).order_by(audit.c.id.desc()).limit(1)
    whole = dict.fromkeys(CHAINED) | row | {"at": datetime.now(UTC)}
    chain = _link(connection.execute(newest).scalar() or "", whole)
    connection.execute(audit.insert(), whole | {"chain": chain})


def _link(before: str, row: dict[str, Any] | RowMapping) -> str:
    """The hash of a row on top of the one before it."""
    told = [row[name].astimezone(UTC).isoformat() if name == "at" else row[name] for name in CHAINED]
    return hashlib.sha256(json.dumps([before, *told]).encode()).hexdigest()


def _wait_for_others(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(literal(LOCK))))


def _newest_retention() -> Select[Any]:
    return select(audit).where(audit.c.kind == RETENTION).order_by(audit.c.id.desc()).limit(1)


def _row(found: RowMapping) -> AuditRow:
    who, place = found["who"], found["place"]
    return AuditRow(
        id=found["id"],
        at=found["at"],
        kind=found["kind"],
        channel=found["channel"],
        person=who.partition(":")[2] if who is not None else found["person"] or "",
        session=place if place is not None else found["session"] or "",
        turn=found["turn"] or "",
        details=found["details"],
        digest=found["digest"] or "",
    )
