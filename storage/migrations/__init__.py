"""The versions of the schema, and the way up to the newest."""

from pathlib import Path

from sqlalchemy import Column, Connection, MetaData, Table, Text, inspect, select

from storage.errors import StorageError

KNOWN = (
    "0001",
    "0002",
    "0003",
    "0004",
    "0005",
    "0006",
    "0007",
    "0008",
    "0009",
    "0010",
    "0011",
    "0012",
    "0013",
    "0014",
)  # oldest first; a version is never edited after its release
# Not under alembic's own name: in a PostgreSQL database that is shared, that table may be another program's.
VERSION = Table("errand_version", MetaData(), Column("version_num", Text))


def migrate(connection: Connection) -> None:
    """Bring the schema up to date, inside the caller's transaction."""
    version = current(connection)
    if version == KNOWN[-1]:
        return
    if version is not None and version not in KNOWN:
        raise StorageError(
            f"A newer Errand made this database (schema {version}, known here up to {KNOWN[-1]}): update Errand."
        )
    # Importing alembic takes 0.26 s, which a start without a migration need not pay.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def current(connection: Connection) -> str | None:
    """The version of the schema; None for an empty database."""
    if not inspect(connection).has_table(VERSION.name):
        return None
    return connection.execute(select(VERSION.c.version_num)).scalar()
