"""The first conversation, as a new person has it: no key, no account, the real time server."""

import re
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from orchestrator.models import ChatMessage, ModelReply, Scripted, ToolCall
from orchestrator.tools.builtin import BUILTIN
from orchestrator.tools.functions import Functions, tool
from orchestrator.tools.mcp import McpTools
from orchestrator.tools.mcp_config import ServerSettings
from orchestrator.tools.spec import Toolset, ToolSpec
from tests.conversations.talk import talking


def first_run_tools() -> Sequence[Toolset]:
    time = ServerSettings(name="time", command=str(Path(sys.executable).with_name("mcp-server-time")))
    return [Functions(BUILTIN), McpTools([time])]


@pytest.mark.proves("first.parallel_plan")
async def test_two_places_are_asked_for_side_by_side_and_answered_at_once(tmp_path: Path) -> None:
    async with talking(tmp_path, toolsets=first_run_tools()) as talk:
        answer = await talk.answered("What time is it in Tokyo and in New York?")
        assert "Asia/Tokyo" in answer
        assert "(UTC+09:00)" in answer
        assert "America/New_York" in answer
        assert re.search(r"\(UTC-0[45]:00\)", answer)
        assert talk.cards()[0].mode == "parallel"
        both_running = [[line.state for line in card.steps] for card in talk.cards()]
        assert ["running", "running"] in both_running


@pytest.mark.proves("first.missing_argument", "clarify.by_name", "clarify.resumes")
async def test_a_missing_zone_is_asked_for_by_name_and_the_answer_goes_on(tmp_path: Path) -> None:
    async with talking(tmp_path, toolsets=first_run_tools()) as talk:
        question = await talk.asked("Convert 14:30 from Tokyo")
        assert "target timezone" in question.text
        answer = await talk.answered("New York")
        assert re.search(r"target datetime \w+, \d+ \w+ \d{4}, 0[01]:30", answer)
        assert "you answered the question" in await talk.told("/why")


@pytest.mark.slow
@pytest.mark.proves("clarify.resumes", "restart.question")
async def test_the_answer_goes_on_after_a_restart_and_earlier_steps_are_not_run_again(tmp_path: Path) -> None:
    looked_up = []

    @tool(read_only=True)
    def look_up(key: str) -> str:
        """Look a key up."""
        looked_up.append(key)
        return f"value of {key}"

    def script(messages: Sequence[ChatMessage], tools: Sequence[ToolSpec]) -> ModelReply:
        convert = {"source_timezone": "Asia/Tokyo", "time": "14:30"}
        calls = (ToolCall("1", "look_up", {"key": "one"}), ToolCall("2", "time__convert_time", convert))
        return ModelReply("", "scripted:script", calls)

    toolsets = [Functions([look_up]), *first_run_tools()]
    async with talking(tmp_path, toolsets=toolsets, model=lambda _: Scripted(script), router="scripted:a") as talk:
        question = await talk.asked("Look one up, and convert 14:30 from Tokyo")
        assert "target timezone" in question.text
    async with talking(tmp_path, toolsets=toolsets) as talk:  # another process, and no model any more
        answer = await talk.answered("New York")
    assert "value of one" in answer
    assert "America/New_York" in answer
    assert looked_up == ["one"]


@pytest.mark.proves("first.greeting", "first.out_of_scope", "why.last_turn")
async def test_a_greeting_is_answered_a_pizza_is_declined_and_counted_and_why_explains(tmp_path: Path) -> None:
    async with talking(tmp_path, toolsets=first_run_tools()) as talk:
        assert "Hello" in await talk.answered("Hi")
        declined = await talk.answered("order me a pizza")
        assert "I can:" in declined
        why = await talk.told("/why")
        assert "order me a pizza" in why
        assert "declined" in why
        assert "1 refuse" in await talk.told("/status")


@pytest.mark.proves("commands.tool")
async def test_a_tool_can_be_called_by_its_name(tmp_path: Path) -> None:
    async with talking(tmp_path, toolsets=first_run_tools()) as talk:
        assert "(UTC+09:00)" in await talk.answered("/get_current_time timezone=Asia/Tokyo")
        assert "95.2" in await talk.answered("/tool compute_tax amount=80 rate_percent=19")
        assert "12" in await talk.answered("/calculate 3 * 4")
        assert "I know no command /dance" in await talk.told("/dance")
        assert "'amount'" in await talk.told("/compute_tax amount=much rate_percent=19")


@pytest.mark.proves("commands.new")
async def test_a_fresh_start_puts_the_history_and_the_open_question_away(tmp_path: Path) -> None:
    seen: list[list[str]] = []

    def script(messages: Sequence[ChatMessage], tools: Sequence[ToolSpec]) -> ModelReply:
        seen.append([message.text for message in messages])
        return ModelReply("noted", model="scripted:script")

    async with talking(tmp_path, model=lambda _: Scripted(script), router="scripted:script") as talk:
        await talk.answered("my name is Ann")
        await talk.answered("what is my name?")
        await talk.told("/new")
        await talk.answered("and now?")
    assert "my name is Ann" in seen[1]
    assert "my name is Ann" not in seen[2]
