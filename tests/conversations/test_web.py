"""The web page: what people say and see on it, whole conversations over real HTTP."""

import asyncio
import re
import uuid
from datetime import UTC, datetime
from pathlib import Path

import pytest

from orchestrator.messages import Address, Person, Saying
from orchestrator.models import ModelReply, Scripted
from orchestrator.tools.functions import Functions, tool
from orchestrator.tools.spec import File
from tests.conversations.talk import outgoing
from tests.conversations.test_plans import calls
from tests.conversations.web_talk import PROXY, at_the_page, page_at
from tests.fakes.web_visitor import Look, text_of, visitor

PNG = b"\x89PNG and so on"


@tool(read_only=True)
def look_up(city: str) -> str:
    """Look a city up."""
    return f"{city} is fine"


@pytest.mark.proves("web.answer")
async def test_a_message_is_shown_with_the_plan_and_its_answer(tmp_path: Path) -> None:
    async with at_the_page(tmp_path, toolsets=[Functions([look_up])]) as ann, ann.looking("first") as look:
        status, _ = await ann.says(look, '/plan a: look_up(city="Oslo")\nb: look_up(city="Rome")\n')
        assert status == 200
        answer = await look.sees("Oslo is fine", "answer")
        assert look.texts("said")[0].startswith("/plan")
        assert "2 steps side by side" in answer
        assert answer.count('role="listitem" aria-label="look up (Oslo): done"') == 2, "one wide, one narrow"
        await look.until(lambda each: not each.busy and not each.live)


@pytest.mark.proves("web.live")
async def test_the_plan_is_shown_while_it_runs_and_the_answer_while_it_grows(tmp_path: Path) -> None:
    begun, go = asyncio.Event(), asyncio.Event()

    @tool(read_only=True)
    async def wait() -> str:
        """Wait."""
        begun.set()
        await go.wait()
        return "waited"

    plan = '/plan a: wait()\nb: look_up(city="Oslo") after a'
    async with at_the_page(tmp_path, toolsets=[Functions([wait, look_up])]) as ann, ann.looking("first") as look:
        await ann.says(look, plan)
        await begun.wait()
        await look.until(lambda each: any("wait: running" in item for item in each.live))
        assert look.busy
        async with ann.looking("first") as late:
            assert any("wait: running" in item for item in late.live) or late.busy
            await late.until(lambda each: any("look up (Oslo): waiting" in item for item in each.live))
            go.set()
            await late.sees("Oslo is fine", "answer")
        await look.sees("Oslo is fine", "answer")
        assert not [item for item in look.items if item.startswith("live")]


@pytest.mark.proves("web.live")
async def test_words_of_a_model_grow_on_the_page(tmp_path: Path) -> None:
    growing: list[str] = []
    words = " ".join(f"word{number}" for number in range(400))
    model = Scripted(lambda messages, tools: ModelReply(words, "fake"))

    def seen(look: Look) -> bool:
        growing.extend(text_of(item) for item in look.live)
        return any("word399" in text for text in look.texts("answer"))

    async with (
        at_the_page(tmp_path, model=lambda name: model, router="fake:fake") as ann,
        ann.looking("first") as look,
    ):
        await ann.says(look, "Tell me")
        await look.until(seen)


@pytest.mark.proves("web.question")
async def test_a_question_is_answered_by_a_button(tmp_path: Path) -> None:
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
    async with at_the_page(tmp_path, toolsets=tools, model=lambda name: script, router="fake:fake") as ann:
        async with ann.looking("first") as look:
            await ann.says(look, "Fly me out")
            question = await look.sees("Where to?", "question")
            assert 'value="Rome"' in question
            assert (await ann.presses(look, "Oslo"))[0] == 200
            await look.sees("flown to Oslo", "answer")
        async with ann.looking("first") as again:
            assert again.question is None
            assert "<form" not in await again.sees("Where to?", "question"), "what is over can be pressed no more"
            assert again.texts("said") == ["Fly me out", "Oslo"]


@pytest.mark.proves("web.approval")
async def test_what_is_risky_waits_for_a_yes_on_the_page(tmp_path: Path) -> None:
    sent, tools = outgoing()
    async with at_the_page(tmp_path, toolsets=[tools]) as ann, ann.looking("first") as look:
        await ann.says(look, "/send text=hello")
        question = await look.sees("May I run", "question")
        assert re.search(r'<button type="submit" name="choice" value="yes" class="yes">', question)
        assert sent == []
        await ann.presses(look, "yes")
        await look.sees("sent it", "answer")
        assert sent == ["hello"]


