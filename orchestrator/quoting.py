"""Foreign words inside of a prompt: marked as what they are, so that nothing in them is taken for a request."""

from orchestrator.messages import Foreign, Message

LONGEST = 4_000  # characters of one foreign text, about 1,000 tokens
MEANS = {"reply": "replied-to", "forward": "forwarded", "context": "said-before-by-others"}


def with_foreign(message: Message) -> str:
    """What the person wrote, and behind it each foreign text between marks of its own."""
    return "\n\n".join(filter(None, (message.text, *map(_marked, message.foreign))))


def _marked(foreign: Foreign) -> str:
    mark = MEANS[foreign.kind]
    author = f' by="{foreign.author.replace(chr(34), chr(39))[:80]}"' if foreign.author else ""
    body = foreign.text[:LONGEST].replace(f"</{mark}", f"< /{mark}")
    return f"<{mark}{author}>\n{body}\n</{mark}>"
