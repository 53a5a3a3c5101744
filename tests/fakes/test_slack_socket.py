"""The local Slack's Socket Mode: acknowledgements, repetitions, and all that happens to a connection."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from tests.fakes.slack import FastClock, Limits, Slack, VirtualClock, slack
from tests.fakes.slack.client import app_of, client, listening


class Link:
    """One bare connection, which acknowledges only what it is told to."""

    def __init__(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        self.ws = ws

    async def hears(self) -> dict[str, Any]:
        async with asyncio.timeout(20):
            return dict(json.loads((await self.ws.receive()).data))

    async def acks(self, envelope: dict[str, Any], payload: Any = None) -> None:
        more = {"payload": payload} if payload else {}
        await self.ws.send_json({"envelope_id": envelope["envelope_id"], **more})


@asynccontextmanager
async def linked(world: Slack) -> AsyncIterator[Link]:
    """A connection that has said hello."""
    opened = await client(world, world.app_token).apps_connections_open(app_token=world.app_token)
    async with aiohttp.ClientSession() as session, session.ws_connect(str(opened["url"])) as ws:
        link = Link(ws)
        hello = await link.hears()
        assert (hello["type"], hello["connection_info"]["app_id"]) == ("hello", world.app_id)
        yield link


@pytest.mark.proves("fake_slack.acks")
async def test_an_event_that_nobody_acknowledges_comes_again() -> None:
    clock = VirtualClock()
    async with slack(clock=clock) as world, linked(world) as link:
        dm = (ann := world.person("Ann")).direct()
        await ann.says(dm, "x")
        first = await link.hears()
        assert (first["type"], first["accepts_response_payload"], first["retry_attempt"]) == ("events_api", False, 0)
        await until_sleeping(clock)
        clock.advance(3)
        second = await link.hears()
        assert (second["retry_attempt"], second["retry_reason"]) == (1, "timeout")
        assert second["envelope_id"] != first["envelope_id"]
        assert second["payload"]["event_id"] == first["payload"]["event_id"]
        await link.acks(second)
        await world.until(lambda: world.acks)
        assert (world.sent[0].acked, world.acks[0].retry) == (True, 1)
        world.redeliver()
        assert (await link.hears())["payload"]["event_id"] == first["payload"]["event_id"]


async def until_sleeping(clock: VirtualClock) -> None:
    """Until the timer of an acknowledgement has been set."""
    async with asyncio.timeout(20):
        while not clock.is_awaited:
            await asyncio.sleep(0)


@pytest.mark.proves("fake_slack.acks")
async def test_a_command_that_nobody_acknowledges_has_failed() -> None:
    clock = VirtualClock()
    async with slack(clock=clock) as world, linked(world) as link:
        ann = world.person("Ann")
        acted = await ann.runs(ann.direct(), "/errand")
        envelope = await link.hears()
        assert (envelope["type"], envelope["accepts_response_payload"]) == ("slash_commands", True)
        await until_sleeping(clock)
        clock.advance(3)
        await acted.failed()
        assert world.problems == ["/errand: operation_timeout, not acknowledged in time"]


@pytest.mark.proves("fake_slack.acks")
async def test_an_acknowledgement_that_should_say_nothing_is_written_down() -> None:
    async with slack() as world, linked(world) as link:
        dm = (ann := world.person("Ann")).direct()
        await ann.says(dm, "x")
        await link.acks(await link.hears(), {"text": "x"})
        await link.acks({"envelope_id": "nothing"})
        await world.until(lambda: len(world.problems) == 2)
        assert "may say nothing" in world.problems[0]
        assert "nothing that is open" in world.problems[1]


@pytest.mark.proves("fake_slack.sockets")
async def test_what_happens_while_nobody_listens_comes_later() -> None:
    async with slack() as world:
        dm = (ann := world.person("Ann")).direct()
        await ann.says(dm, "one")
        await ann.says(dm, "two")
        async with linked(world) as link:
            heard = {(await link.hears())["payload"]["event"]["text"] for _ in range(2)}
        assert heard == {"one", "two"}


@pytest.mark.proves("fake_slack.sockets")
async def test_two_connections_take_turns() -> None:
    async with slack() as world, linked(world) as one, linked(world) as two:
        dm = (ann := world.person("Ann")).direct()
        await ann.says(dm, "x")
        await ann.says(dm, "y")
        heard = [(await each.hears())["payload"]["event"]["text"] for each in (one, two)]
        assert sorted(heard) == ["x", "y"]


@pytest.mark.proves("fake_slack.sockets")
@pytest.mark.parametrize("reason", ["warning", "refresh_requested", "link_disabled", "too_many_websockets"])
async def test_an_app_that_is_sent_away_connects_again(reason: str) -> None:
    async with slack() as world:
        async with answering(world) as dm:
            await world.sockets.disconnect(reason)
            await world.until(lambda: world.sockets.opened == 2, words="a second connection")
            await says_and_hears(world, dm)
        assert world.problems == []


@pytest.mark.proves("fake_slack.sockets")
async def test_an_app_whose_connection_breaks_connects_again() -> None:
    async with slack() as world:
        async with answering(world) as dm:
            await world.sockets.breaks()
            await world.until(lambda: world.sockets.opened == 2, words="a second connection")
            await says_and_hears(world, dm)
        assert world.problems == []


@pytest.mark.proves("fake_slack.sockets")
async def test_an_app_notices_a_silent_connection_and_hears_what_was_lost() -> None:
    async with slack(clock=FastClock(3), limits=Limits(retry_seconds=(1.0, 1.0, 1.0))) as world:
        async with answering(world) as dm:
            world.sockets.silence()
            lost = await world.person("Ann").says(dm, "lost")
            await world.until(lambda: world.sockets.opened == 2, words="a second connection")
            assert await dm.thread(lost).shows("heard lost")
        assert world.sent[0].attempts > 1


@pytest.mark.proves("fake_slack.sockets")
async def test_an_app_gets_no_link_for_a_while() -> None:
    async with slack(limits=Limits(goodbye_seconds=0.3)) as world:
        async with answering(world) as dm:
            trouble = world.faults.refuse("apps.connections.open", "internal_error")
            await world.sockets.disconnect("refresh_requested")
            await world.until(trouble.reached.is_set, words="a call that is refused")
            await world.until(lambda: world.sockets.opened == 2, words="a second connection")
            await says_and_hears(world, dm)
        assert world.problems == []


@pytest.mark.proves("fake_slack.sockets")
async def test_a_link_is_good_for_one_connection() -> None:
    async with slack() as world:
        url = world.sockets.new_link()
        async with aiohttp.ClientSession() as session:
            async with session.ws_connect(url):
                await world.sockets.connected()
            with pytest.raises(aiohttp.WSServerHandshakeError):
                await session.ws_connect(url)


@asynccontextmanager
async def answering(world: Slack) -> AsyncIterator[Any]:
    """Direct messages with an app that says what it heard."""
    app = app_of(world)

    async def answer(event: dict[str, Any], say: Any) -> None:
        await say(f"heard {event['text']}", thread_ts=event["ts"])

    app.message()(answer)
    async with listening(world, app):
        yield world.person("Ann").direct()


async def says_and_hears(world: Slack, dm: Any) -> None:
    asked = await world.person("Ann").says(dm, "again")
    await dm.thread(asked).shows("heard again")
