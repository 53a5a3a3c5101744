"""Text of strangers without what no screen shows and models read: invisible letters carry orders and secrets."""

import re
import unicodedata
from typing import Any

from orchestrator.json_texts import with_texts

CARRIERS = re.compile(
    "["
    "\U000e0000-\U000e0fff"  # tags, and variation selectors of which each can stand for a byte
    "\ufe00-\ufe0e"  # the other selectors; U+FE0F is in every second emoji
    "\u200b\u2060-\u2064\u206a-\u206f\ufeff\u034f\u180b-\u180f"  # zero width
    "\u202a-\u202e\u2066-\u2069"  # turn words around
    "\u115f\u1160\u3164\uffa0"  # letters of Korean without any ink
    "\ufff9-\ufffb"
    "]"
    "|[\u200c-\u200f\ufe0f]{3,}"  # an emoji has two of them in a row, a word one
)


def clean(text: str, limit: int) -> str:
    """A short text of a stranger, with letters alone that can be seen. Cut at `limit`."""
    shown = CARRIERS.sub("", text)
    seen = "".join(char for char in shown if char in "\n\t" or unicodedata.category(char) not in ("Cc", "Cf"))
    return seen if len(seen) <= limit else seen[: limit - 1] + "…"


def visible(text: str) -> str:
    """A result without what can only be meant to be hidden. Emoji, and scripts that join their letters, stay whole."""
    return CARRIERS.sub("", text)


def visible_data(value: Any) -> Any:
    """The same for a JSON value, names and all."""
    return with_texts(value, visible)


def has_hidden(text: str) -> bool:
    """Whether something stands in a definition that is not to be seen."""
    controls = (char for char in text if unicodedata.category(char) == "Cc")
    return bool(CARRIERS.search(text)) or any(char not in "\n\t\r" for char in controls)
