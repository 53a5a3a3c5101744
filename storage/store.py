"""The store: everything that outlives the process. Records go in and come out; rows stay here."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TypeVar

from sqlalchemy import Connection

from storage import (
    appointments,
    audit,
    backlog,
    budgets,
    cases,
    conversations,
    declined,
    durations,
    erasures,
    grants,
    identities,
    inbox,
    notes,
    outbox,
    people,
    petitions,
    pins,
    questions,
    ratings,
    retention,
    runs,
    schedules,
    sessions,
    summaries,
    templates,
    turns,
    work,
)
from storage.database import Database, Wires
from storage.engine import open_database
from storage.erasing import Counts
from storage.errors import StorageGone
from storage.forgetting import Who
from storage.identities import accounts_of
from storage.records import (
    Allowance,
    Amount,
    Appointment,
    Arrived,
    AuditCheck,
    AuditRow,
    Backlog,
    BudgetRequest,
    Case,
    Change,
    Conclusion,
    Conversation,
    Declined,
    Event,
    Found,
    GivenBack,
    Grant,
    KeptTemplate,
    KnownAs,
    LinkCode,
    Memory,
    ModelCall,
    OpenQuestion,
    Parcel,
    Petition,
    Pin,
    PlanVersion,
    Preferences,
    Rating,
    Scheduled,
    SessionSummary,
    SessionView,
    Spent,
    StoredPlan,
    StoredStep,
    Summary,
    Talk,
    TurnRecord,
    Usage,
    UsedBy,
    Vote,
    Work,
    WorkRecord,
)

T = TypeVar("T")


async def open_store(url: str, *, busy_timeout_seconds: float = 5.0, wires: Wires | None = None) -> "Store":
    """The store behind a URL (sqlite:///PATH, postgresql://...) or a plain path of a SQLite file.

    What is missing is created, and an older schema is brought up to date. One store at a time is open on one
    database; another one, here or in another process, raises StorageTaken. With `wires` it is a part of a cluster:
    its other parts may have the same database open.
    """
    return Store(await open_database(url, busy_timeout_seconds=busy_timeout_seconds, wires=wires))


class Store:
    """Every method is one transaction: when it returns it is stored, when it raises nothing of it is.

    Only a caller that was cancelled, or whose connection broke behind the COMMIT, cannot know: its write is stored as a
    whole or not at all, and nothing of it goes on any more. It may always be repeated, as repeating a write changes
    nothing. Nothing here needs a time limit of the caller. Raises StorageError, and its kinds.
    """

    def __init__(self, database: Database) -> None:
        self.url = database.url  # for people: the password is hidden
        self._database = database
        self._known_sessions: set[str] = set()  # saves a statement per event; 10,000 sessions are about 1 MB
        self._unheard: dict[tuple[str, str], Arrived] = {}  # stored, but its caller was cancelled meanwhile

    async def close(self) -> None:
        """End what runs, and let go of the database."""
        await self._database.close()

    # --- inbox

    async def remember(
        self, *, channel: str, event_id: str, session: str, address: str, payload: str
    ) -> Arrived | None:
        """Take in one event of a session; None where it is already known.

        An event whose caller was cancelled before it heard of it goes to whoever brings it again.
        """
        is_new = session not in self._known_sessions
        arrived: Arrived | None = None

        def work(connection: Connection) -> None:
            nonlocal arrived
            if is_new:
                sessions.begin(connection, session, address)
            arrived = inbox.remember(connection, channel=channel, event_id=event_id, session=session, payload=payload)

        try:
            await self._database.write(work)
        except StorageGone:
            if is_new:
                raise
            self._known_sessions.discard(session)  # another process has forgotten it
            return await self.remember(
                channel=channel, event_id=event_id, session=session, address=address, payload=payload
            )
        except asyncio.CancelledError:
            if arrived is not None:
                self._unheard[channel, event_id] = arrived
            raise
        self._known_sessions.add(session)
        unheard = self._unheard.pop((channel, event_id), None)
        return arrived or unheard

    async def unfinished(self, *, channels: Sequence[str]) -> list[Arrived]:
        """What is unfinished in these channels, oldest first."""
        return await self._database.read(lambda c: inbox.left_over(c, channels))

    async def unfinished_in(self, session: str) -> list[Arrived]:
        """What is unfinished in a session, oldest first."""
        return await self._database.read(lambda c: inbox.unfinished_in(c, session))

    async def unfinished_sessions(self) -> list[str]:
        """Where something is unfinished, the session that waits longest first."""
        return await self._database.read(inbox.unfinished_sessions)

    async def arrived(self, turn: str) -> Arrived | None:
        """The event on which a turn works."""
        return await self._database.read(lambda c: inbox.arrived(c, turn))

    async def count_attempt(self, turn: str) -> int | None:
        """Note that a further process works on a left-over turn: how many have done so now and not handed it over, the
        first not counted. None where its event was deleted."""
        return await self._database.write(lambda c: inbox.count_attempt(c, turn))

    async def uncount_attempt(self, turn: str) -> None:
        """Note that the process that works on a turn ends, and leaves it to the next one."""
        await self._database.write(lambda c: inbox.uncount_attempt(c, turn))

    async def payload(self, channel: str, event_id: str) -> str | None:
        """What an event is, as it stands now; None where it never arrived."""
        return await self._database.read(lambda c: inbox.payload(c, channel, event_id))

    async def event(self, channel: str, event_id: str) -> Arrived | None:
        """An event with its turn; None where it never arrived."""
        return await self._database.read(lambda c: inbox.event(c, channel, event_id))

    async def rewrite(self, turn: str, payload: str) -> None:
        """Write what is known now of the event of this turn over what was known before."""
        await self._database.write(lambda c: inbox.amend(c, turn, payload))

    async def amend(self, turn: str, payload: str, *, amended_by: str) -> None:
        """Write other words over the event of this turn, forget the plan that it had made of the old ones, and let the
        event that brought them (the turn `amended_by`) need nothing more."""

        def work(connection: Connection) -> None:
            inbox.amend(connection, turn, payload)
            runs.drop_plan(connection, turn)
            inbox.mark_done(connection, amended_by)

        await self._database.write(work)

    # --- sessions

    async def view(self, session: str, *, channel: str, person: str, last: int) -> SessionView:
        """All that a turn must know, in one read: the `last` turns since /new without commands, the open question, the
        summary of what was before, and the person's grants, memories and preferences."""

        def work(connection: Connection) -> SessionView:
            accounts = accounts_of(connection, channel, person)
            return SessionView(
                history=tuple(turns.history(connection, session, last=last)),
                question=questions.open_question(connection, session),
                summary=known.text if (known := summaries.summary(connection, session)) else "",
                grants=tuple(grants.granted(connection, accounts, session)),
                memories=tuple(people.remembered(connection, accounts)),
                preferences=people.preferences(connection, accounts),
            )

        return await self._database.read(work)

    async def history(self, session: str, *, last: int) -> list[TurnRecord]:
        """The `last` turns of the conversation since its last /new, oldest first, without commands."""
        return await self._database.read(lambda c: turns.history(c, session, last=last))

    async def open_question(self, session: str) -> OpenQuestion | None:
        """The question that waits for its person."""
        return await self._database.read(lambda c: questions.open_question(c, session))

    async def last_turn(self, session: str) -> TurnRecord | None:
        """The newest turn that was no command."""
        return await self._database.read(lambda c: turns.last(c, session))

    async def turn(self, turn: str) -> TurnRecord | None:
        """A finished turn by its name."""
        return await self._database.read(lambda c: turns.turn(c, turn))

    async def turns_after(
        self, turn: str, *, person: tuple[str, str] | None = None, since: datetime | None = None, most: int
    ) -> list[TurnRecord]:
        """The finished turns behind this one over all sessions, also commands, at `most` so many, oldest first.
        `person` is a channel and an id."""
        return await self._database.read(lambda c: turns.after(c, turn, person=person, since=since, most=most))

    async def rate(self, turn: str, rating: Rating) -> None:
        """Write down what somebody thinks of the answer of a finished turn, over what they thought before."""
        await self._database.write(lambda c: ratings.rate(c, turn, rating))

    async def rated(self, turn: str) -> list[Rating]:
        """What people think of the answer of a turn, the oldest word first."""
        return await self._database.read(lambda c: ratings.rated(c, turn))

    async def recent_turns(self, *, last: int) -> list[TurnRecord]:
        """The `last` turns over all sessions, oldest first, without commands."""
        return await self._database.read(lambda c: turns.recent(c, last=last))

    async def turns_before(self, turn: str | None = None, *, session: str | None = None, most: int) -> list[TurnRecord]:
        """The finished turns before this one, or the newest, over all sessions or of one, also commands, at `most` so
        many, the newest first."""
        return await self._database.read(lambda c: turns.before(c, turn, session=session, most=most))

    async def question(self, question: str) -> OpenQuestion | None:
        """A question by its id, also one that is closed."""
        return await self._database.read(lambda c: questions.question(c, question))

    async def sessions(self) -> list[SessionSummary]:
        """Every session, the one with the newest turn first."""
        return await self._database.read(sessions.summaries)

    async def usage(self, channel: str, person: str, *, since: datetime) -> Usage:
        """What the model calls of a person's turns in a channel have used since then."""
        return await self._database.read(lambda c: turns.usage(c, channel, person, since))

    async def outcome_counts(self) -> dict[str, int]:
        """How many turns had which outcome, over all sessions."""
        return await self._database.read(turns.outcome_counts)

    async def outcomes_since(self, since: Sequence[datetime]) -> list[tuple[datetime, str, int]]:
        """How many turns ended how between these moments, given oldest first, and after the last."""
        return await self._database.read(lambda c: turns.outcomes_since(c, since))

    # --- what a channel shows back

    async def conversations(self, place: str) -> list[Conversation]:
        """The conversations of a place, such as "web:ann", and of its threads. The newest first."""
        return await self._database.read(lambda c: conversations.conversations(c, place))

    async def talk(self, session: str, *, last: int, before: str | None = None, since: str | None = None) -> Talk:
        """The `last` events of a session, before a turn where one is named; or all of them from a turn on."""
        return await self._database.read(
            lambda c: conversations.talk(c, session, last=last, before=before, since=since)
        )

    async def parcel(self, place: str, parcel: str) -> Parcel | None:
        """A part that was shown in this place, by its id."""
        return await self._database.read(lambda c: conversations.parcel(c, place, parcel))

    async def session_of(self, place: str, turn: str) -> str | None:
        """The session of a turn, if that is in this place."""
        return await self._database.read(lambda c: conversations.session_of(c, place, turn))

    async def talk_of(self, place: str, turn: str) -> tuple[str, Talk] | None:
        """The session of a turn, if that is in this place, and of that talk this turn alone."""
        return await self._database.read(lambda c: conversations.talk_of(c, place, turn))

    async def asked_in(self, place: str, question: str) -> str | None:
        """The session of this place in which a question was asked, or was shown that another session asks."""
        return await self._database.read(lambda c: conversations.asked_in(c, place, question))

    async def shown_after(self, session: str, parcel: str | None, *, last: int) -> list[Parcel]:
        """What a session was shown after a part of it, and what is on its way; the `last` parts where that one is not
        known. In the order of delivery."""
        return await self._database.read(lambda c: conversations.shown_after(c, session, parcel, last=last))

    async def find(self, place: str, words: str, *, last: int) -> list[Found]:
        """The `last` turns of a place in which all of these words stand, the newest first."""
        return await self._database.read(lambda c: conversations.find(c, place, words, last=last))

    # --- runs

    async def save_plan(
        self,
        plan: StoredPlan,
        *,
        why: str = "",
        closes: str | None = None,
        steps: Sequence[StoredStep] = (),
        given: Sequence[Grant] = (),
        changes: Sequence[Change] = (),
    ) -> None:
        """Write the plan and these steps over what was there, close the question that it answers, and write down the
        grants and `changes` that came with the answer. `why` makes it a version of the plan that is kept."""

        def work(connection: Connection) -> None:
            runs.save_plan(connection, plan)
            if why:
                runs.keep_version(connection, plan, why)
            for each in given:
                grants.grant(connection, each)
            for step in steps:
                runs.keep_step(connection, plan.id, step)
            if closes is not None:
                questions.close(connection, closes)
            for change in changes:
                change(connection)

        await self._database.write(work)

    async def plan_of(self, turn: str) -> StoredPlan | None:
        """The plan that this turn works on."""
        return await self._database.read(lambda c: runs.plan_of(c, turn))

    async def plan(self, plan: str) -> StoredPlan | None:
        """A plan by its id."""
        return await self._database.read(lambda c: runs.plan(c, plan))

    async def plan_versions(self, plan: str) -> list[PlanVersion]:
        """What a plan has been, oldest first."""
        return await self._database.read(lambda c: runs.versions(c, plan))

    async def keep_step(self, plan: str, step: StoredStep, *, learn: tuple[str, float] | None = None) -> None:
        """Write what is known of a step, over what was known before; learn how many seconds a tool or worker took."""

        def work(connection: Connection) -> None:
            runs.keep_step(connection, plan, step)
            if learn:
                durations.learn(connection, *learn)

        await self._database.write(work)

    async def durations(self) -> dict[str, float]:
        """How many seconds each tool and worker is known to take."""
        return await self._database.read(durations.learned)

    async def step_times(self, plan: str) -> dict[str, datetime]:
        """When the last was heard of each step."""
        return await self._database.read(lambda c: runs.step_times(c, plan))

    async def steps(self, plan: str) -> list[StoredStep]:
        """What is known of a plan's steps, in the order in which it became known."""
        return await self._database.read(lambda c: runs.steps(c, plan))

    # --- workers

    async def keep_work(self, done: Work) -> None:
        """Write down how one piece of work ended, and learn how long its worker takes."""

        def write(connection: Connection) -> None:
            work.keep(connection, done)
            if done.succeeded:
                durations.learn(connection, f"@{done.worker}", done.seconds)

        await self._database.write(write)

    async def work_record(self, kind: str, plan: str, *, since: datetime, recent_since: datetime) -> list[WorkRecord]:
        """What each worker has made of this kind of work since then, and of late in the session of this plan."""
        return await self._database.read(
            lambda c: work.record_of(c, kind, plan, since=since, recent_since=recent_since)
        )

    async def recent_work(self, *, last: int) -> list[Work]:
        """The `last` pieces of work of all workers, oldest first."""
        return await self._database.read(lambda c: work.recent(c, last=last))

    # --- the review queue

    async def unanswered(self, *, asked_before: datetime) -> list[OpenQuestion]:
        """The open questions of all sessions that were asked before this, oldest first."""
        return await self._database.read(lambda c: questions.unanswered(c, asked_before))

    async def open_cases(self) -> list[Case]:
        """Every turn that waits for a person to look at it, oldest first."""
        return await self._database.read(cases.waiting)

    async def case(self, turn: str) -> Case | None:
        """One case, also a closed one."""
        return await self._database.read(lambda c: cases.case(c, turn))

    async def claim_case(self, turn: str, by: str, *, changes: Sequence[Change] = ()) -> bool:
        """Let an open case be this reviewer's, also where it was another one's: False where it is not open. Write
        `changes` with it."""
        return await self._database.write(lambda c: _with(c, changes, cases.claim(c, turn, by)))

    async def give_back(self, turn: str, given: GivenBack, *, changes: Sequence[Change] = ()) -> Arrived | None:
        """Let the session of an open case work on it again; None where it is not open, or somebody else's. Write
        `changes` with it."""
        return await self._database.write(lambda c: _with(c, changes, cases.give_back(c, turn, given)))

    async def close_case(self, turn: str, by: str | None, *, changes: Sequence[Change] = ()) -> bool:
        """Close an open case: False where it is not open, or somebody else's; `by` None may close each. Write
        `changes` with it."""
        return await self._database.write(lambda c: _with(c, changes, cases.close(c, turn, by)))

    # --- grants

    async def granted(self, channel: str, person: str, session: str | None = None) -> list[Grant]:
        """A person's standing yeses, oldest first; with a session only those that hold there."""
        return await self._database.read(lambda c: grants.granted(c, accounts_of(c, channel, person), session))

    # --- who people are

    async def known_as(self, channel: str, person: str) -> list[KnownAs]:
        """The accounts of a person, this one first, each with the role that it was given."""
        return await self._database.read(lambda c: identities.known_as(c, channel, person))

    async def link_code(self, digest: str) -> LinkCode | None:
        """A code for joining accounts by its digest, if it is still good."""
        return await self._database.read(lambda c: identities.offered(c, digest))

    async def join(self, digest: str, channel: str, person: str, *also: Change) -> bool:
        """Use up a code: its account and this one are one person from now on. False where there is nothing to join;
        else `also` is written too."""
        return await self._if(lambda c: identities.join(c, digest, channel, person), also)

    async def appointments(self) -> list[Appointment]:
        """Every role that was given, oldest first."""
        return await self._database.read(appointments.all_of)

    async def appoint(self, given: Appointment, *also: Change, keeping: str | None) -> bool:
        """Give somebody a role. False, and nothing has changed, where nobody would be left with the role `keeping`."""
        return await self._if(lambda c: appointments.appoint(c, given, keeping=keeping), also)

    async def dismiss(self, channel: str, person: str, *also: Change, keeping: str | None) -> bool:
        """Take somebody's role away; as `appoint`."""
        return await self._if(lambda c: appointments.dismiss(c, channel, person, keeping=keeping), also)

    async def appoint_first(self, given: Appointment, *also: Change) -> bool:
        """Give somebody a role that nobody has, unless they were given one before."""
        return await self._if(lambda c: appointments.appoint_first(c, given), also)

    async def _if(self, work: Callable[[Connection], bool], also: Sequence[Change]) -> bool:
        """Whether the work was done, and with it the rest."""

        def both(connection: Connection) -> bool:
            done = work(connection)
            for each in also if done else ():
                each(connection)
            return done

        return await self._database.write(both)

    # --- yeses of others

    async def petition(self, petition: str) -> Petition | None:
        """What waits for the yes of others, also what is over."""
        return await self._database.read(lambda c: petitions.petition(c, petition))

    async def votes_on(self, petition: str) -> list[Vote]:
        """What was said to it, oldest first."""
        return await self._database.read(lambda c: petitions.votes_on(c, petition))

    async def vote(self, given: Vote, goes_on: Event, *also: Change) -> Arrived | None:
        """Write down what an account says to it, and let its session look at that: None where it does already; else
        `also` is written too."""

        def work(connection: Connection) -> Arrived | None:
            arrived = petitions.vote(connection, given, goes_on)
            for each in also if arrived else ():
                each(connection)
            return arrived

        return await self._database.write(work)

    # --- summaries

    async def summary(self, session: str) -> str:
        """What was said in a session before the part that models see word by word; empty where all is seen."""
        known = await self._database.read(lambda c: summaries.summary(c, session))
        return known.text if known else ""

    async def not_summed_up(self, session: str) -> list[TurnRecord]:
        """The turns since the last /new that no summary holds, oldest first."""
        return await self._database.read(lambda c: summaries.not_summed_up(c, session))

    async def keep_summary(
        self, summary: Summary, *, before: str, of: Sequence[str], turn: str, calls: Sequence[ModelCall]
    ) -> None:
        """Write a summary over the older one, and its model calls to the turn after which they were made. Only the
        calls are written where the older text, or one of the turns `of` which it was made, was forgotten meanwhile."""
        await self._database.write(
            lambda c: summaries.keep(c, summary, before=before, of=of, turn=turn, calls=tuple(calls))
        )

    # --- people and templates

    async def preferences(self, channel: str, person: str) -> Preferences:
        """How a person wants to be spoken to."""
        return await self._database.read(lambda c: people.preferences(c, accounts_of(c, channel, person)))

    async def memories(self, channel: str, person: str) -> list[Memory]:
        """What a person wants to be kept in mind, oldest first."""
        return await self._database.read(lambda c: people.remembered(c, accounts_of(c, channel, person)))

    async def templates(self) -> dict[str, KeptTemplate]:
        """Every template by its name."""
        return await self._database.read(templates.kept)

    async def change(self, *changes: Change) -> None:
        """Write these changes."""

        def work(connection: Connection) -> None:
            for each in changes:
                each(connection)

        await self._database.write(work)

    # --- definitions of tools

    async def pinned(self, server: str) -> list[Pin]:
        """The definitions of this server's tools that may run."""
        return await self._database.read(lambda connection: pins.pinned(connection, server))

    async def pin_first(self, server: str, first: Sequence[Pin]) -> None:
        """Pin what a server has at first sight; nothing happens to one that was seen before."""
        await self._database.write(lambda connection: pins.pin_first(connection, server, first))

    async def pin(self, server: str, new: Sequence[Pin], *, changes: Sequence[Change] = ()) -> None:
        """Let these definitions run, and no others of this server. Write `changes` with it."""

        def work(connection: Connection) -> None:
            pins.pin(connection, server, new)
            for change in changes:
                change(connection)

        await self._database.write(work)

    # --- audit

    async def audited(
        self,
        *,
        kinds: Sequence[str] = (),
        person: tuple[str, str] | None = None,
        since: datetime | None = None,
        after: int = 0,
        most: int = 1_000,
    ) -> list[AuditRow]:
        """Rows of the audit behind the one of the number `after`, oldest first, at `most` so many.

        `person` is a channel and an id. Rows are written by changes: storage.changes.auditing.
        """
        return await self._database.read(
            lambda c: audit.rows(c, kinds=kinds, person=person, since=since, after=after, most=most)
        )

    async def verify_audit(self, *, head: str = "") -> AuditCheck:
        """How the audit is, and whether the `head` that was noted earlier is part of it."""
        return await self._database.read(lambda c: audit.verify(c, head=head))

    # --- forgetting, and how long things are kept

    async def asked_to_be_forgotten(self) -> list[tuple[str, str]]:
        """The channel and the id of everybody who waits to be forgotten."""
        return await self._database.read(erasures.asked)

    async def forgettable(self, channel: str, person: str, who: Who) -> Counts:
        """How many rows forgetting a person would concern, by table. `who` reads whose an event is."""

        def work(connection: Connection) -> Counts:
            attempt = connection.begin_nested()
            counts = erasures.carry_out(connection, channel, person, who)
            attempt.rollback()
            return counts or Counts()

        return await self._database.write(work)

    async def forget(
        self, channel: str, person: str, who: Who, *, waits: bool, changes: Callable[[Counts], Sequence[Change]]
    ) -> Counts | None:
        """Forget a person: how many rows that concerned, by table. With `waits` nothing happens (None) while something
        of theirs is under way, or where they do not wait for it any more. `changes` are written with it. Then the files
        go, see `to_be_cleaned`."""

        def work(connection: Connection) -> Counts | None:
            counts = erasures.carry_out(connection, channel, person, who, waits=waits)
            for change in changes(counts) if counts is not None else ():
                change(connection)
            return counts

        counts = await self._database.write(work)
        self._known_sessions.clear()
        return counts

    async def remove_turns(self, before: datetime) -> Counts:
        """Delete some of the turns that ended before this. Without counts, nothing is left to delete."""

        def work(connection: Connection) -> Counts:
            counts, files = retention.remove_turns(connection, before)
            if counts:
                erasures.leave(connection, files)
            return counts

        counts = await self._database.write(work)
        self._known_sessions.clear()
        return counts

    async def remove_audit(self, before: datetime) -> int:
        """Take away the rows of the audit from before this, which is a row of it then. How many there were."""
        return await self._database.write(lambda c: audit.remove(c, before))

    async def remove_declined(self, before: datetime) -> int:
        """Take away what was out of scope before this. How many there were."""
        return await self._database.write(lambda c: declined.remove(c, before))

    async def to_be_cleaned(self) -> dict[int, list[str]]:
        """What is still to be done after people or turns were deleted: the files to delete, by a number for
        `cleaned`."""
        return await self._database.read(erasures.left)

    async def cleaned(self, numbers: Sequence[int]) -> None:
        """The files under these numbers are gone: let go of what is left of rows in the database's own files, too."""
        await self._database.write(lambda c: erasures.blank(c, numbers))  # names of files are words of people, too
        await self._database.compact()
        await self._database.write(lambda c: erasures.done(c, numbers))

    # --- what was out of scope

    async def declined(self) -> list[Declined]:
        """The newest requests that nothing here can serve yet, oldest first."""
        return await self._database.read(declined.waiting)

    # --- schedules

    async def schedule(self, new: Scheduled) -> int:
        """Write a schedule down; of the same key there is only one. Its id."""
        return await self._database.write(lambda c: schedules.schedule(c, new))

    async def scheduled(self, channel: str, person: str) -> list[Scheduled]:
        """What is still to come of a person's, the next one first."""
        return await self._database.read(lambda c: schedules.of_person(c, channel, person))

    async def due(self, channels: Sequence[str], now: datetime) -> list[Scheduled]:
        """What is due in these channels, the oldest first."""
        return await self._database.read(lambda c: schedules.due(c, channels, now))

    async def next_due(self, channels: Sequence[str]) -> datetime | None:
        """When the next one is due in these channels."""
        return await self._database.read(lambda c: schedules.next_due(c, channels))

    async def come_due(self, due: Scheduled, next_at: datetime | None, events: Sequence[Event]) -> list[Arrived]:
        """Take in the events of a schedule that is due, and move it on. Nothing, where that has happened already, or
        the schedule was cancelled."""
        return await self._database.write(lambda c: schedules.come_due(c, due, next_at, events))

    # --- what channels note for themselves

    async def note(self, channel: str, written: Mapping[str, str | None]) -> None:
        """Write a channel's notes over older ones of the same keys; None takes one away."""

        def work(connection: Connection) -> None:
            for key, value in written.items():
                notes.note(connection, channel, key, value)

        await self._database.write(work)

    async def noted(self, channel: str, key: str) -> str | None:
        """One note of a channel."""
        return await self._database.read(lambda c: notes.noted(c, channel, key))

    async def notes(self, channel: str, prefix: str) -> dict[str, str]:
        """Every note of a channel whose key begins so, oldest first."""
        return await self._database.read(lambda c: notes.notes(c, channel, prefix))

    # --- budgets

    async def reserve(self, reservation: str, amount: Amount, allowances: Sequence[Allowance]) -> Allowance | None:
        """Hold the amount in all of these budgets. Where one has no room for it, nothing is held: that one."""
        return await self._database.write(lambda c: budgets.reserve(c, reservation, amount, allowances))

    async def settle(
        self, reservation: str, used: Amount | None, *, of: Sequence[Allowance] = (), percent: int = 80
    ) -> list[Allowance]:
        """Count what was used in place of what is held, None: all of it. Those `of` these budgets of which so much is
        spent by now, each of them once."""

        def work(connection: Connection) -> list[Allowance]:
            budgets.settle(connection, reservation, used)
            return budgets.warn(connection, of, percent=percent)

        return await self._database.write(work)

    async def holders(self) -> set[str]:
        """The processes whose calls hold something of a budget."""
        return await self._database.read(budgets.holders)

    async def settle_left_over(self, holder: str | None = None) -> int:
        """Count what an earlier process held as spent, as it may have been; how many calls held it. None: whoever
        that was."""
        return await self._database.write(lambda c: budgets.settle_left_over(c, holder))

    async def spent(self, allowances: Sequence[Allowance]) -> list[Spent]:
        """How far each of these budgets is, in their order."""
        return await self._database.read(lambda c: budgets.spent(c, allowances))

    async def spent_in(self, periods: Sequence[str]) -> list[Spent]:
        """How far every budget of these periods is of which something was used."""
        return await self._database.read(lambda c: budgets.spent_in(c, periods))

    async def budget_request(self, request: str) -> BudgetRequest | None:
        """What admins are asked for, also what was answered."""
        return await self._database.read(lambda c: budgets.request(c, request))

    async def budget_requests(self) -> list[BudgetRequest]:
        """What admins are asked for and nobody has answered, oldest first."""
        return await self._database.read(budgets.open_requests)

    async def used_by(
        self, since: Sequence[datetime], *, channel: str | None = None, person: str | None = None
    ) -> list[UsedBy]:
        """What was used between these moments, given oldest first, and after the last, by person and model."""
        return await self._database.read(lambda c: turns.used_by(c, since, channel=channel, person=person))

    async def events_of(self, channel: str, person: str, *, last: int = 50) -> list[str]:
        """The newest events (JSON) of a person in a channel, the newest first."""
        return await self._database.read(lambda c: turns.events_of(c, channel, person, last=last))

    # --- the end of a turn

    async def finish(self, *conclusions: Conclusion) -> list[Parcel]:
        """Write all that ends a turn, or several together. The parcels to deliver, of ended turns those that wait."""
        return await self._database.write(
            lambda c: [parcel for conclusion in conclusions for parcel in turns.finish(c, conclusion)]
        )

    async def delivered(self, parcel: str) -> None:
        """The channel has taken this parcel."""
        await self._database.write(lambda c: outbox.mark_delivered(c, parcel))

    async def backlog(self) -> Backlog:
        """How much waits, over all sessions."""
        return await self._database.read(backlog.backlog)

    async def undelivered(self, turns: Sequence[str] | None = None) -> list[Parcel]:
        """Every parcel, or those of these turns, that no channel has taken, oldest first; those of one session in
        their order."""
        return await self._database.read(lambda c: outbox.waiting(c, turns))

    async def model_calls(self, turn: str) -> list[ModelCall]:
        """The model calls of a turn, in their order."""
        return await self._database.read(lambda c: turns.calls(c, turn))


def _with(connection: Connection, changes: Sequence[Change], done: T) -> T:
    """What was done; where it was, these changes are made too."""
    for change in changes if done else ():
        change(connection)
    return done
