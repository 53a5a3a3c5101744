"""The story of a turn: one Inbound comes in, a Decision is made, a Plan may run, and one part goes out."""

import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import assert_never

from orchestrator.budgets import Budgets, charging
from orchestrator.carrying_out import CarryingOut, so_far
from orchestrator.cases import Cases, reviewed, with_request
from orchestrator.complexity import Complexity
from orchestrator.deciding import Deciding
from orchestrator.discretion import Discretion
from orchestrator.dossier import Dossier
from orchestrator.ending import Ending, about_files, conclusion, honest
from orchestrator.errors import BadInput, BudgetSpent, NotAllowed, NotTheirs
from orchestrator.facts import kind_of
from orchestrator.insights import wished
from orchestrator.intake import problem_with
from orchestrator.messages import Answer, Edit, Emit, Inbound, Message, Notice, Question, Saying, Stop
from orchestrator.pace import Pace
from orchestrator.people import People
from orchestrator.plan import Clarify, Decision, Direct, FindTool, Planned, Refuse
from orchestrator.questions import model_question
from orchestrator.raising import Raising, payer_of
from orchestrator.redaction import BY_SHAPE, Redaction
from orchestrator.roles import acting_with, rights, shut_out
from orchestrator.scene import Scene, drafts_alone
from orchestrator.sessions import Run, Sessions, Talk, files_of
from orchestrator.slash import Told
from orchestrator.steering import Added, Steering
from orchestrator.tools.calling import calling_with
from orchestrator.tools.catalog import only, refusing
from orchestrator.watching import note, span
from orchestrator.words import say, speaking
from storage.records import Arrived, Conclusion, Parcel
from storage.store import Store

log = logging.getLogger(__name__)