@pytest.mark.proves("web.form")
async def test_several_things_are_asked_for_in_one_form(tmp_path: Path) -> None:
    @tool(read_only=True)
    def book(city: str, nights: int) -> str:
        """Book."""
        return f"{nights} nights in {city}"

    async with at_the_page(tmp_path, toolsets=[Functions([book])]) as ann, ann.looking("first") as look:
        await ann.says(look, "/book")
        question = await look.sees("I need to know a few things", "question")
        names = re.findall(r'name="(field\.[^"]+)"', question)
        assert len(names) == 2
        form = [("question", re.findall(r'data-question="([^"]+)"', question)[0])]
        values = {name: "3" if "nights" in name else "Oslo" for name in names}
        status, _ = await ann.post("/c/first/answers", [*form, *values.items()])
        assert status == 200
        await look.sees("3 nights in Oslo", "answer")


@pytest.mark.proves("web.stop")
async def test_the_stop_button_ends_what_runs(tmp_path: Path) -> None:
    begun = asyncio.Event()

    @tool(read_only=True)
    async def hang() -> str:
        """Never end."""
        begun.set()
        await asyncio.Event().wait()
        return ""

    async with at_the_page(tmp_path, toolsets=[Functions([hang])]) as ann, ann.looking("first") as look:
        await ann.says(look, "/hang")
        await begun.wait()
        await look.until(lambda each: each.busy)
        assert "/c/first" in (await ann.get("/conversations"))[1], "it is listed before anything was answered"
        await ann.stops(look)
        await look.sees("Stopped.", "notice")
        await look.until(lambda each: not each.busy)


# --- files


@pytest.mark.proves("web.files")
async def test_files_go_both_ways_and_nobody_else_can_fetch_them(tmp_path: Path) -> None:
    @tool(read_only=True)
    def plot(path: Path) -> list[File]:
        """Plot a file."""
        return [File("chart.png", "image/png", PNG + path.read_bytes()), File("<b>.html", "text/html", b"<script>")]

    tools = [Functions([plot])]
    async with (
        page_at(tmp_path, toolsets=tools, **PROXY) as (_, web),
        visitor(web.address, X_Forwarded_User="ann") as ann,
        visitor(web.address, X_Forwarded_User="bob") as bob,
        ann.looking("first") as look,
    ):
        status, told = await ann.brings("../../numbers.csv", b"1,2", "text/csv")
        assert status == 200
        assert (await bob.says("first", "mine?", told["ref"]))[0] == 400
        await ann.says(look, "/plot", told["ref"])
        answer = await look.sees("chart.png", "answer")
        assert "numbers.csv" in look.texts("said")[0]
        pictures = re.findall(r'src="([^"]+)"', answer)
        assert len(pictures) == 1, "only pictures are shown"
        _, content, headers = await ann.fetches(pictures[0])
        assert (content, headers["Content-Type"]) == (PNG + b"1,2", "image/png")
        (page,) = (link for link in re.findall(r'href="(/files/[^"]+)"', answer) if not link.startswith(pictures[0]))
        _, content, headers = await ann.fetches(page)
        assert content == b"<script>"
        assert headers["Content-Type"] == "application/octet-stream"
        assert headers["Content-Disposition"] == "attachment; filename*=UTF-8''%3Cb%3E.html"
        assert "sandbox" in headers["Content-Security-Policy"]
        assert (await bob.fetches(pictures[0]))[0] == 404
        assert (await ann.fetches(pictures[0][:-1] + "7"))[0] == 404


@pytest.mark.proves("web.files")
async def test_a_file_that_is_too_large_is_refused_with_the_limit(tmp_path: Path) -> None:
    async with at_the_page(tmp_path, web_upload_mb=1) as ann:
        status, told = await ann.brings("big.bin", b"x" * 1_000_001)
        assert (status, told["problem"]) == (413, "This file is too large: I take 1 MB.")
        assert (await ann.brings("fits.bin", b"x" * 1_000_000))[0] == 200
        assert (await ann.says("first", "with", "0123456789abcdef"))[1]["problem"].startswith("That file is not here")


