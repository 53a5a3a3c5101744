"""The local Slack's HTTP mode: signed requests, repetitions by header, and checks of the request URL."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from slack_sdk.signature import SignatureVerifier

from tests.fakes.slack import Limits, Slack, slack


class Door:
    """A web server that writes down what it gets, and answers as it is told."""

    def __init__(self, world: Slack) -> None:
        self._world = world
        self._verifier = SignatureVerifier(world.signing_secret)
        self.statuses: list[int] = []  # of the next answers; 200 where there is none
        self.bodies: list[str] = []
        self.headers: list[Any] = []
        self.valid: list[bool] = []

    async def open(self, request: web.Request) -> web.StreamResponse:
        body = await request.text()
        self.bodies.append(body)
        self.headers.append(request.headers)
        self.valid.append(self._verifier.is_valid_request(body, dict(request.headers)))
        self._world.changes.tell()
        status = self.statuses.pop(0) if self.statuses else 200
        return web.Response(status=status, text="fake-challenge" if "challenge" in body else "")

    async def got(self, number: int) -> None:
        await self._world.until(lambda: len(self.bodies) >= number, words=f"{number} requests")


@asynccontextmanager
async def door(world: Slack) -> AsyncIterator[Door]:
    """Where the app would listen."""
    here = Door(world)
    application = web.Application()
    application.router.add_post("/", here.open)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    world.request_url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    yield here
    await runner.cleanup()


@pytest.mark.proves("fake_slack.http")
async def test_requests_are_signed() -> None:
    async with slack(mode="http") as world, door(world) as here:
        dm = (ann := world.person("Ann")).direct()
        assert await world.verifies(world.request_url)
        await ann.says(dm, "x")
        await here.got(2)
        world.http.bad_signature()
        await ann.says(dm, "y")
        await here.got(3)
        world.http.old_timestamp()
        await ann.says(dm, "z")
        await here.got(4)
        assert here.valid == [True, True, False, False]
        assert here.headers[1]["Content-Type"] == "application/json"
        await ann.runs(dm, "/errand a b")
        await here.got(5)
        assert "command=%2Ferrand&text=a+b" in here.bodies[4]
        await ann.uses_global("x")
        await here.got(6)
        assert here.bodies[5].startswith("payload=%7B")


@pytest.mark.proves("fake_slack.http")
async def test_what_fails_comes_again_and_says_why() -> None:
    async with slack(mode="http", limits=Limits(retry_seconds=(0.0, 0.0))) as world, door(world) as here:
        here.statuses = [500, 503, 500, 200]
        dm = (ann := world.person("Ann")).direct()
        await ann.says(dm, "x")
        await here.got(3)
        told = [each.get("X-Slack-Retry-Num") for each in here.headers]
        assert told == [None, "1", "2"]
        assert here.headers[1]["X-Slack-Retry-Reason"] == "http_error"
        await world.until(lambda: len(world.http.answers) == 3)
        assert (world.sent[0].attempts, world.sent[0].acked) == (3, False)


@pytest.mark.proves("fake_slack.http")
async def test_events_wait_for_a_request_url() -> None:
    async with slack(mode="http") as world:
        dm = (ann := world.person("Ann")).direct()
        await ann.says(dm, "early")
        async with door(world) as here:
            await here.got(1)
            assert "early" in here.bodies[0]
            await world.until(lambda: world.sent[0].acked)
