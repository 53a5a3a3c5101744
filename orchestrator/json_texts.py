"""The texts in a JSON value, however deep they stand."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any


def texts(value: Any, *, names: bool = True) -> Iterator[str]:
    """Every text, with the names of properties or without."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from map(str, value if names else ())
        yield from (text for part in value.values() for text in texts(part, names=names))
    elif isinstance(value, list | tuple):
        yield from (text for part in value for text in texts(part, names=names))


def with_texts(value: Any, change: Callable[[str], str]) -> Any:
    """The same value with every text changed so, names too."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {change(str(name)): with_texts(part, change) for name, part in value.items()}
    return [with_texts(part, change) for part in value] if isinstance(value, list | tuple) else value
