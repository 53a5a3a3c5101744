"""Who people are, and who of them may talk to the app: by default every full member of the workspace."""

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from adapters.slack.errors import SlackTrouble
from orchestrator.messages import Person

log = logging.getLogger(__name__)

FRESH = 3_600.0  # seconds that what is known of somebody is taken for true
PAUSES = (0.1, 0.3, 0.9)  # seconds between tries
LONGEST_OF_NAMES = 0.7  # seconds for those who are mentioned, who are of less importance
LONGEST = 2.0  # seconds that all tries may take: Slack waits for three
MOST = 10_000  # people that are remembered
EVERYBODY = "*"

LookUp = Callable[[str, str], Awaitable[dict[str, Any]]]
"""What users.info says, of a person who was seen in a channel. Raises SlackTrouble."""


@dataclass(frozen=True, slots=True)
class Known:
    """Somebody. A guest may see only some channels of the workspace; a stranger is of another one, or nobody knows of
    which. `teams` are the workspaces that they are a member of, with the organisation above them."""

    id: str
    name: str = ""
    language: str = "en"
    teams: frozenset[str] = frozenset()
    is_guest: bool = False
    is_stranger: bool = False
    is_bot: bool = False

    @property
    def as_person(self) -> Person:
        """The same for the core."""
        return Person(id=self.id, name=self.name, teams=tuple(sorted(self.teams)))


class People:
    """Remembers who people are. `named` are the ids that may talk; none is every member, "*" is everybody."""

    def __init__(self, look_up: LookUp, named: Collection[str], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._look_up = look_up
        self._named = {each.strip() for each in named if each.strip()}
        self._clock = clock
        self._known: OrderedDict[str, tuple[float, Known]] = OrderedDict()

    def lets_in(self, person: Known) -> bool:
        """Whether this person may talk to the app."""
        if person.is_bot:
            return False
        if EVERYBODY in self._named or person.id in self._named:
            return True
        return not (self._named or person.is_guest or person.is_stranger)

    async def known(self, user: str, channel: str) -> Known:
        """Who this is. Raises SlackTrouble, so that nobody comes in of whom we do not know who they are."""
        at, person = self._known.get(user, (0.0, None))
        if person is not None and self._clock() - at < FRESH:
            return person
        found = await self._found(user, channel)
        self._known[user] = (self._clock(), found)
        self._known.move_to_end(user)
        if len(self._known) > MOST:
            self._known.popitem(last=False)
        return found

    async def names(self, users: Iterable[str], channel: str) -> dict[str, str]:
        """What people are called; those of whom that cannot be found out in time are left out."""
        named: dict[str, str] = {}
        with suppress(TimeoutError):
            async with asyncio.timeout(LONGEST_OF_NAMES):
                for user in dict.fromkeys(users):
                    with suppress(SlackTrouble):
                        named[user] = (await self.known(user, channel)).name
        return {user: name for user, name in named.items() if name}

    async def _told(self, user: str, channel: str) -> dict[str, Any]:
        """What Slack says. Trouble that may pass is met with further tries, as long as Slack waits for us."""
        try:
            async with asyncio.timeout(LONGEST):
                for pause in PAUSES:
                    try:
                        return await self._look_up(user, channel)
                    except SlackTrouble as trouble:
                        if not (trouble.unclear or trouble.code == "unreachable"):
                            raise
                        await asyncio.sleep(pause)
                return await self._look_up(user, channel)
        except TimeoutError:
            raise SlackTrouble("timeout", detail=f"nobody knows yet who {user} is") from None

    async def _found(self, user: str, channel: str) -> Known:
        try:
            told = await self._told(user, channel)
        except SlackTrouble as trouble:
            if trouble.code == "missing_scope":  # only who is named comes in then
                log.warning("nobody knows who this is: add the scope users:read", extra={"person": user})
                return Known(user, is_stranger=True)
            if trouble.code in {"user_not_found", "users_not_found", "user_not_visible"}:
                return Known(user, is_stranger=True)
            raise
        return _read(user, told)


def _read(user: str, told: dict[str, Any]) -> Known:
    about = told.get("user") or {}
    profile = about.get("profile") or {}
    enterprise = about.get("enterprise_user") or {}
    teams = (about.get("team_id"), enterprise.get("enterprise_id"), *(enterprise.get("teams") or ()))
    names = (profile.get("display_name"), profile.get("real_name"), about.get("real_name"), about.get("name"))
    return Known(
        user,
        name=next((str(name) for name in names if name), ""),
        language=str(about.get("locale") or "en").partition("-")[0],
        teams=frozenset(str(team) for team in teams if team),
        is_guest=bool(about.get("is_restricted") or about.get("is_ultra_restricted")),
        is_stranger=bool(about.get("is_stranger")),
        is_bot=bool(about.get("is_bot")),
    )
