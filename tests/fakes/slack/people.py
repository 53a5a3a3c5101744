"""Who there is: workspaces, what is installed in them, users and bots."""

from dataclasses import dataclass
from typing import Any

Wire = dict[str, Any]


@dataclass
class User:
    """Somebody, or the user behind a bot."""

    id: str
    name: str
    team_id: str
    is_bot: bool = False
    bot_id: str = ""
    is_stranger: bool = False  # of another organisation, seen through Slack Connect
    is_admin: bool = False
    is_deleted: bool = False
    language: str = "en-US"
    timezone: str = "Europe/London"

    @property
    def handle(self) -> str:
        return self.name.lower().replace(" ", ".")

    @property
    def wire(self) -> Wire:
        profile = {"real_name": self.name, "display_name": self.name, "team": self.team_id}
        return {
            "id": self.id,
            "team_id": self.team_id,
            "name": self.handle,
            "real_name": self.name,
            "deleted": self.is_deleted,
            "locale": self.language,
            "tz": self.timezone,
            "profile": profile | ({"bot_id": self.bot_id} if self.bot_id else {}),
            "is_admin": self.is_admin,
            "is_owner": False,
            "is_bot": self.is_bot,
            "is_app_user": False,
            "is_stranger": self.is_stranger,
            "is_restricted": False,
            "updated": 1700000000,
        }


@dataclass
class Install:
    """The app in one workspace, or in a whole organisation (`team_id` is None)."""

    bot: User
    bot_token: str
    scopes: frozenset[str]
    team_id: str | None
    enterprise_id: str | None = None
    error: str = ""  # token_revoked, account_inactive ... once it has ended

    @property
    def authorization(self) -> Wire:
        """As events name it."""
        return {
            "enterprise_id": self.enterprise_id,
            "team_id": self.team_id,
            "user_id": self.bot.id,
            "is_bot": True,
            "is_enterprise_install": self.team_id is None,
        }


@dataclass
class Team:
    """A workspace."""

    id: str
    name: str
    enterprise_id: str | None = None
    install: Install | None = None

    @property
    def domain(self) -> str:
        return self.name.lower().replace(" ", "-")

    @property
    def wire(self) -> Wire:
        enterprise = {"enterprise_id": self.enterprise_id} if self.enterprise_id else {}
        return {"id": self.id, "name": self.name, "domain": self.domain, "email_domain": "", **enterprise}

    @property
    def short(self) -> Wire:
        return {"id": self.id, "domain": self.domain}
