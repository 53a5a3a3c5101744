"""What people are told of budgets, and how admins are asked for more: /budget, and a question with buttons."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from orchestrator.budgets import WARNED_PERCENT, Bill, percent
from orchestrator.ending import Ending
from orchestrator.errors import BadInput, NotTheirs
from orchestrator.limits import MILLION, Limits, Payer
from orchestrator.messages import FINAL, Address, Answer, Choice, Notice, Question, QuestionField
from orchestrator.people import People
from orchestrator.roles import rights
from orchestrator.sessions import Talk
from orchestrator.slash import Slash, Told
from orchestrator.words import each_way, say, speaking
from storage.changes import answering_request, asking_admins
from storage.records import Allowance, BudgetRequest, Letter, Spent
from storage.store import Store

TellProxy = Callable[[], Awaitable[str]]
"""Tells in a line how far the budget of our key at a proxy is."""
ALLOWS = "budget yes"  # the power to answer such a question


class Raising:
    """Tells how far budgets are. What is spent is put to the admins, who raise it or do not."""

    def __init__(
        self,
        store: Store,
        limits: Limits,
        people: People,
        *,
        proxy: TellProxy | None = None,
        now: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._limits = limits
        self._people = people
        self._proxy = proxy
        self._now = now

    def words(self) -> Iterator[Slash]:
        yield Slash("budget", self._budget, "/budget", say("says how much of your budgets is left"))

    async def told(self, ending: Ending, talk: Talk, bill: Bill) -> Ending:
        """The ending with what the person must know of their budgets; where one is spent, the admins are asked."""
        if bill.refused:
            return await self._stopped(ending, talk, bill.refused)
        lines = [
            say("{percent} % of {budget} is used up.", percent=WARNED_PERCENT, budget=budget_name(each, own=bill.payer))
            for each in bill.warned
        ]
        if not isinstance(ending.part, Answer) or not lines:
            return ending
        return ending.saying("\n\n".join((ending.part.text, *(f"*{line}*" for line in lines))))

    async def answered(self, talk: Talk, press: Choice) -> Told | None:
        """What comes of a press on a question of ours; None where it is none."""
        request = await self._store.budget_request(press.question.partition("-")[0])
        return await self._closed(talk, request, press.value, asked=press.question) if request else None

    async def _stopped(self, ending: Ending, talk: Talk, allowance: Allowance) -> Ending:
        """The ending with the reason below it, and what comes of asking the admins."""
        (spent,) = await self._store.spent([allowance])
        used = used_of(spent, allowance)
        reason = say(
            "I stop here: {budget} has no room for another model call ({used}).",
            budget=budget_name(allowance, own=payer_of(talk)),
            used=used,
        )
        part = ending.part or Notice(text="")
        ending, asked = await self._asking(replace(ending, part=part), talk, allowance, used)
        told = " ".join(filter(None, (reason, asked, _anew(allowance))))
        return ending.saying("\n\n".join(filter(None, (part.text, told))))

    async def _asking(self, ending: Ending, talk: Talk, allowance: Allowance, used: str) -> tuple[Ending, str]:
        """The ending with letters to the admins, unless they are asked already; and what the person is told of it."""
        asked = say("I have asked an admin for more; you will hear from me.")
        admins = await self._people.those_who(lambda rights: rights.may_say(ALLOWS))
        if not admins:
            return ending, ""
        if await self._is_asked(allowance):
            return ending, asked
        request = _request(talk, allowance, self._now())
        letters = await self._letters(talk, request, used, admins=admins)
        if not letters:
            asked = say("An admin can allow more with `/budget yes {id}`.", id=request.id)
        return replace(ending, changes=(*ending.changes, asking_admins(request)), letters=tuple(letters)), asked

    async def _is_asked(self, allowance: Allowance) -> bool:
        place = allowance.scope, allowance.period
        return any((each.scope, each.period) == place for each in await self._store.budget_requests())

    async def _letters(self, talk: Talk, request: BudgetRequest, used: str, *, admins: Sequence[str]) -> list[Letter]:
        """The question for every admin, where they have written to us alone."""
        letters = []
        for number, admin in enumerate(admins, 1):
            channel, _, person = admin.partition(":")
            if address := await self._people.private_address(admin):
                with speaking((await self._store.preferences(channel, person)).language or talk.language):
                    letters.append(_letter(address, _question(talk, request, used, admin=(number, person))))
        return letters

    async def _closed(self, talk: Talk, request: BudgetRequest, answer: str, *, asked: str = "") -> Told:
        """An admin's word, as a press on the question `asked` or written. Raises BadInput where it is neither yes nor
        no."""
        if not rights().may_say(ALLOWS):
            raise NotTheirs(say("I asked somebody else that; only they can answer it."))
        account = f"{talk.arrived.channel}:{talk.inbound.person.id}"
        if request.answered_by:
            return Told(say("That question is closed already."), closes=asked)
        words = answer.strip().casefold()
        agreed = words in each_way("allow more") | each_way("yes")
        if not agreed and words not in each_way("no"):
            raise BadInput(say("Write `/budget yes {id}` or `/budget no {id}`.", id=request.id))
        others = await self._waiting_with(request)
        one_a_chat = {each.address: each for each in (*others, request)}
        letters = [await self._word_back(talk, each, agreed=agreed) for each in one_a_chat.values()]
        return Told(
            say("Allowed: {more} more.", more=_more(request)) if agreed else say("Then it stays as it is."),
            changes=(answering_request(request, others=[each.id for each in others], admin=account, agreed=agreed),),
            letters=tuple(letters),
            closes=asked,
        )

    async def _waiting_with(self, request: BudgetRequest) -> list[BudgetRequest]:
        """The other ones that an answer to this answers: several may have come to the end of a budget at once."""
        place = request.scope, request.period
        known = await self._store.budget_requests()
        return [each for each in known if (each.scope, each.period) == place and each.id != request.id]

    async def _word_back(self, talk: Talk, request: BudgetRequest, *, agreed: bool) -> Letter:
        address = Address.model_validate_json(request.address)
        preferences = await self._store.preferences(address.channel, request.person)
        with speaking(preferences.language or talk.language):
            yes = say("An admin has allowed you {more} more. Please send your request again.", more=_more(request))
            text = yes if agreed else say("An admin has said no to more. {anew}", anew=_anew(_place(request)))
        return _letter(address, Notice(text=text))

    async def _budget(self, talk: Talk, rest: str) -> Told:
        word, _, name = rest.strip().partition(" ")
        if word:
            request = await self._store.budget_request(name.strip())
            if request is None:
                raise BadInput(say("I know no such request. `/budget` lists those that are open."))
            return await self._closed(talk, request, word)
        payer = payer_of(talk)
        allowances = self._limits.holding_for(payer, self._now())
        spent = await self._store.spent(allowances) if allowances else []
        lines = [_line(*both, own=payer) for both in zip(spent, allowances, strict=True)]
        if rights().may_say(ALLOWS) and talk.inbound.private:  # it is about others
            lines += [_request_line(each) for each in await self._store.budget_requests()]
            lines += [f"- {await self._proxy()}"] if self._proxy else []
        return Told("\n".join(lines) or say("No budget limits you here."))


def payer_of(talk: Talk) -> Payer:
    """On whose budgets a turn goes."""
    who, theirs = talk.inbound.person.id, rights()
    return Payer(
        talk.arrived.channel,
        who,
        talk.inbound.address.chat,
        identity=theirs.identity,
        accounts=theirs.accounts,
        role=theirs.role,
    )


def budget_name(of: Allowance, *, own: Payer | None = None) -> str:
    """A budget, for a person; `own` is the one who reads it."""
    kind, _, name = of.scope.partition(":")
    span = say("for today") if len(of.period) == len("2026-11-21") else say("for this month")
    if own and of.scope == f"person:{own.account}":
        return f"{say('your budget')} {span}"
    if kind == "team":
        return f"{say('the budget of everybody')} {span}"
    if kind == "chat":
        return f"{say('the budget of the chat {name}', name=name)} {span}"
    return f"{say('the budget of {name}', name=name)} {span}"


def used_of(spent: Spent, allowance: Allowance) -> str:
    """How far a budget is: tokens, money, or both."""
    parts = []
    if allowance.tokens is not None:
        most = allowance.tokens + spent.more_tokens
        parts.append(say("{used:,} of {limit:,} tokens", used=spent.tokens, limit=most))
    if allowance.micro_usd is not None:
        parts.append(f"{dollars(spent.micro_usd)} / {dollars(allowance.micro_usd + spent.more_micro_usd)}")
    return ", ".join(parts)


def dollars(micro_usd: int) -> str:
    """Money for a person, in cents, or finer where it is less than a dollar."""
    return f"${micro_usd / MILLION:,.{2 if micro_usd >= MILLION else 4}f}"


def _line(spent: Spent, allowance: Allowance, *, own: Payer) -> str:
    used = used_of(spent, allowance)
    return f"- {budget_name(allowance, own=own)}: {used} ({percent(spent, allowance):.0f} %)"


def _request_line(request: BudgetRequest) -> str:
    asks = say("{person} asks for {more} more", person=request.person, more=_more(request))
    return f"- `{request.id}`: {asks}: {budget_name(_place(request))}. `/budget yes {request.id}`"


def _request(talk: Talk, allowance: Allowance, now: datetime) -> BudgetRequest:
    """It asks for half of the limit once more."""
    return BudgetRequest(
        id=f"b{talk.arrived.number}",
        scope=allowance.scope,
        period=allowance.period,
        tokens=-(-(allowance.tokens or 0) // 2),
        micro_usd=-(-(allowance.micro_usd or 0) // 2),
        person=talk.inbound.person.id,
        address=talk.inbound.address.model_dump_json(),
        asked_at=now,
    )


def _question(talk: Talk, request: BudgetRequest, used: str, *, admin: tuple[int, str]) -> Question:
    """The question for one of the admins: channels know each by an id of its own."""
    number, person = admin
    text = say(
        "{person} cannot go on: {budget} has no room for another model call ({used}). May it be {more} more?",
        person=talk.inbound.person.name or talk.inbound.person.id,
        budget=budget_name(_place(request)),
        used=used,
        more=_more(request),
    )
    field = QuestionField(name="more", label=text, choices=(say("allow more"), say("no")), closed=True, approval=True)
    typed = say("Write `/budget yes {id}` or `/budget no {id}`.", id=request.id)
    return Question(id=f"{request.id}-{number}", person=person, text=f"{text}\n\n{typed}", fields=(field,))


def _letter(address: Address, part: Question | Notice) -> Letter:
    return Letter(address.session, address.channel, address.model_dump_json(), FINAL.dump_json(part).decode())


def _place(request: BudgetRequest) -> Allowance:
    return Allowance(request.scope, request.period)


def _more(request: BudgetRequest) -> str:
    tokens = say("{count:,} tokens", count=request.tokens) if request.tokens else ""
    money = dollars(request.micro_usd) if request.micro_usd else ""
    return ", ".join(filter(None, (tokens, money)))


def _anew(allowance: Allowance) -> str:
    if len(allowance.period) == len("2026-11-21"):
        return say("It begins anew at midnight UTC.")
    return say("It begins anew on the first day of the next month.")
