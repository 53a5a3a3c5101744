"""Runs a plan's steps: each one as soon as its own dependencies are done, at most `limit` at a time."""

import asyncio
import heapq
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from graphlib import TopologicalSorter
from itertools import count

from orchestrator.plan import Plan, Step, StepResult
from orchestrator.words import say

RunStep = Callable[[Step, Mapping[str, StepResult]], Awaitable[StepResult]]
Admit = Callable[[Step], AbstractAsyncContextManager[None]]
"""Holds back a step until there is room for it."""


async def run_plan(
    plan: Plan,
    run_step: RunStep,
    *,
    known: Mapping[str, StepResult] | None = None,
    limit: int = 4,
    seconds: Callable[[Step], float] = lambda step: 1.0,
    admit: Admit = lambda step: nullcontext(),
) -> dict[str, StepResult]:
    """The results of all steps by id.

    Steps with a known result are not run again. A step whose dependency failed or was skipped is skipped; one whose
    dependency waits for the person waits too, and is left out of the results. Where more are ready than may run,
    the one with the longest way behind it goes first, by the `seconds` that steps are expected to take. Cancelling
    ends all steps as a unit; so does a step that raises, and what it raised is raised here.
    """
    results: dict[str, StepResult] = dict(known or {})
    finished = {step.id: asyncio.Event() for step in plan.steps}
    still_to_go = longest_ways(plan, seconds)
    slots = _Slots(limit)

    async def run_when_ready(step: Step) -> None:
        for needed in step.dependencies:
            await finished[needed].wait()
        if step.id not in results and (results_of_needs := _all_known(step, results)) is not None:
            if any(result.status in {"failed", "skipped"} for result in results_of_needs.values()):
                results[step.id] = StepResult(status="skipped", error=say("a step before it did not work"))
            elif all(result.status == "done" for result in results_of_needs.values()):
                async with admit(step), slots.one(-still_to_go[step.id]):
                    results[step.id] = await run_step(step, results_of_needs)
        finished[step.id].set()

    await side_by_side({f"step {step.id}": run_when_ready(step) for step in plan.steps})
    return results


async def side_by_side(works: Mapping[str, Coroutine[None, None, None]]) -> None:
    """Do all of this at once, each under its name, as a unit: cancelling ends all; so does the first that raises, and
    what it raised is raised here. Where it does so just as all are cancelled, that goes before."""
    this = asyncio.current_task()
    assert this is not None
    cancelled_before = this.cancelling()
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(work, name=name) for name, work in works.items()]
            if tasks:
                await asyncio.wait(tasks)  # in here: a group that fails as it is left counts as a cancellation for ever
    except BaseExceptionGroup as broken:
        if this.cancelling() > cancelled_before:  # which a group that fails forgets
            raise asyncio.CancelledError from broken
        raise _first_error(broken) from broken


def longest_ways(plan: Plan, seconds: Callable[[Step], float]) -> dict[str, float]:
    """For each step the seconds from its start to the end of the longest way behind it. Their maximum is the critical
    path of the plan."""
    behind: dict[str, set[str]] = {step.id: set() for step in plan.steps}
    for step in plan.steps:
        for needed in step.dependencies:
            behind[needed].add(step.id)
    ways: dict[str, float] = {}
    for step_id in TopologicalSorter(behind).static_order():  # what stands behind a step comes before it here
        ways[step_id] = seconds(plan.step(step_id)) + max((ways[later] for later in behind[step_id]), default=0.0)
    return ways


class _Slots:
    """So many may run at once; of those that wait, the one with the smallest rank goes first."""

    def __init__(self, limit: int) -> None:
        self._free = limit
        self._waiting: list[tuple[float, int, asyncio.Future[None]]] = []
        self._arrivals = count()

    @asynccontextmanager
    async def one(self, rank: float) -> AsyncIterator[None]:
        turn = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (rank, next(self._arrivals), turn))
        asyncio.get_running_loop().call_soon(self._call_in)  # soon: all that are ready now stand in line first
        try:
            await turn
            yield
        finally:
            if turn.done() and not turn.cancelled():
                self._free += 1
            self._call_in()

    def _call_in(self) -> None:
        while self._free and self._waiting:
            _, _, turn = heapq.heappop(self._waiting)
            if not turn.done():
                self._free -= 1
                turn.set_result(None)


def _first_error(broken: BaseException) -> BaseException:
    """The error itself, for those who know what to do about its kind."""
    return _first_error(broken.exceptions[0]) if isinstance(broken, BaseExceptionGroup) else broken


def _all_known(step: Step, results: Mapping[str, StepResult]) -> dict[str, StepResult] | None:
    try:
        return {needed: results[needed] for needed in step.dependencies}
    except KeyError:
        return None
