"""The local Slack's trouble: faults that tests order, rates, installs and removals, and what is wrong with calls."""

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from slack_sdk.errors import SlackApiError

from tests.fakes.slack import Chat, Person, Slack, Tiers, VirtualClock, limits, schema, slack
from tests.fakes.slack.acting import Acted
from tests.fakes.slack.client import client, connected, refused
from tests.fakes.slack.faults import Faults
from tests.fakes.slack.making import cache_path


@pytest.mark.proves("fake_slack.faults")
async def test_trouble_comes_as_it_is_ordered() -> None:
    async with connected() as (app, world):
        dm = world.person("Ann").direct()
        world.faults.refuse("chat.postMessage", "fatal_error", contains="one")
        world.faults.limit("chat.postMessage", seconds=7, contains="two")
        world.faults.fail("chat.postMessage", status=503, contains="three")
        assert await refused(app.chat_postMessage(channel=dm.id, text="one")) == "fatal_error"
        with pytest.raises(SlackApiError) as limited:
            await app.chat_postMessage(channel=dm.id, text="two")
        assert (limited.value.response.status_code, limited.value.response.headers["Retry-After"]) == (429, "7")
        assert await refused(app.chat_postMessage(channel=dm.id, text="three")) == "internal_error"
        assert dm.messages == []
        app.retry_handlers.clear()  # it would do it a second time by itself
        world.faults.lose_answer("chat.postMessage")
        with pytest.raises(aiohttp.ClientError):
            await app.chat_postMessage(channel=dm.id, text="done, and nobody knows")
        world.faults.drop("chat.postMessage")
        with pytest.raises(aiohttp.ClientError):
            await app.chat_postMessage(channel=dm.id, text="not done")
        assert dm.transcript() == "Errand: done, and nobody knows"
        assert [each.status for each in world.called("chat.postMessage")] == [200, 429, 503, 0, 0]


@pytest.mark.proves("fake_slack.faults")
async def test_an_answer_can_be_held_back() -> None:
    clock = VirtualClock()
    async with connected(clock=clock) as (app, world):
        dm = world.person("Ann").direct()
        held = world.faults.hold("chat.postMessage")
        call = asyncio.ensure_future(app.chat_postMessage(channel=dm.id, text="x"))
        await dm.shows("x")
        assert not call.done()
        held.release()
        assert (await call)["ok"]
        world.faults.slow("chat.postMessage", 5)
        call = asyncio.ensure_future(app.chat_postMessage(channel=dm.id, text="y"))
        await dm.shows("y")
        await world.until(lambda: clock.is_awaited)
        assert not call.done()
        clock.advance(5)
        assert (await call)["ok"]


@pytest.mark.proves("fake_slack.rates")
async def test_a_channel_takes_a_burst_and_then_one_a_second() -> None:
    clock = VirtualClock()
    async with connected(clock=clock, tiers=Tiers(burst=2)) as (app, world):
        dm, other = world.person("Ann").direct(), world.person("Tom").direct()
        for _ in range(2):
            await app.chat_postMessage(channel=dm.id, text="x")
        assert await refused(app.chat_postMessage(channel=dm.id, text="x")) == "ratelimited"
        await app.chat_postMessage(channel=other.id, text="x")
        clock.advance(1)
        await app.chat_postMessage(channel=dm.id, text="x")
        assert world.statuses[429] == 1


@pytest.mark.proves("fake_slack.rates")
async def test_a_method_has_its_tier() -> None:
    clock = VirtualClock()
    async with connected(clock=clock) as (app, world):
        dm = world.person("Ann").direct()
        ts = str((await app.chat_postMessage(channel=dm.id, text="x"))["ts"])
        for number in range(50):
            await app.chat_update(channel=dm.id, ts=ts, text=str(number))
        with pytest.raises(SlackApiError) as limited:
            await app.chat_update(channel=dm.id, ts=ts, text="x")
        assert limited.value.response.headers["Retry-After"] == "60"
        clock.advance(60)
        await app.chat_update(channel=dm.id, ts=ts, text="y")


@pytest.mark.filterwarnings("ignore:BasicAuth is deprecated")  # slack_sdk uses it
@pytest.mark.proves("fake_slack.installs")
async def test_an_app_is_installed_in_another_workspace() -> None:
    async with connected() as (app, world):
        globex = world.workspace("Globex")
        bob = world.person("Bob", team=globex)
        keys = {"client_id": world.client_id, "client_secret": world.client_secret}
        code = world.authorizes(globex, by=bob)
        wrong = app.oauth_v2_access(client_id=world.client_id, client_secret="x", code=code)
        assert await refused(wrong) == "bad_client_secret"
        told = await app.oauth_v2_access(**keys, code=code)
        assert (told["team"]["id"], told["authed_user"]["id"]) == (globex.id, bob.id)
        assert await refused(app.oauth_v2_access(**keys, code=code)) == "invalid_code"
        there = client(world, str(told["access_token"]))
        await there.chat_postMessage(channel=bob.id, text="Hello")
        assert await refused(app.chat_postMessage(channel=bob.direct().id, text="x")) == "channel_not_found"
        await bob.says(bob.direct(), "Hi")
        assert world.sent[-1].body["authorizations"][0]["team_id"] == globex.id
        world.uninstalls(globex)
        assert [each.event["type"] for each in world.sent[-2:]] == ["tokens_revoked", "app_uninstalled"]
        assert await refused(there.auth_test()) == "account_inactive"


