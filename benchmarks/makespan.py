"""How close the scheduler comes to the critical path, on public gold plans with seeded delays of their tools."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from statistics import mean
from typing import Any

from benchmarks.figures import Figure
from orchestrator.plan import Plan, Step, StepResult
from orchestrator.scheduler import longest_ways, run_plan
from tests.evaldata import FOLDER, records

PLANS = 60  # of those with at least three steps, drawn with a seed
Execute = Callable[[Plan, Callable[[Step], float]], Awaitable[None]]


def measure() -> Iterator[Figure]:
    plans = _plans()
    if not plans:
        print("(makespan: the public plans are not here, so nothing is measured)")
        return
    ours = [asyncio.run(_seconds(_eagerly, plan, seed)) for seed, plan in enumerate(plans)]
    critical = [max(longest_ways(plan, _delays(seed)).values()) for seed, plan in enumerate(plans)]
    levels = [asyncio.run(_seconds(_by_level, plan, seed)) for seed, plan in enumerate(plans)]
    in_a_row = [sum(map(_delays(seed), plan.steps)) for seed, plan in enumerate(plans)]
    for baseline, is_ in (
        (critical, f"the critical path, n={len(plans)}"),
        (levels, "level by level"),
        (in_a_row, "one step after the other, computed"),
    ):
        yield Figure("gold plans, mean makespan", mean(ours), "s", mean(baseline), is_)
    late = max(one - 1.05 * path for one, path in zip(ours, critical, strict=True))
    yield Figure("latest end above 1.05 x critical path", max(late, 0.0) * 1000, "ms", 20.0, "the aim")


def _plans() -> list[Plan]:
    """Gold plans whose graph holds, with tools that only take time."""
    if not (FOLDER / "plans_gold.jsonl").exists():
        return []
    graphs = [_graph(record["steps"]) for record in records("plans_gold.jsonl") if _is_usable(record["steps"])]
    return random.Random(7).sample([plan for plan in graphs if plan.mode == "graph"], PLANS)


def _graph(steps: Sequence[Mapping[str, Any]]) -> Plan:
    """The shape of a plan, its tools left out."""
    return Plan.model_construct(
        steps=tuple(Step(id=str(step["id"]), tool="x", after=tuple(map(str, step["depends_on"]))) for step in steps)
    )


def _is_usable(steps: Sequence[Mapping[str, Any]]) -> bool:
    return len(steps) >= 3 and len({step["id"] for step in steps}) == len(steps)


def _delays(seed: int) -> Callable[[Step], float]:
    return lambda step: random.Random(f"{seed} {step.id}").uniform(0.02, 0.2)


async def _seconds(execute: Execute, plan: Plan, seed: int) -> float:
    begun = time.perf_counter()
    await execute(plan, _delays(seed))
    return time.perf_counter() - begun


async def _eagerly(plan: Plan, delay: Callable[[Step], float]) -> None:
    async def run_step(step: Step, inputs: Mapping[str, StepResult]) -> StepResult:
        await asyncio.sleep(delay(step))
        return StepResult(status="done")

    await run_plan(plan, run_step, limit=len(plan.steps))


async def _by_level(plan: Plan, delay: Callable[[Step], float]) -> None:
    done: set[str] = set()
    while len(done) < len(plan.steps):
        level = [step for step in plan.steps if step.id not in done and step.dependencies <= done]
        await asyncio.gather(*(asyncio.sleep(delay(step)) for step in level))
        done |= {step.id for step in level}
