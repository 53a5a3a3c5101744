"""The local Slack's Web API: messages, conversations, reactions and files of an app, and what people see of them."""

from typing import Any

import aiohttp
import pytest

from tests.fakes.slack import Slack, VirtualClock
from tests.fakes.slack.client import client, connected, refused
from tests.fakes.slack.server import DEFAULT_SCOPES


def button(label: str, action: str = "go", **more: Any) -> dict[str, Any]:
    return {"type": "button", "action_id": action, "text": {"type": "plain_text", "text": label}, **more}


def section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


@pytest.mark.proves("fake_slack.messages")
async def test_an_app_writes_and_people_see_it() -> None:
    async with connected() as (app, world):
        ann = world.person("Ann")
        team = world.channel("team", ann)
        asked = await ann.mentions(team, "hi")
        blocks = [section(f"*Hello* <@{ann.id}>, see <https://a.example|this>"), {"type": "actions", "elements": []}]
        blocks[1]["elements"] = [button("Yes", "yes"), button("No", "no", style="danger")]
        await app.chat_postMessage(channel=team.id, text="Hello", blocks=blocks, thread_ts=asked.ts)
        shown = await team.thread(asked).shows("Hello")
        assert (shown.buttons, shown.thread_ts) == (["Yes", "No"], asked.ts)
        await app.chat_postEphemeral(channel=team.id, user=ann.id, text="psst")
        await app.reactions_add(channel=team.id, timestamp=asked.ts, name="eyes")
        assert team.transcript() == (
            "Ann: @Errand hi\n  (:eyes:)\n    Errand: *Hello* @Ann, see this (https://a.example)\n      [Yes] [No]\n"
            "Errand (only Ann sees this): psst"
        )
        assert team.transcript(world.person("Tom")).count("psst") == 0


@pytest.mark.proves("fake_slack.messages")
async def test_an_app_changes_and_deletes_what_it_said() -> None:
    async with connected() as (app, world):
        ann = world.person("Ann")
        dm = ann.direct()
        sent = await app.chat_postMessage(channel=ann.id, markdown_text="**one**")
        ts = str(sent["ts"])
        await app.chat_update(channel=dm.id, ts=ts, text="two")
        assert await refused(app.chat_update(channel=dm.id, ts=ts, text="x" * 4001)) == "msg_too_long"
        shown = await dm.shows("two")
        assert "edited" in shown.wire
        assert [text for _, text in shown.revisions] == ["**one**", "two"]
        hers = await ann.says(dm, "mine")
        assert await refused(app.chat_update(channel=dm.id, ts=hers.ts, text="x")) == "cant_update_message"
        assert await refused(app.chat_delete(channel=dm.id, ts=hers.ts)) == "cant_delete_message"
        await app.chat_delete(channel=dm.id, ts=ts)
        assert await refused(app.chat_update(channel=dm.id, ts=ts, text="x")) == "message_not_found"
        assert dm.transcript() == "Ann: mine"
        link = await app.chat_getPermalink(channel=dm.id, message_ts=hers.ts)
        assert hers.ts.replace(".", "") in str(link["permalink"])


@pytest.mark.proves("fake_slack.refusals")
async def test_what_slack_refuses_is_refused_in_its_words() -> None:
    async with connected() as (app, world):
        ann = world.person("Ann")
        team, private = world.channel("team", ann, bot=False), world.channel("secret", ann, bot=False, private=True)
        dm = ann.direct()
        for call, error in (
            (app.chat_postMessage(channel="C404", text="x"), "channel_not_found"),
            (app.chat_postMessage(channel=private.id, text="x"), "channel_not_found"),
            (app.chat_postMessage(channel=team.id, text="x"), "not_in_channel"),
            (app.api_call("chat.postMessage", json={"channel": dm.id, "text": ""}), "no_text"),
            (app.chat_postMessage(channel=dm.id, text="x" * 40_001), "msg_too_long"),
            (app.chat_postMessage(channel=dm.id, markdown_text="x" * 12_001), "msg_too_long"),
            (app.chat_postMessage(channel=dm.id, text="x", thread_ts="1.2"), "thread_not_found"),
            (app.reactions_add(channel=dm.id, timestamp="1.2", name="eyes"), "message_not_found"),
            (app.chat_postMessage(channel=dm.id, text="x", blocks=[section("x" * 3000)] * 5), "msg_blocks_too_long"),
            (app.agents_sessions_setStatus(channel_id=dm.id, status="busy"), "invalid_status"),
            (app.agents_sessions_setStatus(channel_id=dm.id, status="active"), "thread_ts_required"),
            (app.users_info(user="U404"), "user_not_found"),
            (app.files_info(file="F404"), "file_not_found"),
            (app.conversations_replies(channel=dm.id, ts="1.2"), "thread_not_found"),
        ):
            assert await refused(call) == error
        asked = await ann.says(dm, "x")
        await app.reactions_add(channel=dm.id, timestamp=asked.ts, name="eyes")
        again = app.reactions_add(channel=dm.id, timestamp=asked.ts, name="eyes")
        assert await refused(again) == "already_reacted"
        assert await refused(app.reactions_add(channel=dm.id, timestamp=asked.ts, name=":eyes:")) == "invalid_name"
        assert await refused(app.reactions_remove(channel=dm.id, timestamp=asked.ts, name="x")) == "no_reaction"
        await ann.invites_bot(team)
        ann.archives(team)
        assert await refused(app.chat_postMessage(channel=team.id, text="x")) == "is_archived"


