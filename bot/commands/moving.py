"""errand migrate | backup | restore: all that is kept, in another place."""

from pathlib import Path

import click

from bot.commands.root import errand, run
from bot.settings import Settings


@errand.command()
@click.option("--to", required=True, metavar="URL", help="An empty database: postgresql://USER@HOST/NAME, or a path.")
@click.pass_obj
def migrate(settings: Settings, to: str) -> None:
    """Copy the database into another one, SQLite or PostgreSQL, and compare both. Errand must not be running."""
    run(_migrate(settings, to))


@errand.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.pass_obj
def backup(settings: Settings, file: Path) -> None:
    """Write the database and the files of people into a new FILE.tar.gz. Errand may be running."""
    run(_backup(settings, file))


@errand.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.pass_obj
def restore(settings: Settings, file: Path) -> None:
    """Put a backup into the database of the settings, which must be empty. Errand must not be running."""
    run(_restore(settings, file))


async def _migrate(settings: Settings, to: str) -> None:
    from bot.moving import migrated  # noqa: PLC0415

    for line in await migrated(settings, to):
        click.echo(line)


async def _backup(settings: Settings, file: Path) -> None:
    from bot.moving import backed_up  # noqa: PLC0415

    for line in await backed_up(settings, file):
        click.echo(line)


async def _restore(settings: Settings, file: Path) -> None:
    from bot.moving import restored  # noqa: PLC0415

    for line in await restored(settings, file):
        click.echo(line)
