"""`/usage`: what answers have used, of the one who asks."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from orchestrator.models import ChatMessage, ModelReply, Usage
from tests.conversations.talk import talking
from tests.conversations.test_plans import Models


def used(messages: Sequence[ChatMessage]) -> ModelReply:
    return ModelReply("Hello.", "", usage=Usage(100, 7))


@pytest.mark.proves("usage.told")
async def test_usage_is_that_of_the_one_who_asks(tmp_path: Path) -> None:
    async with talking(tmp_path, model=Models(one=used), router="one") as talk:
        assert "No model was called for you" in await talk.told("/usage")
        await talk.say("Hi")
        await talk.say("Hi again")
        told = await talk.told("/usage")
        assert "- today: 2 model calls, 200 + 14 tokens" in told
        assert "an unknown cost of 2 calls" in told
        other = talk.channel.message("/usage", person="ben")
        receipt = await talk.channel.push(other)
        delivery = await talk.channel.until_delivered(receipt.turn or "")
        assert "No model was called for you" in delivery.part.text
