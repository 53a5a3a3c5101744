"""What an Inbound means: a command, an answer to the open question, or a request that is decided anew."""

from collections.abc import Sequence
from dataclasses import replace

from orchestrator import audit, guard, offline
from orchestrator.answer_reader import AnswerReader
from orchestrator.answering import Answered, Values, read_answer_to
from orchestrator.approving import Approving, counted_by, is_for_others
from orchestrator.attached import lines
from orchestrator.coming import in_own_words
from orchestrator.commands import Commands
from orchestrator.errors import BudgetSpent, NoModelAnswered, NotTheirs, PlanInvalid
from orchestrator.forgetting import Forgetting
from orchestrator.front import Front
from orchestrator.messages import INBOUND, Choice, Command, Edit, Form, Message, Saying, Stop
from orchestrator.plan import GENERAL, Decision, FindTool, Plan, Planned, Refuse, Step
from orchestrator.questions import blanks
from orchestrator.raising import Raising
from orchestrator.receipts import Receipts
from orchestrator.reminding import Reminding
from orchestrator.scene import Scene
from orchestrator.sessions import Run, Sessions, Talk
from orchestrator.slash import Said, Told
from orchestrator.tools.catalog import ALL_SHOWN, Catalog
from orchestrator.tools.code import RUN_CODE
from orchestrator.tools.paths import in_place
from orchestrator.words import say
from storage.store import Store


class Deciding:
    """Makes decisions. Without a model, or where none answers, the tier without one makes them."""

    def __init__(
        self,
        store: Store,
        catalog: Catalog,
        *,
        sessions: Sessions,
        front: Front | None,
        answers: AnswerReader | None,
        commands: Commands,
        receipts: Receipts,
        reminding: Reminding,
        raising: Raising,
        approving: Approving,
        forgetting: Forgetting,
    ) -> None:
        self._store = store
        self._catalog = catalog
        self._sessions = sessions
        self._front = front
        self._answers = answers
        self._commands = commands
        self._receipts = receipts
        self._reminding = reminding
        self._raising = raising
        self._approving = approving
        self._forgetting = forgetting

    async def decide(self, scene: Scene) -> Decision | Told | Run:
        """The decision; a Run where a stored plan goes on. Raises BadInput, BudgetSpent, StorageError."""
        talk = scene.talk
        if counted_by(talk.arrived.event_id):
            return await self._counted(scene)
        if word := await self._besides(talk):
            return word
        match talk.inbound:
            case Stop():
                return _stopped(talk)
            case Saying() as saying:
                return in_own_words(saying)
            case Edit() as edit:
                return await self._too_late(edit)
            case Command() as command:
                told = await self._commands.carry_out(talk, command)
                return await self._fresh(scene.saying(told.text)) if isinstance(told, Said) else told
            case Choice() | Form() as press if talk.question is None or press.question != talk.question.id:
                return Told(say("That question is closed already."))
            case Choice() | Form() as press if talk.question and press.person.id != talk.question.person:
                raise NotTheirs(say("I asked somebody else that; only they can answer it."))
            case Choice() | Form() | Message():
                return await self._answered(scene) or await self._fresh(scene)

    async def _besides(self, talk: Talk) -> Told | None:
        """What comes of a word on what others have asked for, or on being forgotten; None where it is none."""
        if isinstance(talk.inbound, Choice) and (told := await self._raising.answered(talk, talk.inbound)):
            return told
        return await self._approving.answered(talk) or await self._forgetting.answered(talk)

    async def _too_late(self, edit: Edit) -> Told:
        """What to say to an edit that did not reach its message any more. One that did is not to be told."""
        payload = await self._store.payload(edit.address.channel, edit.edits)
        if payload is None:
            return Told(say("I do not know the message that you have changed. Please send it anew."))
        if INBOUND.validate_json(payload).person.id != edit.person.id:
            return Told(say("Somebody else wrote that message; only they can change it."))
        return Told(say("I had answered or begun to act on that already. Please send your new words as a message."))

    async def _answered(self, scene: Scene) -> Run | Told | None:
        """The plan that goes on with this Inbound, if it answers the open question."""
        talk, question = scene.talk, scene.talk.question
        if question is None or question.plan is None or is_for_others(question):
            return None
        if (run := await self._sessions.run(question.plan)) is None:
            return None
        run = self._approving.answerable(run)
        answer = await self._read(run, scene)
        if answer is None:
            unusable = say("I could not use that answer; please type it.")
            return None if isinstance(talk.inbound, Message) else Told(unusable)
        if question.person != talk.inbound.person.id:
            if isinstance(talk.inbound, Message) and not answer.is_a_word_on_the_plan:
                return None  # in a chat of several people, words of another one are not a try to answer
            raise NotTheirs(say("I asked somebody else that; only they can answer it."))
        went_on = answer.merged(run, talk, find=self._catalog.find)
        await self._store.save_plan(
            went_on.run.as_stored(talk.arrived),
            why=went_on.why,
            closes=question.id,
            steps=went_on.steps,
            given=went_on.given,
            changes=audit.agreed(talk, run, went_on.understood, went_on.given),
        )
        scene.dossier.answered(question.id, went_on.understood, plan=run.id)
        return went_on.run

    async def _counted(self, scene: Scene) -> Run | Told:
        """The plan that goes on with what others have said, or waits for more of them. Silence, where it is over."""
        talk, question = scene.talk, scene.talk.question
        run = await self._sessions.run(question.plan) if question and question.plan else None
        is_theirs = question is not None and question.person == talk.inbound.person.id
        if not (question and run and is_theirs and self._approving.waits(talk, run)):
            return Told("")
        verdict = await self._approving.verdict(talk, run)
        if verdict is None:
            return run
        went_on = verdict.merged(run, talk, find=self._catalog.find)
        await self._store.save_plan(went_on.run.as_stored(talk.arrived), closes=question.id, steps=went_on.steps)
        scene.dossier.answered(question.id, went_on.understood, plan=run.id)
        return went_on.run

    async def _read(self, run: Run, scene: Scene) -> Answered | None:
        """What this says to the plan that waits; None where it says nothing to it. At most one model call reads it."""
        talk, find = scene.talk, self._catalog.find
        theirs = talk.question is not None and talk.question.person == talk.inbound.person.id
        if theirs and (paths := _asked_for_files(run, talk.paths, find)):
            return Values(paths)
        if answer := read_answer_to(run, talk.inbound, find=find):
            return answer
        if self._answers is None or not theirs or not isinstance(talk.inbound, Message):
            return None
        values = await self._answers.read(talk.text, run, find=find, note=scene.dossier.call)
        return Values(values) if values else None

    async def _fresh(self, scene: Scene) -> Decision:
        """A decision on a new request, and behind it the guard."""
        if isinstance(scene.talk.inbound, Choice | Form):
            scene = scene.saying(_words(scene.talk.inbound))
        decision = await self._front_decision(scene)
        if isinstance(decision, Planned):
            return replace(decision, plan=guard.check(decision.plan, self._catalog.find, scene.talk.said))
        return decision

    async def _front_decision(self, scene: Scene) -> Decision:
        """The front call's, and behind it that of the tier without a model."""
        dossier = scene.dossier
        if self._front is None:
            return await self._without_model(scene.talk, offline.no_model())
        try:
            return await self._front.decide(
                scene.talk,
                note=dossier.call,
                on_text=scene.draft,
                on_calls=scene.ahead.heard,
                tell=dossier.located,
            )
        except BudgetSpent:
            dossier.note("stopped", "a budget was spent")
            raise
        except NoModelAnswered:
            dossier.note("without_model", "no model of the chain answered")
        except PlanInvalid as invalid:
            dossier.note("one_task", f"the model's plan could not run, twice: {'; '.join(invalid.problems)}")
            return await self._as_one_task("\n\n".join(filter(None, (scene.talk.text, lines(scene.talk.attached)))))
        decision = await self._without_model(scene.talk, offline.model_away())
        return offline.unserved(decision) if isinstance(decision, Refuse) else decision

    async def _without_model(self, talk: Talk, note: str) -> Decision:
        """By the names of the tools alone; a file goes where a tool wants one."""
        specs = [tool for tool in self._catalog.specs() if tool.name != RUN_CODE.name]  # a person's words are no code
        if talk.attached and not talk.text.strip():
            pictures = any(each.file.mime.startswith("image/") for each in talk.attached)
            word = "receipt" if pictures and self._catalog.find("line_item_parser") else ""
            return offline.of_files_alone([each.file.name for each in talk.attached], specs, note=note, word=word)
        if reminder := await self._reminding.meant(talk):
            return reminder
        if receipt := self._receipts.meant(talk):
            return receipt
        found = specs if len(specs) <= ALL_SHOWN else await self._catalog.search(talk.text, most=ALL_SHOWN)
        likely = [tool for tool in found if tool.name != RUN_CODE.name]
        decision = offline.decide(talk.text, specs, likely=likely, today=talk.inbound.sent_at.date(), note=note)
        if not isinstance(decision, Planned):
            return decision
        steps = [_with_files(step, talk.paths, self._catalog.find) for step in decision.plan.steps]
        return replace(decision, plan=Plan(steps=tuple(steps)))

    async def _as_one_task(self, text: str) -> Planned:
        """A plan of one step that always can run: the whole request, left to a worker."""
        tools = tuple(tool.name for tool in await self._catalog.offer(text))
        step = Step(id="s1", worker=GENERAL, arguments={"task": text}, tools=tools)
        return Planned(Plan.checked([step], self._catalog.find), reason="one task in place of a plan that cannot run")


