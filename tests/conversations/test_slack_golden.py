"""Whole conversations in Slack, kept as people see them. Rewrite them with ERRAND_GOLDEN=1, and read them."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Literal

import pytest

from adapters.pacing import Limit
from tests.conversations.office import UNSTEADY, compare, model, office
from tests.conversations.slack_talk import errand_on, pressed
from tests.conversations.test_plans import Models
from tests.fakes.slack import Chat, Person, Slack, slack


@pytest.fixture
def way() -> Literal["socket", "http"]:
    return "socket"


@pytest.fixture
async def fake(way: Literal["socket", "http"]) -> AsyncIterator[Slack]:
    async with slack(tiers=None, mode=way) as server:
        yield server
    assert server.problems == []


async def _talked(chat: Chat, ann: Person, *, fake: Slack, brewing: asyncio.Event) -> None:
    """The same conversation, wherever it is: in one thread."""
    first = await (ann.says(chat, "Hi") if chat.id.startswith("D") else ann.mentions(chat, "Hi"))
    thread = chat.thread(first)
    await thread.shows("Hello!")

    async def says(text: str, expected: str) -> None:
        said = await ann.says(thread, text)
        await thread.shows(expected, after=said)

    await says("What is the weather in Rome and Oslo?", "rain, 9 °C")
    await says("Mail it to ann@team.example", "May I run")
    await pressed(ann, thread.from_bot[-1], "yes")
    await thread.shows("sent to ann@team.example")
    await says("Order a pizza", "I cannot order food")
    await says("What is the weather?", "In which city?")
    await pressed(ann, question := thread.from_bot[-1], "Rome")
    await thread.shows("It is sunny", after=question)
    await says("What is the weather?", "In which city?")
    again = thread.from_bot[-1]
    await ann.says(thread, "Rome")
    await thread.shows("It is sunny", after=again)
    await says("Send the weather to Ann", "which **to**?")
    await says("ann@team.example", "May I run")
    await pressed(ann, approval := thread.from_bot[-1], "no")
    await thread.shows("you said no", after=approval)
    await says("/why", "Because:")
    await ann.says(thread, "Brew tea")
    await asyncio.wait_for(brewing.wait(), 20)
    await fake.until(lambda: thread.stoppable, words="a stop button")
    await ann.presses_stop(thread)
    await thread.shows("Stopped.")
    await says("Draw the rain in Oslo", "Here it is.")
    await thread.until(lambda thread: bool(thread.from_bot[-1].files))
    await ann.uploads(thread, "notes.txt", b"we meet at nine", mime="text/plain", text="sum it up")
    await thread.shows("It says: *we meet at nine*.")
    await fake.until(lambda: not again.buttons, words="closed buttons")


@pytest.mark.slow
@pytest.mark.proves("slack.golden")
@pytest.mark.parametrize("way", ["socket", "http"])
@pytest.mark.parametrize("where", ["direct", "channel"])
async def test_a_conversation_reads_well(
    fake: Slack, tmp_path: Path, where: str, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.slack.pacing.IN_A_CHANNEL", Limit(1000, 1.0))  # nobody reads along
    monkeypatch.setattr("adapters.slack.pictures.QUICK", 3.0)  # on a busy machine an answer is not at once
    ann, brewing = fake.person("Ann"), asyncio.Event()
    chat = ann.direct() if where == "direct" else fake.channel("team", ann)
    async with errand_on(
        fake, tmp_path, http=way == "http", toolsets=office(brewing), model=Models(one=model), router="one"
    ):
        await _talked(chat, ann, fake=fake, brewing=brewing)
    compare(f"slack_{where}", UNSTEADY.sub("…", chat.transcript()))


@pytest.mark.slow
@pytest.mark.proves("slack.golden")
async def test_slash_words_and_the_shortcut_read_well(fake: Slack, tmp_path: Path) -> None:
    ann, ben, brewing = fake.person("Ann"), fake.person("Ben"), asyncio.Event()
    team = fake.channel("team", ann, ben)
    async with errand_on(fake, tmp_path, toolsets=office(brewing), model=Models(one=model), router="one"):
        await ann.runs(team, "/errand help")
        await team.shows_to(ann, "Write what you need")
        await ann.runs(team, "/errand ask What is the weather?")
        await team.until(lambda team: any("In which city?" in each.text for each in team.from_bot))
        question = next(each for each in team.from_bot if "In which city?" in each.text)
        await pressed(ann, question, "Rome")
        await team.until(lambda team: any("It is sunny" in each.text for each in team.from_bot))
        await ann.runs(team, "/errand why")
        await team.shows_to(ann, "Because:")
        said = await ben.says(team, "we meet at nine")
        await ann.uses_shortcut(said, "errand_ask_about")
        await ann.shows_modal("Ask about this")
        await ann.submits({"What do you want to know, or to be done?": "Hi"})
        await ann.direct().until(lambda chat: any("Hello!" in each.text for each in chat.from_bot))
    transcript = f"{team.transcript()}\n\n{ann.direct().transcript()}"
    compare("slack_slash", UNSTEADY.sub("…", transcript))
