"""Socket Mode: Slack's requests come over a connection that the app opens, so that it needs no address."""

import asyncio
import logging
from functools import partial

from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.api import reached
from adapters.slack.bolt import Orderly
from adapters.slack.errors import TOKEN

log = logging.getLogger(__name__)

NOT_TAKEN = (
    "Slack does not take the app-level token. Make one with the scope connections:write at api.slack.com/apps, "
    "Basic Information, App-Level Tokens (setting slack_app_token; it begins with xapp-)."
)
PING_SECONDS = 10.0  # a connection that is silent for four of them is opened anew
DRAIN_SECONDS = 5.0
REFUSED = {*TOKEN, "not_allowed_token_type", "missing_scope"}


async def listen_on_socket(app: Orderly, token: str, *, api: str) -> None:
    """Take what comes until cancelled; the connection is renewed as often as needed. Raises ChannelClosed."""
    web = AsyncWebClient(token=token, base_url=api)
    answer = await reached(partial(web.apps_connections_open, app_token=token), refused=REFUSED, fix=NOT_TAKEN)
    handler = AsyncSocketModeHandler(app, token, web_client=web, ping_interval=PING_SECONDS)
    handler.client.wss_uri = str(answer["url"])
    try:
        await handler.client.connect()
        await asyncio.Event().wait()
    finally:
        await _closed(app, handler)


async def _closed(app: Orderly, handler: AsyncSocketModeHandler) -> None:
    """Let what is being taken come to its end, so that it is acknowledged; then hang up."""
    try:
        async with asyncio.timeout(DRAIN_SECONDS):
            await app.idle()
    except TimeoutError:
        log.warning("something from Slack is still being taken, and will come again")
    await handler.client.close()
