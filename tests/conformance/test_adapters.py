"""What every channel does, whichever it is."""

import asyncio
from pathlib import Path

import pytest

from orchestrator.messages import Draft, Notice, PlanCard, Question, QuestionField, Status, StepLine
from storage.errors import StorageFull
from tests.adapters.core import Core, final
from tests.conformance.channels import CHANNELS, Open

LIVE = (
    Status(text="thinking"),
    Draft(text="an ans\x1b[2Jwer"),
    Draft(text="half a pair: \ud83d"),
    PlanCard(plan="t1", mode="single", steps=(StepLine(id="a", title="look", state="running"),)),
)
QUESTION = Question(
    id="q1",
    text="Which one?",
    fields=(QuestionField(name="city", label="Which one?", choices=("New York", "Newark", "York")),),
)


@pytest.fixture(params=list(CHANNELS))
def opened(request: pytest.FixtureRequest) -> Open:
    return CHANNELS[request.param]


@pytest.mark.proves("channel.conformance.accept_first")
async def test_nothing_is_acknowledged_before_the_message_is_durable(tmp_path: Path, opened: Open) -> None:
    core = Core()
    core.gate.clear()
    async with opened(tmp_path, core.accept) as driver:
        await driver.say("Hello")
        for _ in range(20):
            await asyncio.sleep(0)
        assert core.taken == []
        assert "accepted" not in driver.raw()
        assert driver.finals() == []
        core.gate.set()
        await core.has_taken(1)
        await driver.channel.deliver(final("Hi.", address=driver.address()))
    assert core.texts == ["Hello"]


@pytest.mark.proves("channel.conformance.rejected_told")
async def test_a_message_that_was_not_taken_is_told_with_the_reason(tmp_path: Path, opened: Open) -> None:
    core = Core()
    core.refuses = StorageFull()
    async with opened(tmp_path, core.accept) as driver:
        await driver.say("Hello")
        await driver.sees("The disk is full.")
    assert core.taken == []


@pytest.mark.proves("channel.conformance.shown_once")
async def test_a_final_part_is_shown_once(tmp_path: Path, opened: Open) -> None:
    async with opened(tmp_path, Core().accept) as driver:
        for part in LIVE:
            await driver.channel.show(driver.address(), "t1", part)
        await driver.channel.deliver(final("The answer.", address=driver.address()))
        assert driver.finals() == ["The answer."]


@pytest.mark.proves("channel.conformance.repeated")
async def test_a_repeated_delivery_is_marked_or_replaces_the_first(tmp_path: Path, opened: Open) -> None:
    async with opened(tmp_path, Core().accept) as driver:
        await driver.channel.deliver(final("The answer.", address=driver.address()))
        assert not driver.is_marked("The answer.")
        await driver.channel.deliver(final("The answer.", address=driver.address(), repeated=True))
        assert len(driver.finals()) == 1 or driver.is_marked("The answer.")


@pytest.mark.proves("channel.conformance.live_harmless")
async def test_live_parts_never_fail_a_turn_also_when_they_come_late(tmp_path: Path, opened: Open) -> None:
    async with opened(tmp_path, Core().accept) as driver:
        for address in (driver.address(), driver.elsewhere()):
            for part in LIVE:
                await driver.channel.show(address, "t1", part)
        await driver.channel.deliver(final("The answer.", address=driver.address()))
        for part in LIVE:
            await driver.channel.show(driver.address(), "t1", part)
    for part in LIVE:
        await driver.channel.show(driver.address(), "t1", part)


@pytest.mark.proves("channel.conformance.order")
async def test_deliveries_are_shown_in_their_order(tmp_path: Path, opened: Open) -> None:
    texts = [f"answer {number}" for number in range(20)]
    async with opened(tmp_path, Core().accept) as driver:
        for number, text in enumerate(texts):
            await driver.channel.deliver(final(text, turn=f"t{number}", address=driver.address()))
        assert driver.finals() == texts


@pytest.mark.proves("channel.conformance.safe_text")
async def test_text_cannot_control_the_terminal(tmp_path: Path, opened: Open) -> None:
    nasty = "red\x1b[31m title\x1b]0;owned\x07 back\x08 c1\x9b2J end"
    async with opened(tmp_path, Core().accept) as driver:
        await driver.channel.deliver(final(Notice(text=nasty), address=driver.address()))
        raw = driver.raw()
    assert not [each for each in raw if ord(each) < 32 and each != "\n"]
    assert not [each for each in raw if 0x7F <= ord(each) <= 0x9F]
    assert "end" in raw


@pytest.mark.proves("channel.conformance.choices")
async def test_a_question_shows_all_of_its_choices(tmp_path: Path, opened: Open) -> None:
    async with opened(tmp_path, Core().accept) as driver:
        await driver.channel.deliver(final(QUESTION, address=driver.address()))
        shown = "\n".join(driver.finals())
    assert all(words in shown for words in ("Which one?", "New York", "Newark", "York"))


@pytest.mark.proves("channel.conformance.chats_apart")
async def test_deliveries_to_two_chats_at_once_do_not_mix(tmp_path: Path, opened: Open) -> None:
    async with opened(tmp_path, Core().accept) as driver:
        if not driver.many_chats:
            pytest.skip("this channel is one chat")
        long = {chat: [" ".join([f"{chat}{number}"] * driver.room_for) for number in range(5)] for chat in "ab"}
        async with asyncio.TaskGroup() as delivering:
            for number in range(5):
                for chat in "ab":
                    delivery = final(long[chat][number], turn=f"t{chat}{number}", address=driver.address(chat))
                    delivering.create_task(driver.channel.deliver(delivery))
        assert {chat: driver.finals(chat) for chat in "ab"} == long
