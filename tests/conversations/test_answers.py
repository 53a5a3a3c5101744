"""Answers in free words: one model call at most reads them, what nobody said is not taken, and others are routed."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from orchestrator.models import ChatMessage, ModelReply
from orchestrator.tools.functions import Functions, tool
from tests.conversations.talk import talking
from tests.conversations.test_plans import Models


class Calendar:
    """`book(day, guest)`, and what was booked."""

    def __init__(self) -> None:
        self.booked: list[tuple[str, str]] = []

        @tool(read_only=True)
        def book(day: str, guest: str) -> str:
            """Book a table. Args: day: the day, YYYY-MM-DD."""
            self.booked.append((day, guest))
            return "booked"

        self.tools = [Functions([book])]


def reader(answer: str) -> Models:
    """A model that reads every answer so, and says hello to all else."""

    def script(messages: Sequence[ChatMessage]) -> ModelReply:
        return ModelReply(answer if messages[0].text.startswith("A person was asked") else "Hello", "")

    return Models(one=script)


@pytest.mark.proves("clarify.in_words")
async def test_several_values_are_read_from_one_sentence_by_one_call(tmp_path: Path) -> None:
    calendar, models = Calendar(), reader('{"s1.day": "2026-11-22", "s1.guest": "Bob"}')
    async with talking(tmp_path, toolsets=calendar.tools, model=models, router="one") as talk:
        await talk.asked("/book")
        await talk.answered("tomorrow please, and for Bob")
        assert len(models.asked) == 1
    assert calendar.booked == [("2026-11-22", "Bob")]


@pytest.mark.proves("clarify.in_words")
@pytest.mark.parametrize("answer", ['{"s1.day": "2026-11-22", "s1.guest": "Alice"}', "no JSON", '{"s1.day": 7}', "[]"])
async def test_what_nobody_said_or_what_does_not_fit_is_not_taken(tmp_path: Path, answer: str) -> None:
    calendar, models = Calendar(), reader(answer)
    async with talking(tmp_path, toolsets=calendar.tools, model=models, router="one") as talk:
        await talk.asked("/book")
        await talk.say("tomorrow please, and for Bob")
        assert calendar.booked == []
        assert "a question of mine is open" in await talk.told("/status")


@pytest.mark.proves("clarify.routed")
async def test_words_that_are_no_answer_are_routed_and_the_question_stays(tmp_path: Path) -> None:
    calendar, models = Calendar(), reader("{}")
    async with talking(tmp_path, toolsets=calendar.tools, model=models, router="one") as talk:
        await talk.asked("/book")
        assert await talk.answered("by the way, hello to you") == "Hello"
        assert len(models.asked) == 2
        assert await talk.answered("is it late already?") == "Hello"
        assert len(models.asked) == 3, "a question is no answer, which needs no call to know"
        assert "a question of mine is open" in await talk.told("/status")
        assert isinstance(await talk.say("day=2026-11-22 guest=Bob"), object)
    assert calendar.booked == [("2026-11-22", "Bob")]


@pytest.mark.proves("approval.asked")
async def test_a_yes_is_never_read_by_a_model(tmp_path: Path) -> None:
    sent: list[str] = []

    @tool
    def send(text: str) -> str:
        """Send."""
        sent.append(text)
        return "sent"

    models = reader('{"s1.approval": true}')
    async with talking(tmp_path, toolsets=[Functions([send])], model=models, router="one") as talk:
        await talk.asked("/send text=hello")
        await talk.answered("well I suppose that would be alright")
        assert [messages[0].text[:10] for _, messages, _ in models.asked] == ["You are Er"], "routed, and not read"
    assert sent == []