@pytest.mark.proves("fake_slack.installs")
async def test_an_organisation_installs_for_all_of_its_workspaces() -> None:
    async with connected() as (_, world):
        org = world.workspace("Org", enterprise="E1", org_wide=True)
        bob = world.person("Bob", team=org)
        await bob.says(bob.direct(), "Hi")
        body = world.sent[-1].body
        assert (body["team_id"], body["enterprise_id"]) == (org.id, "E1")
        authorization = body["authorizations"][0]
        assert (authorization["team_id"], authorization["is_enterprise_install"]) == (None, True)


@pytest.mark.proves("fake_slack.installs")
async def test_a_manifest_is_looked_at() -> None:
    async with slack() as world:
        app = client(world)
        told = {"bot_events": ["app_mention", "agent_session_stopped"]}
        good = {"display_information": {"name": "Errand"}, "settings": {"event_subscriptions": told}}
        assert (await app.api_call("apps.manifest.validate", json={"manifest": good}))["ok"]
        bad = app.api_call("apps.manifest.validate", json={"manifest": {"nope": 1}})
        assert await refused(bad) == "invalid_manifest"
        assert world.problems == ["apps.manifest.validate: manifest: 'display_information' is a required property"]


GOOD_BUTTON = {"type": "button", "action_id": "x", "text": {"type": "plain_text", "text": "x"}}


@pytest.mark.proves("fake_slack.validator")
@pytest.mark.parametrize(
    ("method", "given", "words"),
    [
        ("chat.postMessage", {"channel": "D", "text": "x", "nope": 1}, "'nope' was unexpected"),
        ("chat.postMessage", {"channel": "D"}, "'text' is a required property"),
        ("chat.postMessage", {"channel": "D", "text": "x", "blocks": [{"type": "nope"}]}, "nope: unknown type"),
        (
            "chat.postMessage",
            {
                "channel": "D",
                "text": "x",
                "blocks": [{"type": "actions", "elements": [GOOD_BUTTON | {"style": "red"}]}],
            },
            "actions: elements/0/style: 'red' is not one of",
        ),
        (
            "chat.appendStream",
            {"channel": "D", "ts": "1", "chunks": [{"type": "task_update", "id": "1", "title": "x", "status": "run"}]},
            "task_update: status: 'run' is not one of",
        ),
        ("chat.startStream", {"channel": "D"}, "'thread_ts' is a required property"),
        ("views.open", {"trigger_id": "1", "view": {"type": "modal", "blocks": [GOOD_BUTTON]}}, "button: unknown type"),
    ],
)
async def test_calls_are_checked_against_slacks_types(method: str, given: Any, words: str) -> None:
    if schema.why_not():
        pytest.skip(f"not validated: {schema.why_not()}")
    assert words in " ".join(schema.schemas().problems(method, given))


@pytest.mark.proves("fake_slack.validator")
async def test_what_is_wrong_with_a_call_is_written_down() -> None:
    async with slack() as world:
        app, dm = client(world), world.person("Ann").direct()
        blocks = [{"type": "actions", "elements": [GOOD_BUTTON] * 2}]
        assert await refused(app.chat_postMessage(channel=dm.id, text="x", blocks=blocks)) == "invalid_blocks"
        assert await refused(app.api_call("chat.nope")) == "unknown_method"
        assert world.problems == [
            "chat.postMessage: invalid_blocks [ERROR] action_id already exists: x [/blocks/0]",
            "chat.nope: unknown_method",
        ]


@pytest.mark.proves("fake_slack.validator")
async def test_without_node_the_limits_still_hold(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", "")
    schema.why_not.cache_clear()
    schema.schemas.cache_clear()
    try:
        async with slack() as world:
            assert (world.validated, world.not_validated) == (False, "node and npm not found")
            app, dm = client(world), world.person("Ann").direct()
            blocks = [{"type": "nope"}]
            assert await refused(app.chat_postMessage(channel=dm.id, text="x", blocks=blocks)) == "invalid_blocks"
            assert not cache_path().exists()
    finally:
        schema.why_not.cache_clear()
        schema.schemas.cache_clear()


def plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text}


