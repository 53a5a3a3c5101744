"""How long plans take, in virtual time: exact to the second, and over at once."""

import asyncio
from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.plan import Plan, Step, StepResult
from orchestrator.scheduler import longest_ways, run_plan
from tests.evaldata import records
from tests.orchestrator.test_scheduler import plans
from tests.virtual_time import in_virtual_time

SECONDS = st.integers(0, 9)


def makespan(plan: Plan, took: Mapping[str, int], *, limit: int) -> float:
    """Seconds until the last step has ended."""

    async def run_step(step: Step, inputs: Mapping[str, StepResult]) -> StepResult:
        await asyncio.sleep(took[step.id])
        return StepResult(status="done")

    async def run() -> float:
        await run_plan(plan, run_step, limit=limit, seconds=lambda step: took[step.id])
        return asyncio.get_running_loop().time()

    return in_virtual_time(run())


def critical_path(plan: Plan, took: Mapping[str, int]) -> int:
    """When the last step ends if each one begins as soon as it can: counted forwards, as the scheduler does not."""

    def ends(step: Step) -> int:
        return took[step.id] + max((ends(plan.step(needed)) for needed in step.dependencies), default=0)

    return max(map(ends, plan.steps))


@pytest.mark.proves("scheduler.makespan")
@settings(max_examples=200, deadline=None)
@given(plan=plans(), data=st.data())
def test_with_slots_for_all_a_plan_takes_exactly_its_critical_path(plan: Plan, data: st.DataObject) -> None:
    took = {step.id: data.draw(SECONDS, label=step.id) for step in plan.steps}
    critical = critical_path(plan, took)
    assert makespan(plan, took, limit=len(plan.steps)) == critical
    assert max(longest_ways(plan, lambda step: took[step.id]).values()) == critical


@pytest.mark.proves("scheduler.makespan")
@settings(max_examples=200, deadline=None)
@given(plan=plans(), limit=st.integers(1, 4), data=st.data())
def test_with_fewer_slots_none_is_idle_while_a_step_is_ready(plan: Plan, limit: int, data: st.DataObject) -> None:
    """Graham's bound (1969), which holds for whoever never leaves a slot idle while something is ready."""
    took = {step.id: data.draw(SECONDS, label=step.id) for step in plan.steps}
    total, critical = sum(took.values()), critical_path(plan, took)
    assert limit * makespan(plan, took, limit=limit) <= total + (limit - 1) * critical


@pytest.mark.proves("scheduler.makespan")
def test_public_gold_plans_take_exactly_their_critical_path() -> None:
    played = 0
    for record in records("plans_gold.jsonl"):
        steps = tuple(
            Step(id=str(step["id"]), tool="x", after=tuple(map(str, step["depends_on"]))) for step in record["steps"]
        )
        if len({step.id for step in steps}) < len(steps):  # a few use an id twice
            continue
        took = {step.id: 1 + number * 7 % 5 for number, step in enumerate(steps)}
        plan = Plan(steps=steps)
        assert makespan(plan, took, limit=len(steps)) == critical_path(plan, took)
        played += 1
    assert played > 300
