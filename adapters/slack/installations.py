"""Workspaces that have installed the app: their tokens in a database, and the right one for each channel."""

import asyncio
import json
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.authorization.async_authorize import AsyncAuthorize
from slack_bolt.context.async_context import AsyncBoltContext
from slack_bolt.oauth.async_oauth_settings import AsyncOAuthSettings
from slack_sdk.oauth.installation_store import Bot, Installation
from slack_sdk.oauth.installation_store.async_installation_store import AsyncInstallationStore
from slack_sdk.oauth.installation_store.sqlalchemy import SQLAlchemyInstallationStore
from slack_sdk.oauth.state_store.async_state_store import AsyncOAuthStateStore
from slack_sdk.oauth.state_store.sqlalchemy import SQLAlchemyOAuthStateStore
from slack_sdk.web.async_client import AsyncWebClient

from adapters.base import Shelf
from adapters.slack.bolt import Orderly
from adapters.slack.errors import SlackTrouble
from adapters.slack.inbound import Me
from adapters.slack.manifest import INSTALL, INSTALLED, SCOPES
from adapters.slack.workspaces import ClientWith

log = logging.getLogger(__name__)

STATE_SECONDS = 600
FRESH = 60.0  # seconds that a token is taken for true without a look into the database
SEEN = "team/"  # keys of notes, by channel or person

Body = Mapping[str, Any]


class Installs(AsyncInstallationStore):
    """Slack's own SQLAlchemy store of installations, beside the event loop. `url` is the database's."""

    def __init__(self, url: str, *, client_id: str, client_secret: str, public: str = "") -> None:
        self.client_id = client_id
        self.client_secret = client_secret
        self.public = public
        self.engine = sqlalchemy.create_engine(url)
        self._store = SQLAlchemyInstallationStore(client_id=client_id, engine=self.engine)

    def workspaces(self, shelf: Shelf, client_with: ClientWith) -> "Installed":
        """The workspaces that have installed the app, for a channel with this shelf."""
        return Installed(self, shelf, client_with)

    async def open(self) -> None:
        """Make the tables where they are not there yet."""
        states = SQLAlchemyOAuthStateStore(expiration_seconds=STATE_SECONDS, engine=self.engine)
        await asyncio.to_thread(self._store.create_tables)
        await asyncio.to_thread(states.create_tables)

    def close(self) -> None:
        self.engine.dispose()

    async def async_save(self, installation: Installation) -> None:
        await asyncio.to_thread(self._store.save, installation)

    async def async_save_bot(self, bot: Bot) -> None:
        await asyncio.to_thread(self._store.save_bot, bot)

    async def async_find_bot(
        self, *, enterprise_id: str | None, team_id: str | None, is_enterprise_install: bool | None = False
    ) -> Bot | None:
        return await asyncio.to_thread(
            self._store.find_bot,
            enterprise_id=enterprise_id,
            team_id=team_id,
            is_enterprise_install=is_enterprise_install,
        )

    async def async_find_installation(
        self,
        *,
        enterprise_id: str | None,
        team_id: str | None,
        user_id: str | None = None,
        is_enterprise_install: bool | None = False,
    ) -> Installation | None:
        return await asyncio.to_thread(
            self._store.find_installation,
            enterprise_id=enterprise_id,
            team_id=team_id,
            user_id=user_id,
            is_enterprise_install=is_enterprise_install,
        )

    async def async_delete_bot(self, *, enterprise_id: str | None, team_id: str | None) -> None:
        await asyncio.to_thread(self._store.delete_bot, enterprise_id=enterprise_id, team_id=team_id)

    async def async_delete_installation(
        self, *, enterprise_id: str | None, team_id: str | None, user_id: str | None = None
    ) -> None:
        await asyncio.to_thread(
            self._store.delete_installation, enterprise_id=enterprise_id, team_id=team_id, user_id=user_id
        )


class States(AsyncOAuthStateStore):
    """What was given out to people who are about to install the app, so that nobody else finishes it for them."""

    def __init__(self, engine: sqlalchemy.Engine) -> None:
        self._store = SQLAlchemyOAuthStateStore(expiration_seconds=STATE_SECONDS, engine=engine)

    async def async_issue(self, *args: Any, **kwargs: Any) -> str:
        return await asyncio.to_thread(self._store.issue, *args, **kwargs)

    async def async_consume(self, state: str) -> bool:
        return await asyncio.to_thread(self._store.consume, state)


