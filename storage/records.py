"""What leaves storage: frozen records. Payloads are JSON text whose meaning is the caller's."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection

Change = Callable[[Connection], None]
"""One change of what is kept. What it does is known to storage alone."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """One remembered event. `turn` is the name of the turn that works on it: "t" and the row's number.

    `left_over` says that an earlier process took it in; `attempts` counts those that worked on it after
    the first, and did not hand it over.
    """

    number: int
    turn: str
    session: str
    channel: str
    event_id: str
    payload: str
    received_at: datetime
    attempts: int = 0
    left_over: bool = False


@dataclass(frozen=True, slots=True)
class TurnRecord:
    """One finished turn. `outcome` is one word: direct, clarify, plan, refuse, command, stopped, failed.

    `answer` is what the person was told, `dossier` JSON.
    """

    turn: str
    session: str
    person: str
    request: str
    outcome: str
    answer: str
    dossier: str
    started_at: datetime
    finished_at: datetime


@dataclass(frozen=True, slots=True)
class Pin:
    """A definition of a server's tool that may run: as JSON, and the hash of that."""

    tool: str
    digest: str
    definition: str


@dataclass(frozen=True, slots=True)
class Rating:
    """What a person thinks of an answer: good or bad."""

    channel: str
    person: str
    rating: str
    rated_at: datetime


@dataclass(frozen=True, slots=True)
class OpenQuestion:
    """A question that waits for its person. `plan` is the plan that goes on with the answer, if there is one."""

    id: str
    session: str
    person: str
    plan: str | None
    payload: str
    asked_at: datetime


@dataclass(frozen=True, slots=True)
class Case:
    """A turn that waits for a person to look at it. `why` is one word: unserved, broken, died, unanswered.

    `state` is open, returned (its session works on it again) or closed; `tries` counts how often it was returned.
    `words` are those that a reviewer has put in place of the request, `answer` what a reviewer says to it. `payload`
    is the event as it came (JSON).
    """

    turn: str
    session: str
    channel: str
    person: str
    request: str
    payload: str
    why: str
    state: str
    tries: int
    claimed_by: str | None
    words: str | None
    answer: str | None
    entered_at: datetime


@dataclass(frozen=True, slots=True)
class GivenBack:
    """A case on its way back to its session, as an event (JSON) of its own. `by` is the reviewer; None may do all."""

    by: str | None
    event_id: str
    payload: str
    tries: int
    words: str = ""
    answer: str | None = None


@dataclass(frozen=True, slots=True)
class StoredPlan:
    """A plan as JSON, and the turn that works on it now."""

    id: str
    session: str
    turn: str
    body: str


@dataclass(frozen=True, slots=True)
class PlanVersion:
    """A plan as it became, and why. The version that was made first counts as 1."""

    plan: str
    version: int
    why: str
    body: str
    saved_at: datetime


@dataclass(frozen=True, slots=True)
class Summary:
    """What was said in a session up to and with a turn."""

    session: str
    upto: str
    text: str


@dataclass(frozen=True, slots=True)
class Preferences:
    """How a person wants to be spoken to. What they have not said is None."""

    language: str | None = None
    verbosity: str | None = None
    time_zone: str | None = None


@dataclass(frozen=True, slots=True)
class Scheduled:
    """What is to come into a conversation at a time. `key` is its idempotency key, `channel` and `person` say whose it
    is, `goes_to` is the channel into which it comes, `body` JSON. Without a `next_at` it is over. An `id` of 0 is a new
    one."""

    key: str
    channel: str
    person: str
    goes_to: str
    body: str
    next_at: datetime | None
    id: int = 0


@dataclass(frozen=True, slots=True)
class Event:
    """An event that is to be taken in."""

    channel: str
    event_id: str
    session: str
    address: str
    payload: str


@dataclass(frozen=True, slots=True)
class Memory:
    """Something that a person wants to be kept in mind."""

    id: int
    text: str


