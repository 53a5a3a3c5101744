"""The file of settings that `errand init` writes: NAME=value, a line each, for its owner alone."""

import os
import re
from collections.abc import Mapping
from pathlib import Path

from dotenv import dotenv_values

from orchestrator.errors import BadInput

PLAIN = re.compile(r"[\w@%+=:,./?*-]*")
LINE = re.compile(r"\s*(?:export\s+)?(\w+)\s*=")


def known(file: Path) -> dict[str, str]:
    """What the file says; nothing where it is not there."""
    return {name: value for name, value in dotenv_values(file).items() if value}


def write(file: Path, given: Mapping[str, str]) -> None:
    """Put these into the file, an empty one out of it, and leave its other lines as they are. It is changed at once or
    not at all, and afterwards its owner alone can read it. Raises BadInput."""
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    others = [line for line in lines if not ((found := LINE.match(line)) and found[1] in given)]
    text = "\n".join([*others, *(f"{name}={_quoted(value)}" for name, value in given.items() if value), ""])
    new = file.with_name(f".{file.name}.new")
    try:
        new.unlink(missing_ok=True)
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as writing:
            writing.write(text)
        new.replace(file)
    except OSError as error:
        raise BadInput(f"{file} cannot be written: {error.strerror}. Choose another place with --file.") from error


def _quoted(value: str) -> str:
    """As both dotenv and systemd read it. Raises BadInput."""
    if not value.isprintable() or "'" in value:
        raise BadInput("A value holds a quotation mark or a control character: paste it again.")
    return value if PLAIN.fullmatch(value) else f"'{value}'"
