"""What an MCP server wants to know while it works is asked in the chat, and its call goes on with the answer."""

import asyncio
import sys
from pathlib import Path
from typing import Any, Literal

import pytest

from orchestrator.messages import Answer, Question
from orchestrator.tools.mcp import McpTools
from orchestrator.tools.mcp_config import ServerSettings
from tests.conversations.program import calls_made
from tests.conversations.talk import Talk, talking
from tests.fakes.model_server import ModelServer, Say, asked_for
from tests.fakes.web_mcp_server import WebMcpServer

HOME = Path(__file__).parents[2]


def server(folder: Path, protocol: Literal["auto", "legacy"] = "auto", **more: Any) -> McpTools:
    variables = {"PYTHONPATH": str(HOME), "ERRAND_TEST_CALLS": str(folder / "calls")}
    command = ("-m", "tests.fakes.mcp_server")
    settings = ServerSettings(
        name="rail", command=sys.executable, args=command, env=variables, protocol=protocol, **more
    )
    return McpTools([settings], wait_seconds=20)


def bookings(folder: Path) -> list[dict[str, Any]]:
    return [given for tool, given in calls_made(folder) if tool == "book"]


async def asked_for_a_seat(talk: Talk) -> Question:
    await talk.asked("/rail__book train=ICE1")
    return await talk.asked("yes")


ERAS = pytest.mark.parametrize("protocol", ["auto", "legacy"])


@ERAS
@pytest.mark.proves("tools.mcp.elicitation")
async def test_a_tools_question_is_asked_in_the_chat_and_answered(tmp_path: Path, protocol: Any) -> None:
    async with talking(tmp_path, toolsets=[server(tmp_path, protocol)]) as talk:
        question = await asked_for_a_seat(talk)
        assert "**rail** asks: Where do you want to sit?" in question.text
        assert [field.name for field in question.fields] == ["s1.seat", "s1.meal"]
        assert question.fields[0].choices == ("window", "aisle", "decline", "cancel")
        assert bookings(tmp_path) == []
        assert "booked aisle in ICE1, meal: soup" in await talk.answered("seat=2 meal=soup")
    assert bookings(tmp_path) == [{"train": "ICE1", "seat": "aisle", "meal": "soup"}]


@ERAS
@pytest.mark.proves("tools.mcp.elicitation")
async def test_what_is_left_out_gets_its_default(tmp_path: Path, protocol: Any) -> None:
    async with talking(tmp_path, toolsets=[server(tmp_path, protocol)]) as talk:
        await asked_for_a_seat(talk)
        assert "booked window in ICE1, meal: none" in await talk.answered("seat=window")


@pytest.mark.slow
@ERAS
@pytest.mark.proves("tools.mcp.elicitation_refused")
@pytest.mark.parametrize("word", ["decline", "cancel"])
async def test_a_tools_question_can_be_refused(tmp_path: Path, protocol: Any, word: str) -> None:
    async with talking(tmp_path, toolsets=[server(tmp_path, protocol)]) as talk:
        await asked_for_a_seat(talk)
        assert "did not work" in (await talk.answered(word)).casefold()
    assert bookings(tmp_path) == []


@pytest.mark.proves("tools.mcp.elicitation")
async def test_other_words_leave_the_question_open(tmp_path: Path) -> None:
    async with talking(tmp_path, toolsets=[server(tmp_path)]) as talk:
        await asked_for_a_seat(talk)
        await talk.say("hello")
        assert "booked window" in await talk.answered("seat=window")


@pytest.mark.slow
@pytest.mark.proves("tools.mcp.elicitation_restart")
async def test_an_answer_after_a_restart_of_both_is_given_to_the_same_question(tmp_path: Path) -> None:
    """The server's new process knows nothing of its question. It is called anew, asks the same, and gets the answer."""
    async with talking(tmp_path, toolsets=[server(tmp_path)]) as talk:
        await asked_for_a_seat(talk)
    async with talking(tmp_path, toolsets=[server(tmp_path)]) as talk:
        assert "booked window in ICE1" in await talk.answered("seat=window")
    assert len(bookings(tmp_path)) == 1


