"""The HTTP API: whole conversations of programs over real HTTP."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from orchestrator.models import ModelReply, Scripted
from orchestrator.tools.functions import Functions, tool
from orchestrator.tools.spec import File
from storage.errors import StorageError
from tests.conversations.talk import outgoing
from tests.conversations.test_plans import calls
from tests.conversations.web_talk import api_of_page, page_at
from tests.fakes.api_program import LONGEST_WAIT, Program, Stream, program


@tool(read_only=True)
def look_up(city: str) -> str:
    """Look a city up."""
    return f"{city} is fine"


@asynccontextmanager
async def at_the_api(folder: Path, **given: Any) -> AsyncIterator[Program]:
    """A program on the machine of an Errand whose page is open to that."""
    async with page_at(folder, **given) as (_, web), program(web.address) as ann:
        yield ann


def text_of(turn: dict[str, Any]) -> str:
    """The words of a turn's one part."""
    (only,) = turn["parts"]
    return str(only["part"]["text"])


@pytest.mark.proves("api.answer")
async def test_a_message_is_taken_and_its_turn_has_the_answer(tmp_path: Path) -> None:
    async with at_the_api(tmp_path, toolsets=[Functions([look_up])]) as ann:
        body = {"event": "1", "session": "first", "text": "/look_up city=Oslo"}
        status, taken, headers = await ann.asks("POST", "/messages", body)
        assert (status, taken) == (202, {"new": True, "turn": "t1", "session": "first"})
        assert headers["Location"] == "/api/v1/turns/t1"
        async with ann.following() as stream:
            assert "Oslo is fine" in (await stream.until("answer"))["text"]
        turn = await ann.gets("/turns/t1")
        assert (turn["state"], turn["said"]) == ("ended", {"kind": "command", "text": "/look_up city=Oslo"})
        assert text_of(turn).endswith("Oslo is fine")
        conversation = await ann.gets("/sessions/first")
        assert conversation["turns"] == [turn]
        assert [conversation[each] for each in ("busy", "earlier", "letters")] == [False, False, []]
        listed = (await ann.gets("/sessions"))["sessions"]
        assert [(each["id"], each["title"], each["asks"]) for each in listed] == [
            ("first", "/look_up city=Oslo", False)
        ]


@pytest.mark.proves("api.answer")
async def test_a_program_that_waits_gets_the_turn_and_one_that_waits_too_briefly_its_name(tmp_path: Path) -> None:
    go = asyncio.Event()

    @tool(read_only=True)
    async def wait() -> str:
        """Wait."""
        await go.wait()
        return "waited"

    async with at_the_api(tmp_path, toolsets=[Functions([look_up, wait])]) as ann:
        turn = await ann.says("/look_up city=Rome", wait=LONGEST_WAIT)
        assert text_of(turn).endswith("Rome is fine")
        status, taken, _ = await ann.asks("POST", "/messages?wait=1", {"event": "2", "text": "/wait"})
        assert (status, taken["turn"]) == (202, "t2")
        assert (await ann.gets("/turns/t2"))["state"] == "working"
        go.set()


@pytest.mark.proves("api.live")
async def test_a_plan_is_followed_step_by_step_and_read_afterwards_with_its_dossier(tmp_path: Path) -> None:
    gates = {name: asyncio.Event() for name in ("a", "b")}

    @tool(read_only=True)
    async def wait(gate: str) -> str:
        """Wait."""
        await gates[gate].wait()
        return f"waited at {gate}"

    async def until(stream: Stream, *states: str) -> None:
        while tuple(step["state"] for step in (await stream.until("plan"))["steps"]) != states:
            pass

    async with at_the_api(tmp_path, toolsets=[Functions([wait])]) as ann:
        await ann.says('/plan a: wait(gate="a")\nb: wait(gate="b") after a')
        async with ann.following() as stream:
            await until(stream, "running", "waiting")
            gates["a"].set()
            await until(stream, "done", "running")
            assert [step["after"] for step in stream.seen[-1].part["steps"]] == [[], ["a"]]
            gates["b"].set()
            await stream.until("answer")
        plan = await ann.gets("/plans/t1")
        assert (plan["turn"], plan["session"], plan["mode"]) == ("t1", "first", "sequential")
        assert [step["state"] for step in plan["steps"]] == ["done", "done"]
        dossier = await ann.gets("/turns/t1/dossier")
        assert [step["used"] for step in dossier["steps"]] == ["wait", "wait"]


@pytest.mark.proves("api.live")
async def test_words_of_a_model_grow_on_the_stream(tmp_path: Path) -> None:
    model = Scripted(lambda messages, tools: ModelReply(" ".join(f"word{n}" for n in range(400)), "fake"))
    async with at_the_api(tmp_path, model=lambda name: model, router="fake:fake") as ann:
        await ann.says("Tell me")
        async with ann.following() as stream:
            assert (await stream.until("answer"))["text"].endswith("word399")


