"""Runs one step: its arguments from earlier results, its tool, then its fallbacks. What came of it is stored first."""

import time
from collections.abc import Awaitable, Mapping

from orchestrator.chains import Note
from orchestrator.errors import OutcomeUnknown, ToolError
from orchestrator.plan import Plan, Step, StepResult, argument_problems, resolve
from orchestrator.policy import needs_approval
from orchestrator.repair import repaired, repaired_data
from orchestrator.sessions import Run
from orchestrator.tools.catalog import Catalog
from orchestrator.tools.spec import Arguments, ToolSpec
from orchestrator.workers import Workers
from storage.records import StoredStep
from storage.store import Store


class Steps:
    """Runs steps. A failure is a result, never an exception."""

    def __init__(self, store: Store, catalog: Catalog, workers: Workers, *, timeout_seconds: float = 60.0) -> None:
        self._store = store
        self._catalog = catalog
        self._workers = workers
        self._timeout_seconds = timeout_seconds

    async def run_step(
        self,
        run: Run,
        step: Step,
        inputs: Mapping[str, StepResult],
        *,
        note: Note,
        begun: Awaitable[StepResult] | None = None,
    ) -> StepResult:
        """The step's result, stored under `run/step` before it is returned. `begun` is its head start.

        `note` hears of a worker's model calls.
        """
        result = await (begun or _timed(self._work(run, step, inputs, note=note)))
        await self._store.keep_step(run.id, StoredStep(step.id, result.status, result.model_dump_json()))
        return result

    async def run_ahead(self, turn: str, step: Step, inputs: Mapping[str, StepResult]) -> StepResult:
        """The result of a harmless step of a plan that is not complete yet. Nothing is stored."""
        alone = Plan.model_construct(steps=(step,))  # unchecked: what it refers to is not there
        return await _timed(self._outcome(Run(id=turn, request="", plan=alone), step, inputs))

    async def _work(self, run: Run, step: Step, inputs: Mapping[str, StepResult], *, note: Note) -> StepResult:
        if step.worker:
            return await self._workers.work(run, step, inputs, note=note)
        return await self._outcome(run, step, inputs)

    async def _outcome(self, run: Run, step: Step, inputs: Mapping[str, StepResult]) -> StepResult:
        if step.missing:
            return StepResult(status="waiting", waits_for="arguments")
        tool = self._catalog.find(step.tool)
        if step.id in run.begun and not (tool and tool.is_repeatable):
            return StepResult(status="waiting", waits_for="repeat", data=step.arguments)
        if tool is None:
            return StepResult(status="failed", error=f"the tool {step.tool!r} is not there any more")
        try:
            arguments = resolve(step.arguments, inputs)
        except LookupError as error:
            return StepResult(status="failed", error=str(error.args[0]))
        if needs_approval(step, tool):
            return StepResult(status="waiting", waits_for="approval", data=arguments)
        return await self._first_that_works(run, step, arguments)

    async def _first_that_works(self, run: Run, step: Step, arguments: Arguments) -> StepResult:
        tried: list[str] = []
        error = ""
        for name in dict.fromkeys((step.tool, *step.fallbacks)):
            tool = self._catalog.find(name)
            if tool is None or (tool.is_risky and name != step.tool):  # the yes was for the step's own tool
                continue
            try:
                result = await self._call(run, step, tool, arguments)
            except OutcomeUnknown:
                return StepResult(status="waiting", waits_for="repeat", data=arguments, tried=tuple(tried))
            except ToolError as failure:
                error = str(failure)
            else:
                if result.status == "done":
                    return result.model_copy(update={"tried": tuple(tried)})
                error = result.error
            tried.append(name)
        return StepResult(status="failed", error=error, tried=tuple(tried))

    async def _call(self, run: Run, step: Step, tool: ToolSpec, arguments: Arguments) -> StepResult:
        if problems := list(argument_problems(tool, arguments)):
            return StepResult(status="failed", error="; ".join(problems), tool=tool.name)
        if tool.is_risky:  # so that a restart, or a stop, knows that it may have happened
            await self._store.keep_step(run.id, StoredStep(step.id, "started", "{}"))
        answer = await self._catalog.call(
            tool.name, arguments, key=f"{run.id}/{step.id}", timeout_seconds=self._timeout_seconds
        )
        if answer.is_error:
            return StepResult(status="failed", error=repaired(answer.text), tool=tool.name)
        return StepResult(status="done", text=repaired(answer.text), data=repaired_data(answer.data), tool=tool.name)


async def _timed(work: Awaitable[StepResult]) -> StepResult:
    started = time.monotonic()
    result = await work
    return result.model_copy(update={"seconds": time.monotonic() - started})