@pytest.mark.proves("fake_slack.limits")
@pytest.mark.parametrize(
    ("block", "words"),
    [
        ({"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3001}}, "at most 3000 characters"),
        ({"type": "section", "fields": [plain("x" * 2001)]}, "at most 2000 characters"),
        ({"type": "section"}, "text or fields"),
        ({"type": "section", "text": plain("")}, "more than 0"),
        ({"type": "markdown", "text": "x" * 12_001}, "at most 12000"),
        ({"type": "header", "text": plain("x" * 151)}, "at most 150"),
        ({"type": "actions", "elements": [GOOD_BUTTON | {"action_id": str(n)} for n in range(26)]}, "between 1 and 25"),
        ({"type": "actions", "elements": [GOOD_BUTTON | {"text": plain("x" * 76)}]}, "at most 75"),
        ({"type": "actions", "elements": [GOOD_BUTTON | {"value": "x" * 2001}]}, "at most 2000"),
        ({"type": "actions", "elements": [GOOD_BUTTON | {"action_id": "x" * 256}]}, "at most 255"),
        ({"type": "divider", "block_id": "x" * 256}, "at most 255"),
        ({"type": "table", "rows": [[{"type": "raw_text", "text": "x"}]] * 101}, "between 1 and 100"),
        ({"type": "table", "rows": [[{"type": "raw_text", "text": "x"}] * 21]}, "20 columns"),
        ({"type": "table", "rows": [[{"type": "raw_text", "text": "x" * 10_001}]]}, "at most 10000"),
        ({"type": "table", "rows": [[{"type": "raw_text", "text": ""}]]}, "more than 0"),
        (
            {
                "type": "section",
                "text": plain("x"),
                "accessory": GOOD_BUTTON | {"confirm": {"title": plain("x" * 101)}},
            },
            "",
        ),
        (
            {
                "type": "input",
                "label": plain("x"),
                "element": {
                    "type": "static_select",
                    "options": [{"text": plain(str(n)), "value": str(n)} for n in range(101)],
                },
            },
            "between 1 and 100",
        ),
        ({"type": "card", "body": {"type": "mrkdwn", "text": "x" * 201}}, "at most 200"),
        ({"type": "context", "elements": [plain("x")] * 11}, "between 1 and 10"),
    ],
)
def test_blocks_have_limits(block: Any, words: str) -> None:
    problems = limits.message_problems([block])
    assert words in " ".join(problems)
    assert bool(problems) == bool(words)


@pytest.mark.proves("fake_slack.limits")
def test_messages_and_views_have_limits() -> None:
    divider = {"type": "divider"}
    table: dict[str, Any] = {"type": "table", "rows": [[{"type": "raw_text", "text": "x"}]]}
    assert limits.message_problems([divider] * 50) == []
    assert "no more than 50" in limits.message_problems([divider] * 51)[0]
    written = "| a | b |\n|---|:-:|\n| 1 | 2 |\n"
    assert limits.tables([{"type": "markdown", "text": f"{written}\n```\n{written}```\n"}, divider]) == 1
    assert limits.tables([table, {"type": "container", "child_blocks": [table]}]) == 2
    twice = [divider | {"block_id": "a"}] * 2
    assert "block_id already exists" in limits.message_problems(twice)[0]
    view = {"type": "modal", "title": plain("x" * 25), "blocks": [divider], "private_metadata": "x" * 3001}
    assert len(limits.view_problems(view)) == 2
    form = {"type": "modal", "title": plain("x"), "blocks": [{"type": "input", "label": plain("x"), "element": {}}]}
    assert "submit" in limits.view_problems(form)[0]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text("ab ", max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["type", "text", "x"]), inner),
    max_leaves=8,
)


@pytest.mark.proves("fake_slack.limits")
@settings(max_examples=50)
@given(st.lists(st.dictionaries(st.sampled_from(["type", "text", "elements", "fields", "rows", "block_id"]), JSON)))
def test_no_block_is_too_odd_to_be_looked_at(blocks: Any) -> None:
    assert isinstance(limits.message_problems(blocks), list)


@pytest.mark.proves("fake_slack.prompt")
def test_the_page_names_what_there_is() -> None:
    page = (Path(__file__).parents[2] / "docs" / "fake_slack.md").read_text()
    rows = re.findall(
        r"^\| (?:say|do|forms|agent|channels|see|what came of it|disturb calls|count) \| (.*) \|$", page, re.MULTILINE
    )
    named = {name for row in rows for name in re.findall(r"`(\w+)", row)} - {"broadcast", "unfurls", "message", "world"}
    doors = (Acted, Chat, Faults, Person, Slack)
    assert [name for name in named if not any(hasattr(each, name) for each in doors) and name != "errors"] == []
    assert len(rows) == 9


@pytest.mark.proves("fake_slack.prompt")
def test_an_app_can_be_tried_in_a_terminal() -> None:
    command = [sys.executable, "-m", "tests.fakes.slack", "--port", "0"]
    typed = "hello\n#team hi\n/errand help\n:show\n:quit\n"
    root = Path(__file__).parents[2]
    done = subprocess.run(
        command, input=typed, capture_output=True, text=True, cwd=root, timeout=50, check=True, env=dict(os.environ)
    )
    assert "bot token  xoxb-" in done.stdout
    assert "You: hello" in done.stdout
    assert done.stderr == ""
