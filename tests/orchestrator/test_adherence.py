"""Planned against used: which steps kept to the plan, and what is said of the others."""

import pytest

from orchestrator.adherence import Adherence, adherence
from orchestrator.plan import Step, StepResult

DIRECT = Step(id="a", tool="finance__snapshot", fallbacks=("analytics",))
TASK = Step(id="w", worker="general", arguments={"task": "x"}, tools=("price",), fallbacks=("archive",))

pytestmark = pytest.mark.proves("adherence.counted")


def of(step: Step, **result: object) -> Adherence:
    return adherence([(step, StepResult.model_validate({"status": "done", **result}))])


@pytest.mark.parametrize(
    ("step", "result", "deviations"),
    [
        (DIRECT, {"tool": "finance__snapshot"}, ()),
        (DIRECT, {"tool": "finance__snapshot", "attempts": 3}, ()),
        (
            DIRECT,
            {"tool": "finance__analytics", "tried": ("finance__snapshot",)},
            ("a: the fallback `finance__analytics` ran in place of `finance__snapshot`",),
        ),
        (DIRECT, {"tool": "buy"}, ("a: `buy` ran, which nobody had planned",)),
        (
            DIRECT,
            {"status": "failed", "tool": "analytics", "tried": ("finance__snapshot", "analytics")},
            ("a: `finance__snapshot`, `analytics` did not work",),
        ),
        (TASK, {"used": ("shop__price", "price")}, ()),
        (TASK, {"used": ("price", "archive")}, ("w: the fallback `archive` ran in place of `price`",)),
        (
            TASK,
            {"used": ("send",), "refused": ("buy", "buy")},
            ("w: the worker wanted `buy`, which its step does not allow", "w: `send` ran, which nobody had planned"),
        ),
        (TASK, {"status": "failed", "error": "no model answered"}, ("w: `general` did not work",)),
    ],
)
def test_a_step_keeps_to_its_plan_or_each_deviation_is_a_sentence(
    step: Step, result: dict[str, object], deviations: tuple[str, ...]
) -> None:
    assert of(step, **result) == Adherence(0.0 if deviations else 1.0, deviations)


def test_what_was_skipped_or_waits_does_not_count() -> None:
    assert of(DIRECT, status="skipped", error="you said no") == Adherence(None)
    assert of(DIRECT, status="waiting", waits_for="approval") == Adherence(None)
    assert adherence([]) == Adherence(None)


def test_the_rate_is_the_share_of_ended_steps_and_a_new_plan_lowers_it() -> None:
    ran = [
        (DIRECT, StepResult(status="failed", tried=("finance__snapshot",))),
        (Step(id="b", tool="price"), StepResult(status="done", tool="price")),
        (Step(id="c", tool="price"), StepResult(status="skipped")),
    ]
    assert adherence(ran).rate == 1 / 2
    again = adherence(ran, new_plans=["steps that did not work: a"])
    assert again.rate == 1 / 3
    assert again.deviations[-1] == "a new plan: steps that did not work: a"
