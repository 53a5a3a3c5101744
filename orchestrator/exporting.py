"""What is kept, as JSON lines: for the operator, and for each person what is theirs. docs/privacy.md has the shape.

Secrets are struck out. The first line says of what it is an export, the last one how many lines it has: a file without
that one is not whole.
"""

import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from orchestrator.audit import entry
from orchestrator.errors import BadInput
from orchestrator.messages import Attachment
from orchestrator.redaction import Redaction
from orchestrator.sessions import Talk
from orchestrator.slash import Slash, Told
from orchestrator.words import each_way, say
from storage.files import FileStore
from storage.records import AuditRow, TurnRecord
from storage.store import Store

VERSION = 1  # of the shape
PAGE = 500  # rows that are read at once
NAME, MIME = "errand-export.jsonl", "application/jsonl"

Line = dict[str, Any]


class Exporting:
    """Gives people what is kept of theirs."""

    def __init__(self, store: Store, files: FileStore, *, redaction: Redaction, now: Callable[[], datetime]) -> None:
        self._store = store
        self._files = files
        self._redaction = redaction
        self._now = now

    def words(self) -> Iterator[Slash]:
        yield Slash("export", self._export, "/export me", say("gives you all that I keep of yours, as a file"))

    async def _export(self, talk: Talk, rest: str) -> Told:
        if rest.strip().casefold() not in each_way("me"):
            raise BadInput(say("I give everybody only what is theirs: write `/export me`."))
        if not talk.inbound.private:
            raise BadInput(say("Please ask me that where nobody reads along."))
        person = talk.arrived.channel, talk.inbound.person.id
        lines = export(self._store, self._redaction, now=self._now(), person=person)
        data = "".join([f"{line}\n" async for line in lines]).encode()
        file = await self._files.keep(NAME, MIME, data)
        kept = Attachment(name=NAME, mime=MIME, size=len(data), file=file)
        return Told(say("Here is what I keep of yours, one JSON object in a line."), files=(kept,))


async def export(
    store: Store,
    redaction: Redaction,
    *,
    now: datetime,
    person: tuple[str, str] | None = None,
    since: datetime | None = None,
) -> AsyncGenerator[str, None]:
    """The lines, oldest first: of a person (channel and id) or of all. That it was made is in the audit before the
    first one. Raises StorageError."""
    channel, who = person or ("", "")
    await store.change(entry("export", channel=channel, person=who, since=since and since.isoformat()))
    count = 0
    head = {"kind": "export", "version": VERSION, "at": now, "person": ":".join(person) if person else None}
    yield _written({**head, "since": since}, redaction)
    async for line in _lines(store, person, since):
        count += 1
        yield _written(line, redaction)
    yield _written({"kind": "end", "lines": count}, redaction)


async def _lines(store: Store, person: tuple[str, str] | None, since: datetime | None) -> AsyncIterator[Line]:
    if person:
        async for line in _about(store, *person):
            yield line
    else:
        for session in await store.sessions():
            yield {"kind": "session", **asdict(session)}
    async for turn in _turns(store, person, since):
        yield _of_turn(turn)
    async for row in audit_rows(store, person=person, since=since):
        yield audit_line(row)


async def _about(store: Store, channel: str, person: str) -> AsyncIterator[Line]:
    """What is kept about a person beside what was said."""
    yield {"kind": "preferences", **asdict(await store.preferences(channel, person))}
    for memory in await store.memories(channel, person):
        yield {"kind": "memory", **asdict(memory)}
    for grant in await store.granted(channel, person):
        yield {"kind": "grant", "tool": grant.tool, "session": grant.session}
    for coming in await store.scheduled(channel, person):
        yield {"kind": "schedule", "id": coming.id, "next_at": coming.next_at, "body": json.loads(coming.body)}
    for name, template in (await store.templates()).items():
        if template.made_by == f"{channel}:{person}":
            yield {"kind": "template", "name": name, "body": json.loads(template.body)}


async def _turns(
    store: Store, person: tuple[str, str] | None, since: datetime | None
) -> AsyncGenerator[TurnRecord, None]:
    after = "t0"
    while page := await store.turns_after(after, person=person, since=since, most=PAGE):
        for turn in page:
            yield turn
        after = page[-1].turn


async def audit_rows(
    store: Store,
    *,
    kinds: Sequence[str] = (),
    person: tuple[str, str] | None = None,
    since: datetime | None = None,
) -> AsyncGenerator[AuditRow, None]:
    """Every row of the audit, oldest first, read a page at a time."""
    after = 0
    while page := await store.audited(kinds=kinds, person=person, since=since, after=after, most=PAGE):
        for row in page:
            yield row
        after = page[-1].id


def _of_turn(turn: TurnRecord) -> Line:
    return {"kind": "turn", **asdict(turn), "dossier": json.loads(turn.dossier)}


def audit_line(row: AuditRow) -> Line:
    """A row of the audit; what does not apply is left out."""
    told = asdict(row) | {"kind": "audit", "what": row.kind, "details": json.loads(row.details)}
    return {name: value for name, value in told.items() if value not in ("", {})}


def _written(line: Mapping[str, Any], redaction: Redaction) -> str:
    plain = {name: value.isoformat() if isinstance(value, datetime) else value for name, value in line.items()}
    return json.dumps(redaction.value(plain), ensure_ascii=False)
