"""Every promise of the product: an id, a sentence, and the rows of the feature list that it serves.

A test names the promises that it proves with `@pytest.mark.proves("id")`. Both directions are checked: a promise
without a test fails, and so does a test that proves a promise which is not written here. `gap` says what does not
hold yet.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Promise:
    """One promise. `rows` are numbers of the founding feature list; 0 stands for the design itself."""

    id: str
    sentence: str
    rows: tuple[int, ...] = (0,)
    gap: str = ""


PROMISES = (
    # Plans
    Promise(
        "plan.checked", "A plan that exists can run: every defect is refused by name, before any tool runs.", (10, 41)
    ),
    Promise("plan.mode", "The mode of a plan is read off its graph.", (10, 11)),
    Promise("plan.references", "A step can use any part of an earlier result.", (11, 52)),
    Promise(
        "plan.notation", "A plan can be written in one short line a step; what cannot be read is named by line.", (60,)
    ),
    Promise("plan.gold", "Public gold plans construct, as far as they keep to their own schemas.", (41,)),
    Promise("plan.defects", "Every defect planted into a public plan is refused with a message that names it.", (41,)),
    Promise(
        "scheduler.property", "Each step runs once, after its dependencies, eagerly, never above the limit.", (11, 52)
    ),
    Promise("scheduler.eager", "A step starts when its own dependencies are done, not when a level is.", (11, 25, 52)),
    Promise("scheduler.resume", "A step with a known result is not run again.", (0, 54)),
    # Questions
    Promise("guard.grounding", "An argument that nobody said is asked for by its name, not guessed.", (4, 20)),
    Promise(
        "clarify.answer", "An answer is read as what was asked for: a number as a choice, a city as a time zone.", (4,)
    ),
)
