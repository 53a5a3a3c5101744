"""Telegram under load and under a kill: order, one answer each, and no limit that we run into."""

import asyncio
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from orchestrator.models import ChatMessage, Model, ModelReply
from tests.conversations.program import serving_platform
from tests.conversations.telegram_talk import errand_on
from tests.conversations.test_plans import Models
from tests.fakes.telegram import TOKEN, Chat, Person, World, telegram

ROOT = Path(__file__).parents[2]


def people(fake: World, count: int) -> list[tuple[Person, Chat]]:
    known = [fake.person(f"P{number}") for number in range(count)]
    return [(person, person.private_chat()) for person in known]


def answers(chat: Chat) -> list[str]:
    return [shown.text for shown in chat.from_bot]


@pytest.mark.slow
@pytest.mark.timeout(240)
@pytest.mark.proves("telegram.load")
async def test_two_hundred_chats_with_five_messages_each_at_once(tmp_path: Path) -> None:
    models = Models(one=lambda messages: ModelReply(f"heard: {messages[-1].text}", ""))
    async with telegram() as fake:
        chats = people(fake, 200)
        async with errand_on(
            fake, tmp_path, model=lambda name: Slow(models(name)), router="one", drain_seconds=5
        ) as app:
            for number in range(5):
                await asyncio.gather(*(chat.says(person, f"message {number}") for person, chat in chats))
            async with asyncio.timeout(200):
                while sum(len(answers(chat)) for _, chat in chats) < 1000:
                    await asyncio.sleep(0.2)
            await app.idle()
        for _, chat in chats:
            assert answers(chat) == [f"heard: message {number}" for number in range(5)]
        assert not fake.floods.refused
        assert fake.problems == []


class Slow:
    """A model that takes its time."""

    def __init__(self, model: Model) -> None:
        self.name = model.name
        self._model = model

    async def reply(self, messages: Sequence[ChatMessage], **more: Any) -> ModelReply:
        await asyncio.sleep(0.2)
        return await self._model.reply(messages, **more)


@pytest.mark.slow
@pytest.mark.timeout(120)
@pytest.mark.proves("telegram.killed")
async def test_after_a_kill_in_the_middle_everybody_has_one_answer(tmp_path: Path) -> None:
    async with telegram() as fake:
        chats = people(fake, 60)
        for person, chat in chats:
            await chat.says(person, "Hi")
        settings = {"telegram_token": TOKEN, "telegram_api": fake.url, "telegram_people": "*"}
        async with serving_platform(tmp_path, **settings) as first:
            async with asyncio.timeout(60):
                while sum(bool(answers(chat)) for _, chat in chats) < 20:
                    await asyncio.sleep(0.01)
            first.send_signal(signal.SIGKILL)
            await first.wait()
        async with serving_platform(tmp_path, **settings):
            async with asyncio.timeout(60):
                while not all(answers(chat) for _, chat in chats):
                    await asyncio.sleep(0.1)
            last, chat = chats[-1]
            await chat.says(last, "Hi")
            await fake.until(lambda: len(answers(chat)) == 2, words="an answer to the next message")
        for _, each in chats[:-1]:
            (answer,) = answers(each)
            assert "Hello! I can:" in answer
