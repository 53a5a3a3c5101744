"""The console of the web page: what admins see of this installation, and what they do there."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from adapters.web.console import data
from adapters.web.console.log import LogTail
from adapters.web.reading import Refused
from adapters.web.record import HOME, NAME, address_of
from bot.app import App
from bot.console_dossier import dossier_of, turn_row
from bot.logs import JsonLines
from bot.settings import Settings, redaction_of
from bot.wiring import limits_of
from orchestrator.audit import entry
from orchestrator.budgets import percent
from orchestrator.errors import BadInput, ToolError
from orchestrator.learning import known
from orchestrator.limits import Payer, period, plain
from orchestrator.messages import Address, Person
from orchestrator.raising import budget_name, used_of
from orchestrator.redaction import Redaction
from orchestrator.roles import Rights, shut_out
from orchestrator.tools.mcp import McpTools
from orchestrator.tools.pins import Held, KeptPins
from orchestrator.using import moments_of_months
from orchestrator.words import say
from storage.records import Allowance, Usage, Work

DAYS = 14  # that the plots show
LISTED_TURNS = 50
LATEST_TURNS = 8
LISTED_SESSIONS = 200
PIECES = 40  # of work that a worker's plot shows
LOOKED_AT = 2_000  # pieces of work among which those are found
LONGEST_WORK = 20  # tools and workers whose duration is shown

WORDS: Mapping[data.Part, str] = {
    "overview": "console open",
    "sessions": "console open",
    "turns": "console open",
    "review": "review",
    "workers": "console open",
    "budgets": "usage all",
    "insights": "insights",
    "servers": "console open",
    "trust": "console trust",
    "settings": "console open",
    "log": "console open",
}
"""The slash word or power that each part needs."""


def log_tail(settings: Settings) -> LogTail:
    """The live log. What is no secret to the logger may be one to the settings."""
    tail = LogTail(redaction_of(settings).value)
    tail.setFormatter(JsonLines())
    return tail


class StoreConsole:
    """The Console over an App."""

    def __init__(
        self, app: App, settings: Settings, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._app = app
        self._store = app.store
        self._settings = settings
        self._limits = limits_of(settings, app.people)
        self._redaction: Redaction = redaction_of(settings)
        self._now = now

    # --- whose it is

    async def parts(self, person: Person) -> Collection[data.Part]:
        theirs = await self._rights(person)
        return [part for part, word in WORDS.items() if theirs.may_say(word)]

    async def refusal(self, person: Person, part: data.Part) -> str:
        theirs, word = await self._rights(person), WORDS[part]
        if theirs.may_say(word):
            return ""
        await self._store.change(entry("refusal", channel=NAME, person=person.id, why="console", part=part))
        if not theirs.are_any:
            return shut_out()
        told = say("This is for {roles}; you are {role} here.", roles=theirs.rules.who_may_say(word), role=theirs.role)
        return f"{told} {await self._app.people.who_can_help()}"

    async def _rights(self, person: Person) -> Rights:
        return await self._app.people.rights_at(address_of(person, HOME), person)

    # --- what is seen of everybody

    async def waiting(self) -> Mapping[data.Part, int]:
        return {"review": (await self._store.backlog()).cases, "servers": self._held_tools()}

    async def overview(self) -> data.Overview:
        days = _days(self._now())
        outcomes: dict[datetime, dict[str, int]] = {day: {} for day in days}
        for day, outcome, count in await self._store.outcomes_since(days):
            outcomes[day][outcome] = count
        return data.Overview(
            now=await self._standing(days[-1]),
            days=[data.Day(day, counts) for day, counts in outcomes.items()],
            turns=[turn_row(each, self._redaction) for each in await self._store.turns_before(most=LATEST_TURNS)],
        )

    async def _standing(self, today: datetime) -> data.Now:
        standing = await self._app.standing()
        used = await self._store.used_by([today])
        backlog = standing.backlog or await self._store.backlog()
        return data.Now(
            running=standing.running,
            waiting=standing.waiting,
            undelivered=backlog.parcels,
            questions=backlog.questions,
            cases=backlog.cases,
            held_tools=self._held_tools(),
            spent_today_usd=sum(each.usage.cost_usd for each in used),
        )

    async def sessions(self) -> Sequence[data.SessionRow]:
        listed = (await self._store.sessions())[:LISTED_SESSIONS]
        return [data.SessionRow(each.session, each.turns, each.last_at, each.open_question) for each in listed]

    async def turns(self, *, session: str = "", before: str = "") -> data.TurnPage:
        found = await self._store.turns_before(before or None, session=session or None, most=LISTED_TURNS + 1)
        rows = [turn_row(each, self._redaction) for each in found[:LISTED_TURNS]]
        return data.TurnPage(rows, is_more=len(found) > len(rows))

    async def dossier(self, turn: str) -> data.Dossier | None:
        return await dossier_of(self._store, turn, self._redaction)

    # --- workers and money

    async def crew(self) -> data.Crew:
        done: dict[str, list[Work]] = {}
        for each in await self._store.recent_work(last=LOOKED_AT):
            done.setdefault(each.worker, []).append(each)
        durations = sorted((await self._store.durations()).items(), key=lambda each: -each[1])
        return data.Crew(self._workers(done), durations[:LONGEST_WORK])

    def _workers(self, done: Mapping[str, Sequence[Work]]) -> list[data.WorkerRow]:
        roster = self._app.roster
        hands = {hand.worker.name: hand for kind in roster.kinds for hand in roster.able(kind)}
        return [
            data.WorkerRow(
                name,
                hand.worker.pool,
                hand.worker.capabilities,
                is_online=hand.is_online,
                running=roster.running(name),
                at_once=hand.worker.at_once,
                pieces=[
                    data.Piece(each.kind, bool(each.succeeded), each.seconds, each.ended_at)
                    for each in done.get(name, ())[-PIECES:]
                ],
            )
            for name, hand in hands.items()
        ]

    async def spending(self) -> data.Spending:
        now = self._now()
        days, month = _days(now), moments_of_months(now)[1]
        by_model: dict[datetime, dict[str, data.Used]] = {day: {} for day in days}
        for each in await self._store.used_by(days):
            _add(by_model[each.since], each.model, each.usage)
        people: dict[str, data.Used] = {}
        for each in await self._store.used_by([month]):
            _add(people, f"{each.channel}:{each.person}", each.usage)
        return data.Spending(
            days=list(by_model.items()),
            people=sorted(people.items(), key=lambda each: (-each[1].cost_usd, -each[1].tokens)),
            budgets=await self._budgets(now),
            requests=[f"{each.person}: {each.scope}, {each.period}" for each in await self._store.budget_requests()],
        )

    async def _budgets(self, now: datetime) -> list[data.BudgetRow]:
        """Every budget of today and this month that was used, the furthest first."""
        periods = [period("day", now), period("month", now)]
        spent = {(each.scope, each.period): each for each in await self._store.spent_in(periods)}
        limits = [each for scope in dict.fromkeys(scope for scope, _ in spent) for each in await self._on(scope, now)]
        rows = [
            data.BudgetRow(budget_name(limit), limit.period, percent(of, limit) / 100, used_of(of, limit))
            for limit in limits
            if (of := spent.get((limit.scope, limit.period)))
        ]
        return sorted(rows, key=lambda row: -row.share)

    async def _on(self, scope: str, now: datetime) -> Sequence[Allowance]:
        """The limits on one budget. Those on a person's go by their role where nobody else is."""
        kind, _, account = scope.partition(":")
        if kind != "person":
            return self._limits.over([plain(scope)], now)
        channel, _, person = account.partition(":")
        theirs = await self._app.people.rights_at(Address(channel=channel, chat=person), Person(id=person))
        payer = Payer(channel, person, identity=theirs.identity, accounts=theirs.accounts, role=theirs.role)
        return [each for each in self._limits.holding_for(payer, now) if each.scope == scope]

    # --- what waits for an admin

    async def cases(self) -> Sequence[data.CaseRow]:
        return [
            data.CaseRow(
                each.turn,
                f"{each.channel}:{each.person}",
                self._text(each.request),
                each.why,
                each.entered_at,
                tries=each.tries,
                claimed_by=each.claimed_by or "",
                words=self._text(each.words or ""),
            )
            for each in await self._app.cases.open()
        ]

    async def review(self, turn: str, act: data.Act, words: str, *, by: Person) -> str:
        acts = self._app.cases.acts(f"{NAME}:{by.id}")
        try:
            return await acts[act](turn, words)
        except BadInput as problem:
            raise Refused(str(problem), 409) from None

    async def wishes(self) -> Sequence[data.Wish]:
        return [
            data.Wish(each.name, each.count, each.people, each.last_seen, each.examples, each.reasons)
            for each in await known(self._store)
        ]

    async def sources(self) -> Sequence[data.SourceRow]:
        """Those with tools that wait first, then those that are not ready."""
        held = self._held()
        rows = [
            data.SourceRow(
                each.name, each.state, self._text(each.detail), each.tools, _held_rows(held.get(each.name, ()))
            )
            for each in self._app.catalog.health()
            if each.state != "waiting"  # that is said at each of the tools
        ]
        return sorted(rows, key=lambda row: (not row.held, row.state == "ready"))

    async def trust(self, server: str, digests: Sequence[str], *, by: Person) -> str:
        """Only what was looked at: a definition that has changed since has another digest."""
        servers = self._app.catalog.source(McpTools)
        chosen = [each for each in self._held().get(server, ()) if each.digest in digests]
        if servers is None or not chosen or len(chosen) != len(set(digests)):
            raise Refused(say("That has changed meanwhile. Please look at it again."), 409)
        names = [each.tool for each in chosen]
        let_in = entry("trust", channel=NAME, person=by.id, server=server, tools=names)
        await KeptPins(self._store).let_in(server, chosen, changes=[let_in])
        try:
            await servers.look_again(server)
        except ToolError as trouble:
            return say("{tools} may run once {server} is back: {reason}", tools=", ".join(names), server=server,
                reason=trouble)  # fmt: skip
        return say("{tools} of {server} may run.", tools=", ".join(names), server=server)

    def _held(self) -> Mapping[str, Sequence[Held]]:
        servers = self._app.catalog.source(McpTools)
        return servers.held() if servers else {}

    def _held_tools(self) -> int:
        return sum(map(len, self._held().values()))

    # --- settings

    def settings(self) -> Sequence[data.SettingRow]:
        return [self._setting(name, value) for name, value in self._settings]

    def _setting(self, name: str, value: Any) -> data.SettingRow:
        field = type(self._settings).model_fields[name]
        is_secret = "SecretStr" in str(field.annotation)
        is_set = name in self._settings.model_fields_set
        shown = "" if is_secret or value is None else self._text(_written(value))
        return data.SettingRow(name, shown, field.description or "", is_secret=is_secret, is_set=is_set)

    def _text(self, text: str) -> str:
        return str(self._redaction.value(text))


def _written(value: Any) -> str:
    """A setting as somebody would write it."""
    if isinstance(value, Mapping):
        return ", ".join(f"{name}={each}" for name, each in value.items())
    return str(value).lower() if isinstance(value, bool) else str(value)


def _held_rows(held: Sequence[Held]) -> list[data.HeldTool]:
    return [data.HeldTool(each.tool, each.why, each.digest, list(each.differences())) for each in held]


def _add(sums: dict[str, data.Used], name: str, usage: Usage) -> None:
    before = sums.get(name, data.Used())
    sums[name] = data.Used(
        before.calls + usage.calls,
        before.tokens + usage.input_tokens + usage.output_tokens,
        before.cost_usd + usage.cost_usd,
        before.unknown + usage.unknown,
    )


def _days(now: datetime) -> list[datetime]:
    """The starts of the last days, oldest first."""
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return [today - timedelta(days=ago) for ago in reversed(range(DAYS))]
