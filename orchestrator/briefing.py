"""What a model is told before it decides: its instructions, the time, what is known, and the talk itself."""

import json
from collections.abc import Iterator
from datetime import datetime

from orchestrator.models import ChatMessage
from orchestrator.prompts import prompt
from orchestrator.sessions import Talk


def briefing(instructions: str, talk: Talk, now: datetime) -> list[ChatMessage]:
    """The messages of a deciding call: prompts/INSTRUCTIONS.md first, the person's words last."""
    system = "\n\n".join([prompt(instructions), f"Now: {now:%A %Y-%m-%d %H:%M %Z}.", *_known(talk)])
    return [ChatMessage("system", system), *talk.as_chat(), ChatMessage("user", talk.words, images=talk.images)]


def _known(talk: Talk) -> Iterator[str]:
    """What is known besides what was said word by word. It is data, and marked as such."""
    if talk.memories:
        yield _marked("kept-in-mind", "\n".join(f"- {memory}" for memory in talk.memories))
    if talk.summary:
        yield _marked("said-before", talk.summary)
    if talk.question:
        asked = json.loads(talk.question.payload)["text"]
        yield f"The person was asked this, and has not answered it yet: {asked}"


def _marked(name: str, body: str) -> str:
    return f"<{name}>\n{body.replace(f'</{name}', f'< /{name}')}\n</{name}>"
