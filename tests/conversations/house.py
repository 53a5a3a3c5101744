"""A house with rules: three tools, one of each class, and people of different roles who want to use them."""

import uuid
from datetime import UTC, datetime
from typing import Any

from orchestrator.messages import Choice, Final, Pressing, Question
from orchestrator.tools.functions import Functions, tool
from tests.conversations.talk import Talk

RULES = """
[people]
"fake:olga" = "owner"
"fake:adam" = "admin"
"fake:amy" = "admin"
"fake:gus" = "guest"
"fake:nick" = "nobody"
"""
BY_ADMIN = '[approvals]\ndanger = "admin"\n'
BY_TWO = '[approvals]\ndanger = { by = "admin", people = 2 }\n'


class House:
    """Its tools, and what was really done with them."""

    def __init__(self) -> None:
        self.done: list[str] = []

        @tool(read_only=True)
        def look(what: str) -> str:
            """Look at something."""
            return self._noted(f"look {what}")

        @tool
        def move(what: str) -> str:
            """Move something."""
            return self._noted(f"move {what}")

        @tool(destructive=True)
        def wipe(what: str) -> str:
            """Wipe something out."""
            return self._noted(f"wipe {what}")

        self.tools = [Functions([look, move, wipe])]

    def _noted(self, deed: str) -> str:
        self.done.append(deed)
        return f"done: {deed}"


def somebody(talk: Talk, person: str) -> Talk:
    """Somebody in a private chat of their own."""
    return Talk(talk.app, talk.channel, chat=f"with {person}", person=person)


def together(talk: Talk, person: str) -> Talk:
    """Somebody in the one group."""
    other = Talk(talk.app, talk.channel, chat="group", person=person)
    other.private = False
    return other


async def press(talk: Talk, question: str, value: str) -> Final:
    """What comes of a press that went past the channel's own check."""
    receipt = await talk.channel.push(Choice(**arrival(talk), question=question, value=value))
    assert receipt.turn
    return await talk.outcome(receipt.turn)


async def refusal(talk: Talk, question: str) -> str:
    """What a person is told who may not press that."""
    return (await talk.channel.push(Pressing(**arrival(talk), question=question))).refused


def arrival(talk: Talk) -> dict[str, Any]:
    return {
        "event_id": uuid.uuid4().hex,
        "address": talk.address,
        "person": talk.person,
        "sent_at": datetime.now(UTC),
        "private": talk.private,
    }


def questions(talk: Talk) -> list[Question]:
    """All questions that are shown where this person is, oldest first."""
    parts = [each.part for each in talk.channel.shown.values() if each.address == talk.address]
    return [part for part in parts if isinstance(part, Question)]


async def question(talk: Talk, count: int = 1) -> Question:
    """The question of this number that is shown where this person is."""
    await talk.channel.until(lambda _: len(questions(talk)) >= count)
    return questions(talk)[count - 1]


async def told(talk: Talk, words: str) -> str:
    """The first text with these words that is shown where this person is."""

    def texts() -> list[str]:
        parts = [each.part.text for each in talk.channel.shown.values() if each.address == talk.address]
        return [text for text in parts if words in text]

    await talk.channel.until(lambda _: bool(texts()))
    return texts()[0]


async def refusals(talk: Talk) -> list[str]:
    """Whose refused attempts are on record, in their order."""
    return [f"{row.channel}:{row.person}" for row in await talk.app.store.audited(kinds=["refusal"])]
