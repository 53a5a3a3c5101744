"""Resources: who may run while others wait, and that nobody waits for ever."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.plan import Needs, Plan, Step, StepResult
from orchestrator.resources import PATIENCE, Resources
from orchestrator.scheduler import longest_ways, run_plan
from tests.orchestrator.test_scheduler import plans
from tests.virtual_time import in_virtual_time

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
    async with asyncio.timeout(20), room.resources.room_for(LARGE):
        pass


@pytest.mark.proves("resources.never")
def test_needs_for_which_there_never_is_room_are_named_with_the_setting() -> None:
    resources = Resources(cpus=2, gpu_mb=8000)
    assert resources.problem_with(Needs(cpu=2, gpu_mb=8000)) is None
    assert "3 processor cores, and there are 2 (setting cpus)" in str(resources.problem_with(Needs(cpu=3)))
    assert "9000 MB of GPU memory, and there are 8000" in str(resources.problem_with(Needs(gpu_mb=9000)))


@pytest.mark.proves("resources.cancel")
async def test_one_that_is_cancelled_together_with_the_one_before_it_harms_nobody() -> None:
    room = Room(Resources(cpus=4, gpu_mb=0))
    inside, waiting = (asyncio.ensure_future(room.visit(name, LARGE)) for name in ("inside", "waiting"))
    await settled()
    inside.cancel()  # it wakes first, and gives its room to one that has no use for it any more
    waiting.cancel()
    ended = await asyncio.gather(inside, waiting, return_exceptions=True)
    assert [type(each) for each in ended] == [asyncio.CancelledError] * 2
    async with asyncio.timeout(20), room.resources.room_for(LARGE):
        pass


@pytest.mark.proves("resources.bypass")
async def test_one_that_waits_for_the_gpu_keeps_nobody_from_the_processor() -> None:
    room = Room(Resources(cpus=4, gpu_mb=8000))
    async with asyncio.TaskGroup() as group:
        for name in ("long", "waits"):
            group.create_task(room.visit(name, Needs(gpu_mb=8000)))
            await settled()
        for number in range(PATIENCE + 3):
            group.create_task(room.visit(f"small {number}", SMALL))
            await settled()
            assert room.inside == ["long", f"small {number}"]
            await room.leave(f"small {number}")
        await room.leave("long")
        await room.leave("waits")


@pytest.mark.proves("resources.property")
@given(st.lists(st.sampled_from([0.1, 0.2, 0.25, 0.3, 0.7]), min_size=1, max_size=12), st.randoms())
def test_parts_of_a_core_add_up_to_the_whole_again(parts: list[float], random: Random) -> None:
    async def take_parts_then_all() -> None:
        resources = Resources(cpus=2, gpu_mb=0)

        async def visit(cpu: float, seconds: int) -> None:
            async with resources.room_for(Needs(cpu=cpu)):
                await asyncio.sleep(seconds)

        async with asyncio.TaskGroup() as group:
            for part in parts:
                group.create_task(visit(part, random.randint(1, 5)))
        await visit(2, 1)

    in_virtual_time(take_parts_then_all())


@pytest.mark.proves("resources.never")
def test_gpu_memory_is_not_counted_where_nobody_says_how_much_there_is() -> None:
    assert Resources(cpus=1, gpu_mb=0).problem_with(Needs(gpu_mb=24_000)) is None


class Meter:
    """Steps that take a while, and what all of them together hold."""

    def __init__(self, *, limit: int) -> None:
        self._limit = limit
        self.cpu = 0.0
        self.gpu_mb = 0

    def plan_runs(self) -> Callable[[Step, Any], Awaitable[StepResult]]:
        """The steps of one plan, of which so many may run at once."""
        running: set[str] = set()

        async def run_step(step: Step, inputs: Any) -> StepResult:
            running.add(step.id)
            self._change(step.needs, +1)
            assert len(running) <= self._limit
            try:
                await asyncio.sleep(step.needs.seconds)
            finally:
                running.remove(step.id)
                self._change(step.needs, -1)
            return StepResult(status="done")

        return run_step

    def _change(self, needs: Needs, sign: int) -> None:
        self.cpu += sign * needs.cpu
        self.gpu_mb += sign * needs.gpu_mb
        assert self.cpu <= ALL.cpu
        assert self.gpu_mb <= ALL.gpu_mb


ALL = Needs(cpu=4, gpu_mb=8)
NEEDS = st.builds(Needs, cpu=st.sampled_from([0, 0.5, 1, 3, 4]), gpu_mb=st.integers(0, 8), seconds=st.integers(0, 9))


@st.composite
def plans_with_needs(draw: st.DrawFn) -> Plan:
    plan = draw(plans())
    return Plan(steps=tuple(step.model_copy(update={"needs": draw(NEEDS)}) for step in plan.steps))


@pytest.mark.proves("resources.property", "scheduler.property")
@settings(max_examples=150, deadline=None)
@given(st.lists(plans_with_needs(), min_size=1, max_size=3), st.integers(1, 4), st.integers(0, 20))
def test_plans_side_by_side_take_no_more_than_there_is_and_all_end_though_one_is_stopped(
    turns: list[Plan], limit: int, stopped_at: int
) -> None:
    async def everything() -> list[dict[str, StepResult]]:
        resources, meter = Resources(cpus=ALL.cpu, gpu_mb=ALL.gpu_mb), Meter(limit=limit)

        def admit(step: Step) -> AbstractAsyncContextManager[None]:
            return resources.room_for(step.needs)

        async with asyncio.TaskGroup() as group:
            first, *others = (
                group.create_task(run_plan(plan, meter.plan_runs(), limit=limit, admit=admit)) for plan in turns
            )
            await asyncio.sleep(stopped_at)
            first.cancel()
        async with resources.room_for(ALL):  # whatever was taken has come back
            assert (meter.cpu, meter.gpu_mb) == (0, 0)
        return [task.result() for task in others]

    for plan, results in zip(turns[1:], in_virtual_time(everything()), strict=True):
        assert {step: result.status for step, result in results.items()} == {step.id: "done" for step in plan.steps}


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
