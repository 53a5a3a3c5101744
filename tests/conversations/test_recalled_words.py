"""What others said before a message, which its channel recalls; and what people think of answers."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapters.base import DeliveryError
from orchestrator.messages import INBOUND, Feedback, Foreign, Message, Person
from orchestrator.models import ModelReply
from tests.conversations.talk import Talk, talking
from tests.conversations.test_plans import Models
from tests.fakes.channel import FakeChannel

BEFORE = Foreign(kind="context", text="", ref="thread-1")
SAID = [Foreign(kind="context", text="We meet at nine.", author="Ben"), Foreign(kind="context", text="Or ten.")]


def recalling(words: list[Foreign] | Exception) -> FakeChannel:
    channel = FakeChannel()
    channel.words["thread-1"] = words
    return channel


async def heard(talk: Talk) -> Message:
    """What is stored of a message with words to recall, after its turn."""
    message = talk.channel.message("When?", event_id="e1").model_copy(update={"foreign": (BEFORE,)})
    receipt = await talk.channel.push(message)
    await talk.outcome(receipt.turn or "")
    inbound = INBOUND.validate_json(await talk.app.store.payload("fake", "e1") or "")
    assert isinstance(inbound, Message)
    return inbound


@pytest.mark.proves("foreign.recalled")
async def test_words_of_others_are_recalled_before_the_turn_and_stored_with_it(tmp_path: Path) -> None:
    models = Models(one=lambda messages: ModelReply("At nine.", ""))
    async with talking(tmp_path, channel=lambda: recalling(SAID), model=models, router="one") as talk:
        assert (await heard(talk)).foreign == tuple(SAID)
        assert '<said-before-by-others by="Ben">\nWe meet at nine.\n' in models.asked[0][1][-1].text
        assert talk.channel.fetched == ["thread-1"]


@pytest.mark.proves("foreign.recalled")
async def test_words_that_cannot_be_recalled_hold_no_turn_back_and_are_not_invented(tmp_path: Path) -> None:
    trouble = DeliveryError("no", gone=True)
    async with talking(tmp_path, channel=lambda: recalling(trouble)) as talk:
        (foreign,) = (await heard(talk)).foreign
        assert (foreign.text, foreign.ref) == ("(what was said before cannot be read just now)", "")


@pytest.mark.proves("feedback.kept")
async def test_feedback_is_kept_with_its_turn_and_the_last_word_counts(tmp_path: Path) -> None:
    async with talking(tmp_path) as talk:
        receipt = await talk.channel.push(talk.channel.message("Hi"))
        turn = receipt.turn or ""
        await talk.outcome(turn)
        for rating in ("bad", "good"):
            given = Feedback(
                event_id=rating,
                address=talk.channel.address(),
                person=Person(id="ann"),
                sent_at=datetime.now(UTC),
                turn=turn,
                rating=rating,
            )
            assert (await talk.channel.push(given)).new
        elsewhere = given.model_copy(update={"address": talk.channel.address("2")})
        assert not (await talk.channel.push(elsewhere)).new
        (rated,) = await talk.app.store.rated(turn)
        assert (rated.person, rated.rating) == ("ann", "good")
        assert "rated: good (ann)" in (await talk.say(f"/why {turn}")).text
