"""Text that every database and channel can carry, whoever wrote it: people, models and tools."""

from typing import Any

from orchestrator.json_texts import with_texts


def repaired(text: str) -> str:
    """The text with surrogate pairs joined, and lone ones and NUL replaced by U+FFFD."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").replace("\0", "\ufffd")


def repaired_data(value: Any) -> Any:
    """The same for every text in a JSON value."""
    return with_texts(value, repaired)
