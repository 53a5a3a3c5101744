"""What a plan and its steps may do without asking, by thresholds that are settings."""

from collections.abc import Collection
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from orchestrator.plan import FindTool, Plan, Step
from orchestrator.roles import rights
from orchestrator.tools.spec import Arguments, ToolSpec

SURE_ENOUGH = 0.60  # DESIGN section 4, from the founding documents: a step below it becomes a question
NONE: Arguments = MappingProxyType({})

Review = Literal["questions", "always"]


@dataclass(frozen=True, slots=True)
class Policy:
    """The thresholds, and what follows from them.

    A step below `sure_enough` asks first, as does one that may change something, or costs more than
    `free_cost_usd`. A plan with more than `questions_before_review` such questions is shown as a whole before
    anything runs (0.60, 2 and 0.75 are from the founding documents, FEATURES row 20).
    """

    sure_enough: float = SURE_ENOUGH
    low_confidence: float = 0.75
    questions_before_review: int = 2
    free_cost_usd: float = 0.0
    review: Review = "questions"

    def asks(self, step: Step, tool: ToolSpec, granted: Collection[str] = ()) -> bool:
        """Whether a person must say yes first. `granted` are the tools to which they have a standing yes."""
        return step.approved_by is None and (self.is_doubted(step) or self.asks_for(tool, granted, step.arguments))

    def asks_for(self, tool: ToolSpec, granted: Collection[str], arguments: Arguments = NONE) -> bool:
        """Whether a call of this tool with these arguments wants a yes, whoever is sure of it."""
        wants_a_yes = (tool.is_risky and not tool.is_unasked(arguments)) or tool.cost_usd > self.free_cost_usd
        stands = tool.name in granted and not tool.destructive and rights().approves_alone(tool)
        return wants_a_yes and not stands

    def is_doubted(self, step: Step) -> bool:
        return step.confidence < self.sure_enough

    def questions(self, plan: Plan, find: FindTool, granted: Collection[str]) -> int:
        """How many things this plan would ask for: missing arguments, and steps that want a yes."""
        tools = ((step, find(step.tool)) for step in plan.steps)
        return sum(len(step.missing) + bool(tool and self.asks(step, tool, granted)) for step, tool in tools)

    def wants_review(self, plan: Plan, find: FindTool, granted: Collection[str]) -> bool:
        """Whether the plan is shown before anything of it runs."""
        return self.review == "always" or self.questions(plan, find, granted) > self.questions_before_review
