"""Resources: who may run while others wait, and that nobody waits for ever."""

import asyncio
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.plan import Needs, Plan, Step, StepResult
from orchestrator.resources import PATIENCE, Resources
from orchestrator.scheduler import longest_ways, run_plan

SMALL, LARGE = Needs(cpu=1), Needs(cpu=4)


async def settled() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


class Room:
    """Takes room under a name, and gives it back when told to."""

    def __init__(self, resources: Resources) -> None:
        self.resources = resources
        self.inside: list[str] = []
        self._leave: dict[str, asyncio.Event] = {}

    async def visit(self, name: str, needs: Needs) -> None:
        self._leave[name] = asyncio.Event()
        async with self.resources.room_for(needs):
            self.inside.append(name)
            await self._leave[name].wait()
            self.inside.remove(name)

    async def leave(self, name: str) -> None:
        self._leave[name].set()
        await settled()


@pytest.mark.proves("resources.bypass")
async def test_a_small_step_runs_while_a_large_one_waits() -> None:
    room = Room(Resources(cpus=4, gpu_mb=0))
    async with asyncio.TaskGroup() as group:
        for name, needs in (("first", SMALL), ("large", LARGE), ("small", SMALL)):
            group.create_task(room.visit(name, needs))
            await settled()
        assert room.inside == ["first", "small"]
        await room.leave("first")
        await room.leave("small")
        assert room.inside == ["large"]
        await room.leave("large")


@pytest.mark.proves("resources.no_starvation")
async def test_a_large_one_is_passed_only_so_often() -> None:
    room = Room(Resources(cpus=4, gpu_mb=0))
    names = [f"small {number}" for number in range(PATIENCE + 3)]
    async with asyncio.TaskGroup() as group:
        group.create_task(room.visit("first", SMALL))
        await settled()
        group.create_task(room.visit("large", LARGE))
        await settled()
        passed = []
        for name in names:
            group.create_task(room.visit(name, SMALL))
            await settled()
            if name in room.inside:
                passed.append(name)
                await room.leave(name)
        assert len(passed) == PATIENCE
        await room.leave("first")
        assert room.inside == ["large"], "what became free was kept for it"
        await room.leave("large")
        for name in names[PATIENCE:]:
            await room.leave(name)


@pytest.mark.proves("resources.cancel")
async def test_one_that_is_cancelled_holds_nothing_and_nobody_up() -> None:
    room = Room(Resources(cpus=4, gpu_mb=0))
    inside, waiting = (asyncio.ensure_future(room.visit(name, LARGE)) for name in ("inside", "waiting"))
    await settled()
    waiting.cancel()
    inside.cancel()
    await asyncio.gather(inside, waiting, return_exceptions=True)
    async with asyncio.timeout(5), room.resources.room_for(LARGE):
        pass


@pytest.mark.proves("resources.never")
def test_needs_for_which_there_never_is_room_are_named_with_the_setting() -> None:
    resources = Resources(cpus=2, gpu_mb=8000)
    assert resources.problem_with(Needs(cpu=2, gpu_mb=8000)) is None
    assert "3 processor cores, and there are 2 (setting cpus)" in str(resources.problem_with(Needs(cpu=3)))
    assert "9000 MB of GPU memory, and there are 8000" in str(resources.problem_with(Needs(gpu_mb=9000)))


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 8), st.booleans()), min_size=1, max_size=12),
    st.integers(1, 4),
)
@pytest.mark.proves("resources.property", "scheduler.property")
def test_never_more_is_taken_than_there_is_and_everything_ends(steps: list[tuple[int, int, bool]], limit: int) -> None:
    taken = {"cpu": 0.0, "gpu_mb": 0, "running": 0}

    def change(step: Step, sign: int) -> None:
        taken["cpu"] += sign * step.needs.cpu
        taken["gpu_mb"] += sign * step.needs.gpu_mb
        taken["running"] += sign
        assert taken["cpu"] <= 4
        assert taken["gpu_mb"] <= 8
        assert taken["running"] <= limit

    async def run_step(step: Step, inputs: Any) -> StepResult:
        change(step, +1)
        await asyncio.sleep(0)
        change(step, -1)
        return StepResult(status="done")

    async def everything() -> dict[str, StepResult]:
        resources = Resources(cpus=4, gpu_mb=8)
        async with asyncio.timeout(5):
            return await run_plan(plan, run_step, limit=limit, admit=lambda step: resources.room_for(step.needs))

    plan = Plan(
        steps=tuple(
            Step(
                id=f"s{number}",
                tool="x",
                needs=Needs(cpu=cpu, gpu_mb=gpu_mb),
                after=(f"s{number - 1}",) if chained and number else (),
            )
            for number, (cpu, gpu_mb, chained) in enumerate(steps)
        )
    )
    assert len(asyncio.run(everything())) == len(steps)
    assert taken == {"cpu": 0, "gpu_mb": 0, "running": 0}


@pytest.mark.proves("durations.order")
async def test_of_many_that_are_ready_the_longest_way_goes_first() -> None:
    took = {"a": 1.0, "b": 5.0, "c": 2.0, "d": 9.0}
    steps = (*(Step(id=name, tool="x") for name in "abc"), Step(id="d", tool="x", after=("a",)))
    plan, started = Plan(steps=steps), []

    async def run_step(step: Step, inputs: Any) -> StepResult:
        started.append(step.id)
        return StepResult(status="done")

    await run_plan(plan, run_step, limit=1, seconds=lambda step: took[step.id])
    assert started[0] == "a", "a and d behind it take 10"
    assert started.index("b") < started.index("c")
    assert longest_ways(plan, lambda step: took[step.id]) == {"a": 10.0, "b": 5.0, "c": 2.0, "d": 9.0}
