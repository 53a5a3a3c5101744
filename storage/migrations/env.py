"""Runs migrations on the connection, and in the transaction, of the caller."""

from alembic import context

from storage.migrations import VERSION
from storage.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION.name,
    render_as_batch=True,  # SQLite alters a table by making it anew
)
context.run_migrations()
