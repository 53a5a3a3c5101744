"""What the server knows: workspaces, people, conversations, files, views, and what the app did wrong."""

import itertools
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from tests.fakes.changes import Changes
from tests.fakes.slack.background import Background
from tests.fakes.slack.clock import Clock
from tests.fakes.slack.faults import Faults
from tests.fakes.slack.people import Install, Team, User, Wire
from tests.fakes.slack.rooms import Room, Shown
from tests.fakes.slack.tiers import Rates

SIGNING_SECRET = "fake-signing-secret"
CLIENT_ID = "1111.2222"
CLIENT_SECRET = "fake-client-secret"
APP_TOKEN = "xapp-1-A0FAKE-1-secret"
APP_ID = "A0FAKE"


@dataclass(frozen=True)
class Limits:
    """Numbers that tests may want smaller. Where each comes from is told in docs/fake_slack.md."""

    ack_seconds: float = 3.0
    trigger_seconds: float = 3.0
    stream_seconds: float = 300.0
    stream_bytes: int = 10_600
    retry_seconds: tuple[float, ...] = (0.0, 60.0, 300.0)
    goodbye_seconds: float = 10.0
    response_uses: int = 5
    response_seconds: float = 1800.0


@dataclass(frozen=True)
class Call:
    """A call of the app, and what it got."""

    at: float  # seconds since 1970
    method: str
    given: Mapping[str, Any]
    ok: bool
    error: str
    status: int  # of HTTP; 0 where the connection was broken


@dataclass
class StoredFile:
    """A file, or the place of one that is still to come."""

    id: str
    name: str
    data: bytes | None
    mime: str
    owner: str
    team_id: str
    title: str = ""
    channels: list[str] = field(default_factory=list)


@dataclass
class View:
    """A modal, or somebody's home tab."""

    id: str
    wire: Wire
    owner: str
    hash: str

    @property
    def title(self) -> str:
        return str((self.wire.get("title") or {}).get("text", ""))


@dataclass
class Trigger:
    """What lets the app open a modal once, soon."""

    owner: str
    issued_at: float
    used: bool = False


@dataclass
class ResponseUrl:
    """Lets the app answer without a token: five times within half an hour."""

    room: Room
    owner: str
    thread: str | None
    issued_at: float
    message: Shown | None = None
    uses: int = 0
    answers: list[Shown] = field(default_factory=list)


class Told(Protocol):
    """Tells the app of messages; what tells it needs the state, and so comes later."""

    def said(self, shown: Shown) -> None: ...

    def edited(self, shown: Shown, before: Wire) -> None: ...

    def deleted(self, shown: Shown) -> None: ...

    def streams(self, shown: Shown, streaming: str) -> None: ...

    def happens(self, team: Team, event: Mapping[str, Any]) -> Any: ...

    def in_room(self, room: Room, event: Mapping[str, Any]) -> Any: ...


class State:
    """All of it."""

    def __init__(
        self,
        *,
        clock: Clock,
        rates: Rates,
        limits: Limits,
        lacking: frozenset[str],
        scopes: frozenset[str],
        events: frozenset[str],
        agent_view: bool,
        not_validated: str,
    ) -> None:
        self.url = ""
        self.clock = clock
        self.rates = rates
        self.limits = limits
        self.lacking = lacking
        self.scopes = scopes
        self.subscribed = events
        self.agent_view = agent_view
        self.not_validated = not_validated  # why nothing is checked against Slack's types; empty where it is
        self.problems: list[str] = []
        self.changes = Changes()
        self.faults = Faults()
        self.background = Background(self.problems)
        self.log: list[Call] = []
        self.calls: Counter[str] = Counter()
        self.statuses: Counter[int] = Counter()
        self.numbers = itertools.count(1)
        self.teams: dict[str, Team] = {}
        self.installs: dict[str, Install] = {}  # by token
        self.users: dict[str, User] = {}
        self.rooms: dict[str, Room] = {}
        self.files: dict[str, StoredFile] = {}
        self.views: dict[str, View] = {}
        self.modals: dict[str, list[View]] = {}  # by their owner, the one on top last
        self.homes: dict[str, View] = {}
        self.triggers: dict[str, Trigger] = {}
        self.response_urls: dict[str, ResponseUrl] = {}
        self.codes: dict[str, tuple[Team, str]] = {}  # of OAuth: the workspace, and who allowed it
        self._last_ts = 0
        self._events: Told | None = None

    @property
    def events(self) -> "Told":
        """Who tells the app what happens."""
        assert self._events, "the server does not run"
        return self._events

    def tells(self, events: "Told") -> None:
        self._events = events

    def new_id(self, prefix: str) -> str:
        return f"{prefix}0{next(self.numbers):05d}"

    def next_ts(self) -> str:
        """A time stamp that no message has: seconds since 1970 with microseconds."""
        self._last_ts = max(int(self.clock() * 1_000_000), self._last_ts + 100)
        return f"{self._last_ts // 1_000_000}.{self._last_ts % 1_000_000:06d}"

    def name_of(self, identifier: str) -> str:
        """Of a user or a channel."""
        if user := self.users.get(identifier):
            return user.name
        return self.rooms[identifier].name if identifier in self.rooms else identifier

    def post(self, room: Room, wire: Wire, *, ephemeral_for: str | None = None) -> Shown:
        """A new message, at the end of the conversation."""
        shown = Shown(room, {"type": "message", "ts": self.next_ts(), **wire}, self.name_of, ephemeral_for)
        if ephemeral_for:
            room.ephemerals.append(shown)
        else:
            room.messages[shown.ts] = shown
        self.changed(shown)
        return shown

    def changed(self, shown: Shown) -> None:
        """Everybody sees it as it is now."""
        shown.note(self.clock())
        self.changes.tell()

    def bot_in(self, room: Room) -> User | None:
        """The app's user in this workspace, if it is installed."""
        install = self.teams[room.team_id].install
        return install.bot if install else None

    def new_trigger(self, owner: str) -> str:
        identifier = f"{next(self.numbers)}.{next(self.numbers)}.{'f' * 32}"
        self.triggers[identifier] = Trigger(owner, self.clock())
        return identifier

    def new_response_url(self, room: Room, owner: str, *, thread: str | None, message: Shown | None = None) -> str:
        key = f"{room.team_id}/{next(self.numbers)}/fake"
        self.response_urls[key] = ResponseUrl(room, owner, thread, self.clock(), message)
        return f"{self.url}/response/{key}"
