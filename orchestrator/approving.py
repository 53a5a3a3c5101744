"""Approving: a call that needs the yes of others waits for them, where it was asked for and in letters to them.

Nothing waits in memory. Each yes is a row, and an event for the session that asked: in its turn, and with the rights
that everybody has by then, it is counted whether there are enough. A yes is for one call with its arguments.
"""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from orchestrator import audit
from orchestrator.answering import Values
from orchestrator.ending import Ending
from orchestrator.errors import NotTheirs
from orchestrator.messages import (
    FINAL,
    INBOUND,
    Address,
    Arrival,
    Choice,
    Form,
    Inbound,
    Message,
    Question,
    QuestionField,
)
from orchestrator.people import People
from orchestrator.plan import FindTool, StepResult
from orchestrator.questions import Blank, answerable, asked_yes, blanks
from orchestrator.roles import Rights, approval_of, rights
from orchestrator.scene import Scene
from orchestrator.sessions import Run, Sessions, Talk
from orchestrator.slash import Told
from orchestrator.slots import yes_or_no
from orchestrator.words import say, speaking
from storage.changes import petitioning
from storage.records import Arrived, Event, Letter, OpenQuestion, Petition, Vote
from storage.store import Store

LETTER = re.compile(r"(?P<petition>a[0-9a-f]{16})-\d+")
COUNTED = re.compile(r"petition/(?P<petition>a[0-9a-f]{16})/t\d+")

Begin = Callable[[Arrived, Inbound], None]
"""Let a turn begin that nobody in the channel has sent."""


@dataclass(frozen=True, slots=True)
class Tally:
    """What others have said to a call: `no` is who declined, `yes` are those who agreed, by identity."""

    yes: Mapping[str, str]
    no: str = ""
    enough: bool = False


