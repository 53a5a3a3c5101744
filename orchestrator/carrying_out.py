"""A plan carried out: to a question where it waits for the person, else to an answer, over new plans if need be."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import assert_never

from orchestrator import guard
from orchestrator.approving import Approving
from orchestrator.card import Card, show_so_far
from orchestrator.ending import Ending, request_of
from orchestrator.errors import NoModelAnswered, NotAllowed, PlanInvalid
from orchestrator.facts import kind_of
from orchestrator.headstart import HeadStart
from orchestrator.keeping import MOST_FILES
from orchestrator.messages import Answer, Emit
from orchestrator.plan import Clarify, Direct, Plan, Planned, Refuse, Step, StepResult
from orchestrator.planner import Planner
from orchestrator.policy import Policy
from orchestrator.questions import blanks, model_question, plan_question
from orchestrator.reading import Reader
from orchestrator.reviewing import review_question
from orchestrator.scene import Scene
from orchestrator.scheduler import run_plan
from orchestrator.sessions import Run, Talk, plan_in
from orchestrator.steps import Steps
from orchestrator.synthesizer import Synthesizer, troubles
from orchestrator.tools.calling import calling_with
from orchestrator.tools.catalog import Catalog
from orchestrator.watching import span
from orchestrator.words import say
from storage.store import Store


class CarryingOut:
    """Runs plans. `replans` is how many new plans one request may get after steps that did not work."""

    def __init__(
        self,
        store: Store,
        catalog: Catalog,
        *,
        reader: Reader,
        steps: Steps,
        policy: Policy,
        planner: Planner | None,
        synthesizer: Synthesizer,
        steps_at_once: int,
        replans: int,
        approving: Approving,
    ) -> None:
        self._approving = approving
        self._store = store
        self._catalog = catalog
        self._reader = reader
        self._steps = steps
        self._policy = policy
        self._planner = planner
        self._synthesizer = synthesizer
        self._steps_at_once = steps_at_once
        self._replans = replans

    def head_start(self, talk: Talk, emit: Emit) -> HeadStart:
        """Begins the steps of this turn's plan while it is still being written."""
        return HeadStart(
            self._reader,
            self._catalog.find,
            partial(self._steps.run_ahead, talk.arrived.turn),
            policy=self._policy,
            show=partial(show_so_far, emit, talk.arrived.turn),
            said=talk.said,
            limit=self._steps_at_once,
        )

    async def has_acted(self, run: Run) -> bool:
        """Whether something of the run, in any version of its plan, may have changed something. A worker's task counts
        once it may have begun."""
        known = {row.step for row in await self._store.steps(run.id) if row.status != "waiting"}
        versions = [plan_in(version.body) for version in await self._store.plan_versions(run.id)]
        return any(
            step.worker or (step.id in known and ((tool := self._catalog.find(step.tool)) is None or tool.is_risky))
            for plan in (*versions, run.plan)
            for step in plan.steps
        )

    async def begin(self, plan: Plan, scene: Scene) -> Ending:
        """Store a new plan, and carry it out; where it asks for too much, the person reviews it before."""
        talk = scene.talk
        review = self._policy.wants_review(plan, self._catalog.find, talk.granted)
        if review and self._policy.review == "questions":
            questions = self._policy.questions(plan, self._catalog.find, talk.granted)
            scene.dossier.decided_by("questions", limit=self._policy.questions_before_review, value=questions)
        request = talk.words or request_of(talk)
        run = Run(id=talk.arrived.turn, request=request, plan=plan, review=review, tools=talk.inbound.tools)
        await self._store.save_plan(run.as_stored(talk.arrived), why="planned")
        return await self.carry_out(run, scene)

    async def carry_out(self, run: Run, scene: Scene) -> Ending:
        """Run what can run now. What waits for the person becomes the turn's question; else there is an answer. Raises
        NotAllowed where the person may not use a tool that is to come, before anything runs."""
        self._catalog.permit(_still_named(run))
        granted = scene.talk.granted | run.granted
        if run.review:
            question = review_question(
                scene.question_id, run.plan, self._policy, find=self._catalog.find, granted=granted
            )
            return Ending("clarify", scene.instead_of_the_old(question, run.id), plan=run.id)
        results = await self._results(run, scene)
        scene.dossier.ran(run.id, run.plan, results, sure_enough=self._policy.sure_enough)
        if blanks(run.plan, results):
            mine = self._approving.answerable(run.waiting_with(results))
            if not blanks(run.plan, mine.waiting):
                return await self._approving.asked(scene, run, results)
            question = plan_question(scene.question_id, run.plan, mine.waiting, self._catalog.find)
            return Ending("clarify", scene.instead_of_the_old(question, run.id), plan=run.id)
        added = scene.steering.take() if scene.steering and self._planner else ""
        if added:
            run = replace(run, request=f"{run.request}\n\n{added}")
        match await self._replanned(run, results, scene, added=added):
            case Run() as again:
                return await self.carry_out(again, scene)
            case Ending() as ending:
                return ending
        answer = await self._synthesizer.synthesize(
            run.request, run.plan, results, note=scene.dossier.call, on_text=scene.draft
        )
        return Ending("plan", answered(answer, run.plan, results))

    async def _results(self, run: Run, scene: Scene) -> dict[str, StepResult]:
        granted = scene.talk.granted | run.granted
        card = Card(run, scene.emit)
        await card.show()

        async def run_step(step: Step, inputs: Mapping[str, StepResult]) -> StepResult:
            await card.mark(step, "running")
            with calling_with(tell=partial(card.mark, step, "running")):
                result = await self._steps.run_step(
                    run, step, inputs, note=scene.dossier.call, granted=granted, begun=scene.ahead.take(step)
                )
            await card.mark(step, result.state, result.error)
            for why in filter(None, map(self._catalog.refusal, result.refused)):
                scene.dossier.refused(why)
            return result

        seconds = await self._steps.expected_seconds()
        with span("plan", {"plan": run.id}, mode=run.plan.mode, steps=len(run.plan.steps)):
            return await run_plan(
                run.plan,
                run_step,
                known=run.results,
                limit=self._steps_at_once,
                seconds=seconds,
                admit=self._steps.room_for,
            )

    async def _replanned(
        self, run: Run, results: Mapping[str, StepResult], scene: Scene, *, added: str
    ) -> Run | Ending | None:
        """What the planner makes of steps that did not work, and of what the person has added; None where there is
        nothing to be made of."""
        if self._planner is None or not (added or _failed(results)):
            return None
        if run.replans >= self._replans and not added:
            scene.dossier.decided_by("new plans", limit=self._replans, value=run.replans)
            return None
        try:
            with span("decision", again=True) as decided:
                decision = await self._planner.replan(scene.talk, run, results, added=added, note=scene.dossier.call)
                decided.note(decision=kind_of(decision))
        except NotAllowed as refusal:  # a result may have led the model there; what was done is answered for
            scene.dossier.refused(str(refusal))
            return None
        except (NoModelAnswered, PlanInvalid) as error:
            scene.dossier.note("no_new_plan", str(error))
            return None
        match decision:
            case Direct(text=text) | Refuse(text=text):
                whole = "\n\n".join(filter(None, (text, troubles(run.plan, results))))
                return Ending("plan", answered(whole, run.plan, results))
            case Clarify():
                question = model_question(scene.question_id, decision)
                text = " ".join(filter(None, (so_far(replace(run, results=dict(results))), question.text)))
                return Ending("clarify", question.model_copy(update={"text": text}))
            case Planned(plan=plan):
                why = f"you added: {added}" if added else f"steps that did not work: {', '.join(_failed(results))}"
                return await self._gone_on(run, plan, results, scene=scene, why=why)
            case _:
                assert_never(decision)

    async def _gone_on(self, run: Run, plan: Plan, results: Mapping[str, StepResult], *, scene: Scene, why: str) -> Run:
        """The run with its new plan, stored. Arguments may be grounded on what the results say."""
        observed = "\n".join(result.text for result in results.values())
        known = f"{scene.talk.said}\n{run.request}\n{observed}"
        plan = guard.doubt_addresses(guard.check(plan, self._catalog.find, known), self._catalog.find, known, results)
        kept = {step.id: results[step.id] for step in plan.steps if step.id in results}
        ahead = plan.model_copy(update={"steps": tuple(step for step in plan.steps if step.id not in kept)})
        review = self._policy.wants_review(ahead, self._catalog.find, scene.talk.granted | run.granted)
        replans = run.replans + bool(_failed(results))
        again = replace(run.with_plan(plan), results=kept, replans=replans, review=review)
        await self._store.save_plan(again.as_stored(scene.talk.arrived), why=why)
        if _failed(results):
            scene.dossier.replanned(why)
        return again


