"""A small office and a model that works in it: what the golden conversations of every channel are about."""

import asyncio
import os
import re
from collections.abc import Sequence
from pathlib import Path

from orchestrator.models import ChatMessage, ModelReply
from orchestrator.tools.functions import Functions, tool
from orchestrator.tools.spec import File
from tests.conversations.test_plans import calls, plan
from tests.fakes.telegram import PICTURE

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
