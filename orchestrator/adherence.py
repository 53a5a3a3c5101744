"""Adherence: what was planned against what really ran, step by step."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from orchestrator.plan import Step, StepResult
from orchestrator.tools.catalog import FIND_TOOLS


@dataclass(frozen=True, slots=True)
class Adherence:
    """How far a turn kept to its plan, and a sentence for each time that it did not.

    `rate` is a share, 0 to 1: of the steps that have worked or failed those without a deviation. A new plan counts as
    one more that deviates. Steps that were skipped or wait do not count; where none does, the rate is None.
    """

    rate: float | None
    deviations: tuple[str, ...] = ()


def adherence(ran: Iterable[tuple[Step, StepResult]], *, new_plans: Sequence[str] = ()) -> Adherence:
    """The adherence of steps with their results, over all plans of a turn. `new_plans` says why there were more."""
    ended = [(step, list(_deviations(step, result))) for step, result in ran if result.status in {"done", "failed"}]
    kept = sum(not deviations for _, deviations in ended)
    told = [f"{step.id}: {deviation}" for step, deviations in ended for deviation in deviations]
    counted = len(ended) + len(new_plans)
    return Adherence(kept / counted if counted else None, (*told, *(f"a new plan: {why}" for why in new_plans)))


def _deviations(step: Step, result: StepResult) -> Iterator[str]:
    planned = step.tools if step.worker else (step.tool,)
    for name in dict.fromkeys(result.refused):
        yield f"the {'worker' if step.worker else 'code'} wanted {_quoted(name)}, which its step does not allow"
    for name in dict.fromkeys(_worked(step, result)):
        if _is_one_of(name, planned) or (step.worker and FIND_TOOLS.name in planned):
            continue
        if _is_one_of(name, step.fallbacks):
            yield f"the fallback {_quoted(name)} ran in place of {_quoted(*(result.tried or planned))}"
        else:
            yield f"{_quoted(name)} ran, which nobody had planned"
    if result.status == "failed":
        yield f"{_quoted(*(result.tried or [step.tool or step.worker]))} did not work"


def _worked(step: Step, result: StepResult) -> Sequence[str]:
    """The tools that gave something."""
    if step.worker:
        return result.used
    return (result.tool,) if result.status == "done" else ()


def _is_one_of(name: str, written: Collection[str]) -> bool:
    """Whether a tool is one of these. A plan may leave out the name of a tool's server."""
    return any(name == each or name.endswith(f"__{each}") for each in written)


def _quoted(*names: str) -> str:
    return ", ".join(f"`{name}`" for name in names) or "nothing"