def answered(text: str, plan: Plan, results: Mapping[str, StepResult]) -> Answer:
    """The answer with the files of all steps, each once, in the order of the plan."""
    made = (file for step in plan.steps if step.id in results for file in results[step.id].files)
    files = tuple({file.file: file for file in made}.values())
    if len(files) > MOST_FILES:
        cut = say("There are {count} files; these are the first {shown}.", count=len(files), shown=MOST_FILES)
        text = f"{text}\n\n{cut}"
    return Answer(text=text, files=files[:MOST_FILES])


def so_far(run: Run) -> str:
    """What of a run has happened, and what may have."""
    done = [run.plan.step(step).label for step, result in run.results.items() if result.status == "done"]
    begun = [run.plan.step(step).label for step in run.begun]
    finished = say("Finished before that: {steps}.", steps=", ".join(done)) if done else ""
    under_way = say("Under way, and perhaps done: {steps}.", steps=", ".join(begun)) if begun else ""
    return " ".join(filter(None, (finished, under_way)))


def _still_named(run: Run) -> Iterator[str]:
    """Every tool that the run may still call."""
    return (name for step in run.plan.steps if step.id not in run.results for name in step.every_tool)


def _failed(results: Mapping[str, StepResult]) -> list[str]:
    return [step for step, result in results.items() if result.status == "failed"]
