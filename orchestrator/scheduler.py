"""Runs a plan's steps: each one as soon as its own dependencies are done, at most `limit` at a time."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from orchestrator.plan import Plan, Step, StepResult

RunStep = Callable[[Step, Mapping[str, StepResult]], Awaitable[StepResult]]


async def run_plan(
    plan: Plan, run_step: RunStep, *, known: Mapping[str, StepResult] | None = None, limit: int = 4
) -> dict[str, StepResult]:
    """The results of all steps by id.

    Steps with a known result are not run again. A step whose dependency failed or was skipped is skipped; one whose
    dependency waits for the person waits too, and is left out of the results. Cancelling ends all steps as a
    unit; so does a step that raises, and what it raised is raised here.
    """
    results: dict[str, StepResult] = dict(known or {})
    finished = {step.id: asyncio.Event() for step in plan.steps}
    slots = asyncio.Semaphore(limit)

    async def run_when_ready(step: Step) -> None:
        for needed in step.dependencies:
            await finished[needed].wait()
        if step.id not in results and (results_of_needs := _all_known(step, results)) is not None:
            if any(result.status in {"failed", "skipped"} for result in results_of_needs.values()):
                results[step.id] = StepResult(status="skipped", error="a step before it did not work")
            elif all(result.status == "done" for result in results_of_needs.values()):
                async with slots:
                    results[step.id] = await run_step(step, results_of_needs)
        finished[step.id].set()

    try:
        async with asyncio.TaskGroup() as group:
            for step in plan.steps:
                group.create_task(run_when_ready(step), name=f"step {step.id}")
    except BaseExceptionGroup as broken:
        raise _first(broken) from broken
    return results


def _first(broken: BaseException) -> BaseException:
    """The error itself, for those who know what to do about its kind."""
    return _first(broken.exceptions[0]) if isinstance(broken, BaseExceptionGroup) else broken


def _all_known(step: Step, results: Mapping[str, StepResult]) -> dict[str, StepResult] | None:
    try:
        return {needed: results[needed] for needed in step.dependencies}
    except KeyError:
        return None