@pytest.mark.proves("fake_slack.refusals")
async def test_tokens_are_looked_at_first() -> None:
    async with connected(scopes=DEFAULT_SCOPES - {"chat:write"}) as (app, world):
        dm = world.person("Ann").direct()
        with pytest.raises(Exception, match="missing_scope") as error:
            await app.chat_postMessage(channel=dm.id, text="x")
        assert error.value.response["needed"] == "chat:write"  # type: ignore[attr-defined]
        assert "users:read" in error.value.response["provided"]  # type: ignore[attr-defined]
        assert await refused(client(world, "xoxb-wrong").auth_test()) == "invalid_auth"
        assert await refused(client(world, world.app_token).auth_test()) == "not_allowed_token_type"
        opens = client(world, world.bot_token).apps_connections_open(app_token=world.bot_token)
        assert await refused(opens) == "not_allowed_token_type"
        async with aiohttp.ClientSession() as session, session.post(f"{world.api_url}auth.test") as answer:
            assert (answer.status, (await answer.json())["error"]) == (200, "not_authed")
        world.revokes()
        assert await refused(app.auth_test()) == "token_revoked"


@pytest.mark.proves("fake_slack.messages")
async def test_a_form_says_the_same_as_json() -> None:
    async with connected() as (_, world):
        dm = world.person("Ann").direct()
        form = {"channel": dm.id, "text": "x", "blocks": '[{"type": "divider"}]', "unfurl_links": "0"}
        header = {"Authorization": f"Bearer {world.bot_token}"}
        async with aiohttp.ClientSession(headers=header) as session:
            async with session.post(f"{world.api_url}chat.postMessage", data=form) as answer:
                assert (await answer.json())["message"]["blocks"][0]["type"] == "divider"
            async with session.post(f"{world.api_url}chat.postMessage", data="{", headers=JSON) as answer:
                assert (await answer.json())["error"] == "invalid_json"
            async with session.post(f"{world.api_url}chat.postMessage", data=form | {"blocks": "["}) as answer:
                assert (await answer.json())["error"] == "invalid_blocks_format"


JSON = {"Content-Type": "application/json"}


@pytest.mark.proves("fake_slack.looking")
async def test_an_app_looks_around() -> None:
    async with connected() as (app, world):
        ann, tom = world.person("Ann", language="de-DE"), world.person("Tom", stranger=True)
        team = world.channel("team", ann, tom)
        root = await ann.says(team, "root")
        for number in range(4):
            await tom.says(team.thread(root), f"answer {number}")
        me = await app.auth_test()
        assert (me["user_id"], me["bot_id"], me["team_id"]) == (world.bot_user, world.bot_id, world.team_id)
        assert (await app.users_info(user=ann.id, include_locale=True))["user"]["locale"] == "de-DE"
        assert (await app.users_info(user=tom.id))["user"]["is_stranger"]
        assert (await app.team_info())["team"]["name"] == "Acme"
        assert (await app.bots_info(bot=world.bot_id))["bot"]["user_id"] == world.bot_user
        info = (await app.conversations_info(channel=team.id))["channel"]
        assert (info["name"], info["is_member"], info["is_ext_shared"]) == ("team", True, True)
        assert (await app.conversations_members(channel=team.id))["members"] == [ann.id, tom.id, world.bot_user]
        assert (await app.conversations_open(users=[ann.id]))["channel"]["id"] == ann.direct().id
        history = (await app.conversations_history(channel=team.id))["messages"]
        assert [(each["text"], each["reply_count"]) for each in history] == [("root", 4)]
        replies = await app.conversations_replies(channel=team.id, ts=root.ts, limit=3)
        pages = [[each["text"] for each in page["messages"]] async for page in replies]
        assert pages == [["root", "answer 0", "answer 1"], ["answer 2", "answer 3"]]
        since = {"oldest": history[0]["latest_reply"], "inclusive": True}
        later = await app.conversations_replies(channel=team.id, ts=root.ts, **since)
        assert [each["text"] for each in later["messages"]] == ["answer 3"]


@pytest.mark.proves("fake_slack.files")
async def test_files_go_both_ways() -> None:
    async with connected() as (app, world):
        ann = world.person("Ann")
        dm = ann.direct()
        asked = await ann.uploads(dm, "notes.txt", b"hello", text="look")
        url = asked.files[0]["url_private_download"]
        assert await downloaded(world, url, world.bot_token) == (b"hello", "text/plain")
        page, kind = await downloaded(world, url, "xoxb-wrong")
        assert (kind, b"Sign in" in page) == ("text/html", True)
        await app.files_upload_v2(
            channel=dm.id, thread_ts=asked.ts, filename="a.csv", content="1,2", title="Numbers", initial_comment="Here"
        )
        shown = await dm.thread(asked).shows("Here")
        assert await downloaded(world, shown.files[0]["url_private"], world.bot_token) == (b"1,2", "text/csv")
        assert dm.transcript() == "Ann: look\n  <file: notes.txt>\n    Errand: Here\n      <file: a.csv>"
        info = (await app.files_info(file=shown.files[0]["id"]))["file"]
        assert (info["title"], info["size"], info["channels"]) == ("Numbers", 3, [dm.id])
        never = app.files_completeUploadExternal(files=[{"id": "F404", "title": "x"}], channel_id=dm.id)
        assert await refused(never) == "file_not_found"


