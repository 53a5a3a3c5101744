"""`errand audit`: its rows in lines, and whether all of them are as they were written."""

import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from bot.settings import Settings
from orchestrator.exporting import audit_line, audit_rows
from storage.looking import looking
from storage.records import AuditRow


async def audited(settings: Settings, kinds: Sequence[str], *, as_json: bool) -> AsyncGenerator[str]:
    """Every row of these kinds, or of all, oldest first: a line each."""
    async with looking(settings.database) as store, aclosing(audit_rows(store, kinds=kinds)) as rows:
        async for row in rows:
            told = audit_line(row) | {"at": row.at.isoformat()}
            yield json.dumps(told, ensure_ascii=False) if as_json else _in_a_line(row)


async def verified(settings: Settings, head: str) -> tuple[bool, str]:
    """Whether the audit is whole, and what to tell of it."""
    async with looking(settings.database) as store:
        check = await store.verify_audit(head=head)
    if check.broken_at is not None:
        return False, f"Row {check.broken_at} was changed, or a row before it was changed, put in or left out."
    if not check.head_found:
        return (
            False,
            "The rows hold together, but the head that you noted is not among them: newer ones are gone.",
        )
    return (
        True,
        f"{check.rows} rows, each on top of the one before it. Head, to be noted elsewhere: {check.head}",
    )


def _in_a_line(row: AuditRow) -> str:
    who = f"{row.channel}:{row.person}" if row.person else row.channel or "operator"
    details = ", ".join(f"{name} {_told(value)}" for name, value in json.loads(row.details).items())
    return f"{row.id:>5}  {row.at:%Y-%m-%d %H:%M:%S}  {row.kind:<9} {who:<20} {row.turn:<6} {details}".rstrip()


def _told(value: object) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)