@dataclass(frozen=True, slots=True)
class KeptTemplate:
    """A named plan as JSON, and who made it."""

    name: str
    body: str
    made_by: str


@dataclass(frozen=True, slots=True)
class Grant:
    """A standing yes of a person to a tool; `session` is None where it holds everywhere. An `id` of 0 is a new one."""

    channel: str
    person: str
    session: str | None
    tool: str
    id: int = 0


@dataclass(frozen=True, slots=True)
class StoredStep:
    """What is known of one step: a status word and JSON. Status "started" means: begun, and nothing heard since."""

    step: str
    status: str
    body: str


@dataclass(frozen=True, slots=True)
class Work:
    """How one piece of work of a plan's step ended with one worker; `kind` is the one that the plan asked for."""

    plan: str
    step: str
    kind: str
    worker: str
    succeeded: bool
    seconds: float
    ended_at: datetime


@dataclass(frozen=True, slots=True)
class WorkRecord:
    """What a worker has made of one kind of work: runs, successes, mean seconds, and successes of late in a session."""

    worker: str
    runs: int
    successes: int
    seconds: float
    recent: int


@dataclass(frozen=True, slots=True)
class Parcel:
    """One outbox row: a final part (JSON) for one address (JSON), until its channel has taken it."""

    id: str
    turn: str
    session: str
    channel: str
    address: str
    payload: str


@dataclass(frozen=True, slots=True)
class Backlog:
    """How much waits: parcels for their channels, questions for their people, cases for a reviewer."""

    parcels: int
    questions: int
    cases: int


@dataclass(frozen=True, slots=True)
class ModelCall:
    """One call of one model. Token counts are None where the provider did not tell, the cost where nobody knows."""

    component: str
    model: str
    seconds: float
    error: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_usd: float | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """What model calls have used together. `unknown` is how many of them have a cost that nobody knows."""

    calls: int
    input_tokens: int
    output_tokens: int
    cost_usd: float
    unknown: int


@dataclass(frozen=True, slots=True)
class UsedBy:
    """What one model was used for by one person, from the moment `since` up to the next moment that was asked for."""

    since: datetime
    channel: str
    person: str
    model: str
    usage: Usage


@dataclass(frozen=True, slots=True)
class Amount:
    """Tokens in and out together, and money in millionths of a US dollar."""

    tokens: int = 0
    micro_usd: int = 0


@dataclass(frozen=True, slots=True, order=True)
class Allowance:
    """What a budget allows: `scope` says whose it is, `period` is a day ("2026-11-21") or a month ("2026-11"), in UTC.
    None is without a limit."""

    scope: str
    period: str
    tokens: int | None = None
    micro_usd: int | None = None


@dataclass(frozen=True, slots=True)
class Spent:
    """How far a budget is: what was spent, what running calls hold, and what was allowed on top."""

    scope: str
    period: str
    tokens: int = 0
    micro_usd: int = 0
    held_tokens: int = 0
    held_micro_usd: int = 0
    more_tokens: int = 0
    more_micro_usd: int = 0


@dataclass(frozen=True, slots=True)
class BudgetRequest:
    """A question to the admins: may this budget have so much more? The `person` at this `address` (JSON) needs it.
    `answered_by` is the account of the admin who has answered; None while it is open."""

    id: str
    scope: str
    period: str
    tokens: int
    micro_usd: int
    person: str
    address: str
    asked_at: datetime
    answered_by: str | None = None


@dataclass(frozen=True, slots=True)
class KnownAs:
    """One of the accounts under which a person is known, and the role that it was given, if it was. `identity` is the
    name of them all."""

    channel: str
    person: str
    role: str | None
    identity: str


@dataclass(frozen=True, slots=True)
class Appointment:
    """A role that an account was given, and `by` which account."""

    channel: str
    person: str
    role: str
    by: str


@dataclass(frozen=True, slots=True)
class LinkCode:
    """The digest of a code with which another account can be joined with this one. `name` is that of its person."""

    digest: str
    channel: str
    person: str
    name: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Petition:
    """A step of a plan that waits for the yes of others. `payload` is the event (JSON) with which its session looks at
    what they have said."""

    id: str
    plan: str
    session: str
    payload: str
    asked_at: datetime


