"""The prompts, as files that can be reviewed."""

from functools import cache
from importlib.resources import files


@cache
def prompt(name: str) -> str:
    """The text of prompts/NAME.md."""
    return (files(__package__) / f"{name}.md").read_text(encoding="utf-8").strip()