class Approving:
    """Puts calls to those whose yes they need, and counts."""

    def __init__(self, store: Store, people: People, sessions: Sessions, find: FindTool) -> None:
        self._store = store
        self._people = people
        self._sessions = sessions
        self._find = find
        self._begin: Begin | None = None

    def begin_with(self, begin: Begin) -> None:
        """From now on votes are counted at once; else the next process counts them."""
        self._begin = begin

    # --- asking

    def answerable(self, run: Run) -> Run:
        """The run without what waits for others than the one who acts now."""
        return replace(run, waiting=answerable(run.plan, run.waiting, self._find))

    async def asked(self, scene: Scene, run: Run, results: Mapping[str, StepResult]) -> Ending:
        """The ending with the question for others: of all calls that wait for them, the first one."""
        run = run.waiting_with(results)
        mine = self.answerable(run)
        blank = next(blank for blank in blanks(run.plan, run.waiting) if blank.step.id not in mine.waiting)
        petition = _petition(scene.talk, run, blank)
        is_new = await self._store.petition(petition.id) is None
        question = await self._question(scene, blank, petition)
        letters = await self._letters(scene.talk, blank, question, petition) if is_new else []
        asking = scene.instead_of_the_old(question, run.id)
        return Ending("clarify", asking, plan=run.id, changes=(petitioning(petition),), letters=tuple(letters))

    async def _question(self, scene: Scene, blank: Blank, petition: Petition) -> Question:
        tally = await self._tally(petition, blank)
        text = await self._text(scene.talk, blank, tally)
        role = approval_of(self._people.rules, self._find(blank.tool)).by
        return _question(scene.question_id, blank, text, role=role)

    async def _text(self, talk: Talk, blank: Blank, tally: Tally) -> str:
        tool = self._find(blank.tool)
        wanted = approval_of(self._people.rules, tool)
        names = [await self._people.name_of(each) for each in await self._approvers(blank)]
        asks = say("{name} asks for this.", name=talk.inbound.person.name or talk.inbound.person.id)
        whose = self._people.rules.who_may_approve(tool)
        needs = say("It needs a yes of {roles}.", roles=whose)
        if wanted.people > 1:
            needs = say("It needs the yes of {count} different people: {roles}.", count=wanted.people, roles=whose)
        known = (
            say("That is: {names}.", names=", ".join(names)) if names else say("I know nobody who has that role yet.")
        )
        so_far = say("Yes so far: {names}.", names=", ".join(tally.yes.values())) if tally.yes else ""
        return f"{asked_yes(blank, self._find)}\n\n{' '.join(filter(None, (asks, needs, known, so_far)))}"

    async def _approvers(self, blank: Blank) -> list[str]:
        """The accounts of those whose yes counts, but for the one who asks."""
        tool = self._find(blank.tool)
        others = await self._people.those_who(lambda theirs: theirs.approves(tool, own=False))
        return [each for each in others if each not in rights().accounts]

    async def _letters(self, talk: Talk, blank: Blank, question: Question, petition: Petition) -> list[Letter]:
        """The question for each of those who can answer it, where they have written to us alone."""
        letters = []
        for number, account in enumerate(await self._approvers(blank), 1):
            channel, _, person = account.partition(":")
            address = await self._people.private_address(account)
            if address is None or address.session == talk.arrived.session:
                continue
            with speaking((await self._store.preferences(channel, person)).language or talk.language):
                text = await self._text(talk, blank, Tally({}))
                letter = _question(f"{petition.id}-{number}", blank, text, role=question.role, person=person)
            letters.append(_letter(address, letter))
        return letters

    # --- answers

    async def answered(self, talk: Talk) -> Told | None:
        """What comes of a press, or of a typed yes or no, on a question for others; None where it is none. Raises
        NotTheirs where it is not this person's to answer."""
        asked, agreed = self._said(talk)
        if not asked:
            return None
        if agreed is None:
            return Told(say("I could not use that answer; please type it."))
        found = await self._waiting(asked, talk.question)
        closes = asked if LETTER.fullmatch(asked) else ""
        if found is None:
            return Told(say("That question is closed already."), closes=closes)
        petition, blank = found
        if why := self.why_not(blank, petition, rights()):
            raise NotTheirs(why)
        await self._vote(talk, petition, blank, agreed=agreed)
        return Told(say("I have noted your yes.") if agreed else say("I have noted your no."), closes=closes)

    def why_not(self, blank: Blank, petition: Petition, theirs: Rights) -> str:
        """Why somebody's word does not count for this call; empty where it does."""
        tool, is_own = self._find(blank.tool), _asker(petition) in theirs.accounts
        if theirs.approves(tool, own=is_own) or (is_own and theirs.approves_alone(tool)):
            return ""
        roles = self._people.rules.who_may_approve(tool)
        if is_own:
            return say("Your own yes is not enough here: {roles} can say it. `/stop` takes it back.", roles=roles)
        return say("Only these can answer that: {roles}.", roles=roles)

    async def of_press(self, question: str, asked_in: OpenQuestion | None) -> tuple[Petition, Blank] | None:
        """The call that a press on this question is about; None where it is about none that waits for others."""
        if asked_in is not None and not is_for_others(asked_in):
            return None
        return await self._waiting(question, asked_in)

    def _said(self, talk: Talk) -> tuple[str, bool | None]:
        """The question for others that this speaks to, empty where it is none, and whether it agrees."""
        here = talk.question.id if talk.question and is_for_others(talk.question) else ""
        match talk.inbound:
            case Choice(question=question, value=value) if question == here or LETTER.fullmatch(question):
                return question, yes_or_no(value)
            case Form(question=question, values=values) if question == here or LETTER.fullmatch(question):
                return question, yes_or_no(next(iter(values.values()), ""))
            case Message(text=text) if here and (agreed := yes_or_no(text)) is not None:
                return here, agreed
            case _:
                return "", None

    async def _waiting(self, question: str, here: OpenQuestion | None) -> tuple[Petition, Blank] | None:
        """What still waits behind a question, in a letter or here."""
        if letter := LETTER.fullmatch(question):
            petition = await self._store.petition(letter["petition"])
            here = await self._store.open_question(petition.session) if petition else None
        if here is None or here.plan is None or (run := await self._sessions.run(here.plan)) is None:
            return None
        if not is_for_others(here):
            return None
        (field,) = Question.model_validate_json(here.payload).fields
        blank = next((each for each in blanks(run.plan, run.waiting) if each.name == field.name), None)
        petition = await self._store.petition(_id(run, blank)) if blank else None
        if blank is None or petition is None or (letter and petition.id != letter["petition"]):
            return None
        return petition, blank

    async def _vote(self, talk: Talk, petition: Petition, blank: Blank, *, agreed: bool) -> None:
        """Write it down, and let the session that asked count."""
        look = INBOUND.validate_json(petition.payload)
        look = look.model_copy(update={"event_id": f"petition/{petition.id}/{talk.arrived.turn}"})
        event = Event(
            look.address.channel,
            look.event_id,
            petition.session,
            look.address.model_dump_json(),
            INBOUND.dump_json(look).decode(),
        )
        said = INBOUND.dump_json(talk.inbound).decode()
        vote = Vote(petition.id, talk.arrived.channel, talk.inbound.person.id, agreed, said, talk.arrived.received_at)
        sealed = dict(blank.resolved or blank.step.arguments)
        on_record = audit.of_talk("approval", talk, sealed=sealed, what="vote", tools=[blank.tool], given=agreed)
        arrived = await self._store.vote(vote, event, on_record)
        if arrived and self._begin:
            self._begin(arrived, look)

    # --- counting

    def waits(self, talk: Talk, run: Run) -> bool:
        """Whether the call that this turn is to look at still waits."""
        return self._counted_blank(talk, run) is not None

    async def verdict(self, talk: Talk, run: Run) -> Values | None:
        """What others have said to that call; None while that is not enough."""
        blank = self._counted_blank(talk, run)
        petition = await self._store.petition(counted_by(talk.arrived.event_id))
        if blank is None or petition is None:
            return None
        tally = await self._tally(petition, blank)
        if tally.no:
            return Values({blank.name: False}, by=tally.no)
        return Values({blank.name: True}, by=", ".join(tally.yes.values())) if tally.enough else None

    def _counted_blank(self, talk: Talk, run: Run) -> Blank | None:
        petition = counted_by(talk.arrived.event_id)
        return next((each for each in blanks(run.plan, run.waiting) if _id(run, each) == petition), None)

    async def _tally(self, petition: Petition, blank: Blank) -> Tally:
        """The votes that count now: roles may have changed, and accounts may be joined."""
        yes: dict[str, str] = {}
        tool, alone = self._find(blank.tool), False
        for vote in await self._store.votes_on(petition.id):
            voted = INBOUND.validate_json(vote.payload)
            theirs = await self._people.rights_of(voted)
            name = voted.person.name or voted.person.id
            if self.why_not(blank, petition, theirs):
                continue
            if not vote.agreed:
                return Tally(yes, no=name)
            yes[theirs.identity] = name
            alone = alone or (_asker(petition) in theirs.accounts and theirs.approves_alone(tool))
        return Tally(yes, enough=alone or len(yes) >= approval_of(self._people.rules, tool).people)