@dataclass(frozen=True, slots=True)
class Vote:
    """What an account has said to a petition. `payload` is the event (JSON) that said it."""

    petition: str
    channel: str
    person: str
    agreed: bool
    payload: str
    given_at: datetime


@dataclass(frozen=True, slots=True)
class Letter:
    """A final part (JSON) that a turn has for another session than its own."""

    session: str
    channel: str
    address: str
    payload: str


@dataclass(frozen=True, slots=True)
class Conclusion:
    """Everything that ends a turn, written in one transaction.

    `shown` are the final parts (JSON) in their order. `question` becomes the session's one open question and
    replaces an older one; `closes` names a question that this turn answered. `changes` are what a command changes
    beside, `letters` what others are told.
    """

    record: TurnRecord
    channel: str
    address: str
    shown: tuple[str, ...]
    question: OpenQuestion | None = None
    closes: str | None = None
    model_calls: tuple[ModelCall, ...] = field(default=())
    forget_history: bool = False
    changes: tuple[Change, ...] = ()
    letters: tuple[Letter, ...] = ()


@dataclass(frozen=True, slots=True)
class SessionSummary:
    """One session for a list: how many turns it has, and when the last one ended."""

    session: str
    turns: int
    last_at: datetime | None
    open_question: bool


@dataclass(frozen=True, slots=True)
class Conversation:
    """One conversation for the one who had it. `title` is the first thing that was asked in it."""

    session: str
    title: str
    last_at: datetime
    open_question: bool


@dataclass(frozen=True, slots=True)
class Said:
    """An event as it arrived, JSON. `done` says that nothing more comes of it."""

    turn: str
    event_id: str
    payload: str
    done: bool


@dataclass(frozen=True, slots=True)
class Talk:
    """A part of a conversation: what was said, and what was shown for it, each oldest first. `plans` are those that its
    turns worked on last, `steps` what is known of each. `question` is the open one; `is_busy` says that there is work
    under way."""

    said: tuple[Said, ...]
    shown: tuple[Parcel, ...]
    plans: tuple[StoredPlan, ...]
    steps: Mapping[str, Sequence[StoredStep]]
    question: str | None
    is_busy: bool


@dataclass(frozen=True, slots=True)
class Found:
    """A turn in which words were found."""

    turn: str
    session: str
    request: str
    answer: str
    finished_at: datetime


@dataclass(frozen=True, slots=True)
class SessionView:
    """All that a turn must know of its session and its person, as one moment saw it. `history` is oldest first."""

    history: tuple[TurnRecord, ...]
    question: OpenQuestion | None
    summary: str
    grants: tuple[Grant, ...]
    memories: tuple[Memory, ...]
    preferences: Preferences


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Something for the audit. `details` is JSON without anybody's words or name; of `sealed`, such as the arguments of
    a call, only a digest is kept. What does not apply is empty."""

    kind: str
    details: str
    channel: str = ""
    person: str = ""
    session: str = ""
    turn: str = ""
    sealed: str = ""


@dataclass(frozen=True, slots=True)
class AuditRow:
    """A row of the audit. A forgotten person or session is an alias; what does not apply is empty."""

    id: int
    at: datetime
    kind: str
    channel: str
    person: str
    session: str
    turn: str
    details: str
    digest: str


@dataclass(frozen=True, slots=True)
class AuditCheck:
    """How the audit is. `broken_at` is the first row that does not build on the one before it; `head` stands for all of
    it; `head_found` says whether the head that was noted earlier is part of it."""

    rows: int
    broken_at: int | None
    head: str
    head_found: bool


@dataclass(frozen=True, slots=True)
class Declined:
    """A request that nothing could serve, and why. `person` is an alias: it says only whether it was somebody else."""

    id: int
    at: datetime
    channel: str
    person: str
    text: str
    reason: str
