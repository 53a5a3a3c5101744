"""`errand migrate`, `errand backup` and `errand restore`: what they do, and say."""

from collections.abc import Iterator
from pathlib import Path

from bot.conventions import version_of_errand
from bot.keys import FILE as KEY
from bot.settings import Settings, files_folder
from storage.backups import back_up, restore
from storage.engine import shown
from storage.moving import Digests, move

HASH = 16  # of 64 digits, enough to compare two by eye
WITHOUT_KEY = "It has no keys: errand.key, .env and the other files of settings are yours to keep (docs/moving.md)."


async def migrated(settings: Settings, to: str) -> list[str]:
    """Copy the database into another, empty one: what that holds, and what to set."""
    tables = await move(settings.database, to)
    return [
        *_table(tables),
        f"Both sides hold the same. {shown(settings.database)} stays as it is.",
        *_next(settings, to),
    ]


async def backed_up(settings: Settings, file: Path) -> list[str]:
    """Write the database and the files into a new file: what is in it."""
    manifest, tables = await back_up(settings.database, files_folder(settings), file, made_by=version_of_errand())
    return [*_table(tables), f"All of this and {_files(manifest.files)} stand in {file}. {WITHOUT_KEY}"]


async def restored(settings: Settings, file: Path) -> list[str]:
    """Put a backup into the database and the folder of the settings: what they hold."""
    folder = files_folder(settings)
    manifest, tables = await restore(file, settings.database, folder)
    where = f"{shown(settings.database)}, and {_files(manifest.files)} in {folder}"
    return [*_table(tables), f"The backup of {manifest.made_at:%Y-%m-%d %H:%M} UTC is in {where}. {WITHOUT_KEY}"]


def _table(tables: Digests) -> Iterator[str]:
    """A line for each table that has rows."""
    yield f"{'table':<16} {'rows':>9}  hash"
    for name, digest in sorted(tables.items()):
        if digest.rows:
            yield f"{name:<16} {digest.rows:>9,}  {digest.sha256[:HASH]}"
    yield f"{'all':<16} {sum(digest.rows for digest in tables.values()):>9,}"


def _next(settings: Settings, to: str) -> Iterator[str]:
    """What to set, so that Errand goes on in the other database, and where all else stays."""
    there = shown(to).replace("postgres://", "postgresql://", 1)
    hidden = " (with its password in place of ***)" if "***" in there else ""
    files, found = files_folder(settings), files_folder(settings.model_copy(update={"database": to}))
    yield f"To go on there, set this and start Errand{hidden}:"
    yield f"  ERRAND_DATABASE={there}"
    if files.absolute() != found.absolute():
        yield f"  ERRAND_FILES={files.absolute()}"
    key = files.with_name(KEY)
    kept = f", the key of the sign-ins in {key}" if key.exists() else ""
    yield f"Files stay in {files}{kept}."


def _files(count: int) -> str:
    return "1 file" if count == 1 else f"{count:,} files"