def counted_by(event_id: str) -> str:
    """The petition whose votes an event lets be counted; empty for any other event."""
    found = COUNTED.fullmatch(event_id)
    return found["petition"] if found else ""


def is_for_others(question: OpenQuestion) -> bool:
    """Whether those are asked who have a role, and not whoever made the request."""
    return bool(json.loads(question.payload).get("role"))


def _id(run: Run, blank: Blank) -> str:
    """The name of one call with its arguments, in which a yes to another one cannot be mistaken for one to this."""
    call = run.waiting[blank.step.id].call if blank.step.id in run.waiting else ""
    told = [run.id, blank.step.id, call, blank.tool, dict(blank.resolved or blank.step.arguments)]
    return f"a{hashlib.sha256(json.dumps(told, sort_keys=True, default=str).encode()).hexdigest()[:16]}"


def _petition(talk: Talk, run: Run, blank: Blank) -> Petition:
    arrival = {name: getattr(talk.inbound, name) for name in Arrival.model_fields}
    look = Choice(**{**arrival, "event_id": ""}, question="", value="")
    payload = INBOUND.dump_json(look).decode()
    return Petition(_id(run, blank), run.id, talk.arrived.session, payload, talk.arrived.received_at)


def _asker(petition: Petition) -> str:
    asked = INBOUND.validate_json(petition.payload)
    return f"{asked.address.channel}:{asked.person.id}"


def _question(question_id: str, blank: Blank, text: str, *, role: str | None, person: str = "") -> Question:
    yes_no = (say("yes"), say("no"))
    field = QuestionField(name=blank.name, label=text, choices=yes_no, closed=True, approval=True)
    return Question(id=question_id, person=person, role=role or "", text=text, fields=(field,))


def _letter(address: Address, part: Question) -> Letter:
    return Letter(address.session, address.channel, address.model_dump_json(), FINAL.dump_json(part).decode())
