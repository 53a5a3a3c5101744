"""The local Slack's streams: how a message grows, and every way in which that ends."""

from typing import Any

import pytest

from tests.fakes.slack import VirtualClock
from tests.fakes.slack.client import connected, refused


def task(status: str, **more: Any) -> dict[str, Any]:
    return {"type": "task_update", "id": "1", "title": "Look", "status": status, **more}


def words(text: str) -> dict[str, Any]:
    return {"type": "markdown_text", "text": text}


@pytest.mark.proves("fake_slack.streams")
async def test_a_stream_grows_and_ends_as_a_message() -> None:
    async with connected() as (app, world):
        ann = world.person("Ann")
        dm = ann.direct()
        asked = await ann.says(dm, "?")
        started = await app.chat_startStream(channel=dm.id, thread_ts=asked.ts, task_display_mode="plan")
        at: Any = {"channel": dm.id, "ts": str(started["ts"])}
        await app.chat_appendStream(**at, chunks=[{"type": "plan_update", "title": "Two steps"}, task("in_progress")])
        await app.chat_appendStream(**at, chunks=[task("in_progress", details="a")])
        shown = await dm.shows("Two steps")
        assert dm.thread(asked).transcript() == "Ann: ?\nErrand: Plan: Two steps …\n  ◐ Look\n    a"
        await app.chat_appendStream(**at, chunks=[task("complete", details="b", output="c"), words("Hello ")])
        button = {"type": "button", "action_id": "x", "text": {"type": "plain_text", "text": "Good"}}
        await app.chat_stopStream(**at, chunks=[words("world")], blocks=[{"type": "actions", "elements": [button]}])
        assert not shown.is_streaming
        assert dm.thread(asked).session == "active"
        assert shown.text == "Plan: Two steps\n✓ Look\n  ab\n  → c\nHello world\n[Good]"
        assert await refused(app.chat_appendStream(**at, chunks=[words("x")])) == "message_not_in_streaming_state"
        await app.chat_update(**at, text="other")
        assert shown.text == "other"


@pytest.mark.proves("fake_slack.streams")
async def test_a_stream_keeps_to_one_mode() -> None:
    async with connected() as (app, world):
        dm = (ann := world.person("Ann")).direct()
        asked = await ann.says(dm, "?")
        started = await app.chat_startStream(channel=dm.id, thread_ts=asked.ts, markdown_text="x")
        at: Any = {"channel": dm.id, "ts": str(started["ts"])}
        assert await refused(app.chat_appendStream(**at, chunks=[words("x")])) == "streaming_mode_mismatch"
        both = app.chat_appendStream(**at, markdown_text="x", chunks=[words("x")])
        assert await refused(both) == "cannot_provide_both_markdown_text_and_chunks"
        nothing = app.api_call("chat.appendStream", json=at)
        assert await refused(nothing) == "markdown_text_or_chunks_required"
        assert await refused(app.chat_update(**at, text="x")) == "streaming_state_conflict"
        assert await refused(app.chat_delete(**at)) == "cant_delete_message"


@pytest.mark.proves("fake_slack.streams")
async def test_a_stream_has_an_age_and_a_size() -> None:
    clock = VirtualClock()
    async with connected(clock=clock) as (app, world):
        dm = (ann := world.person("Ann")).direct()
        asked = await ann.says(dm, "?")
        started = await app.chat_startStream(channel=dm.id, thread_ts=asked.ts, chunks=[task("in_progress")])
        at: Any = {"channel": dm.id, "ts": str(started["ts"])}
        await app.chat_appendStream(**at, chunks=[words("é" * 5000)])
        assert await refused(app.chat_appendStream(**at, chunks=[words("é" * 1000)])) == "msg_too_long"
        clock.advance(299)
        await app.chat_appendStream(**at, chunks=[words("x")])
        clock.advance(2)
        assert await refused(app.chat_stopStream(**at)) == "message_not_in_streaming_state"
        assert dm.from_bot[0].text.startswith("✗ Look\n")


@pytest.mark.proves("fake_slack.streams")
async def test_stop_ends_the_streams_of_its_thread() -> None:
    async with connected() as (app, world):
        dm = (ann := world.person("Ann")).direct()
        asked = await ann.says(dm, "?")
        await app.agents_sessions_setStatus(channel_id=dm.id, thread_ts=asked.ts, status="processing")
        started = await app.chat_startStream(channel=dm.id, thread_ts=asked.ts, chunks=[words("x")])
        at: Any = {"channel": dm.id, "ts": str(started["ts"])}
        await ann.presses_stop(dm.thread(asked))
        event = world.sent[-1].event
        assert (event["type"], event["thread_ts"]) == ("agent_session_stopped", asked.ts)
        assert event["streaming_message_ts"] == [at["ts"]]
        assert await refused(app.chat_appendStream(**at, chunks=[words("y")])) == "stopped_by_user"
        assert await refused(app.chat_stopStream(**at)) == "message_not_in_streaming_state"
        assert dm.thread(asked).session == "processing"  # until the app says something else


@pytest.mark.proves("fake_slack.streams")
async def test_a_stream_in_a_channel_names_who_it_is_for() -> None:
    async with connected() as (app, world):
        team = world.channel("team", ann := world.person("Ann"))
        asked = await ann.mentions(team, "?")
        where: Any = {"channel": team.id, "thread_ts": asked.ts}
        assert await refused(app.chat_startStream(**where)) == "missing_recipient_team_id"
        there = where | {"recipient_team_id": world.team_id}
        assert await refused(app.chat_startStream(**there)) == "missing_recipient_user_id"
        stream = await app.chat_stream(**there, recipient_user_id=ann.id)
        await stream.append(markdown_text="Hello")
        await stream.stop()
        assert (await team.thread(asked).shows("Hello")).stream


@pytest.mark.proves("fake_slack.streams")
async def test_a_slack_without_streams_does_not_know_the_methods() -> None:
    async with connected(lacking=("streams", "agents")) as (app, world):
        dm = (ann := world.person("Ann")).direct()
        asked = await ann.says(dm, "?")
        assert await refused(app.chat_startStream(channel=dm.id, thread_ts=asked.ts)) == "unknown_method"
        status = app.agents_sessions_setStatus(channel_id=dm.id, thread_ts=asked.ts, status="active")
        assert await refused(status) == "unknown_method"
