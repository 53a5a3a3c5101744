"""The scheduler: one property over random graphs, and the ways a run can end."""

import asyncio
from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.plan import Plan, Step, StepResult
from orchestrator.scheduler import run_plan

DONE = StepResult(status="done")


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    count = draw(st.integers(1, 12))
    steps = []
    for number in range(count):
        after = draw(st.sets(st.integers(0, number - 1), max_size=3)) if number else set()
        steps.append(Step(id=f"s{number}", tool="x", after=tuple(f"s{one}" for one in after)))
    return Plan(steps=tuple(draw(st.permutations(steps))))


class Recorder:
    """Steps that end only when all that can run is running: an executor that is not eager never gets there."""

    def __init__(self, plan: Plan, limit: int, failing: set[str]) -> None:
        self.plan, self.limit, self.failing = plan, limit, failing
        self.started: list[str] = []
        self.ended: dict[str, StepResult] = {}
        self.running: dict[str, asyncio.Event] = {}

    async def run_step(self, step: Step, inputs: Mapping[str, StepResult]) -> StepResult:
        assert step.id not in self.started, "once each"
        assert inputs.keys() == step.dependencies
        assert all(self.ended[needed].status == "done" for needed in step.dependencies), "after its dependencies"
        self.started.append(step.id)
        self.running[step.id] = asyncio.Event()
        assert len(self.running) <= self.limit, "never above the limit"
        self._release_when_full()
        await self.running[step.id].wait()
        del self.running[step.id]
        self.ended[step.id] = StepResult(status="failed" if step.id in self.failing else "done")
        return self.ended[step.id]

    def _release_when_full(self) -> None:
        ready = [
            step.id
            for step in self.plan.steps
            if step.id not in self.started and all(self._is_done(needed) for needed in step.dependencies)
        ]
        if len(self.running) == self.limit or not ready:
            next(iter(self.running.values())).set()

    def _is_done(self, step: str) -> bool:
        return step in self.ended and self.ended[step].status == "done"


@pytest.mark.proves("scheduler.property")
@settings(max_examples=150, deadline=None)
@given(plan=plans(), limit=st.integers(1, 4), data=st.data())
def test_each_step_runs_once_after_its_dependencies_eagerly_and_never_above_the_limit(
    plan: Plan, limit: int, data: st.DataObject
) -> None:
    failing = data.draw(st.sets(st.sampled_from([step.id for step in plan.steps]), max_size=2))
    recorder = Recorder(plan, limit, failing)

    async def run() -> dict[str, StepResult]:
        async with asyncio.timeout(20):
            async with asyncio.TaskGroup() as group:
                task = group.create_task(run_plan(plan, recorder.run_step, limit=limit))
                group.create_task(_keep_going(task, recorder))
        return task.result()

    results = asyncio.run(run())
    for step in plan.steps:
        broken = any(results[needed].status != "done" for needed in step.dependencies)
        assert (results[step.id].status == "skipped") == broken
        assert (step.id in recorder.started) == (not broken)


async def _keep_going(task: asyncio.Task[dict[str, StepResult]], recorder: Recorder) -> None:
    """Releases a step whenever the loop has nothing else to do, so that only a lack of eagerness could be seen."""
    while not task.done():
        for _ in range(3):  # let everything that can start do so first
            await asyncio.sleep(0)
        if recorder.running:
            next(iter(recorder.running.values())).set()


@pytest.mark.proves("scheduler.eager")
async def test_a_step_starts_when_its_own_dependencies_are_done_not_when_a_level_is() -> None:
    quick_child_ran = asyncio.Event()
    plan = Plan(
        steps=(
            Step(id="slow", tool="x"),
            Step(id="quick", tool="x"),
            Step(id="child", tool="x", after=("quick",)),
        )
    )

    async def run_step(step: Step, inputs: Mapping[str, StepResult]) -> StepResult:
        if step.id == "slow":
            await quick_child_ran.wait()
        if step.id == "child":
            quick_child_ran.set()
        return DONE

    async with asyncio.timeout(20):
        results = await run_plan(plan, run_step)
    assert [result.status for result in results.values()] == ["done"] * 3


@pytest.mark.proves("scheduler.resume")
async def test_a_known_result_is_not_made_again() -> None:
    ran = []

    async def run_step(step: Step, inputs: Mapping[str, StepResult]) -> StepResult:
        ran.append((step.id, inputs["a"].text))
        return DONE

    plan = Plan(steps=(Step(id="a", tool="x"), Step(id="b", tool="x", after=("a",))))
    await run_plan(plan, run_step, known={"a": StepResult(status="done", text="from before")})
    assert ran == [("b", "from before")]


async def test_what_depends_on_a_waiting_step_is_left_for_later() -> None:
    async def run_step(step: Step, inputs: Mapping[str, StepResult]) -> StepResult:
        return StepResult(status="waiting", waits_for="approval") if step.id == "a" else DONE

    plan = Plan(
        steps=(
            Step(id="a", tool="x"),
            Step(id="b", tool="x", after=("a",)),
            Step(id="c", tool="x", after=("b",)),
            Step(id="d", tool="x"),
        )
    )
    results = await run_plan(plan, run_step)
    assert {step: result.status for step, result in results.items()} == {"a": "waiting", "d": "done"}


async def test_cancelling_ends_all_running_steps() -> None:
    ended = []
    all_run = asyncio.Barrier(3)

    async def run_step(step: Step, inputs: Mapping[str, StepResult]) -> StepResult:
        try:
            await all_run.wait()
            await asyncio.Event().wait()
        finally:
            ended.append(step.id)
        return DONE

    plan = Plan(steps=(Step(id="a", tool="x"), Step(id="b", tool="x")))
    async with asyncio.timeout(20):
        task = asyncio.ensure_future(run_plan(plan, run_step))
        await all_run.wait()
        task.cancel()
        await asyncio.wait({task})
    assert task.cancelled()
    assert sorted(ended) == ["a", "b"]


@pytest.mark.proves("faults.cut_off")
async def test_a_step_that_breaks_just_as_all_are_cancelled_does_not_keep_the_plan_going() -> None:
    runs = asyncio.Event()

    async def run_step(step: Step, inputs: Mapping[str, StepResult]) -> StepResult:
        try:
            runs.set()
            await asyncio.Event().wait()
        finally:
            raise OSError("the database is gone")

    task = asyncio.ensure_future(run_plan(Plan(steps=(Step(id="a", tool="x"),)), run_step))
    await runs.wait()
    task.cancel()
    await asyncio.wait({task})
    assert task.cancelled()


async def test_a_step_that_breaks_by_itself_ends_the_others_and_is_raised_as_it_is() -> None:
    ended = []

    async def run_step(step: Step, inputs: Mapping[str, StepResult]) -> StepResult:
        if step.id == "a":
            raise OSError("the database is gone")
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(step.id)
        return DONE

    plan = Plan(steps=(Step(id="b", tool="x"), Step(id="a", tool="x")))
    this = asyncio.current_task()
    assert this is not None
    for _ in range(2):  # the first one leaves nothing behind that the second takes for a cancellation
        with pytest.raises(OSError, match="the database is gone"):
            await run_plan(plan, run_step)
        assert this.cancelling() == 0
    assert ended == ["b", "b"]