# --- restarts


@pytest.mark.proves("web.restart")
async def test_a_conversation_goes_on_after_a_restart_and_nothing_is_shown_twice(tmp_path: Path) -> None:
    sent, tools = outgoing()
    async with at_the_page(tmp_path, toolsets=[tools]) as ann, ann.looking("first") as look:
        await ann.says(look, "/send text=hello")
        await look.sees("May I run", "question")
        before = dict(look.items)
    async with at_the_page(tmp_path, toolsets=[tools]) as ann, ann.looking("first") as look:
        assert look.items == before, "the same items, under the same ids"
        await ann.presses(look, "yes")
        await look.sees("sent it", "answer")
    assert sent == ["hello"]


@pytest.mark.proves("web.once")
async def test_a_message_that_is_sent_again_counts_once_also_over_a_restart(tmp_path: Path) -> None:
    event = uuid.uuid4().hex
    looked: list[str] = []

    @tool(read_only=True)
    def note(what: str) -> str:
        """Note."""
        looked.append(what)
        return f"noted {what}"

    for new in (True, False):
        async with at_the_page(tmp_path, toolsets=[Functions([note])]) as ann, ann.looking("first") as look:
            for again in range(3):
                _, told = await ann.says(look, "/note what=once", event=event)
                assert told["new"] is (new and not again)
            await look.sees("noted once", "answer")
            assert len(look.texts("said")) == len(look.texts("answer")) == 1
    assert looked == ["once"]


@pytest.mark.proves("web.once")
async def test_a_message_with_a_file_can_be_sent_again_once_the_file_is_gone_from_the_shelf(tmp_path: Path) -> None:
    event = uuid.uuid4().hex
    async with at_the_page(tmp_path) as ann:
        _, told = await ann.brings("a.txt", b"a")
        assert (await ann.says("first", "/help", told["ref"], event=event))[1]["new"]
        assert (await ann.says("first", "/help", told["ref"], event=event)) == (200, {"new": False})


@pytest.mark.proves("web.restart")
async def test_while_errand_ends_words_are_not_taken_and_the_page_is_told_to_keep_them(tmp_path: Path) -> None:
    async with page_at(tmp_path) as (app, web), visitor(web.address) as ann:
        web._doing.accept = None
        status, told = await ann.says("first", "Hello")
        assert (status, told["problem"][:7]) == (503, "I am ju")
        assert await app.store.sessions() == []


# --- conversations


@pytest.mark.proves("web.apart")
async def test_two_people_on_one_server_see_nothing_of_each_other(tmp_path: Path) -> None:
    async with (
        page_at(tmp_path, toolsets=[Functions([look_up])], **PROXY) as (_, web),
        visitor(web.address, X_Forwarded_User="ann@example.org") as ann,
        visitor(web.address, X_Forwarded_User="Ann@example.org") as bob,
        ann.looking("shared") as hers,
        bob.looking("shared") as his,
    ):
        await ann.says(hers, "/look_up city=Oslo")
        await bob.says(his, "/look_up city=Rome")
        await hers.sees("Oslo is fine", "answer")
        await his.sees("Rome is fine", "answer")
        assert "Rome" not in "".join(hers.raw)
        assert "Oslo" not in "".join(his.raw)
        for person, other in ((ann, "Rome"), (bob, "Oslo")):
            for path in ("/", "/c/shared", "/conversations", f"/search?q={other}"):
                status, text, _ = await person.get(path)
                assert status == 200
                assert f"{other} is fine" not in text
                assert f"city={other}" not in text


@pytest.mark.proves("web.list")
async def test_conversations_are_listed_with_titles_and_the_one_that_waits(tmp_path: Path) -> None:
    _, tools = outgoing()
    async with at_the_page(tmp_path, toolsets=[Functions([look_up]), tools]) as ann:
        async with ann.looking("oslo") as look:
            await ann.says(look, "/look_up city=Oslo")
            await look.sees("fine", "answer")
            await look.until(lambda each: each.lists > 0)
        async with ann.looking("send") as look:
            await ann.says(look, "/send text=hello")
            await look.sees("May I", "question")
        _, text, _ = await ann.get("/conversations?current=oslo")
        assert text.index("/send text=hello") < text.index("/look_up city=Oslo"), "the newest first"
        assert text.count("waits for you") == 1
        assert '"title":"/look_up city=Oslo"' in text


