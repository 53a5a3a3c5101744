"""Runs one step: its arguments from earlier results, its tool, then its fallbacks. What came of it is stored first."""

import asyncio
import json
import math
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass

from orchestrator.chains import Note
from orchestrator.code_steps import CodeSteps
from orchestrator.errors import OutcomeUnknown, ToolError, ToolTimedOut, ToolUnavailable
from orchestrator.keeping import kept
from orchestrator.overheard import hearing
from orchestrator.plan import Plan, Step, StepResult, argument_problems, resolve
from orchestrator.policy import Policy
from orchestrator.repair import repaired
from orchestrator.resources import Resources
from orchestrator.retries import ONCE, Retries
from orchestrator.sessions import Run
from orchestrator.tools.calling import calling_with
from orchestrator.tools.catalog import Catalog
from orchestrator.tools.code import RUN_CODE
from orchestrator.tools.spec import Arguments, ToolSpec
from orchestrator.watching import attempt, span
from orchestrator.workers import Workers
from storage.files import FileStore
from storage.records import StoredStep
from storage.store import Store

MAY_PASS = (ToolUnavailable, ToolTimedOut, OutcomeUnknown)  # any other ToolError is a refusal, and stays one


@dataclass(frozen=True, slots=True)
class StepLimits:
    """What one step may use: seconds of one call, characters of one argument, further tries of a harmless call."""

    seconds: float = 60.0
    input_characters: int = 100_000
    retries: Retries = ONCE


class Steps:
    """Runs steps. A failure is a result, never an exception."""

    def __init__(
        self,
        store: Store,
        catalog: Catalog,
        *,
        files: FileStore,
        workers: Workers,
        code: CodeSteps | None,
        resources: Resources,
        policy: Policy,
        limits: StepLimits,
    ) -> None:
        self._store = store
        self._catalog = catalog
        self._files = files
        self._workers = workers
        self._code = code
        self._resources = resources
        self._policy = policy
        self._limits = limits

    async def run_step(
        self,
        run: Run,
        step: Step,
        inputs: Mapping[str, StepResult],
        *,
        note: Note,
        granted: Collection[str] = (),
        begun: Awaitable[StepResult] | None = None,
    ) -> StepResult:
        """The step's result, stored under `run/step` before it is returned. `begun` is its head start.

        `note` hears of a worker's model calls; `granted` are the tools to which the person has a standing yes.
        """
        with hearing(note):
            result = await (begun or _timed(run, step, self._work(run, step, inputs, note=note, granted=granted)))
        kept = StoredStep(step.id, result.status, result.model_dump_json())
        learn = (result.tool or step.worker, result.seconds) if _went_straight(result) else None
        await self._store.keep_step(run.id, kept, learn=learn)
        return result

    def room_for(self, step: Step) -> AbstractAsyncContextManager[None]:
        """Holds the step back until the machine has what it needs. One that can never have it fails when it runs."""
        needs = self._workers.needs(step)
        return nullcontext() if self._resources.problem_with(needs) else self._resources.room_for(needs)

    async def expected_seconds(self) -> Callable[[Step], float]:
        """How long each step is expected to take: as the plan says, else as learned, else a second."""
        learned = await self._store.durations()
        return lambda step: step.needs.seconds or learned.get(step.tool or step.worker, 1.0)

    async def run_ahead(self, turn: str, step: Step, inputs: Mapping[str, StepResult]) -> StepResult:
        """The result of a harmless step of a plan that is not complete yet. Nothing is stored."""
        alone = Plan.model_construct(steps=(step,))  # unchecked: what it refers to is not there
        run = Run(id=turn, request="", plan=alone)
        return await _timed(run, step, self._outcome(run, step, inputs), ahead=True)

    async def _work(
        self, run: Run, step: Step, inputs: Mapping[str, StepResult], *, note: Note, granted: Collection[str]
    ) -> StepResult:
        if problem := self._resources.problem_with(self._workers.needs(step)):
            return StepResult(status="failed", error=problem)
        if step.worker:
            return await self._workers.work(run, step, inputs, note=note, granted=granted)
        return await self._outcome(run, step, inputs, granted=granted)

    async def _outcome(
        self, run: Run, step: Step, inputs: Mapping[str, StepResult], *, granted: Collection[str] = ()
    ) -> StepResult:
        if step.missing:
            return StepResult(status="waiting", waits_for="arguments")
        asked = run.waiting[step.id].asking if step.id in run.waiting else None
        if asked and not asked.is_answered:
            return run.waiting[step.id]
        tool = await self._catalog.find_late(step.tool)
        if step.id in run.begun and not (tool and tool.is_repeatable):
            return StepResult(status="waiting", waits_for="repeat", data=step.arguments)
        if tool is None:
            return StepResult(status="failed", error=f"the tool {step.tool!r} is not there any more")
        try:
            arguments = {**step.arguments, **resolve(step.open_arguments, inputs)}
        except LookupError as error:
            return StepResult(status="failed", error=str(error.args[0]))
        limit = self._limits.input_characters
        if problem := too_long(arguments, limit=limit) or self._catalog.problem_with(arguments):
            return StepResult(status="failed", error=problem)
        if self._policy.asks(step, tool, granted):
            return StepResult(status="waiting", waits_for="approval", data=arguments)
        result = await self._first_that_works(run, step, arguments, granted=granted)
        return result.model_copy(update={"granted": self._policy.asks(step, tool)})

    async def _first_that_works(
        self, run: Run, step: Step, arguments: Arguments, *, granted: Collection[str]
    ) -> StepResult:
        tried: list[str] = []
        attempts = 0
        result = StepResult(status="failed", error=f"the tool {step.tool!r} is not there any more")
        for name in dict.fromkeys((step.tool, *step.fallbacks)):
            tool = self._catalog.find(name)
            if tool is None or (name != step.tool and (tool.is_risky or self._policy.asks_for(tool, granted))):
                continue  # the yes was for the step's own tool
            result = await self._tried(run, step, tool, arguments)
            attempts += result.attempts
            if result.status != "failed":
                break
            tried.append(name)
        return result.model_copy(update={"tried": tuple(tried), "attempts": attempts})

    async def _tried(self, run: Run, step: Step, tool: ToolSpec, arguments: Arguments) -> StepResult:
        """What came of one tool. A call that may be repeated is, after trouble that may pass, under the same key."""
        for attempts, pause in enumerate(self._limits.retries.pauses(), 1):
            attempt(attempts)
            try:
                result = await self._call(run, step, tool, arguments)
            except ToolError as failure:
                may_pass = tool.is_repeatable and isinstance(failure, MAY_PASS)
                if not may_pass or pause == math.inf:
                    return _given_up(failure, arguments, attempts)
                await asyncio.sleep(pause)
            else:
                return result.model_copy(update={"attempts": attempts})
        raise AssertionError("the last pause has no end")

    async def _call(self, run: Run, step: Step, tool: ToolSpec, arguments: Arguments) -> StepResult:
        if problems := list(argument_problems(tool, arguments)):
            return StepResult(status="failed", error="; ".join(problems), tool=tool.name)
        if step.tool == tool.name == RUN_CODE.name and self._code:  # as a fallback its tools were never checked
            return await self._code.compute(run, step, arguments)
        if tool.is_risky:  # so that a restart, or a stop, knows that it may have happened
            await self._store.keep_step(run.id, StoredStep(step.id, "started", "{}"))
        asked = run.waiting[step.id].asking if step.id in run.waiting else None
        with calling_with(can_ask=True, asked=asked):
            answer = await self._catalog.call(
                tool.name, arguments, key=f"{run.id}/{step.id}", timeout_seconds=self._limits.seconds
            )
        if answer.asks:
            return StepResult(status="waiting", waits_for="input", asking=answer.asks, data=arguments, tool=tool.name)
        if answer.is_error:
            return StepResult(status="failed", error=repaired(answer.text), tool=tool.name)
        made = await kept(answer, self._files)
        return StepResult(
            status="done", text=made.text, data=made.data, files=made.files, paths=made.paths, tool=tool.name
        )


