"""The local Slack's people: every kind of thing that they do reaches a real Bolt app, over a socket and over HTTP."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from slack_bolt.async_app import AsyncApp

from tests.fakes.slack import Slack, slack
from tests.fakes.slack.client import app_of, listening

FORM = {
    "type": "modal",
    "callback_id": "form",
    "private_metadata": "7",
    "notify_on_close": True,
    "title": {"type": "plain_text", "text": "More"},
    "submit": {"type": "plain_text", "text": "Go"},
    "blocks": [
        {
            "type": "input",
            "block_id": "name",
            "label": {"type": "plain_text", "text": "Name"},
            "element": {"type": "plain_text_input", "action_id": "a"},
        },
        {
            "type": "input",
            "block_id": "when",
            "optional": True,
            "label": {"type": "plain_text", "text": "When"},
            "element": {
                "type": "static_select",
                "action_id": "b",
                "options": [
                    {"text": {"type": "plain_text", "text": each}, "value": each.lower()} for each in ("Now", "Later")
                ],
            },
        },
    ],
}
RATING: dict[str, Any] = {
    "type": "feedback_buttons",
    "action_id": "rate",
    "positive_button": {"text": {"type": "plain_text", "text": "Good"}, "value": "+"},
    "negative_button": {"text": {"type": "plain_text", "text": "Bad"}, "value": "-"},
}


@asynccontextmanager
async def running(world: Slack, app: AsyncApp, mode: str) -> AsyncIterator[None]:
    """The app, over a socket or as a web server."""
    if mode == "socket":
        async with listening(world, app):
            yield
        return
    runner = web.AppRunner(app.server(port=0, path="/slack/events").web_app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    assert await world.verifies(f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events")
    try:
        yield
    finally:
        await runner.cleanup()


class Heard:
    """An app that writes down what it hears."""

    def __init__(self, world: Slack) -> None:
        self.app = app_of(world, ignoring_self_events_enabled=False)
        self.world = world
        self.events: list[dict[str, Any]] = []
        self.app.event({"type": "message"})(self.hear)
        for kind in (world.subscribed | {"x"}) - {each for each in world.subscribed if "." in each}:
            self.app.event(kind)(self.hear)

    async def hear(self, event: dict[str, Any]) -> None:
        self.events.append(event)
        self.world.changes.tell()

    async def heard(self, kind: str, subtype: str | None = None) -> dict[str, Any]:
        """The latest event of this kind, once there is one."""

        def found() -> dict[str, Any] | None:
            these = [each for each in self.events if (each["type"], each.get("subtype")) == (kind, subtype)]
            return these[-1] if these else None

        failing = f"no {kind} {subtype} among {[(each['type'], each.get('subtype')) for each in self.events]}"
        return await self.world.changes.until(found, seconds=5, failing=lambda: failing)


@pytest.mark.proves("fake_slack.events")
@pytest.mark.parametrize("mode", ["socket", "http"])
async def test_what_people_do_reaches_the_app(mode: Any) -> None:
    async with slack(mode=mode) as world:
        heard = Heard(world)
        ann, tom = world.person("Ann"), world.person("Tom")
        team, dm = world.channel("team", ann), ann.direct()
        async with running(world, heard.app, mode):
            asked = await ann.mentions(team, "a < b & https://a.example")
            mention = await heard.heard("app_mention")
            assert mention["text"] == f"<@{world.bot_user}> a &lt; b &amp; <https://a.example>"
            assert (await heard.heard("message"))["ts"] == mention["ts"] == asked.ts
            await ann.edits(asked, "b")
            changed = await heard.heard("message", "message_changed")
            assert (changed["message"]["text"], changed["previous_message"]["ts"]) == ("b", asked.ts)
            await ann.says(team.thread(asked), "to all", broadcast=True)
            assert (await heard.heard("message", "thread_broadcast"))["thread_ts"] == asked.ts
            await ann.uploads(dm, "a.txt", b"x")
            assert (await heard.heard("message", "file_share"))["files"][0]["name"] == "a.txt"
            link = await ann.says(team, "https://a.example", unfurls=True)
            await world.until(lambda: any((e.get("message") or {}).get("ts") == link.ts for e in heard.events))
            assert "edited" not in (await heard.heard("message", "message_changed"))["message"]
            await ann.deletes(link)
            assert (await heard.heard("message", "message_deleted"))["deleted_ts"] == link.ts
            await world.other_bot("Deploy").says(team, "done")
            assert (await heard.heard("message", "bot_message"))["username"] == "Deploy"
            await ann.reacts(asked, "eyes")
            assert (await heard.heard("reaction_added"))["item"]["ts"] == asked.ts
            await tom.joins(team)
            assert (await heard.heard("member_joined_channel"))["user"] == tom.id
            await ann.opens_agent()
            assert (await heard.heard("app_home_opened"))["tab"] == "messages"
            await ann.looks_at(team)
            context = (await heard.heard("app_context_changed"))["context"]
            assert context["entities"][0]["value"] == team.id
            told = await ann.says(dm, "about this")
            await world.until(lambda: heard.events[-1].get("ts") == told.ts)
            assert heard.events[-1]["app_context"] == context
            await ann.renames(dm.thread(told), "This")
            assert (await heard.heard("agent_session_title_changed"))["title"] == "This"
        assert world.problems == []
        assert all(each.delay < 3 for each in world.acks)


@pytest.mark.proves("fake_slack.events")
async def test_an_app_hears_itself_and_must_not_answer() -> None:
    async with slack() as world:
        heard = Heard(world)
        dm = world.person("Ann").direct()
        async with running(world, heard.app, "socket"):
            sent = await heard.app.client.chat_postMessage(channel=dm.id, text="x")
            own = await heard.heard("message")
            assert (own["user"], own["bot_id"], own["ts"]) == (world.bot_user, world.bot_id, sent["ts"])
            assert "app_mention" not in [each["type"] for each in heard.events]
        assert world.problems == []


@pytest.mark.proves("fake_slack.events")
async def test_an_old_workspace_starts_threads_for_its_assistant() -> None:
    async with slack(agent_view=False) as world:
        heard = Heard(world)
        async with running(world, heard.app, "socket"):
            chat = await world.person("Ann").opens_agent()
            started = (await heard.heard("assistant_thread_started"))["assistant_thread"]
            assert started["thread_ts"] == chat.thread_ts
            prompts = [{"title": "Hi", "message": "Hello"}]
            where = {"channel_id": chat.id, "thread_ts": str(chat.thread_ts)}
            await heard.app.client.assistant_threads_setSuggestedPrompts(**where, prompts=prompts)
            assert chat.prompts == [("Hi", "Hello")]
        assert world.problems == []


@pytest.mark.proves("fake_slack.interactions")
@pytest.mark.parametrize("mode", ["socket", "http"])
async def test_commands_presses_and_shortcuts_reach_the_app(mode: Any) -> None:
    async with slack(mode=mode) as world:
        app = app_of(world)
        ann = world.person("Ann")
        team = world.channel("team", ann)

        async def command(ack: Any, respond: Any, command: dict[str, Any]) -> None:
            await ack("wait")
            await respond(f"{command['command']} {command['text']}", response_type="in_channel")

        async def press(ack: Any, respond: Any, body: dict[str, Any]) -> None:
            await ack()
            await respond(f"chosen: {body['actions'][0]['value']}", replace_original=True)

        async def shortcut(ack: Any, client: Any, body: dict[str, Any]) -> None:
            await ack()
            await client.views_open(trigger_id=body["trigger_id"], view=FORM | {"callback_id": body["type"]})

        app.command("/errand")(command)
        app.action("rate")(press)
        app.shortcut("note")(shortcut)
        async with running(world, app, mode):
            acted = await ann.runs(team, "/errand help me")
            assert not (await acted.responded("/errand help me")).ephemeral_for
            assert (await team.shows_to(ann, "wait")).ephemeral_for == ann.id
            blocks = [{"type": "context_actions", "elements": [RATING]}]
            await app.client.chat_postMessage(channel=team.id, text="How?", blocks=blocks)
            message = team.from_bot[-1]
            assert message.buttons == ["Good", "Bad"]
            await (await ann.presses(message, "Bad")).acked()
            assert await team.shows("chosen: -") is message
            with pytest.raises(AssertionError, match="no button 'Good'"):
                await ann.presses(message, "Good")
            await ann.uses_shortcut(message, "note")
            assert (await ann.shows_modal("More")).wire["callback_id"] == "message_action"
            await ann.closes()
            await ann.uses_global("note")
            assert (await ann.shows_modal("More")).wire["callback_id"] == "shortcut"
        assert [each for each in world.problems if "view_closed" not in each] == []


@pytest.mark.proves("fake_slack.views")
@pytest.mark.parametrize("mode", ["socket", "http"])
async def test_a_form_is_filled_in_corrected_and_sent(mode: Any) -> None:
    async with slack(mode=mode) as world:
        app = app_of(world)
        ann = world.person("Ann")
        sent: list[Any] = []

        async def open_form(ack: Any, client: Any, body: dict[str, Any]) -> None:
            await ack()
            await client.views_open(trigger_id=body["trigger_id"], view=FORM)

        async def submit(ack: Any, view: dict[str, Any]) -> None:
            values = view["state"]["values"]
            if values["name"]["a"]["value"] == "bad":
                await ack(response_action="errors", errors={"name": "Too bad"})
                return
            sent.append((view["private_metadata"], values))
            await ack(response_action="update", view=FORM | {"title": {"type": "plain_text", "text": "Thanks"}})

        async def close(ack: Any, view: dict[str, Any]) -> None:
            sent.append("closed")
            await ack()

        app.shortcut("x")(open_form)
        app.view("form")(submit)
        app.view_closed("form")(close)
        async with running(world, app, mode):
            await ann.uses_global("x")
            await ann.shows_modal("More")
            with pytest.raises(AssertionError, match="must be filled in"):
                await ann.submits({"When": "Now"})
            wrong = await (await ann.submits({"Name": "bad"})).acked()
            await world.until(lambda: wrong.errors == {"Name": "Too bad"})
            await ann.submits({"Name": "Ann", "When": "Later"})
            await ann.shows_modal("Thanks")
            metadata, values = sent[0]
            assert (metadata, values["name"]["a"]["value"]) == ("7", "Ann")
            assert values["when"]["b"]["selected_option"]["value"] == "later"
            await ann.closes()
            await world.until(lambda: "closed" in sent)
            assert ann.modal is None
        assert world.problems == []


@pytest.mark.proves("fake_slack.interactions")
async def test_a_response_url_works_five_times_in_half_an_hour() -> None:
    async with slack() as world:
        app = app_of(world)
        ann = world.person("Ann")
        dm = ann.direct()
        answers: list[int] = []

        async def command(ack: Any, respond: Any) -> None:
            await ack()
            answers.extend([(await respond(str(number))).status_code for number in range(6)])
            world.changes.tell()

        app.command("/errand")(command)
        async with running(world, app, "socket"):
            await ann.runs(dm, "/errand")
            await world.until(lambda: len(answers) == 6)
        assert answers == [200, 200, 200, 200, 200, 404]
        assert world.problems == []


@pytest.mark.proves("fake_slack.events")
async def test_old_buttons_are_pressed_all_the_same() -> None:
    async with slack() as world:
        app = app_of(world)
        dm = (ann := world.person("Ann")).direct()
        pressed: list[str] = []

        async def press(ack: Any, body: dict[str, Any]) -> None:
            pressed.append(body["actions"][0]["value"])
            await ack()

        app.action("old")(press)
        async with running(world, app, "socket"):
            await app.client.chat_postMessage(channel=dm.id, text="no buttons")
            acted = await ann.presses_action(dm.from_bot[0], "old", value="3")
            await acted.acked()
        assert pressed == ["3"]
