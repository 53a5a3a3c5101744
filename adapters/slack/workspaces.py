"""Where the app is installed: one workspace whose token is known, or several (installations.py)."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from slack_bolt.authorization import AuthorizeResult
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.api import Clients, reached
from adapters.slack.bolt import Orderly
from adapters.slack.errors import TOKEN
from adapters.slack.inbound import Me

NOT_TAKEN = (
    "Slack does not take the bot token. Take it anew from api.slack.com/apps, OAuth & Permissions "
    "(setting slack_bot_token; it begins with xoxb-)."
)

ClientWith = Callable[[str], AsyncWebClient]
"""A client with this token."""


class Workspaces(Clients, Protocol):
    """The client for each channel, and the Bolt app that hears of them."""

    async def seen(self, body: Mapping[str, Any], me: Me) -> None:
        """Remember where the channel and the person of a request are. Raises StorageError."""
        ...

    async def app(self, signing_secret: str) -> Orderly:
        """The app, ready to listen. Raises ChannelClosed."""
        ...


class OneWorkspace:
    """One workspace, whose token is known."""

    def __init__(self, token: str, client_with: ClientWith) -> None:
        self._token = token
        self._client = client_with(token)
        self._client_with = client_with

    async def of(self, channel: str) -> AsyncWebClient:
        return self._client

    async def seen(self, body: Mapping[str, Any], me: Me) -> None:
        """Everything is here."""

    async def app(self, signing_secret: str) -> Orderly:
        """The app, once Slack has said who it is. Raises ChannelClosed where Slack does not take the token."""
        me = Me.of(await reached(self._client.auth_test, refused=TOKEN, fix=NOT_TAKEN))

        async def authorize(**_: Any) -> AuthorizeResult:
            return AuthorizeResult(
                enterprise_id=None, team_id=me.team, bot_token=self._token, bot_id=me.bot, bot_user_id=me.user
            )

        secret = signing_secret or "unused in Socket Mode"
        return Orderly(signing_secret=secret, client=self._client_with(""), authorize=authorize)
