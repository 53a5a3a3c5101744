"""Calls of Slack's Web API: with the right workspace's token, at its pace, and with errors that say what happened."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection
from typing import Any, Protocol

from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from adapters.base import ChannelClosed
from adapters.slack.errors import SlackTrouble, answer_to
from adapters.slack.pacing import Pacer

log = logging.getLogger(__name__)

LONGEST_PAUSE = 30.0  # seconds between two tries to reach Slack


class Clients(Protocol):
    """The workspaces that the app is installed in."""

    async def of(self, channel: str) -> AsyncWebClient:
        """The client with the token of the workspace in which this channel was seen. Raises SlackTrouble."""
        ...


class Api:
    """The Web API. Every method raises SlackTrouble."""

    def __init__(self, clients: Clients, pacer: Pacer) -> None:
        self._clients = clients
        self.pacer = pacer

    async def call(self, method: str, where: str, /, **given: Any) -> dict[str, Any]:
        """What Slack answers to a method such as "chat.update", in the workspace of the channel `where`. Arguments that
        are None are left out."""
        client = await self._clients.of(where)
        request: Awaitable[Any] = getattr(client, method.replace(".", "_"))(
            **{name: value for name, value in given.items() if value is not None}
        )
        try:
            return await answer_to(request)
        except SlackTrouble as trouble:
            if trouble.seconds is not None:
                self.pacer.close(method, trouble.seconds)
            raise

    async def token_for(self, channel: str) -> str:
        return (await self._clients.of(channel)).token or ""


async def reached(
    ask: Callable[[], Awaitable[AsyncSlackResponse]], *, refused: Collection[str], fix: str
) -> dict[str, Any]:
    """What Slack answers. It is waited for; one of the `refused` codes ends the channel: raises ChannelClosed with the
    `fix`."""
    pause = 1.0
    while True:
        try:
            return await answer_to(ask())
        except SlackTrouble as trouble:
            if trouble.code in refused:
                raise ChannelClosed(fix) from None
            log.warning("Slack cannot be reached", extra={"reason": str(trouble), "again_in_seconds": pause})
            await asyncio.sleep(trouble.seconds or pause)
        pause = min(pause * 2, LONGEST_PAUSE)