@pytest.mark.proves("api.question")
async def test_a_question_is_answered_by_a_choice(tmp_path: Path) -> None:
    @tool(read_only=True)
    def fly(place: str) -> str:
        """Fly."""
        return f"flown to {place}"

    script = Scripted(
        lambda messages, tools: (
            calls(("ask", {"questions": [{"text": "Where to?", "choices": ["Oslo", "Rome"]}]}))
            if not any("Oslo" in each.text for each in messages if each.role == "user")
            else calls(("fly", {"place": "Oslo"}))
        )
    )
    tools = [Functions([fly])]
    async with at_the_api(tmp_path, toolsets=tools, model=lambda name: script, router="fake:fake") as ann:
        turn = await ann.says("Fly me out", wait=LONGEST_WAIT)
        question = turn["parts"][0]["part"]
        assert (question["text"], question["fields"][0]["choices"]) == ("Where to?", ["Oslo", "Rome"])
        assert (await ann.gets("/sessions/first"))["question"] == question["id"]
        answered = await ann.answers(question["id"], choice="Oslo")
        assert "flown to Oslo" in text_of(answered)
        assert (await ann.gets("/sessions/first"))["question"] is None


@pytest.mark.proves("api.question")
async def test_several_things_are_filled_in_at_once(tmp_path: Path) -> None:
    @tool(read_only=True)
    def book(city: str, nights: int) -> str:
        """Book."""
        return f"{nights} nights in {city}"

    async with at_the_api(tmp_path, toolsets=[Functions([book])]) as ann:
        asked = (await ann.says("/book", wait=LONGEST_WAIT))["parts"][0]["part"]
        values = {each["name"]: "3" if "nights" in each["name"] else "Oslo" for each in asked["fields"]}
        assert "3 nights in Oslo" in text_of(await ann.answers(asked["id"], values=values))


@pytest.mark.proves("api.approval")
async def test_what_is_risky_waits_for_a_yes_also_over_a_restart(tmp_path: Path) -> None:
    sent, tools = outgoing()
    async with at_the_api(tmp_path, toolsets=[tools]) as ann:
        asked = (await ann.says("/send text=hello", wait=LONGEST_WAIT))["parts"][0]["part"]
        assert (asked["fields"][0]["approval"], sent) == (True, [])
    async with at_the_api(tmp_path, toolsets=[tools]) as ann:
        assert "sent it" in text_of(await ann.answers(asked["id"], choice=asked["fields"][0]["choices"][0]))
    assert sent == ["hello"]


@pytest.mark.proves("api.stop")
async def test_what_runs_can_be_stopped(tmp_path: Path) -> None:
    begun = asyncio.Event()

    @tool(read_only=True)
    async def hang() -> str:
        """Never end."""
        begun.set()
        await asyncio.Event().wait()
        return ""

    async with at_the_api(tmp_path, toolsets=[Functions([hang])]) as ann:
        await ann.says("/hang")
        await begun.wait()
        async with ann.following() as stream:
            assert (await ann.asks("POST", "/sessions/first/stop"))[0] == 202
            assert "Stopped." in (await stream.until("notice"))["text"]
        begun.clear()
        await ann.says("/hang")
        await begun.wait()
        assert (await ann.says("/stop", wait=LONGEST_WAIT))["parts"] == [], "a stop ends without a word"
        assert (await ann.asks("POST", "/sessions/second/stop"))[0] == 404


@pytest.mark.proves("api.files")
async def test_files_go_both_ways(tmp_path: Path) -> None:
    @tool(read_only=True)
    def plot(path: Path) -> list[File]:
        """Plot a file."""
        return [File("chart.png", "image/png", b"\x89PNG" + path.read_bytes())]

    async with at_the_api(tmp_path, toolsets=[Functions([plot])]) as ann:
        headers = {"Content-Type": "text/csv"}
        status, told, _ = await ann.asks("POST", "/files?name=numbers.csv", data=b"1,2", headers=headers)
        assert status == 201
        turn = await ann.says("/plot", told["file"], wait=LONGEST_WAIT)
        (file,) = turn["parts"][0]["part"]["files"]
        assert (file["name"], file["size"]) == ("chart.png", 7)
        status, content, got = await ann.asks("GET", file["path"].removeprefix("/api/v1"))
        assert (status, content) == (200, b"\x89PNG1,2")
        assert "attachment" in got["Content-Disposition"]
        body = {"event": "again", "text": "/plot", "files": [told["file"]]}
        status, told, _ = await ann.asks("POST", "/messages", body)
        assert (status, told["detail"][:12]) == (404, "That file is"), "it went with the first message"


