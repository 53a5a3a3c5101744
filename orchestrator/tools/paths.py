"""Which of a tool's parameters take a file by its path, and files in their places."""

from collections.abc import Mapping, Sequence
from typing import Any

from orchestrator.tools.search import words_of
from orchestrator.tools.spec import ToolSpec

FILES = frozenset("path file filename filepath audio image photo picture document attachment".split())
RESULTS = frozenset("output out target destination dest save new".split())  # what is still to be made


def takes_file(name: str, schema: Mapping[str, Any]) -> bool:
    """Whether a parameter's name, or its format, says that it is the path of a file that is there."""
    words = set(words_of(name))
    is_text = schema.get("type", "string") == "string"
    return is_text and not words & RESULTS and bool(words & FILES or schema.get("format") in {"path", "file-path"})


def file_parameters(tool: ToolSpec) -> list[str]:
    """The parameters that take a file, in their order."""
    return [name for name, schema in tool.properties.items() if takes_file(name, schema)]


def in_place(tool: ToolSpec, missing: Sequence[str], paths: Sequence[str]) -> dict[str, str]:
    """Values for those of the missing arguments that take a file: the first one the first path, and so on."""
    return dict(zip([name for name in missing if name in file_parameters(tool)], paths, strict=False))
