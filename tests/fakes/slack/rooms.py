"""Where people talk: channels and direct messages, and what is said in them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from tests.fakes.slack import rendering
from tests.fakes.slack.people import User, Wire

STATUS_SECONDS = 120.0  # docs.slack.dev assistant.threads.setStatus, read 2026-11

Kind = Literal["channel", "group", "im", "mpim"]


@dataclass
class Stream:
    """What chat.startStream began. The markdown and the blocks of all chunks, the tasks by their id."""

    started_at: float
    display_mode: str = "timeline"
    markdown: str = ""
    plan: str = ""
    tasks: dict[str, Wire] = field(default_factory=dict)
    blocks: list[Wire] = field(default_factory=list)
    is_open: bool = True
    stopped_by_user: bool = False
    mode: str = ""  # markdown_text or chunks, once there was one of them

    @property
    def size(self) -> int:
        """UTF-8 bytes of all that it shows."""
        shown = [self.markdown, self.plan]
        shown += [str(task.get(name) or "") for task in self.tasks.values() for name in ("title", "details", "output")]
        return sum(len(each.encode()) for each in shown)


@dataclass
class Shown:
    """A message as it is now. `wire` is what Slack tells of it."""

    room: "Room"
    wire: Wire
    names: rendering.Names
    ephemeral_for: str | None = None
    deleted: bool = False
    stream: Stream | None = None
    revisions: list[tuple[float, str]] = field(default_factory=list)  # seconds since 1970, what was seen

    @property
    def ts(self) -> str:
        return str(self.wire["ts"])

    @property
    def thread_ts(self) -> str | None:
        return self.wire.get("thread_ts")

    @property
    def sender(self) -> str:
        return str(self.wire.get("user", ""))

    @property
    def bot_id(self) -> str | None:
        return self.wire.get("bot_id")

    @property
    def text(self) -> str:
        """All that a person reads of it."""
        return "\n".join(self.lines)

    @property
    def lines(self) -> list[str]:
        return list(rendering.message(self.wire, self.stream, self.names))

    @property
    def blocks(self) -> list[Wire]:
        return [*(self.stream.blocks if self.stream else ()), *self.wire.get("blocks", ())]

    @property
    def elements(self) -> list[tuple[Wire, Wire]]:
        """Everything that can be pressed or chosen, with its block."""
        return list(rendering.elements(self.blocks))

    @property
    def buttons(self) -> list[str]:
        return [label for _, element in self.elements for label in rendering.labels(element)]

    @property
    def files(self) -> Sequence[Wire]:
        return list(self.wire.get("files", ()))

    @property
    def reactions(self) -> dict[str, list[str]]:
        return {each["name"]: list(each["users"]) for each in self.wire.get("reactions", ())}

    @property
    def is_streaming(self) -> bool:
        return self.stream is not None and self.stream.is_open

    @property
    def edits(self) -> int:
        """How often it has changed."""
        return max(0, len(self.revisions) - 1)

    def note(self, now: float) -> None:
        """Remember what is seen of it."""
        self.revisions.append((now, self.text))

    def fallback(self) -> str:
        return str(self.wire.get("text", ""))


@dataclass
class Session:
    """What stands around a thread: the agent's status, and its title."""

    status: str = ""
    loading: list[str] = field(default_factory=list)
    statuses: list[tuple[float, str]] = field(default_factory=list)  # every change: seconds since 1970, words
    state: str | None = None
    states: list[tuple[float, str]] = field(default_factory=list)
    title: str = ""
    prompts: list[tuple[str, str]] = field(default_factory=list)
    prompts_title: str = ""

    def status_at(self, now: float) -> str:
        """What the app says that it is doing; it vanishes after a while without a message."""
        return self.status if self.statuses and now - self.statuses[-1][0] <= STATUS_SECONDS else ""


@dataclass
class Room:
    """A conversation with all of its threads."""

    id: str
    kind: Kind
    name: str
    team_id: str
    members: list[str] = field(default_factory=list)
    is_archived: bool = False
    is_shared: bool = False
    messages: dict[str, Shown] = field(default_factory=dict)
    ephemerals: list[Shown] = field(default_factory=list)
    sessions: dict[str, Session] = field(default_factory=dict)  # by thread, "" for the conversation

    def session(self, thread: str | None) -> Session:
        return self.sessions.setdefault(thread or "", Session())

    def there(self) -> list[Shown]:
        return [each for each in self.messages.values() if not each.deleted]

    def in_thread(self, thread: str) -> list[Shown]:
        """The root and its answers."""
        return [each for each in self.there() if thread in (each.ts, each.thread_ts)]

    def at_top(self) -> Iterator[Shown]:
        """What stands in the conversation itself."""
        for shown in self.there():
            if shown.thread_ts in (None, shown.ts) or shown.wire.get("subtype") == "thread_broadcast":
                yield shown

    def wire(self, user: User | None) -> Wire:
        """As conversations.info tells it."""
        common: dict[str, Any] = {"id": self.id, "created": 1700000000, "context_team_id": self.team_id}
        if self.kind == "im":
            return common | {"is_im": True, "user": user.id if user else "", "is_archived": False, "is_open": True}
        return common | {
            "name": self.name,
            "is_channel": self.kind == "channel",
            "is_group": self.kind == "group",
            "is_im": False,
            "is_mpim": self.kind == "mpim",
            "is_private": self.kind != "channel",
            "is_archived": self.is_archived,
            "is_member": True,
            "is_ext_shared": self.is_shared,
            "num_members": len(self.members),
        }
