"""The plan as the person sees it while it runs, sent anew at each change."""

from collections.abc import Collection, Sequence

from orchestrator.messages import Emit, PlanCard, StepLine, StepState
from orchestrator.plan import Step, mode_of
from orchestrator.sessions import Run

NOTE_LIMIT = 200  # characters: a card is for a glance


class Card:
    """A run's plan card."""

    def __init__(self, run: Run, emit: Emit) -> None:
        self._run = run
        self._emit = emit
        self._lines = {step.id: _line(step, "waiting") for step in run.plan.steps}
        for step_id, result in run.results.items():
            self._lines[step_id] = _line(run.plan.step(step_id), result.state)

    async def show(self) -> None:
        lines = tuple(self._lines.values())
        await self._emit(PlanCard(plan=self._run.id, mode=self._run.plan.mode, steps=lines))

    async def mark(self, step: Step, state: StepState, note: str = "") -> None:
        self._lines[step.id] = _line(step, state, note)
        await self.show()


def card_of(run: Run) -> PlanCard:
    """A run's plan as far as it is, without anybody watching."""
    known = {**run.results, **run.waiting}
    lines = (
        _line(step, known[step.id].state, known[step.id].error) if step.id in known else _line(step, "waiting")
        for step in run.plan.steps
    )
    return PlanCard(plan=run.id, mode=run.plan.mode, steps=tuple(lines))


async def show_so_far(emit: Emit, plan: str, steps: Sequence[Step], begun: Collection[str]) -> None:
    """The card of a plan that is still being written."""
    lines = tuple(_line(step, "running" if step.id in begun else "waiting") for step in steps)
    await emit(PlanCard(plan=plan, mode=mode_of(steps), steps=lines))


def _line(step: Step, state: StepState, note: str = "") -> StepLine:
    after = tuple(sorted(step.dependencies))
    return StepLine(id=step.id, title=step.label, state=state, note=note[:NOTE_LIMIT], after=after)
