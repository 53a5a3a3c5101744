"""The migrations lead to the schema that the code works with."""

import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from storage import migrations
from storage.store import Store, open_store
from storage.tables import metadata
from tests.newest_schema import HEAD, newest_schema, statements_of

HOME = Path(__file__).parents[2]


@pytest.mark.proves("store.migrations")
async def test_the_schema_is_that_of_the_tables(store: Store) -> None:
    def differences(connection: Connection) -> object:
        options = {
            "version_table": migrations.VERSION.name,
            "compare_type": True,
            "compare_server_default": True,
            "include_name": lambda name, kind, parents: not (name or "").startswith("turn_words"),  # made by statements
        }
        return compare_metadata(MigrationContext.configure(connection, opts=options), metadata)

    assert await store._database.read(differences) == []


@pytest.mark.proves("store.migrations")
async def test_a_new_file_gets_the_schema_to_which_the_migrations_lead(tmp_path: Path) -> None:
    schema = newest_schema()
    assert migrations.NEWEST.read_text() == schema, "`make docs` writes it anew"
    await (await open_store(f"sqlite:///{tmp_path / 'new.db'}")).close()
    assert HEAD + statements_of(tmp_path / "new.db") == schema


@pytest.mark.proves("store.migrations")
def test_the_known_versions_are_the_migrations_in_their_order() -> None:
    scripts = ScriptDirectory(str(Path(migrations.__file__).parent))
    assert [each.revision for each in scripts.walk_revisions()] == list(reversed(migrations.KNOWN))


@pytest.mark.proves("store.start")
async def test_a_start_without_a_migration_does_not_load_alembic(url: str) -> None:
    await (await open_store(url)).close()
    start = (
        "import asyncio, sys; from storage.store import open_store\n"
        "async def main(): await (await open_store(sys.argv[1])).close()\n"
        "asyncio.run(main()); print('alembic' in sys.modules)"
    )
    command = [sys.executable, "-c", start, url]
    result = subprocess.run(command, cwd=HOME, check=True, capture_output=True, text=True, timeout=30)
    assert result.stdout == "False\n"
