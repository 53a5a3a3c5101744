"""Foreign words inside of a prompt: marked as what they are, so that nothing in them is taken for a request."""

from orchestrator.messages import Attachment, Foreign, Message

LONGEST = 4_000  # characters of one foreign text, about 1,000 tokens
MEANS = {"reply": "replied-to", "forward": "forwarded", "context": "said-before-by-others"}


def with_foreign(message: Message) -> str:
    """What the person wrote, and behind it each foreign text and each file between marks of its own."""
    return "\n\n".join(filter(None, (message.text, *map(_marked, message.foreign), *map(_file, message.attachments))))


def _file(file: Attachment) -> str:
    """A file as a model is told of it: what it is, where it lies, and the words in it."""
    facts = {"name": file.name, "type": file.mime, "bytes": file.size, "path": file.file, "problem": file.problem}
    about = " ".join(f'{name}="{_plain(value)}"' for name, value in facts.items() if value)
    body = file.text.replace("</attached", "< /attached")
    return f"<attached {about}>\n{body}\n</attached>" if body else f"<attached {about}/>"


def _plain(value: object) -> str:
    return str(value).replace('"', "'").replace("<", "‹").replace("\n", " ")[:300]


def _marked(foreign: Foreign) -> str:
    mark = MEANS[foreign.kind]
    author = f' by="{_plain(foreign.author)}"' if foreign.author else ""
    body = foreign.text[:LONGEST].replace(f"</{mark}", f"< /{mark}")
    return f"<{mark}{author}>\n{body}\n</{mark}>"
