"""Calls of Slack's Web API: with the right workspace's token, at its pace, and with errors that say what happened."""

from collections.abc import Awaitable
from typing import Any, Protocol

from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.errors import SlackTrouble, answer_to
from adapters.slack.pacing import Pacer


class Clients(Protocol):
    """The workspaces that the app is installed in."""

    async def of(self, channel: str) -> AsyncWebClient:
        """The client with the token of the workspace in which this channel was seen. Raises SlackTrouble."""
        ...


class OneWorkspace:
    """One workspace, whose token is known."""

    def __init__(self, client: AsyncWebClient) -> None:
        self._client = client

    async def of(self, channel: str) -> AsyncWebClient:
        return self._client


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
