"""The whole of it: people, channels and workspaces to make, what the app did to look at, trouble to order."""

from collections.abc import Callable
from typing import Literal

from tests.fakes.slack import installing
from tests.fakes.slack.chat import Chat
from tests.fakes.slack.clock import Clock
from tests.fakes.slack.deliveries import Ack, Delivery
from tests.fakes.slack.events import Events
from tests.fakes.slack.interactions import Interactions
from tests.fakes.slack.people import Install, Team, User
from tests.fakes.slack.person import OtherBot, Person
from tests.fakes.slack.posting import Posting
from tests.fakes.slack.rooms import Room
from tests.fakes.slack.sockets import Sockets
from tests.fakes.slack.state import APP_ID, APP_TOKEN, CLIENT_ID, CLIENT_SECRET, SIGNING_SECRET, Call, Limits, State
from tests.fakes.slack.tiers import Rates, Tiers

LONGEST_WAIT = 30.0  # seconds


class Slack(State):
    """A Slack with an app in it. `url` is where it listens."""

    app_id = APP_ID
    app_token = APP_TOKEN
    signing_secret = SIGNING_SECRET
    client_id = CLIENT_ID
    client_secret = CLIENT_SECRET

    def __init__(
        self,
        *,
        clock: Clock,
        tiers: Tiers | None,
        limits: Limits,
        mode: Literal["socket", "http"],
        lacking: frozenset[str],
        scopes: frozenset[str],
        events: frozenset[str],
        agent_view: bool,
        name: str,
        not_validated: str,
    ) -> None:
        super().__init__(
            clock=clock,
            rates=Rates(tiers),
            limits=limits,
            lacking=lacking,
            scopes=scopes,
            events=events,
            agent_view=agent_view,
            not_validated=not_validated,
        )
        self.sockets = Sockets(self)
        self.http = Posting(self)
        self.deliveries = self.http.deliveries if mode == "http" else self.sockets.deliveries
        self.told = Events(self, self.deliveries)
        self.tells(self.told)
        self.interactions = Interactions(self, self.deliveries)
        self.team = Team(self.new_id("T"), "Acme")
        self.teams[self.team.id] = self.team
        installing.install(self, self.team, name=name)

    @property
    def api_url(self) -> str:
        """What a client takes as its base URL."""
        return f"{self.url}/api/"

    @property
    def validated(self) -> bool:
        return not self.not_validated

    @property
    def install(self) -> Install:
        """The app in the first workspace."""
        assert self.team.install, "the app is not installed"
        return self.team.install

    @property
    def bot_token(self) -> str:
        return self.install.bot_token

    @property
    def bot_user(self) -> str:
        return self.install.bot.id

    @property
    def bot_id(self) -> str:
        return self.install.bot.bot_id

    @property
    def team_id(self) -> str:
        return self.team.id

    @property
    def request_url(self) -> str:
        """Where the app listens, in HTTP mode."""
        return self.http.url

    @request_url.setter
    def request_url(self, url: str) -> None:
        self.http.url = url
        self.deliveries.resume()

    @property
    def events(self) -> Events:
        return self.told

    @property
    def sent(self) -> list[Delivery]:
        """Everything that the app was told or will be."""
        return self.deliveries.every

    @property
    def acks(self) -> list[Ack]:
        return self.deliveries.acks

    def called(self, method: str) -> list[Call]:
        return [each for each in self.log if each.method == method]

    def person(
        self,
        name: str,
        *,
        team: Team | None = None,
        stranger: bool = False,
        admin: bool = False,
        language: str = "en-US",
    ) -> Person:
        """Somebody new. A stranger is of another organisation, seen through Slack Connect."""
        home = (team or self.team).id if not stranger else self.new_id("T")
        user = User(self.new_id("U"), name, home, is_stranger=stranger, is_admin=admin, language=language)
        self.users[user.id] = user
        return Person(self, user)

    def other_bot(self, name: str) -> OtherBot:
        """Another app's bot."""
        user = User(self.new_id("U"), name, self.team.id, is_bot=True, bot_id=self.new_id("B"))
        self.users[user.id] = user
        return OtherBot(self, user)

    def channel(
        self, name: str, *people: Person, private: bool = False, bot: bool = True, team: Team | None = None
    ) -> Chat:
        """A channel with these people, and the bot in it."""
        return self._room("group" if private else "channel", name, people, bot=bot, team=team or self.team)

    def group_dm(self, *people: Person) -> Chat:
        """Several people and the bot."""
        name = "mpdm-" + "--".join(each.user.handle for each in people) + "-1"
        return self._room("mpim", name, people, bot=True, team=self.team)

    def workspace(self, name: str, *, enterprise: str | None = None, org_wide: bool = False) -> Team:
        """Another workspace, without the app unless the whole organisation has it."""
        team = Team(self.new_id("T"), name, enterprise)
        self.teams[team.id] = team
        if org_wide:
            installing.install(self, team, org_wide=True)
        return team

    def authorizes(self, team: Team, by: Person) -> str:
        """Somebody allows the app into a workspace; the code that oauth.v2.access takes."""
        return installing.allowed(self, team, by.id)

    def revokes(self, error: str = "token_revoked", *, team: Team | None = None) -> None:
        """The token stops working; nobody is told."""
        install = (team or self.team).install
        assert install, "the app is not installed"
        install.error = error

    def uninstalls(self, team: Team | None = None) -> None:
        """The app is removed from a workspace. It is told, and its token is dead."""
        where = team or self.team
        assert where.install, "the app is not installed"
        self.told.happens(where, {"type": "tokens_revoked", "tokens": {"oauth": [], "bot": [where.install.bot.id]}})
        self.told.happens(where, {"type": "app_uninstalled"})
        self.revokes("account_inactive", team=where)

    async def verifies(self, url: str) -> bool:
        """Whether the app passes the check of its request URL, which is used from now on."""
        passed = await self.http.verifies(url)
        self.deliveries.resume()
        return passed

    def redeliver(self, event_id: str | None = None) -> None:
        """The app gets an event once more, the last one unless it is named."""
        told = [each for each in self.sent if each.kind == "events_api" and event_id in (None, each.event_id)]
        self.deliveries.again(told[-1])

    async def until(self, is_so: Callable[[], object], *, words: str = "what did not come") -> None:
        """Wait until it is so. Raises AssertionError with what was waited for."""
        failing = f"waited in vain for {words}; problems: {self.problems}"
        await self.changes.until(lambda: is_so() or None, seconds=LONGEST_WAIT, failing=lambda: failing)

    def _room(
        self, kind: Literal["channel", "group", "mpim"], name: str, people: tuple[Person, ...], *, bot: bool, team: Team
    ) -> Chat:
        members = [each.id for each in people]
        if bot and team.install:
            members.append(team.install.bot.id)
        shared = any(each.user.is_stranger for each in people)
        room = Room(self.new_id("C"), kind, name, team.id, members, is_shared=shared)
        self.rooms[room.id] = room
        return Chat(self, room)
