"""The story of a turn: one Inbound comes in, a Decision is made, a Plan may run, and one part goes out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import assert_never

from orchestrator import guard, offline
from orchestrator.card import Card, show_so_far
from orchestrator.commands import Commands, Told
from orchestrator.dossier import Dossier
from orchestrator.ending import Ending, conclusion, request_of
from orchestrator.errors import BadInput, NoModelAnswered, PlanInvalid
from orchestrator.front import Front
from orchestrator.headstart import HeadStart
from orchestrator.intake import problem_with
from orchestrator.messages import (
    Answer,
    Choice,
    Command,
    Draft,
    Emit,
    Form,
    Inbound,
    Message,
    Notice,
    Question,
    Stop,
)
from orchestrator.plan import Clarify, Decision, Direct, Planned, Refuse, Step, StepResult
from orchestrator.planner import Planner
from orchestrator.questions import blanks, merge, model_question, plan_question, read_reply
from orchestrator.reading import Reader
from orchestrator.scheduler import run_plan
from orchestrator.sessions import Run, Sessions, Talk
from orchestrator.steps import Steps
from orchestrator.synthesizer import Synthesizer, troubles
from orchestrator.tools.catalog import Catalog
from orchestrator.words import say
from storage.records import Arrived, Parcel, StoredStep
from storage.store import Store


@dataclass(frozen=True, slots=True)
class Limits:
    """What one turn may use: characters of a message, steps at once, new plans after steps that did not work."""

    message_characters: int = 20_000
    steps_at_once: int = 4
    replans: int = 1


class Turns:
    """The conductor. Everything that it needs is passed in; nothing of a turn is kept here."""

    def __init__(
        self,
        store: Store,
        catalog: Catalog,
        *,
        sessions: Sessions,
        front: Front | None,
        planner: Planner | None,
        reader: Reader,
        steps: Steps,
        synthesizer: Synthesizer,
        commands: Commands,
        limits: Limits,
        now: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._catalog = catalog
        self._sessions = sessions
        self._front = front
        self._planner = planner
        self._reader = reader
        self._steps = steps
        self._synthesizer = synthesizer
        self._commands = commands
        self._limits = limits
        self._now = now

    async def take_turn(self, arrived: Arrived, inbound: Inbound, emit: Emit) -> list[Parcel]:
        """Work on one Inbound to its end. What is returned is stored already, and on its way out.

        A turn that an earlier process began goes on where it was. Raises StorageError: then nothing has ended.
        """
        dossier = Dossier()
        started = self._now()
        talk = await self._sessions.load(arrived, inbound)
        ending = await self._work(talk, dossier, emit)
        return await self._conclude(talk, ending, dossier, started)

    async def stop_turn(self, arrived: Arrived, inbound: Inbound) -> list[Parcel]:
        """End a turn that a person has stopped, and say what was finished before. The stop itself ends in silence."""
        if isinstance(inbound, Stop):
            return await self._end_early(arrived, inbound, Ending("command"))
        run = await self._sessions.begun(arrived)
        text = " ".join(filter(None, (say("Stopped."), _so_far(run) if run else "")))
        return await self._end_early(arrived, inbound, Ending("stopped", Notice(text=text)))

    async def fail_turn(self, arrived: Arrived, inbound: Inbound) -> list[Parcel]:
        """End a turn that cannot be done: our fault, and we say so."""
        run = await self._sessions.begun(arrived)
        wrong = say("Something went wrong on my side ({turn}).", turn=arrived.turn)
        kept = say("Your message is kept; please try other words.")
        text = " ".join(filter(None, (wrong, _so_far(run) if run else "", kept)))
        return await self._end_early(arrived, inbound, Ending("failed", Notice(text=text)))

    async def _end_early(self, arrived: Arrived, inbound: Inbound, ending: Ending) -> list[Parcel]:
        return await self._conclude(Talk(arrived=arrived, inbound=inbound), ending, Dossier(), self._now())

    async def _work(self, talk: Talk, dossier: Dossier, emit: Emit) -> Ending:
        if problem := problem_with(talk.inbound, limit=self._limits.message_characters):
            return Ending("failed", Notice(text=problem))
        async with self._head_start(talk, emit) as ahead:
            try:
                decision = talk.run or await self._decide(talk, dossier, emit, ahead)
            except BadInput as problem:
                return Ending("failed", Notice(text=str(problem)))
            return await self._act(decision, talk, dossier, emit, ahead)

    def _head_start(self, talk: Talk, emit: Emit) -> HeadStart:
        return HeadStart(
            self._reader,
            self._catalog.find,
            partial(self._steps.run_ahead, talk.arrived.turn),
            show=partial(show_so_far, emit, talk.arrived.turn),
            said=talk.said,
            limit=self._limits.steps_at_once,
        )

    async def _act(
        self, decision: Decision | Told | Run, talk: Talk, dossier: Dossier, emit: Emit, ahead: HeadStart
    ) -> Ending:
        if not isinstance(decision, Told | Run):
            dossier.decided(decision)
        match decision:
            case Told(text=text, forget_history=forget, drop_question=drop):
                return Ending("command", Notice(text=text), forget_history=forget, drop_question=drop)
            case Direct(text=text):
                return Ending("direct", Answer(text=text))
            case Refuse(text=text):
                return Ending("refuse", Answer(text=text))
            case Clarify():
                return Ending("clarify", _instead_of_the_old(model_question(_question_id(talk), decision), talk))
            case Planned(plan=plan):
                run = Run(id=talk.arrived.turn, request=request_of(talk.inbound), plan=plan)
                await self._store.save_plan(run.as_stored(talk.arrived))
                return await self._carry_out(run, talk, dossier, emit, ahead)
            case Run():
                return await self._carry_out(decision, talk, dossier, emit, ahead)
            case _:
                assert_never(decision)

    # --- deciding ---------------------------------------------------------------------------------------

    async def _decide(self, talk: Talk, dossier: Dossier, emit: Emit, ahead: HeadStart) -> Decision | Told | Run:
        match talk.inbound:
            case Stop():
                open_question = talk.question is not None
                text = say("I have dropped my question.") if open_question else say("Nothing is running here.")
                return Told(text, drop_question=open_question)
            case Command() as command:
                return await self._commands.carry_out(talk, command)
            case Choice() | Form() as press if talk.question is None or press.question != talk.question.id:
                return Told(say("That question is closed already."))
            case Choice() | Form() | Message():
                return await self._answered(talk, dossier) or await self._fresh(talk, dossier, emit, ahead)

    async def _answered(self, talk: Talk, dossier: Dossier) -> Run | Told | None:
        """The plan that goes on with this Inbound, if it answers the open question."""
        question = talk.question
        if question is None or question.plan is None or (run := await self._sessions.run(question.plan)) is None:
            return None
        values = read_reply(talk.inbound, run.plan, run.waiting, self._catalog.find)
        if not values:
            return (
                None if isinstance(talk.inbound, Message) else Told(say("I could not use that answer; please type it."))
            )
        if question.person != talk.inbound.person.id:
            if isinstance(talk.inbound, Message) and any(value not in (True, False) for value in values.values()):
                return None  # in a chat of several people, words of another one are not a try to answer
            return Told(say("I asked somebody else that; only they can answer it."))
        plan, ended = merge(run.plan, values, person=talk.inbound.person.id, find=self._catalog.find)
        steps = [StoredStep(step_id, result.status, result.model_dump_json()) for step_id, result in ended.items()]
        steps += [StoredStep(step_id, "agreed", "{}") for step_id in _agreed(values)]
        run = replace(run, plan=plan, results={**run.results, **ended}, begun=run.begun - _agreed(values))
        await self._store.save_plan(run.as_stored(talk.arrived), closes=question.id, steps=steps)
        dossier.note("reason", f"you answered the question of {run.id}")
        return run

    async def _fresh(self, talk: Talk, dossier: Dossier, emit: Emit, ahead: HeadStart) -> Decision:
        """A decision on a new request: the front call, and behind it the tier without a model."""
        if isinstance(talk.inbound, Choice | Form):
            talk = replace(talk, inbound=_as_message(talk.inbound))
        decision = await self._front_decision(talk, dossier, emit, ahead)
        if isinstance(decision, Planned):
            return replace(decision, plan=guard.check(decision.plan, self._catalog.find, talk.said))
        return decision

    async def _front_decision(self, talk: Talk, dossier: Dossier, emit: Emit, ahead: HeadStart) -> Decision:
        async def draft(text: str) -> None:
            await emit(Draft(text=text))

        if self._front is None:
            return offline.decide(talk.text, self._catalog.specs(), note=offline.no_model())
        try:
            return await self._front.decide(talk, note=dossier.call, on_text=draft, on_calls=ahead.heard)
        except NoModelAnswered:
            dossier.note("without_model", "no model of the chain answered")
        except PlanInvalid as invalid:
            dossier.note("without_model", f"the model's plan could not run, twice: {'; '.join(invalid.problems)}")
        return offline.decide(talk.text, self._catalog.specs(), note=offline.model_away())

    # --- carrying out -----------------------------------------------------------------------------------

    async def _carry_out(self, run: Run, talk: Talk, dossier: Dossier, emit: Emit, ahead: HeadStart) -> Ending:
        """Run what can run now. What waits for the person becomes the turn's question; else there is an answer."""
        card = Card(run, emit)
        await card.show()

        async def run_step(step: Step, inputs: Mapping[str, StepResult]) -> StepResult:
            await card.mark(step, "running")
            result = await self._steps.run_step(run, step, inputs, begun=ahead.take(step))
            await card.mark(step, result.state, result.error)
            return result

        async def draft(text: str) -> None:
            await emit(Draft(text=text))

        results = await run_plan(run.plan, run_step, known=run.results, limit=self._limits.steps_at_once)
        dossier.ran(run.plan, results)
        if blanks(run.plan, results):
            question = plan_question(_question_id(talk), run.plan, results, self._catalog.find)
            return Ending("clarify", _instead_of_the_old(question, talk, run.id), plan=run.id)
        match await self._replanned(run, results, talk, dossier):
            case Run() as again:
                return await self._carry_out(again, talk, dossier, emit, ahead)
            case Ending() as ending:
                return ending
        answer = await self._synthesizer.synthesize(run.request, run.plan, results, note=dossier.call, on_text=draft)
        return Ending("plan", Answer(text=answer))

    async def _replanned(
        self, run: Run, results: Mapping[str, StepResult], talk: Talk, dossier: Dossier
    ) -> Run | Ending | None:
        """What the planner makes of steps that did not work; None where there is nothing to be made of them."""
        if self._planner is None or not _failed(results) or run.replans >= self._limits.replans:
            return None
        try:
            decision = await self._planner.replan(talk, run, results, note=dossier.call)
        except (NoModelAnswered, PlanInvalid) as error:
            dossier.note("no_new_plan", str(error))
            return None
        match decision:
            case Direct(text=text) | Refuse(text=text):
                return Ending("plan", Answer(text="\n\n".join(filter(None, (text, troubles(run.plan, results))))))
            case Clarify():
                question = model_question(_question_id(talk), decision)
                so_far = _so_far(replace(run, results=dict(results)))
                text = f"{so_far} {question.text}".strip()
                return Ending("clarify", question.model_copy(update={"text": text}))
            case Planned(plan=plan):
                observed = "\n".join(result.text for result in results.values())
                plan = guard.check(plan, self._catalog.find, f"{talk.said}\n{run.request}\n{observed}")
                kept = {step.id: results[step.id] for step in plan.steps if step.id in results}
                again = replace(run, plan=plan, results=kept, replans=run.replans + 1)
                await self._store.save_plan(again.as_stored(talk.arrived))
                dossier.note("replanned", f"steps that did not work: {', '.join(_failed(results))}")
                return again
            case _:
                assert_never(decision)

    # --- the end ----------------------------------------------------------------------------------------

    async def _conclude(self, talk: Talk, ending: Ending, dossier: Dossier, started: datetime) -> list[Parcel]:
        """Everything that ends a turn, in one transaction."""
        return await self._store.finish(conclusion(talk, ending, dossier, started=started, finished=self._now()))


