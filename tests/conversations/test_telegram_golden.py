"""Whole conversations in Telegram, kept as people see them. Rewrite them with ERRAND_GOLDEN=1, and read them."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from adapters.pacing import Limit
from tests.conversations.office import UNSTEADY, compare, model, office
from tests.conversations.telegram_talk import errand_on, pressed
from tests.conversations.test_plans import Models
from tests.fakes.telegram import Chat, Person, Shown, World, telegram


@pytest.fixture
async def fake() -> AsyncIterator[World]:
    async with telegram(flood=None) as server:
        yield server
    assert server.problems == []


async def _talked(chat: Chat, mara: Person, *, prefix: str, fake: World, brewing: asyncio.Event) -> None:
    """The same conversation, wherever it is."""

    async def says(text: str, expected: str, *, reply_to: Shown | None = None) -> Shown:
        sent = await chat.says(mara, f"{prefix}{text}", reply_to=reply_to)
        return await chat.shows(expected, after=sent)

    await says("Hi", "Hello!")
    await says("What is the weather in Rome and Oslo?", "rain, 9 °C")
    approval = await says("Mail it to ann@team.example", "May I run")
    await pressed(mara, approval, "yes")
    await chat.shows("sent to ann@team.example", after=approval)
    await says("Order a pizza", "I cannot order food")
    question = await says("What is the weather?", "In which city?")
    await pressed(mara, question, "Rome")
    await chat.shows("It is sunny", after=question)
    again = await says("What is the weather?", "In which city?")
    await chat.says(mara, "Rome", reply_to=again)
    await chat.shows("It is sunny", after=again)
    asked = await says("Send the weather to Ann", "which to?")
    await chat.says(mara, "ann@team.example", reply_to=asked)
    approval = await chat.shows("May I run", after=asked)
    await pressed(mara, approval, "no")
    await chat.shows("you said no", after=approval)
    command = "/{}@errand_bot" if prefix else "/{}"
    sent = await chat.says(mara, command.format("why"))
    await chat.shows("Because:", after=sent)
    await chat.says(mara, f"{prefix}Brew tea")
    await asyncio.wait_for(brewing.wait(), 20)
    await chat.says(mara, command.format("stop"))
    await chat.shows("Stopped.")
    await says("Draw the rain in Oslo", "Here it is.")
    await chat.until(lambda chat: "photo" in chat.from_bot[-1].wire)
    await chat.sends_document(mara, "notes.txt", b"we meet at nine", mime="text/plain", caption=f"{prefix}sum it up")
    await chat.shows("It says: we meet at nine.")
    await fake.until(lambda: not again.buttons, words="closed buttons")


@pytest.mark.proves("telegram.golden")
@pytest.mark.parametrize("where", ["private", "group", "topic"])
async def test_a_conversation_reads_well(
    fake: World, tmp_path: Path, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for limit in ("IN_A_CHAT", "IN_A_GROUP"):  # nobody reads along
        monkeypatch.setattr(f"adapters.telegram.pacing.{limit}", Limit(1000, 1.0))
    mara, brewing = fake.person("Mara"), asyncio.Event()
    async with errand_on(fake, tmp_path, toolsets=office(brewing), model=Models(one=model), router="one"):
        match where:
            case "private":
                chat, prefix = mara.private_chat(), ""
            case "group":
                chat, prefix = fake.group("Team", mara), "@errand_bot "
            case _:
                forum = fake.group("Team", mara, topics=True)
                chat, prefix = forum.topic("Weather", by=mara), "@errand_bot "
        await _talked(chat, mara, prefix=prefix, fake=fake, brewing=brewing)
    compare(f"telegram_{where}", UNSTEADY.sub("…", chat.transcript()))