async def downloaded(world: Slack, url: str, token: str) -> tuple[bytes, str]:
    header = {"Authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession(headers=header) as session, session.get(url) as answer:
        assert answer.status == 200
        return await answer.read(), answer.content_type


@pytest.mark.proves("fake_slack.sessions")
async def test_an_agent_says_what_it_is_doing() -> None:
    clock = VirtualClock()
    async with connected(clock=clock) as (app, world):
        ann = world.person("Ann")
        dm = await ann.opens_agent()
        await app.assistant_threads_setSuggestedPrompts(
            channel_id=dm.id, title="Try", prompts=[{"title": "Time", "message": "What time is it?"}]
        )
        asked = await ann.chooses_prompt(dm, "Time")
        thread = dm.thread(asked)
        told = await app.agents_sessions_setStatus(
            channel_id=dm.id, thread_ts=asked.ts, status="processing", title="The time"
        )
        assert (told.get("warning"), thread.session, thread.stoppable) == (None, "processing", True)
        where: Any = {"channel_id": dm.id, "thread_ts": asked.ts}
        await app.assistant_threads_setStatus(**where, status="is thinking", loading_messages=["Hm"])
        assert (thread.status, thread.loading) == ("is thinking", ["Hm"])
        await app.agents_sessions_rename(**where, title="Clock")
        assert thread.transcript() == "Ann: What time is it?\n# title: Clock\n# status: is thinking\n# working [Stop]"
        await app.chat_postMessage(channel=dm.id, thread_ts=asked.ts, text="Noon")
        await app.agents_sessions_setStatus(**where, status="active", title="ignored")
        assert (thread.status, thread.states, thread.title) == ("", ["processing", "active"], "Clock")
        await app.assistant_threads_setStatus(**where, status="is back")
        assert thread.status == "is back"
        clock.advance(121)
        assert thread.status == ""
        await app.assistant_threads_setTitle(**where, title="Noon")
        assert thread.title == "Noon"


@pytest.mark.proves("fake_slack.sessions")
async def test_stop_is_shown_only_where_the_app_hears_it() -> None:
    async with connected(events={"message.im"}) as (app, world):
        dm = (ann := world.person("Ann")).direct()
        asked = await ann.says(dm, "x")
        told = await app.agents_sessions_setStatus(channel_id=dm.id, thread_ts=asked.ts, status="processing")
        assert told["warning"] == "missing_agent_session_stopped_event_subscription"
        with pytest.raises(AssertionError, match="no Stop button"):
            await ann.presses_stop(dm.thread(asked))
        assert await refused(app.agents_sessions_rename(channel_id=dm.id, thread_ts="1.2", title="x"))


@pytest.mark.proves("fake_slack.views")
async def test_a_trigger_opens_one_modal_and_soon() -> None:
    clock = VirtualClock()
    async with connected(clock=clock) as (app, world):
        ann = world.person("Ann")
        view = {"type": "modal", "title": {"type": "plain_text", "text": "Hi"}, "blocks": [section("x")]}
        trigger = (await ann.uses_global("x")).trigger_id
        opened = await app.views_open(trigger_id=trigger, view=view)
        assert ann.modal
        assert ann.modal.title == "Hi"
        assert await refused(app.views_open(trigger_id=trigger, view=view)) == "exchanged_trigger_id"
        assert await refused(app.views_open(trigger_id="1.2.x", view=view)) == "invalid_trigger_id"
        late = (await ann.uses_global("x")).trigger_id
        clock.advance(4)
        assert await refused(app.views_open(trigger_id=late, view=view)) == "expired_trigger_id"
        there = {"view_id": opened["view"]["id"]}
        changed = await app.views_update(**there, hash=opened["view"]["hash"], view=view | {"external_id": "e"})
        stale = app.views_update(**there, hash=opened["view"]["hash"], view=view)
        assert await refused(stale) == "hash_conflict"
        trigger = (await ann.uses_global("x")).trigger_id
        await app.views_push(trigger_id=trigger, view=view | {"title": {"type": "plain_text", "text": "Second"}})
        assert ann.modal.title == "Second"
        assert changed["view"]["external_id"] == "e"
        await ann.closes()
        await ann.closes()
        assert await refused(app.views_update(**there, view=view)) == "not_found"
        await app.views_publish(user_id=ann.id, view={"type": "home", "blocks": [section("Welcome")]})
        assert ann.home
        assert ann.home.wire["blocks"][0]["text"]["text"] == "Welcome"
