"""Stopping: a person ends what runs, and is told what was finished."""

import asyncio
from pathlib import Path

import pytest

from orchestrator.messages import Notice
from orchestrator.tools.functions import Functions, tool
from tests.conversations.talk import outgoing, talking

pytestmark = pytest.mark.usefixtures("way")


@pytest.mark.proves("stop.now")
async def test_stop_ends_a_running_step_at_once_and_says_what_was_finished(tmp_path: Path) -> None:
    hangs, ended = asyncio.Event(), asyncio.Event()

    @tool(read_only=True)
    async def hang() -> str:
        """Never end."""
        hangs.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        return ""

    @tool(read_only=True)
    def quick() -> str:
        """End."""
        return "quick"

    async with talking(tmp_path, toolsets=[Functions([hang, quick])]) as talk, asyncio.timeout(20):
        turn = await talk.send("/plan a: quick()\nb: hang() after a")
        await hangs.wait()
        await talk.send("/stop")
        told = await talk.outcome(turn)
        assert isinstance(told, Notice)
        assert told.text == "Stopped. Finished before that: quick."
        assert ended.is_set()
        await talk.app.idle()
        assert len(talk.channel.shown) == 1, "the stop itself says nothing more"
        assert "stopped it" in await talk.told("/why")
        assert "quick" in await talk.answered("/quick")


async def test_stop_with_nothing_running_says_so_or_drops_the_open_question(tmp_path: Path) -> None:
    _, tools = outgoing()
    async with talking(tmp_path, toolsets=[tools]) as talk:
        assert await talk.told("/stop") == "Nothing is running here."
        await talk.asked("/send text=hello")
        assert await talk.told("/stop") == "I have dropped my question."
        assert "no question is open" in await talk.told("/status")


@pytest.mark.proves("approval.asked")
async def test_a_risky_tool_runs_after_a_yes_and_never_without(tmp_path: Path) -> None:
    sent, tools = outgoing()
    async with talking(tmp_path, toolsets=[tools]) as talk:
        await talk.asked("/send text=one")
        assert "you said no" in await talk.answered("no")
        assert sent == []
        await talk.asked("/send text=two")
        await talk.answered("Hi")  # no answer: it is routed, and the question stays
        assert sent == []
        assert "sent it" in await talk.answered("yes")
        assert sent == ["two"]
        assert "with your yes" in await talk.told("/why")
        await talk.say("yes")  # a second yes is just a word
        assert sent == ["two"]


@pytest.mark.proves("approval.asked")
async def test_only_the_one_who_was_asked_can_answer(tmp_path: Path) -> None:
    sent, tools = outgoing()
    async with talking(tmp_path, toolsets=[tools]) as talk:
        await talk.asked("/send text=one")
        stranger = talk.as_person("mallory")
        assert "somebody else" in await stranger.told("yes")
        assert sent == []
        assert "sent it" in await talk.answered("yes")


async def test_a_question_that_replaces_another_says_so(tmp_path: Path) -> None:
    _, tools = outgoing()
    async with talking(tmp_path, toolsets=[tools]) as talk:
        assert "dropped" not in (await talk.asked("/send text=one")).text
        assert "I have dropped my question before this one" in (await talk.asked("/send text=two")).text


@pytest.mark.proves("stop.now")
async def test_a_stopped_call_that_may_have_happened_is_named(tmp_path: Path) -> None:
    hangs = asyncio.Event()

    @tool
    async def pay(amount: int) -> str:
        """Pay."""
        hangs.set()
        await asyncio.Event().wait()
        return ""

    async with talking(tmp_path, toolsets=[Functions([pay])]) as talk, asyncio.timeout(20):
        await talk.asked("/pay 5")
        turn = await talk.send("yes")
        await hangs.wait()
        await talk.send("/stop")
        told = await talk.outcome(turn)
        assert told.text == "Stopped. Under way, and perhaps done: pay (5)."
