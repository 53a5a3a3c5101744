"""JSON as people write it, with comments and trailing commas, that can tell on which line a value stands."""

import json
import re
from functools import cached_property
from typing import Any

Where = tuple[str | int, ...]
"""The way to a value: ("mcpServers", "time", "args", 1)."""

_STRING = r'"(?:\\.|[^"\\])*"'
_COMMENT = r"//[^\n]*|/\*.*?\*/"
_TRAILING_COMMA = r",(?=\s*[}\]])"


class LocatedJson:
    """A JSON text and its value. Raises json.JSONDecodeError, with the line and column of the text as it is."""

    def __init__(self, text: str) -> None:
        self._text = _blanked(_TRAILING_COMMA, _blanked(_COMMENT, text))
        self.root: Any = json.loads(self._text)

    def line(self, path: Where) -> int:
        """The line on which a value begins; for one that is not there, the line of what would hold it."""
        while path not in self._offsets:
            path = path[:-1]
        return self._text.count("\n", 0, self._offsets[path]) + 1

    @cached_property
    def _offsets(self) -> dict[Where, int]:
        offsets: dict[Where, int] = {}
        _walk(self._text, _skip(self._text, 0), (), offsets)
        return offsets


def spell(path: Where) -> str:
    """A path as people write it: `mcpServers.time.args[1]`."""
    words = ""
    for part in path:
        if isinstance(part, int):
            words += f"[{part}]"
        elif re.fullmatch(r"[\w-]+", part):
            words += f".{part}" if words else part
        else:
            words += f"[{json.dumps(part)}]"
    return words


def _blanked(pattern: str, text: str) -> str:
    """The text with blanks for what matches outside of strings, so that every offset stays true."""

    def blank(found: re.Match[str]) -> str:
        return re.sub(r"[^\n]", " ", found[0]) if found["outside"] else found[0]

    return re.sub(f"{_STRING}|(?P<outside>{pattern})", blank, text, flags=re.DOTALL)


def _walk(text: str, at: int, path: Where, offsets: dict[Where, int]) -> int:
    """Note where the value at `at` begins, and all inside of it; where the text goes on behind it."""
    offsets[path] = at
    if text[at] not in "{[":
        return _scan(text, at)[1]
    is_object, number = text[at] == "{", 0
    at = _skip(text, at + 1)
    while text[at] not in "}]":
        key: str | int = number
        if is_object:
            key, at = _scan(text, at)
            at = _skip(text, _skip(text, at) + 1)  # the colon
        at = _skip(text, _walk(text, at, (*path, key), offsets))
        if text[at] == ",":
            at = _skip(text, at + 1)
        number += 1
    return at + 1


_scan = json.JSONDecoder().raw_decode


def _skip(text: str, at: int) -> int:
    while text[at : at + 1].isspace():
        at += 1
    return at