@pytest.mark.slow
@pytest.mark.proves("tools.mcp.elicitation_restart")
async def test_a_server_that_outlives_the_bot_goes_on_where_it_asked(tmp_path: Path) -> None:
    async with WebMcpServer(tmp_path / "calls") as web:
        rail = ServerSettings("rail", url=web.url, transport="http")
        async with talking(tmp_path, toolsets=[McpTools([rail], wait_seconds=20)]) as talk:
            await asked_for_a_seat(talk)
        async with talking(tmp_path, toolsets=[McpTools([rail], wait_seconds=20)]) as talk:
            assert "booked window in ICE1" in await talk.answered("seat=window")
    assert len(bookings(tmp_path)) == 1


@pytest.mark.slow
@pytest.mark.proves("tools.mcp.elicitation_restart")
async def test_an_older_server_cannot_take_an_answer_after_a_restart_and_that_is_said(tmp_path: Path) -> None:
    async with talking(tmp_path, toolsets=[server(tmp_path, "legacy")]) as talk:
        await asked_for_a_seat(talk)
    async with talking(tmp_path, toolsets=[server(tmp_path, "legacy")]) as talk:
        question = await talk.asked("seat=window")
        assert "rail cannot take the answer any more: the connection on which it asked has ended." in question.text
        assert question.fields[0].choices == ("run it again", "leave it")
        assert "Where do you want to sit?" in (await talk.asked("run it again")).text
        assert "booked aisle" in await talk.answered("seat=aisle")
    assert len(bookings(tmp_path)) == 1


@pytest.mark.slow
@pytest.mark.proves("tools.mcp.elicitation_restart")
async def test_an_older_servers_harmless_call_is_made_anew_after_a_restart(tmp_path: Path) -> None:
    async with talking(tmp_path, toolsets=[server(tmp_path, "legacy")]) as talk:
        await talk.asked("/rail__seat_price train=ICE1")
    async with talking(tmp_path, toolsets=[server(tmp_path, "legacy")]) as talk:
        assert "window in ICE1: 12 EUR" in await talk.answered("seat=window")


@pytest.mark.proves("tools.mcp.elicitation_page")
async def test_a_page_is_shown_with_its_host_and_never_in_a_group(tmp_path: Path) -> None:
    async with talking(tmp_path, toolsets=[server(tmp_path, "legacy")]) as talk:
        question = await talk.asked("/rail__visit")
        assert "**rail** asks you to open a page of `forms.example`: https://forms.example/42" in question.text
        assert question.fields[0].choices == ("done", "decline", "cancel")
        assert "visit: accept" in await talk.answered("done")
        talk.private = False
        refused = await talk.say("/rail__visit")
        assert isinstance(refused, Answer)
        assert "ask me in private" in refused.text
        assert "forms.example" not in refused.text


@pytest.mark.proves("tools.mcp.progress")
async def test_how_far_a_call_is_stands_in_the_plan_card(tmp_path: Path) -> None:
    async with talking(tmp_path, toolsets=[server(tmp_path)]) as talk:
        turn = await talk.send("/rail__count to=4")
        other = Talk(talk.app, talk.channel, chat="2")
        async with asyncio.timeout(20):
            while "25%: at 1" not in [line.note for card in talk.cards(turn) for line in card.steps]:
                await asyncio.sleep(0.01)
        await other.answered("/rail__go_on")
        answer = await talk.outcome(turn)
        assert isinstance(answer, Answer)
        assert "counted to 4" in answer.text


@pytest.mark.proves("tools.mcp.prompts")
async def test_a_prompt_is_a_slash_word_and_its_words_are_the_persons(tmp_path: Path) -> None:
    async with (
        ModelServer(lambda request: Say(f"I heard: {asked_for(request)}")) as model,
        talking(
            tmp_path,
            toolsets=[server(tmp_path)],
            router="openai:one",
            openai_base_url=model.url,
            openai_api_key="obviously-fake-key",
        ) as talk,
    ):
        assert await talk.told("/prompts") == "- `/rail__summary topic=...` Ask for a summary."
        assert await talk.told("/rail__summary") == "This wants to know more: topic=...."
        assert "Sum up what you know of tea." in await talk.answered("/rail__summary topic=tea")
