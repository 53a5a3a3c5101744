"""What the console shows: somebody else gathers it. All of it is without secrets already."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from orchestrator.messages import Person, PlanCard

Part = Literal[
    "overview", "sessions", "turns", "review", "workers", "budgets", "insights", "servers", "trust", "settings", "log"
]
"""A page of the console; "trust" is what can be done on that of the servers."""
Act = Literal["claim", "retry", "edit", "answer", "close"]
SpanKind = Literal["phase", "done", "failed", "skipped", "waiting"]


@dataclass(frozen=True, slots=True)
class Now:
    """How things stand: turns under way and behind others, what waits for channels, people, reviewers and admins."""

    running: int = 0
    waiting: int = 0
    undelivered: int = 0
    questions: int = 0
    cases: int = 0
    held_tools: int = 0
    spent_today_usd: float = 0.0


@dataclass(frozen=True, slots=True)
class Day:
    """How the turns of a day (UTC) ended: counts by outcome."""

    at: datetime
    outcomes: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class SessionRow:
    """One conversation, by its key."""

    key: str
    turns: int
    last_at: datetime | None
    asks: bool


@dataclass(frozen=True, slots=True)
class TurnRow:
    """One finished turn. `outcome` is the word under which it is stored."""

    turn: str
    session: str
    person: str
    request: str
    outcome: str
    at: datetime
    seconds: float


@dataclass(frozen=True, slots=True)
class TurnPage:
    """Some turns, the newest first, and whether there are older ones."""

    rows: Sequence[TurnRow] = ()
    is_more: bool = False


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a turn, in seconds since it was accepted."""

    name: str
    kind: SpanKind
    start: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Candidate:
    """A worker that could have had a step, and its points of 100."""

    worker: str
    score: float
    runs: int


@dataclass(frozen=True, slots=True)
class Chosen:
    """A worker that was given a step, why, and all that could have been, the best first."""

    worker: str
    why: str
    candidates: Sequence[Candidate] = ()


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a step was to do, and what it has to show for it. `details` are further facts by name."""

    id: str
    title: str
    planned: str
    used: str
    status: str
    seconds: float
    arguments: str = ""
    result: str = ""
    error: str = ""
    code: str = ""
    printed: str = ""
    details: Sequence[tuple[str, str]] = ()
    chosen: Sequence[Chosen] = ()


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a model. What is not known is None."""

    component: str
    model: str
    seconds: float
    error: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_usd: float | None = None
    step: str = ""


@dataclass(frozen=True, slots=True)
class Dossier:
    """All that was decided in a turn. `details` are further facts by name."""

    row: TurnRow
    answer: str
    reason: str = ""
    adherence: float | None = None
    cost_usd: float | None = None
    card: PlanCard | None = None
    spans: Sequence[Span] = ()
    steps: Sequence[Evidence] = ()
    calls: Sequence[Call] = ()
    details: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece of a worker's work."""

    kind: str
    succeeded: bool
    seconds: float
    at: datetime


@dataclass(frozen=True, slots=True)
class WorkerRow:
    """One worker, and its last pieces of work, oldest first."""

    name: str
    pool: str
    kinds: Sequence[str]
    is_online: bool
    running: int
    at_once: int
    pieces: Sequence[Piece] = ()


@dataclass(frozen=True, slots=True)
class Crew:
    """Who works here. `durations` are learned seconds by tool or worker, the longest first."""

    workers: Sequence[WorkerRow] = ()
    durations: Sequence[tuple[str, float]] = ()


@dataclass(frozen=True, slots=True)
class Used:
    """What models were used for. `unknown` is how many calls have a cost that nobody knows."""

    calls: int = 0
    tokens: int = 0
    cost_usd: float = 0.0
    unknown: int = 0


@dataclass(frozen=True, slots=True)
class BudgetRow:
    """One budget: whose it is, its day or month, how far it is (1.0 is all of it), and that in words."""

    name: str
    period: str
    share: float
    used: str


@dataclass(frozen=True, slots=True)
class Spending:
    """What was spent: each day's use by model, this month's by person, the budgets, and who has asked for more."""

    days: Sequence[tuple[datetime, Mapping[str, Used]]] = ()
    people: Sequence[tuple[str, Used]] = ()
    budgets: Sequence[BudgetRow] = ()
    requests: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class CaseRow:
    """One request that waits for a reviewer. `why` is the word under which it is stored, `words` an earlier edit."""

    turn: str
    person: str
    request: str
    why: str
    at: datetime
    tries: int = 0
    claimed_by: str = ""
    words: str = ""


@dataclass(frozen=True, slots=True)
class Wish:
    """Requests about the same thing that nothing here could serve. `name` would suit a tool."""

    name: str
    count: int
    people: int
    last_at: datetime
    examples: Sequence[str]
    reasons: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class HeldTool:
    """A tool that waits for an admin: why, and what is new in it. `digest` stands for the definition as it is now."""

    tool: str
    why: str
    digest: str
    differences: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A source of tools: `state` in a word, `detail` in a sentence."""

    name: str
    state: str
    detail: str
    tools: int
    held: Sequence[HeldTool] = ()


@dataclass(frozen=True, slots=True)
class SettingRow:
    """One setting. Of a secret, `value` says nothing; `is_set` says that it is not the default."""

    name: str
    value: str
    description: str
    is_secret: bool = False
    is_set: bool = False


@dataclass(frozen=True, slots=True)
class Overview:
    """How things stand, and how the turns of the last days ended, oldest first."""

    now: Now = field(default_factory=Now)
    days: Sequence[Day] = ()
    turns: Sequence[TurnRow] = ()


class Console(Protocol):
    """What is seen and done, by those who may: ask `refusal` first. Every method raises StorageError; those that do
    something say in words what, and raise Refused where it cannot be done."""

    async def parts(self, person: Person) -> Collection[Part]:
        """What is for this person."""
        ...

    async def refusal(self, person: Person, part: Part) -> str:
        """Why a part is not for this person, and who can help; empty where it is. A refusal goes on record."""
        ...

    async def waiting(self) -> Mapping[Part, int]:
        """How much waits for somebody, by where they find it: "review", "servers"."""
        ...

    async def overview(self) -> Overview: ...

    async def sessions(self) -> Sequence[SessionRow]:
        """The newest first."""
        ...

    async def turns(self, *, session: str = "", before: str = "") -> TurnPage:
        """The newest; of one session, or before a turn, where one is named."""
        ...

    async def dossier(self, turn: str) -> Dossier | None: ...

    async def crew(self) -> Crew: ...

    async def spending(self) -> Spending: ...

    async def cases(self) -> Sequence[CaseRow]:
        """The open ones, the oldest first."""
        ...

    async def review(self, turn: str, act: Act, words: str, *, by: Person) -> str:
        """Do this with a case."""
        ...

    async def wishes(self) -> Sequence[Wish]:
        """The most frequent first."""
        ...

    async def sources(self) -> Sequence[SourceRow]: ...

    async def trust(self, server: str, digests: Sequence[str], *, by: Person) -> str:
        """Let these waiting tools of a server run, as they were when somebody looked at them."""
        ...

    def settings(self) -> Sequence[SettingRow]: ...