class Authorized(AsyncAuthorize):
    """Who the app is in a workspace, as its installation says: where Slack were asked, what came while it does not
    answer would be lost."""

    def __init__(self, installs: Installs) -> None:
        self._installs = installs

    async def __call__(
        self,
        *,
        context: AsyncBoltContext,
        enterprise_id: str | None,
        team_id: str | None,
        user_id: str | None,
        **actor: str | None,
    ) -> AuthorizeResult | None:
        bot = await self._installs.async_find_bot(
            enterprise_id=enterprise_id, team_id=team_id, is_enterprise_install=context.is_enterprise_install
        )
        if bot is None:
            return None
        return AuthorizeResult(
            enterprise_id=bot.enterprise_id,
            team_id=team_id,
            bot_id=bot.bot_id,
            bot_user_id=bot.bot_user_id,
            bot_token=bot.bot_token,
        )


def oauth_settings(installs: Installs) -> AsyncOAuthSettings:
    """How people install the app."""
    return AsyncOAuthSettings(
        client_id=installs.client_id,
        client_secret=installs.client_secret,
        scopes=list(SCOPES),
        installation_store=installs,
        installation_store_bot_only=True,
        state_store=States(installs.engine),
        install_path=INSTALL,
        redirect_uri_path=INSTALLED,
        redirect_uri=f"{installs.public.rstrip('/')}{INSTALLED}" if installs.public else None,
    )


@dataclass(frozen=True, slots=True)
class Team:
    """Where something was seen: a workspace, or an organisation that has installed the app for all of its own."""

    team: str | None
    enterprise: str | None
    is_enterprise_install: bool

    @classmethod
    def of(cls, body: Body) -> "Team":
        known: Body = (body.get("authorizations") or [None])[0] or body
        team = known.get("team_id") or (body.get("team") or {}).get("id") or body.get("team_id")
        enterprise = known.get("enterprise_id") or (body.get("enterprise") or {}).get("id")
        return cls(team, enterprise, str(known.get("is_enterprise_install")).lower() == "true")


class Installed:
    """The client for each channel: where it was seen is noted, so that a later process can answer there too."""

    def __init__(self, installs: Installs, shelf: Shelf, client_with: ClientWith) -> None:
        self._installs = installs
        self._shelf = shelf
        self._client_with = client_with
        self._teams: dict[str, Team] = {}
        self._clients: dict[Team, tuple[float, AsyncWebClient]] = {}

    async def app(self, signing_secret: str) -> Orderly:
        """The app, which forgets the workspaces that uninstall it."""
        app = Orderly(
            signing_secret=signing_secret,
            client=self._client_with(""),
            authorize=Authorized(self._installs),
            oauth_settings=oauth_settings(self._installs),
        )
        app.enable_token_revocation_listeners()
        return app

    async def seen(self, body: Body, me: Me) -> None:
        """Remember where the channel and the person of a request are."""
        team = Team.of(body)
        news = {key: team for key in _places_of(body) if key and self._teams.get(key) != team}
        if news:
            self._teams.update(news)
            await self._shelf.note({f"{SEEN}{key}": _written(each) for key, each in news.items()})

    async def of(self, channel: str) -> AsyncWebClient:
        """Raises SlackTrouble, also where a database refuses."""
        try:
            return await self._of(self._teams.get(channel) or await self._noted(channel))
        except SlackTrouble:
            raise
        except Exception as error:  # an edge: who asks for a client knows of Slack's trouble, not of two databases
            log.exception("the workspaces that have installed the app cannot be read")
            raise SlackTrouble("unreachable", detail=type(error).__name__) from None

    async def _of(self, team: Team) -> AsyncWebClient:
        at, client = self._clients.get(team, (0.0, None))
        if client is not None and time.monotonic() - at < FRESH:
            return client
        bot = await self._installs.async_find_bot(
            enterprise_id=team.enterprise, team_id=team.team, is_enterprise_install=team.is_enterprise_install
        )
        if bot is None or not bot.bot_token:
            raise SlackTrouble("app_not_installed", detail="this workspace has removed the app")
        client = self._client_with(bot.bot_token)
        self._clients[team] = (time.monotonic(), client)
        return client

    async def _noted(self, channel: str) -> Team:
        note = await self._shelf.noted(f"{SEEN}{channel}")
        if note is None:
            raise SlackTrouble("channel_not_found", detail="no workspace is known to have it")
        team, enterprise, whole = json.loads(note)
        self._teams[channel] = Team(team, enterprise, whole)
        return self._teams[channel]


def _written(team: Team) -> str:
    return json.dumps([team.team, team.enterprise, team.is_enterprise_install])


def _places_of(body: Body) -> list[str]:
    event: Body = body.get("event") or {}
    channel = body.get("channel") if isinstance(body.get("channel"), dict) else {}
    user = event.get("user") or body.get("user_id") or (body.get("user") or {})
    found = [event.get("channel"), (channel or {}).get("id"), body.get("channel_id")]
    found.append(user if isinstance(user, str) else user.get("id"))
    return [str(each) for each in found if each and isinstance(each, str)]
