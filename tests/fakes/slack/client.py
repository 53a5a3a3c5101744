"""The real client libraries in front of the fake server."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from tests.fakes.slack.server import slack
from tests.fakes.slack.world import Slack

PING_SECONDS = 0.2  # between the pings of a socket; one is stale after four of them


@asynccontextmanager
async def connected(**options: Any) -> AsyncIterator[tuple[AsyncWebClient, Slack]]:
    """A client with the app's token and its world; in the end the app has done nothing that it should not."""
    async with slack(**options) as world:
        yield client(world), world
        assert not world.problems, world.problems


def client(world: Slack, token: str = "") -> AsyncWebClient:
    """With the app's token in the first workspace, unless there is another one."""
    return AsyncWebClient(token=token or world.bot_token, base_url=world.api_url)


def app_of(world: Slack, **options: Any) -> AsyncApp:
    """A Bolt app without any listener."""
    return AsyncApp(client=client(world), signing_secret=world.signing_secret, **options)


@asynccontextmanager
async def listening(world: Slack, app: AsyncApp) -> AsyncIterator[AsyncSocketModeHandler]:
    """The app over Socket Mode. Its own client has the app's token: that one opens connections."""
    handler = AsyncSocketModeHandler(
        app, world.app_token, web_client=client(world, world.app_token), ping_interval=PING_SECONDS
    )
    await handler.connect_async()
    await world.sockets.connected()
    try:
        yield handler
    finally:
        await handler.close_async()


async def refused(call: Any) -> str:
    """What the server says to this call. Raises AssertionError where it says yes."""
    try:
        await call
    except SlackApiError as error:
        return str(error.response["error"])
    raise AssertionError("it was not refused")
