"""Answers of models are bound to what really happened; the person sees them come, and never waits for nothing."""

from pathlib import Path
from typing import Any

import pytest

from orchestrator.tools.functions import Functions, tool
from tests.conversations.talk import talking
from tests.conversations.test_dossier import account, settings
from tests.fakes.model_server import Behaviour, Call, Fail, ModelServer, Say, asked_for

CORRECTION = "Correction: nothing that I ran just now did this"


@tool(read_only=True)
def weather(place: str) -> dict[str, str]:
    """The weather."""
    return {"place": place, "sky": "clear", "wind": "none"}


@tool(read_only=True)
def pollen(place: str) -> dict[str, str]:
    """The pollen."""
    return {"place": place, "pollen": "few"}


TWO = Call([("weather", {"place": "Rome"}), ("pollen", {"place": "Rome"})])


@pytest.mark.proves("claims.marked")
async def test_a_direct_answer_that_claims_an_action_is_corrected_and_that_is_on_record(tmp_path: Path) -> None:
    say = Say("Sure! I have sent the mail to Ann.")
    async with ModelServer(lambda _: say) as server, talking(tmp_path, **settings(server, "openai:x")) as talk:
        answer = await talk.answered("mail the report to Ann")
        assert answer.endswith(f"{CORRECTION}: “I have sent the mail to Ann”.")
        assert (await account(talk, "t1")).unsupported == ("I have sent the mail to Ann",)
        assert "claimed what no result bears out: “I have sent the mail to Ann”" in await talk.told("/why")


@pytest.mark.proves("claims.marked")
async def test_an_answer_made_of_results_is_corrected_where_no_result_is_of_that(tmp_path: Path) -> None:
    def script(request: dict[str, Any]) -> Behaviour:
        return TWO if request.get("tools") else Say("It is clear in Rome. I have booked your flight.")

    tools = [Functions([weather, pollen])]
    async with ModelServer(script) as server, talking(tmp_path, toolsets=tools, **settings(server, "openai:x")) as talk:
        answer = await talk.answered("How is Rome?")
    assert answer.startswith("It is clear in Rome.")
    assert f"{CORRECTION}: “I have booked your flight”." in answer


@pytest.mark.proves("claims.marked")
async def test_a_workers_claim_is_no_result(tmp_path: Path) -> None:
    def script(request: dict[str, Any]) -> Behaviour:
        if "plan" in {each["function"]["name"] for each in request.get("tools") or ()}:
            return Call([("plan", {"steps": 'a: @general(task="book a table")'})])
        return Say("I have booked a table for two")

    async with ModelServer(script) as server, talking(tmp_path, **settings(server, "openai:x")) as talk:
        assert CORRECTION in await talk.answered("get me a table")


@pytest.mark.proves("claims.no_false_alarm")
async def test_what_was_really_done_is_not_corrected_now_or_later(tmp_path: Path) -> None:
    sent = []

    @tool
    def send(text: str) -> str:
        """Send."""
        sent.append(text)
        return "ok"

    def script(request: dict[str, Any]) -> Behaviour:
        if asked_for(request) == "send hello, and look at Rome":
            return Call([("send", {"text": "hello"}), ("weather", {"place": "Rome"})])
        return Say("I have sent the text.")

    tools = [Functions([send, weather])]
    async with ModelServer(script) as server, talking(tmp_path, toolsets=tools, **settings(server, "openai:x")) as talk:
        await talk.asked("send hello, and look at Rome")
        assert (await talk.answered("yes")).strip() == "I have sent the text."
        assert sent == ["hello"]
        assert (await talk.answered("did you send it?")).strip() == "I have sent the text."
        assert CORRECTION in await talk.answered("send it again")


@pytest.mark.proves("synthesis.streams")
async def test_the_answer_of_a_plan_is_shown_while_it_comes(tmp_path: Path) -> None:
    def script(request: dict[str, Any]) -> Behaviour:
        return TWO if request.get("tools") else Say("Clear and with few pollen")

    tools = [Functions([weather, pollen])]
    async with ModelServer(script) as server, talking(tmp_path, toolsets=tools, **settings(server, "openai:x")) as talk:
        assert await talk.answered("How is Rome?") == "Clear and with few pollen"
        assert "Clear and " in talk.drafts()
        times = (await account(talk, "t1")).timings
    assert times.first_text is not None
    assert times.decided is not None
    assert times.decided <= times.first_text


@pytest.mark.proves("synthesis.join")
async def test_where_no_model_writes_the_answer_the_results_are_joined_and_not_corrected(tmp_path: Path) -> None:
    def script(request: dict[str, Any]) -> Behaviour:
        return TWO if request.get("tools") else Fail(503)

    tools = [Functions([weather, pollen])]
    async with ModelServer(script) as server, talking(tmp_path, toolsets=tools, **settings(server, "openai:x")) as talk:
        answer = await talk.answered("How is Rome?")
    assert "sky clear, wind none" in answer
    assert "pollen few" in answer
    assert CORRECTION not in answer
