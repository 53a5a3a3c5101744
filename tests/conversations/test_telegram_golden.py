"""Whole conversations in Telegram, kept as people see them. Rewrite them with ERRAND_GOLDEN=1, and read them."""

import asyncio
import os
import re
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from adapters.pacing import Limit
from orchestrator.models import ChatMessage, ModelReply
from orchestrator.tools.functions import Functions, tool
from orchestrator.tools.spec import File
from tests.conversations.telegram_talk import errand_on, pressed
from tests.conversations.test_plans import Models, calls, plan
from tests.fakes.telegram import PICTURE, Chat, Person, Shown, World, telegram

UNSTEADY = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d|\d+(?:\.\d+)? s\b")  # times and how long it took
GOLDEN = Path(__file__).parent / "golden"


def compare(name: str, transcript: str) -> None:
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("ERRAND_GOLDEN"):
        GOLDEN.mkdir(exist_ok=True)
        path.write_text(transcript + "\n")
    assert transcript + "\n" == path.read_text()


def office(brewing: asyncio.Event) -> list[Functions]:
    """A small office: weather, a chart of it, mail, and tea that is never done."""

    @tool(read_only=True)
    def weather(city: str) -> str:
        """The weather in a city."""
        return {"Rome": "sunny, 24 °C", "Oslo": "rain, 9 °C"}.get(city, "unknown")

    @tool(read_only=True)
    def chart(title: str) -> File:
        """Draw a chart."""
        return File("rain.png", "image/png", PICTURE)

    @tool
    def mail(to: str, text: str) -> str:
        """Send mail."""
        return f"sent to {to}"

    @tool(read_only=True)
    async def brew(what: str) -> str:
        """Brew something, for ever."""
        brewing.set()
        await asyncio.Event().wait()
        return "never"

    return [Functions([weather, chart, mail, brew])]


def model(messages: Sequence[ChatMessage]) -> ModelReply:
    """Decides as a good model would."""
    words = messages[-1].text
    match words.split("\n")[0]:
        case "What is the weather in Rome and Oslo?":
            return plan('a: weather(city="Rome")', 'b: weather(city="Oslo")', answer="**Rome**: {{a}}\n**Oslo**: {{b}}")
        case "Mail it to ann@team.example":
            return plan('m: mail(to="ann@team.example", text="Rome: sunny, 24 °C; Oslo: rain, 9 °C")', answer="{{m}}")
        case "What is the weather?":
            return calls(("ask", {"questions": [{"text": "In which city?", "choices": ["Rome", "Oslo"]}]}))
        case "Rome":
            return plan('a: weather(city="Rome")', answer="It is {{a}}.")
        case "Brew tea":
            return plan('b: brew(what="tea")')
        case "Send the weather to Ann":
            return plan('a: weather(city="Rome")', "m: mail(text=${a})")
        case "Draw the rain in Oslo":
            return plan('c: chart(title="Oslo")', answer="Here it is.")
        case "sum it up":
            return ModelReply("It says: *we meet at nine*.", "")
        case "Order a pizza":
            return calls(("refuse", {"reason": "I cannot order food. I know the weather, draw charts and send mail."}))
        case _:
            return ModelReply("Hello! What shall I do?", "")


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
    await asyncio.wait_for(brewing.wait(), 5)
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
