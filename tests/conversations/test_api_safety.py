"""Tricks against the HTTP API, and what it says to them."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from adapters.web.api import operations
from adapters.web.api.operations import Operation
from adapters.web.api.tokens import Tokens
from bot.app import App
from bot.on_api import api_of
from bot.settings import read_settings
from bot.shelf import StoreShelf
from bot.tokens import added, removed
from orchestrator.errors import BadInput
from orchestrator.tools.functions import Functions, tool
from orchestrator.tools.spec import File
from tests.bot.command import errand_now
from tests.conversations.talk import outgoing
from tests.conversations.web_talk import api_of_page, page_at
from tests.fakes.api_program import LONGEST_WAIT, Program, program

PAGE_TOKEN = "a-token-of-some-length"
ASKS = {"sendMessage": {"event": "1", "text": "x"}, "answerQuestion": {"event": "1", "choice": "yes"}}


@tool(read_only=True)
def draw() -> list[File]:
    """Draw."""
    return [File("a.txt", "text/plain", b"a")]


async def token_of(app: App, name: str) -> str:
    return await Tokens(StoreShelf(app.store, "api")).add(name, name)


def operations_of(app: App, folder: Path) -> list[Operation]:
    return [
        each for each in api_of(read_settings(servers=str(folder / "none.json")), app).operations if not each.is_open
    ]


@asynccontextmanager
async def two_programs(folder: Path, **given: Any) -> AsyncIterator[tuple[App, Program, Program]]:
    """The programs of Ann and of Bob, at a server that wants tokens."""
    async with page_at(folder, web_token=PAGE_TOKEN, **given) as (app, web):
        tokens = [await token_of(app, name) for name in ("ann", "bob")]
        async with program(web.address, tokens[0]) as ann, program(web.address, tokens[1]) as bob:
            yield app, ann, bob


async def hers(ann: Program) -> dict[str, str]:
    """Ann has a conversation with a plan, a file, and a question; what they are called."""
    await ann.says("/plan a: draw()", wait=LONGEST_WAIT)
    asked = await ann.says("/send text=hello", wait=LONGEST_WAIT)
    question = asked["parts"][0]["part"]["id"]
    return {"session": "first", "turn": "t1", "plan": "t1", "question": question, "part": "t1.0", "number": "0"}


async def tried(who: Program, operation: Operation, names: dict[str, str]) -> tuple[int, Any]:
    path = operation.path.format(**names)
    given: dict[str, Any] = {"params": {"name": "a.txt"}, "data": b"a"} if operation.name == "uploadFile" else {}
    status, told, _ = await who.asks(operation.method, path, ASKS.get(operation.name), **given)
    return status, told


@pytest.mark.proves("api.tokens", "api.apart")
async def test_no_route_lets_in_anybody_without_a_token_or_shows_what_is_anothers(tmp_path: Path) -> None:
    sent, tools = outgoing()
    async with two_programs(tmp_path, toolsets=[tools, Functions([draw])]) as (app, ann, bob):
        names = await hers(ann)
        every = operations_of(app, tmp_path)
        assert len(every) == 11
        for operation in every:
            for wrong in ("", "errand_wrong", PAGE_TOKEN, "x" * 5_000):
                async with program(ann.address, wrong) as nobody:
                    status, told = await tried(nobody, operation, names)
                    assert (status, told["title"]) == (401, "Unauthorized"), operation.name
            status, told = await tried(bob, operation, names)
            assert status == (
                404 if operation.names else {"listSessions": 200, "uploadFile": 201}.get(operation.name, 202)
            )
            assert "first" not in str(told)
        assert (await bob.gets("/sessions"))["sessions"] != []
        assert sent == []
        assert (await ann.gets("/sessions/first"))["question"] == names["question"], "nobody has answered it"


@pytest.mark.proves("api.apart")
async def test_the_same_names_of_two_people_are_two_conversations(tmp_path: Path) -> None:
    async with two_programs(tmp_path) as (_, ann, bob):
        hers = await ann.says("/help", event="1", wait=LONGEST_WAIT)
        his = await bob.says("/help", event="1", wait=LONGEST_WAIT)
        assert hers["id"] != his["id"]
        assert [each["id"] for each in (await bob.gets("/sessions/first"))["turns"]] == [his["id"]]
        ref = (await ann.asks("POST", "/files?name=a.txt", data=b"a"))[1]["file"]
        status, told, _ = await bob.asks("POST", "/messages", {"event": "2", "text": "mine?", "files": [ref]})
        assert (status, told["title"]) == (404, "Not Found")


@pytest.mark.proves("api.apart")
async def test_a_name_that_begins_as_anothers_is_somebody_elses(tmp_path: Path) -> None:
    async with page_at(tmp_path, web_token=PAGE_TOKEN) as (app, web):
        tokens = [await token_of(app, name) for name in ("ann", "anna", "ann-2", "Ann")]
        async with program(web.address, tokens[0]) as ann:
            turn = await ann.says("/help", wait=LONGEST_WAIT)
        for token in tokens[1:]:
            async with program(web.address, token) as other:
                assert (await other.asks("GET", f"/turns/{turn['id']}"))[0] == 404
                assert (await other.gets("/sessions"))["sessions"] == []


@pytest.mark.proves("api.tokens")
async def test_where_the_page_is_open_to_this_machine_no_token_is_needed_but_a_wrong_one_is_wrong(
    tmp_path: Path,
) -> None:
    async with page_at(tmp_path) as (_, web), program(web.address) as ann, program(web.address, "wrong") as wrong:
        assert (await ann.asks("GET", "/sessions"))[0] == 200
        status, told, headers = await wrong.asks("GET", "/sessions")
        assert status == 401
        assert "errand token add" in told["detail"]
        assert headers["WWW-Authenticate"].startswith("Bearer")
        assert headers["Content-Type"] == "application/problem+json"


@pytest.mark.slow
@pytest.mark.proves("api.tokens")
async def test_tokens_are_made_listed_and_removed_on_the_command_line_and_only_hashes_are_kept(tmp_path: Path) -> None:
    database = f"--database={tmp_path / 'errand.db'}"

    def says(*words: str) -> str:
        done = errand_now(tmp_path, database, "token", *words)
        return (done.stdout + done.stderr).strip()

    token = says("add", "ci", "--person", "ann")
    assert re.fullmatch(r"errand_[\w-]{43}", token)
    assert says("list").startswith("ci: api:ann, since ")
    settings = read_settings(database=str(tmp_path / "errand.db"))
    with pytest.raises(BadInput, match="another name"):
        await added(settings, "ci", "")
    with pytest.raises(BadInput, match="is no name"):
        await added(settings, "a b", "")
    with pytest.raises(BadInput, match="no token 'cd'"):
        await removed(settings, "cd")
    assert token.encode() not in b"".join(each.read_bytes() for each in tmp_path.glob("errand.db*"))
    async with page_at(tmp_path, web_token=PAGE_TOKEN) as (_, web), program(web.address, token) as ci:
        await ci.says("/help", wait=LONGEST_WAIT)
        assert len((await ci.gets("/sessions"))["sessions"]) == 1
    assert says("remove", "ci") == "ci is not let in any more."
    async with page_at(tmp_path, web_token=PAGE_TOKEN) as (_, web), program(web.address, token) as ci:
        assert (await ci.asks("GET", "/sessions"))[0] == 401


@pytest.mark.proves("api.browser")
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"},
        {"Host": "evil.example"},
    ],
)
async def test_no_other_site_can_use_it(tmp_path: Path, headers: dict[str, str]) -> None:
    async with page_at(tmp_path) as (app, web), program(web.address) as ann:
        for method, path, data in (("POST", "/messages", b'{"event":"1","text":"x"}'), ("GET", "/sessions", b"")):
            sent = {"Content-Type": "application/json", **headers}
            async with ann.http.request(method, f"{web.address}/api/v1{path}", data=data, headers=sent) as got:
                expected = {403} if "Origin" in headers else {421} if "Host" in headers else {202, 403}
                assert got.status in expected
                assert "Access-Control-Allow-Origin" not in got.headers
        if "Origin" in headers:
            assert await app.store.sessions() == []
        for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
            status, _, _ = await ann.asks("POST", "/messages", data=b"{}", headers={"Content-Type": kind})
            assert status == 415, "what a form can send is not taken"


@pytest.mark.proves("api.shapes")
@pytest.mark.parametrize(
    ("path", "body", "status", "fix"),
    [
        ("/messages", b"", 422, "body"),
        ("/messages", b"{", 422, "JSON"),
        ("/messages", b"[]", 422, "object"),
        ("/messages", b"[" * 100_000, 422, "recursion limit"),
        ("/messages", b'{"text":"x"}', 422, "event: Field required"),
        ("/messages", b'{"event":"../x","text":"x"}', 422, "event: String should match"),
        ("/messages", b'{"event":"a\\n","text":"x"}', 422, "event"),
        ("/messages", b'{"event":"1","text":"\\ud800"}', 422, "JSON"),
        ("/messages", b'{"event":"1","text":"x","session":"a/b"}', 422, "session"),
        ("/messages", b'{"event":"1","text":"x","person":"bob"}', 422, "person: Extra inputs"),
        ("/messages", b'{"event":"1","files":["1","2","3","4","5","6","7","8","9","10","11"]}', 422, "files"),
        ("/messages?wait=61", b'{"event":"1","text":"x"}', 422, "less than or equal to 60"),
        ("/messages?wait=1&wait=2", b'{"event":"1","text":"x"}', 422, "wait: it is there twice"),
        ("/messages?now=1", b'{"event":"1","text":"x"}', 422, "now: Extra inputs"),
        ("/messages", b'{"event":"1","text":"' + b"x" * 1_000_000 + b'"}', 413, "1,000,000 bytes"),
        ("/questions/q1/answers", b'{"event":"1","choice":"x"}', 404, "no such question"),
        ("/questions/q1/answers", b'{"event":"1","values":{}}', 422, "values"),
        ("/questions/..%2fx/answers", b'{"event":"1","choice":"x"}', 404, "nothing at"),
        ("/nowhere", b"{}", 404, "openapi.json"),
        ("/sessions", b"{}", 405, "This takes GET"),
    ],
)
async def test_what_cannot_be_taken_is_told_with_the_fix(
    tmp_path: Path, path: str, body: bytes, status: int, fix: str
) -> None:
    async with page_at(tmp_path) as (app, web), program(web.address) as ann:
        kind = {"Content-Type": "application/json"}
        got, told, headers = await ann.asks("POST", path, data=body, headers=kind)
        assert (got, headers["Content-Type"]) == (status, "application/problem+json"), told
        assert fix in told["detail"]
        assert told["status"] == status
        assert await app.store.sessions() == []


@pytest.mark.proves("api.shapes")
@pytest.mark.parametrize(
    "path", ["/turns/t1'--", "/turns/%00", "/plans/..", "/files/t1.0/-1", "/sessions/a%2Fb", "/turns/t" + "9" * 400]
)
async def test_no_path_leads_out(tmp_path: Path, path: str) -> None:
    async with page_at(tmp_path) as (_, web), program(web.address) as ann:
        assert (await ann.asks("GET", path))[0] == 404


@pytest.mark.proves("api.shapes")
async def test_what_comes_too_slowly_is_sent_away_and_a_large_file_told_the_limit(tmp_path: Path) -> None:
    async with page_at(tmp_path, web_upload_mb=1) as (_, web), program(web.address) as ann:
        status, told, _ = await ann.asks("POST", "/files?name=big.bin", data=b"x" * 1_000_001)
        assert (status, told["detail"]) == (413, "That is too large: 1,000,000 bytes may come at once.")
        gone_quiet = asyncio.Event()

        async def slow() -> AsyncIterator[bytes]:
            yield b'{"event":'
            await gone_quiet.wait()

        with patch.object(operations, "FORM_SECONDS", 0.1):
            kind = {"Content-Type": "application/json"}
            status, told, _ = await ann.asks("POST", "/messages", data=slow(), headers=kind)
        gone_quiet.set()
        assert (status, told["detail"]) == (408, "That came too slowly.")
        assert (await ann.asks("GET", "/sessions"))[0] == 200, "the others were not held up"


@pytest.mark.proves("api.shapes")
async def test_while_errand_ends_nothing_is_taken_and_the_program_is_told_to_come_again(tmp_path: Path) -> None:
    async with page_at(tmp_path) as (app, web), program(web.address) as ann:
        api_of_page(web)._taking.accept = None  # as at its end
        status, _, headers = await ann.asks("POST", "/messages", {"event": "1", "text": "x"})
        assert (status, headers["Retry-After"]) == (503, "2")
        assert await app.store.sessions() == []


@pytest.mark.proves("api.answer")
async def test_the_rate_of_messages_holds_here_too(tmp_path: Path) -> None:
    async with page_at(tmp_path, messages_a_minute=1) as (_, web), program(web.address) as ann:
        await ann.says("Hello", wait=LONGEST_WAIT)
        turn = await ann.says("Hello again", wait=LONGEST_WAIT)
        assert "1 messages a minute" in turn["parts"][0]["part"]["text"]