class Turns:
    """The conductor. Everything that it needs is passed in; nothing of a turn is kept here."""

    def __init__(
        self,
        store: Store,
        *,
        sessions: Sessions,
        deciding: Deciding,
        carrying_out: CarryingOut,
        budgets: Budgets,
        complexity: Complexity,
        cases: Cases,
        people: People,
        raising: Raising,
        pace: Pace,
        message_characters: int,
        find: FindTool,
        redaction: Redaction = BY_SHAPE,
        now: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._sessions = sessions
        self._deciding = deciding
        self._carrying_out = carrying_out
        self._budgets = budgets
        self._complexity = complexity
        self._cases = cases
        self._people = people
        self._raising = raising
        self._pace = pace
        self._message_characters = message_characters
        self._find = find
        self._redaction = redaction
        self._discretion = Discretion(redaction)
        self._now = now

    async def take_turn(
        self, arrived: Arrived, inbound: Inbound, emit: Emit, *, steering: Steering | None = None
    ) -> list[Parcel]:
        """Work on one Inbound to its end. What is returned is stored already, and on its way out.

        A turn that an earlier process began goes on where it was, with the rights that its person has now. Raises
        StorageError: then nothing has ended.
        """
        theirs = await self._people.rights_of(inbound)
        with acting_with(theirs), refusing(theirs.refusal):
            return await self._taken(arrived, inbound, emit, steering=steering)

    async def _taken(
        self, arrived: Arrived, inbound: Inbound, emit: Emit, *, steering: Steering | None
    ) -> list[Parcel]:
        dossier = Dossier(self._now, redaction=self._redaction)
        started = self._now()
        talk = await self._sessions.load(arrived, inbound)
        if files := files_of(inbound):
            dossier.note("files", "; ".join(": ".join(filter(None, (f.in_words, f.heard or f.problem))) for f in files))
        emit = self._discretion.live(emit)
        shown = dossier.watching(drafts_alone(emit) if talk.verbosity == "quiet" else emit)
        person = inbound.address.channel, inbound.person.id
        calling = calling_with(
            channel=person[0],
            person=person[1],
            name=inbound.person.name,
            teams=inbound.person.teams,
            address=inbound.address,
            private=inbound.private,
            tools=inbound.tools,
        )
        case = await self._cases.behind(arrived)
        judgement = self._complexity.judged(talk.whole_request, files=len(talk.attached))
        bill = await self._budgets.bill_for(payer_of(talk), simple=judgement.is_simple)
        if bill.thrifty:
            dossier.note("thrifty", "little is left of a budget, so the cheap chain is asked first")
        with speaking(talk.language), calling, only(inbound.tools), charging(bill):
            async with self._carrying_out.head_start(talk, shown) as ahead:
                scene = Scene(talk, dossier, shown, ahead, steering)
                ending = (self._cases.settled(case, scene) if case else None) or await self._within_rights(scene)
            ending = about_files(honest(ending, talk, dossier, self._find), talk.inbound)
            ending = with_request(await self._raising.told(ending, talk, bill), case)
            if talk.verbosity == "full":
                ending = ending.with_footer(dossier.in_a_line())
            ending = self._discretion.ending(ending)
            return await self._conclude(talk, ending, dossier, started, also=steering.taken if steering else ())

    async def stop_turn(self, arrived: Arrived, inbound: Inbound) -> list[Parcel]:
        """End a turn that a person has stopped, and say what was finished before. The stop itself ends in silence."""
        if isinstance(inbound, Stop):
            return await self._end_early(arrived, inbound, Ending("command"))
        with speaking(await self._sessions.language_of(arrived, inbound)):
            text = " ".join(filter(None, (say("Stopped."), await self._so_far(arrived))))
        return await self._end_early(arrived, inbound, Ending("stopped", Notice(text=text)))

    async def fail_turn(self, arrived: Arrived, inbound: Inbound, *, why: str = "broken") -> list[Parcel]:
        """End a turn that cannot be done: our fault, and we say so. A person looks at it; `why` is for them."""
        case = "" if isinstance(inbound, Stop | Edit) else why
        with speaking(await self._sessions.language_of(arrived, inbound)):
            wrong = say("Something went wrong on my side ({turn}).", turn=arrived.turn)
            kept = await self._cases.promise() if case else say("Please try other words.")
            text = " ".join(filter(None, (wrong, await self._so_far(arrived), kept)))
        return await self._end_early(arrived, inbound, Ending("failed", Notice(text=text), case=case))

    async def _so_far(self, arrived: Arrived) -> str:
        """What of a turn's plan has happened, in words; nothing of a plan that another version wrote."""
        try:
            run = await self._sessions.begun(arrived)
        except (ValueError, LookupError):
            log.exception("a stored plan cannot be read", extra={"turn": arrived.turn})
            return ""
        return so_far(run) if run else ""

    async def has_acted(self, arrived: Arrived) -> bool:
        """Whether this turn has done something that cannot be begun anew with other words."""
        run = await self._sessions.begun(arrived)
        return run is not None and (run.id != arrived.turn or await self._carrying_out.has_acted(run))

    async def language_of(self, arrived: Arrived, inbound: Inbound) -> str:
        """The language in which the person of an Inbound is spoken to."""
        return await self._sessions.language_of(arrived, inbound)

    async def _within_rights(self, scene: Scene) -> Ending:
        """What is worked on ends with a refusal where its person may not have it."""
        inbound = scene.talk.inbound
        if not rights().are_any and inbound.person.id:
            return _shut_out(inbound)
        try:
            return await self._work(scene)
        except NotAllowed as refusal:
            scene.dossier.refused(str(refusal))
            whom = "" if isinstance(refusal, NotTheirs) else await self._people.who_can_help()
            return Ending("failed", Notice(text=" ".join(filter(None, (str(refusal), whom)))))

    async def _work(self, scene: Scene) -> Ending:
        """From what was said to how it ends."""
        talk = scene.talk
        if problem := problem_with(talk.inbound, limit=self._message_characters):
            if len(talk.text) > self._message_characters:
                scene.dossier.decided_by("characters", limit=self._message_characters, value=len(talk.text))
            return Ending("failed", Notice(text=problem))
        if isinstance(talk.inbound, Message) and (problem := self._pace.problem(talk.inbound.person.id, talk.arrived)):
            return Ending("failed", Notice(text=problem))
        try:
            with span("decision") as decided:
                decision = talk.run or await self._deciding.decide(scene)
                decided.note(decision=_in_a_word(decision))
        except BudgetSpent:
            return Ending("failed")
        except NotAllowed:
            raise
        except BadInput as problem:
            return Ending("failed", Notice(text=str(problem)))
        if not isinstance(decision, Told | Run):
            scene.dossier.decided(decision)
        return await self._act(decision, scene)

    async def _act(self, decision: Decision | Told | Run, scene: Scene) -> Ending:
        match decision:
            case Told(text=text, asks=fields) if fields:
                question = Question(id=scene.question_id, text=text, fields=fields)
                return Ending("command", scene.instead_of_the_old(question))
            case Told():
                return _of_command(decision)
            case Direct(text=text, files=files):
                return Ending("direct", Answer(text=text, files=files))
            case Refuse(text=text, unserved=True):
                return Ending("unserved", Answer(text=f"{text} {await self._cases.promise()}"), case="unserved")
            case Refuse(text=text):
                return Ending("refuse", Answer(text=text), changes=wished(scene.talk, decision, self._redaction))
            case Clarify():
                return Ending("clarify", scene.instead_of_the_old(model_question(scene.question_id, decision)))
            case Planned(plan=plan):
                return await self._carrying_out.begin(plan, scene)
            case Run():
                with only(decision.tools), calling_with(tools=decision.tools or scene.talk.inbound.tools):
                    return await self._carrying_out.carry_out(decision, scene)
            case _:
                assert_never(decision)

    async def _end_early(self, arrived: Arrived, inbound: Inbound, ending: Ending) -> list[Parcel]:
        dossier = Dossier(self._now, redaction=self._redaction)
        return await self._conclude(Talk(arrived=arrived, inbound=inbound), ending, dossier, self._now())

    async def _conclude(
        self, talk: Talk, ending: Ending, dossier: Dossier, started: datetime, *, also: Sequence[Added] = ()
    ) -> list[Parcel]:
        """Everything that ends a turn, and the ones that were added to it, in one transaction."""
        await dossier.price()
        note(outcome=ending.outcome, also_ended=len(also), **dossier.in_numbers())
        mine = conclusion(talk, reviewed(ending, talk.arrived), dossier, started=started, finished=self._now())
        return await self._store.finish(mine, *(self._added(arrived, message) for arrived, message in also))

    def _added(self, arrived: Arrived, message: Message) -> Conclusion:
        """The end of a turn whose words went into another one."""
        notice = Ending("added", Notice(text=say("I have added that to what I was doing.")))
        talk, now = Talk(arrived=arrived, inbound=message), self._now()
        dossier = Dossier(self._now, redaction=self._redaction)
        return conclusion(talk, notice, dossier, started=now, finished=now)


def _in_a_word(decision: Decision | Told | Run) -> str:
    match decision:
        case Told():
            return "command"
        case Run():
            return "go_on"
        case _:
            return kind_of(decision)


def _shut_out(inbound: Inbound) -> Ending:
    """The end for somebody who may not come in. Of what they had set up before, nothing comes."""
    if isinstance(inbound, Saying):
        return Ending("command")
    return Ending("failed", Notice(text=shut_out()))


def _of_words(told: Told) -> Answer | Notice | None:
    if told.files:
        return Answer(text=told.text, files=told.files)
    return Notice(text=told.text, closes=told.closes) if told.text else None


def _of_command(told: Told) -> Ending:
    return Ending(
        "command",
        _of_words(told),
        forget_history=told.forget_history,
        drop_question=told.drop_question,
        changes=told.changes,
        letters=told.letters,
    )
