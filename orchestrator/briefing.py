"""What a model is told before it decides: its instructions, the time, the open question, and the talk so far."""

import json
from datetime import datetime

from orchestrator.models import ChatMessage
from orchestrator.prompts import prompt
from orchestrator.sessions import Talk


def briefing(instructions: str, talk: Talk, now: datetime) -> list[ChatMessage]:
    """The messages of a deciding call: prompts/INSTRUCTIONS.md first, the person's words last."""
    text = f"{prompt(instructions)}\n\nNow: {now:%A %Y-%m-%d %H:%M %Z}."
    if talk.question:
        asked = json.loads(talk.question.payload)["text"]
        text += f"\nThe person was asked this, and has not answered it yet: {asked}"
    return [ChatMessage("system", text), *talk.as_chat(), ChatMessage("user", talk.text)]
