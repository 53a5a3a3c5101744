"""What a step may do without asking: only what promises to change nothing, and what the planner is sure of."""

from orchestrator.plan import Step
from orchestrator.tools.spec import ToolSpec

SURE_ENOUGH = 0.60  # DESIGN section 4, from the founding documents: a step below it becomes a question


def needs_approval(step: Step, tool: ToolSpec, *, sure_enough: float = SURE_ENOUGH) -> bool:
    """Whether a person must say yes first."""
    return step.approved_by is None and (tool.is_risky or step.confidence < sure_enough)