def _so_far(run: Run) -> str:
    """What of a stopped run has happened, and what may have."""
    done = [run.plan.step(step).label for step, result in run.results.items() if result.status == "done"]
    begun = [run.plan.step(step).label for step in run.begun]
    finished = say("Finished before that: {steps}.", steps=", ".join(done)) if done else ""
    under_way = say("Under way, and perhaps done: {steps}.", steps=", ".join(begun)) if begun else ""
    return " ".join(filter(None, (finished, under_way)))


def _failed(results: Mapping[str, StepResult]) -> list[str]:
    return [step for step, result in results.items() if result.status == "failed"]


def _question_id(talk: Talk) -> str:
    return f"q{talk.arrived.number}"


def _instead_of_the_old(question: Question, talk: Talk, plan: str | None = None) -> Question:
    """A session has one open question. Where another plan's is replaced, the person is told."""
    if talk.question is None or talk.question.plan in {None, plan}:
        return question
    dropped = say("(I have dropped my question before this one.)")
    return question.model_copy(update={"text": f"{question.text}\n\n{dropped}"})


def _agreed(values: Mapping[str, object]) -> frozenset[str]:
    """The steps of unknown outcome that the person wants to be run again."""
    return frozenset(name.removesuffix(".repeat") for name, yes in values.items() if name.endswith(".repeat") and yes)


def _as_message(press: Choice | Form) -> Message:
    """A press on a question that a model asked, as the words that it stands for."""
    text = press.value if isinstance(press, Choice) else "\n".join(press.values.values())
    arrival = {name: getattr(press, name) for name in ("event_id", "address", "person", "sent_at")}
    return Message(**arrival, text=text)
