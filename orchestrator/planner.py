"""The planner: a plan of its own where the front call hands over, and a new one where steps did not work."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime

from orchestrator.briefing import briefing
from orchestrator.chains import Chain, Note
from orchestrator.models import ChatMessage, OnCalls, ToolCall
from orchestrator.notation import line_of
from orchestrator.plan import Decision, Plan, Step, StepResult
from orchestrator.quoting import beginning, inside
from orchestrator.reading import ASK, REFUSE, Base, Reader, decided
from orchestrator.sessions import Run, Talk
from orchestrator.tools.catalog import Catalog

OBSERVED = 4_000  # characters of one result that the planner sees again, about 1,000 tokens


class Planner:
    """Plans with a chain of models. Every plan is read, checked and, where it cannot run, sent back once."""

    def __init__(self, chain: Chain, catalog: Catalog, reader: Reader, *, now: Callable[[], datetime]) -> None:
        self._chain = chain
        self._catalog = catalog
        self._reader = reader
        self._now = now

    async def plan(self, talk: Talk, goal: str, *, note: Note, on_calls: OnCalls) -> Decision:
        """The plan for this goal, or whatever else the planner finds right. Raises NoModelAnswered, PlanInvalid."""
        messages = briefing("planner", talk, self._now())
        return await decided(
            self._chain,
            [*messages, ChatMessage("user", f"Goal: {goal}")],
            self._reader.read,
            catalog=self._catalog,
            about=f"{talk.topic} {goal}",
            tools=(ASK, REFUSE, self._reader.plan_tool),
            on_text=None,
            on_calls=on_calls,
            note=note,
        )

    async def replan(
        self, talk: Talk, run: Run, results: Mapping[str, StepResult], *, added: str = "", note: Note
    ) -> Decision:
        """What to do after some steps did not work, or after the person has `added` something: further steps, an answer
        from what there is, or a question.

        A plan holds the steps that stay, and the further ones behind them. Raises NoModelAnswered, PlanInvalid.
        """
        call = ToolCall("plan", "plan", {"steps": "\n".join(line_of(step) for step in run.plan.steps)})
        messages = [
            *briefing("planner", talk, self._now())[:-1],
            ChatMessage("user", run.request),
            ChatMessage("assistant", "", tool_calls=(call,)),
            ChatMessage("tool", "\n".join(_observations(run.plan, results)), tool_call_id=call.id),
            *([ChatMessage("user", f"Meanwhile I want to add: {added}")] if added else []),
        ]
        kept = [step.id for step in run.plan.steps if _stays(step, results)]
        return await decided(
            self._chain,
            messages,
            lambda reply: self._reader.read(reply, base=Base(run.plan, kept, run.former)),
            catalog=self._catalog,
            about=run.request,
            tools=(ASK, REFUSE, self._reader.plan_tool),
            on_text=None,
            on_calls=None,
            note=note,
        )


def _stays(step: Step, results: Mapping[str, StepResult]) -> bool:
    """Whether a step keeps its place in a new plan: it is done, or the person said no to it.

    The scheduler skips only what stands behind something that is not done, so any other skip was the person's.
    """
    done = {name for name, result in results.items() if result.status == "done"}
    return step.id in done or (results[step.id].status == "skipped" and step.dependencies <= done)


def _observations(plan: Plan, results: Mapping[str, StepResult]) -> Iterator[str]:
    all_done = all(result.status == "done" for result in results.values())
    yield "All steps are done." if all_done else "Some steps did not work."
    yield "Finish the request with new steps only, or answer with what there is."
    for step in plan.steps:
        if result := results.get(step.id):
            body = inside("result", beginning(result.text or result.error, OBSERVED))
            yield f'<result step="{step.id}" status="{result.status}">\n{body}\n</result>'