@pytest.mark.slow
@pytest.mark.proves("web.list")
async def test_a_long_conversation_is_read_piece_by_piece(tmp_path: Path) -> None:
    async with at_the_page(tmp_path, toolsets=[Functions([look_up])]) as ann:
        async with ann.looking("long") as look:
            for number in range(33):
                await ann.says(look, f"/look_up city=C{number:02}")
                await look.sees(f"C{number:02} is fine", "answer")
        async with ann.looking("long") as look:
            assert "C03" in look.texts("answer")[0], "the last thirty"
        _, text, _ = await ann.get("/c/long/earlier?before=t4")
        assert [f"C{number:02} is fine" in text for number in range(4)] == [True, True, True, False]
        assert '"earlier":false' in text


@pytest.mark.proves("web.list")
async def test_what_is_sent_to_a_person_stands_in_a_conversation_of_its_own(tmp_path: Path) -> None:
    async with page_at(tmp_path) as (app, web), visitor(web.address) as ann:
        await app.accept(
            Saying(
                event_id="1",
                address=Address(channel="web", chat="ann"),
                person=Person(id="bob"),
                sent_at=datetime.now(UTC),
                about="message",
                text="The report is ready.",
                sender="bob",
            )
        )
        async with ann.looking("home") as look:
            await look.sees("The report is ready.")
        _, text, _ = await ann.get("/conversations", Accept="application/json")
        assert "/c/home" in text


@pytest.mark.proves("web.search")
async def test_what_was_said_is_found_and_leads_to_its_place(tmp_path: Path) -> None:
    async with at_the_page(tmp_path, toolsets=[Functions([look_up])]) as ann, ann.looking("first") as look:
        await ann.says(look, "/look_up city=Zürich")
        await look.sees("Zürich is fine", "answer")
        _, text, _ = await ann.get("/search?q=zür")
        assert "<mark>" in text
        assert "/c/first?since=t1#from-t1" in text
        _, text, _ = await ann.get("/search?q=zür", Accept="text/html")
        assert "/c/first?since=t1#from-t1" in text, "also without the script"
        _, text, _ = await ann.get("/search?q=nowhere")
        assert "Nothing is found." in text


@pytest.mark.proves("web.feedback")
async def test_an_answer_can_be_rated(tmp_path: Path) -> None:
    async with (
        page_at(tmp_path, toolsets=[Functions([look_up])]) as (app, web),
        visitor(web.address) as ann,
        ann.looking("first") as look,
    ):
        await ann.says(look, "/look_up city=Oslo")
        await look.sees("fine", "answer")
        assert (await ann.post("/c/first/feedback", [("turn", "t1"), ("rating", "good")]))[0] == 200
        assert (await ann.post("/c/first/feedback", [("turn", "t1"), ("rating", "<b>")]))[0] == 400
        assert [each.rating for each in await app.store.rated("t1")] == ["good"]


@pytest.mark.proves("web.language")
async def test_the_page_speaks_the_language_of_its_person(tmp_path: Path) -> None:
    async with at_the_page(tmp_path) as ann, ann.looking("first") as look:
        await ann.says(look, "/language de")
        await look.until(lambda each: bool(each.texts("notice")))
        _, text, _ = await ann.get("/")
        assert '<html lang="de">' in text
        assert "Neues Gespräch" in text


@pytest.mark.proves("web.without_script")
async def test_without_the_script_forms_lead_back_to_the_conversation(tmp_path: Path) -> None:
    async with at_the_page(tmp_path) as ann:
        _, text, _ = await ann.get("/", Accept="text/html")
        (action,) = re.findall(r'action="([^"]+/messages)"', text)
        headers = {"Origin": ann.address}
        url = f"{ann.address}{action}"
        async with ann.http.post(url, headers=headers, data={"text": "/help"}, allow_redirects=False) as sent:
            assert sent.status == 303
            assert sent.headers["Location"] == action.removesuffix("/messages")
        async with ann.looking(action.split("/")[2]) as look:
            await look.until(lambda each: bool(each.texts("notice")))
        _, text, _ = await ann.get(action.removesuffix("/messages"), Accept="text/html")
        assert "/help" in text_of(text)
