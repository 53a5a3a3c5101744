"""Foreign words inside of a prompt: marked as what they are, so that nothing in them is taken for a request."""

import re

from orchestrator.messages import Foreign, Message

LONGEST = 4_000  # characters of one foreign text, about 1,000 tokens
MEANS = {"reply": "replied-to", "forward": "forwarded", "context": "said-before-by-others"}


def with_foreign(message: Message) -> str:
    """What the person wrote, and behind it each foreign text between marks of its own."""
    return "\n\n".join(filter(None, (message.text, *map(_marked, message.foreign))))


def _marked(foreign: Foreign) -> str:
    return enclosed(MEANS[foreign.kind], foreign.text[:LONGEST], by=foreign.author)


def enclosed(mark: str, body: str, **attributes: str) -> str:
    """A text between marks that nothing in it can close."""
    known = "".join(f' {name}="{attribute(value)}"' for name, value in attributes.items() if value)
    return f"<{mark}{known}>\n{inside(mark, body)}\n</{mark}>"


def beginning(text: str, limit: int) -> str:
    """A text of at most so many characters, with a word on what is missing."""
    return text if len(text) <= limit else f"{text[:limit]}\n[cut: the first {limit:,} of {len(text):,} characters]"


def inside(mark: str, body: str) -> str:
    """A text that stays between its marks, however it writes their end."""
    return re.sub(rf"(?i)<(?=\s*/\s*{mark})", "< ", body)


def attribute(text: str) -> str:
    """A stranger's text inside of quotation marks, in one line."""
    return " ".join(text.split()).replace('"', "'")[:80]