@pytest.mark.proves("api.resume")
async def test_a_stream_goes_on_after_a_restart_behind_the_last_part_that_was_seen(tmp_path: Path) -> None:
    tools = [Functions([look_up])]
    async with at_the_api(tmp_path, toolsets=tools) as ann:
        await ann.says("/look_up city=Oslo", wait=LONGEST_WAIT)
        async with ann.following() as stream:
            await stream.until("answer")
            await ann.says("/look_up city=Rome", wait=LONGEST_WAIT)
            await ann.says("/look_up city=Bonn", wait=LONGEST_WAIT)
    async with at_the_api(tmp_path, toolsets=tools) as ann:
        async with ann.following(last=stream.ids[0]) as again:
            await again.until("answer")
            await again.until("answer")
            await ann.says("/look_up city=Lima", wait=LONGEST_WAIT)
            assert "Lima" in (await again.until("answer"))["text"]
        assert [each.part["text"].split()[2].strip("()*:") for each in again.seen if each.id] == [
            "Rome",
            "Bonn",
            "Lima",
        ]
        async with ann.following(last="t99.0") as anew:
            assert "Oslo" in (await anew.until("answer"))["text"], "what is not known resumes nothing"


@pytest.mark.proves("api.resume")
async def test_streams_end_with_the_server(tmp_path: Path) -> None:
    async with AsyncExitStack() as outside:
        async with page_at(tmp_path) as (_, web):
            ann = await outside.enter_async_context(program(web.address))
            await ann.says("/help", wait=LONGEST_WAIT)
            stream = await outside.enter_async_context(ann.following())
            await stream.until("notice")
        assert await stream.next() is None


@pytest.mark.proves("api.once")
async def test_the_same_event_counts_once_also_over_a_restart_and_tells_its_turn_again(tmp_path: Path) -> None:
    looked: list[str] = []

    @tool(read_only=True)
    def note(what: str) -> str:
        """Note."""
        looked.append(what)
        return f"noted {what}"

    for new in (True, False):
        async with at_the_api(tmp_path, toolsets=[Functions([note])]) as ann:
            body = {"event": "invoice-7", "text": "/note what=once"}
            all_at_once = [ann.asks("POST", "/messages", body) for _ in range(4)]
            told = [data for _, data, _ in await asyncio.gather(*all_at_once)]
            assert {each["turn"] for each in told} == {"t1"}
            assert len({each["session"] for each in told}) == 1
            assert sorted(each["new"] for each in told) == [False, False, False, new]
            turn = await ann.says("/note what=once", event="invoice-7", wait=LONGEST_WAIT)
            assert text_of(turn).endswith("noted once")
    assert looked == ["once"]


@pytest.mark.proves("api.answer")
async def test_only_the_tools_that_a_message_names_are_used_and_others_words_are_data(tmp_path: Path) -> None:
    seen: list[str] = []

    def decide(messages: Any, tools: Any) -> ModelReply:
        seen.extend(each.text for each in messages)
        seen.extend(each.name for each in tools)
        return ModelReply("Done.", "fake")

    model = Scripted(decide)
    tools = [Functions([look_up])]
    async with at_the_api(tmp_path, toolsets=tools, model=lambda name: model, router="fake:fake") as ann:
        quoted = [{"kind": "forward", "text": "Look up Rome", "author": "bob"}]
        body = {"event": "1", "text": "What is this?", "tools": [], "foreign": quoted}
        assert (await ann.asks("POST", f"/messages?wait={LONGEST_WAIT}", body))[0] == 200
    assert any("Look up Rome" in text for text in seen)
    assert "look_up" not in seen


@pytest.mark.slow
@pytest.mark.proves("api.pages")
async def test_a_long_conversation_is_read_piece_by_piece(tmp_path: Path) -> None:
    async with at_the_api(tmp_path, toolsets=[Functions([look_up])]) as ann:
        for number in range(32):
            await ann.says(f"/look_up city=C{number}", wait=LONGEST_WAIT)
        end = await ann.gets("/sessions/first")
        assert (len(end["turns"]), end["earlier"]) == (30, True)
        before = await ann.gets(f"/sessions/first?before={end['turns'][0]['id']}")
        assert ([each["id"] for each in before["turns"]], before["earlier"]) == (["t1", "t2"], False)
        nothing = await ann.gets("/sessions/first?before=t1")
        assert nothing["turns"] == []


@pytest.mark.proves("api.ready")
async def test_health_says_that_it_lives_and_readiness_what_is_there(tmp_path: Path) -> None:
    async def readiness(somebody: Program) -> tuple[int, dict[str, Any]]:
        async with somebody.http.get(f"{somebody.address}/readyz") as got:
            return got.status, await got.json()

    async def refuses() -> None:
        raise StorageError("The disk is full at /home/ann.")

    async with page_at(tmp_path, web_token="a-token-of-some-length") as (app, web), program(web.address) as nobody:
        async with nobody.http.get(f"{web.address}/healthz") as got:
            assert (got.status, await got.text()) == (200, "ok")
        ready = {"ready": True, "database": True, "channels": ["web", "api"], "down": []}
        assert await readiness(nobody) == (200, ready)
        with patch.object(app.store, "backlog", refuses):
            assert await readiness(nobody) == (503, {**ready, "ready": False, "database": False})
        api_of_page(web)._taking.accept = None  # as before it listens, and at its end
        assert await readiness(nobody) == (503, {**ready, "ready": False})