def too_long(arguments: Arguments, *, limit: int) -> str | None:
    """The first argument of more than `limit` characters, as text or else as JSON, and the way out. None is fine."""
    for name, value in arguments.items():
        is_text = isinstance(value, str)
        length = len(value if is_text else json.dumps(value, ensure_ascii=False))
        if length > limit:
            way_out = "Let a step before it sum it up." if is_text else "Refer to a part of it, as in ${id.part}."
            return (
                f"the argument {name!r} has {length:,} characters; a step takes {limit:,} "
                f"(setting step_input_characters). {way_out}"
            )
    return None


def _went_straight(result: StepResult) -> bool:
    """Whether its seconds are those of its tool alone, without failed tries, pauses, and tools that did not work."""
    return result.status == "done" and result.attempts <= 1 and not result.tried


async def _timed(run: Run, step: Step, work: Awaitable[StepResult], *, ahead: bool = False) -> StepResult:
    """What comes of a step, watched, with the seconds that it took."""
    started = time.monotonic()
    ids = {"plan": run.id, "step": step.id, "attempt": 1}
    with span("step", ids, planned=step.tool or step.worker, ahead=ahead) as worked:
        result = await work
        worked.note(status=result.status, used=result.tool, refused=len(result.refused))
        if result.status == "failed":
            worked.failed("step_failed", result.error)
    return result.model_copy(update={"seconds": time.monotonic() - started})


def _given_up(failure: ToolError, arguments: Arguments, attempts: int) -> StepResult:
    if isinstance(failure, OutcomeUnknown):
        return StepResult(status="waiting", waits_for="repeat", data=arguments, attempts=attempts, error=str(failure))
    return StepResult(status="failed", error=str(failure), attempts=attempts)
