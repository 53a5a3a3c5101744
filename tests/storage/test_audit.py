"""The audit: what is written stays as it was, also when somebody is forgotten."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Connection, text

from storage import aliases, audit
from storage.changes import auditing
from storage.errors import StorageError
from storage.records import AuditEntry
from storage.store import Store

ANN = ("telegram", "42")
LATER = timedelta(days=1)


async def write(store: Store, *kinds: str, person: str = "42", sealed: str = "") -> None:
    for kind in kinds:
        entry = AuditEntry(
            kind, '{"tool":"send"}', channel="telegram", person=person, session=f"telegram:{person}", sealed=sealed
        )
        await store.change(auditing(entry))


def forget(connection: Connection, name: str) -> int:
    known = [*aliases.known(connection, "person", [name]), *aliases.known(connection, "session", [name])]
    concerned = audit.concerning(connection, known)
    aliases.forget(connection, known)
    return concerned


async def run(store: Store, statement: str) -> None:
    def work(connection: Connection) -> None:
        connection.execute(text(statement))

    await store.change(work)


@pytest.mark.proves("audit.stays")
async def test_rows_come_back_as_they_were_written_by_kind_person_and_time(store: Store) -> None:
    await write(store, "decision", "approval")
    await write(store, "decision", person="7")
    rows = await store.audited()
    assert [(row.kind, row.channel, row.person, row.session) for row in rows] == [
        ("decision", "telegram", "42", "telegram:42"),
        ("approval", "telegram", "42", "telegram:42"),
        ("decision", "telegram", "7", "telegram:7"),
    ]
    assert [row.id for row in await store.audited(person=ANN)] == [1, 2]
    assert [row.id for row in await store.audited(kinds=["decision"], after=1)] == [3]
    assert await store.audited(since=datetime.now(UTC) + LATER) == []
    assert len(await store.audited(most=2)) == 2


@pytest.mark.proves("audit.stays")
@pytest.mark.parametrize(
    "statement", ["UPDATE audit SET details = '{}'", "DELETE FROM audit WHERE id = 1", "DELETE FROM audit"]
)
async def test_the_database_refuses_to_change_and_to_delete_rows(store: Store, statement: str) -> None:
    await write(store, "decision", "approval")
    with pytest.raises(StorageError, match="audit"):
        await run(store, statement)
    assert len(await store.audited()) == 2


@pytest.mark.proves("audit.stays")
async def test_a_row_changed_behind_our_back_is_found(store: Store) -> None:
    await write(store, "decision", "approval", "grant")
    noted = (await store.verify_audit()).head
    on_table = "" if store.url.startswith("sqlite") else " ON audit"
    await run(store, f"DROP TRIGGER audit_stays{on_table}")
    await run(store, 'UPDATE audit SET details = \'{"tool":"other"}\' WHERE id = 2')
    check = await store.verify_audit(head=noted)
    assert (check.rows, check.broken_at) == (3, 2)


@pytest.mark.proves("audit.stays")
async def test_rows_missing_at_the_newest_end_show_by_a_head_that_was_noted(store: Store) -> None:
    await write(store, "decision")
    early = (await store.verify_audit()).head
    await write(store, "approval")
    late = (await store.verify_audit()).head
    assert (await store.verify_audit(head=early)).head_found
    on_table = "" if store.url.startswith("sqlite") else " ON audit"
    await run(store, f"DROP TRIGGER audit_keeps{on_table}")
    await run(store, "DELETE FROM audit WHERE id = 2")
    assert (await store.verify_audit()).broken_at is None
    assert not (await store.verify_audit(head=late)).head_found


@pytest.mark.proves("audit.retention")
async def test_old_rows_go_by_retention_which_is_a_row_itself_and_the_rest_still_verifies(store: Store) -> None:
    await write(store, "decision", "approval")
    assert await store._database.write(lambda c: audit.remove(c, datetime.now(UTC) - LATER)) == 0
    assert await store._database.write(lambda c: audit.remove(c, datetime.now(UTC) + LATER)) == 2
    await write(store, "grant")
    assert [row.kind for row in await store.audited()] == ["retention", "grant"]
    check = await store.verify_audit()
    assert (check.rows, check.broken_at) == (2, None)
    assert await store._database.write(lambda c: audit.remove(c, datetime.now(UTC) + LATER)) == 2
    assert (await store.verify_audit()).broken_at is None


@pytest.mark.proves("audit.forgets")
async def test_whoever_is_forgotten_is_an_alias_from_then_on_and_nothing_was_changed(store: Store) -> None:
    await write(store, "approval", sealed='{"text":"a"}')
    await write(store, "approval", person="7", sealed='{"text":"a"}')
    head = (await store.verify_audit()).head
    concerned = await store._database.write(lambda c: forget(c, "telegram:42"))
    forgotten, other = await store.audited()
    assert concerned == 1
    assert forgotten.person.startswith("person-")
    assert forgotten.session.startswith("session-")
    assert other.person == "7"
    assert forgotten.digest != other.digest  # each with a key of its own: nobody can try words against it any more
    assert await store.verify_audit(head=head) == (await store.verify_audit())
    await write(store, "decision")
    assert (await store.audited())[-1].person == "42"


@pytest.mark.proves("audit.stays")
async def test_a_row_is_written_with_what_it_records_or_not_at_all(store: Store) -> None:
    def fails(connection: object) -> None:
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        await store.change(auditing(AuditEntry("grant", "{}")), fails)
    assert await store.audited() == []