def _stopped(talk: Talk) -> Told:
    """What a stop does where nothing runs. Raises NotTheirs."""
    if not talk.may_drop_question:
        raise NotTheirs(say("I asked somebody else that; only they can answer it."))
    open_question = talk.question is not None
    text = say("I have dropped my question.") if open_question else say("Nothing is running here.")
    return Told(text, drop_question=open_question)


def _with_files(step: Step, paths: Sequence[str], find: FindTool) -> Step:
    """The step with the files in place of what it lacks."""
    if (tool := find(step.tool)) is None or not (given := in_place(tool, step.missing, paths)):
        return step
    missing = tuple(name for name in step.missing if name not in given)
    arguments = {**step.arguments, **given}
    return step.model_copy(update={"arguments": arguments, "missing": missing, "title": tool.in_words(arguments)})


def _asked_for_files(run: Run, paths: Sequence[str], find: FindTool) -> dict[str, str]:
    """The files as answers, by the names of what was asked for; empty unless files are all that was."""
    asked = blanks(run.plan, run.waiting)
    wanted = [blank for blank in asked if (tool := find(blank.tool)) and in_place(tool, [blank.argument], ["a path"])]
    if len(wanted) < len(asked) or len(paths) < len(asked):
        return {}
    return {blank.name: path for blank, path in zip(asked, paths, strict=False)}


def _words(press: Choice | Form) -> str:
    """A press on a question that a model asked, as the words that it stands for."""
    return press.value if isinstance(press, Choice) else "\n".join(press.values.values())
