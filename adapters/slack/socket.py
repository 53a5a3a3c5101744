"""Socket Mode: Slack's requests come over a connection that the app opens, so that it needs no address."""

import asyncio
import logging

from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_sdk.web.async_client import AsyncWebClient

from adapters.base import ChannelClosed
from adapters.slack.bolt import Orderly
from adapters.slack.errors import TOKEN, SlackTrouble, answer_to

log = logging.getLogger(__name__)

NOT_TAKEN = (
    "Slack does not take the app-level token. Make one with the scope connections:write at api.slack.com/apps, "
    "Basic Information, App-Level Tokens (setting slack_app_token; it begins with xapp-)."
)
PING_SECONDS = 10.0  # a connection that is silent for four of them is opened anew
DRAIN_SECONDS = 5.0
LONGEST_PAUSE = 30.0


async def listen_on_socket(app: Orderly, token: str, *, api: str) -> None:
    """Take what comes until cancelled; the connection is renewed as often as needed. Raises ChannelClosed."""
    web = AsyncWebClient(token=token, base_url=api)
    address = await _address(web, token)
    handler = AsyncSocketModeHandler(app, token, web_client=web, ping_interval=PING_SECONDS)
    handler.client.wss_uri = address
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


async def _address(web: AsyncWebClient, token: str) -> str:
    """Where to connect to. Slack is waited for; a token that it does not take ends the channel."""
    pause = 1.0
    while True:
        try:
            return str((await answer_to(web.apps_connections_open(app_token=token)))["url"])
        except SlackTrouble as trouble:
            if trouble.code in TOKEN or trouble.code in {"not_allowed_token_type", "missing_scope"}:
                raise ChannelClosed(NOT_TAKEN) from None
            log.warning("Slack cannot be reached", extra={"reason": str(trouble), "again_in_seconds": pause})
            await asyncio.sleep(trouble.seconds or pause)
        pause = min(pause * 2, LONGEST_PAUSE)
