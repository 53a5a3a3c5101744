"""A plan as a person reviews it: shown as a numbered list, agreed to, declined, or changed in words."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from orchestrator.errors import BadInput
from orchestrator.messages import Question, QuestionField
from orchestrator.plan import FindTool, Plan, Step, StepResult, references
from orchestrator.policy import Policy
from orchestrator.roles import rights
from orchestrator.slots import coerce
from orchestrator.words import each_way, say

NUMBERS = r"\d+(?:\s*(?:,|and|und|&)\s*\d+)*"
STEP = r"(?:steps?\s+|schritte?\s+)?"
DROP = re.compile(rf"(?:drop|remove|skip|without|ohne|streiche?)\s+{STEP}({NUMBERS})", re.IGNORECASE)
MOVE = re.compile(rf"(?:move|schiebe?)\s+{STEP}(\d+)\s+(before|after|vor|nach|hinter)\s+{STEP}(\d+)", re.IGNORECASE)
SET = re.compile(rf"(?:set\s+|setze?\s+)?{STEP}(\d+)\s*[.\s]\s*(\w+)\s*=\s*(.+)", re.IGNORECASE | re.DOTALL)
SHOWN = 200  # characters of one argument in the list


@dataclass(frozen=True, slots=True)
class Drop:
    """Leave these steps out; numbers as the person sees them."""

    numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Move:
    """Let one step run before another one."""

    earlier: int
    later: int


@dataclass(frozen=True, slots=True)
class Change:
    """Give an argument of a step another value."""

    number: int
    argument: str
    value: str


Edit = Drop | Move | Change


def review_question(
    question_id: str, plan: Plan, policy: Policy, *, find: FindTool, granted: Collection[str]
) -> Question:
    """The whole plan as one question."""
    steps = [_line(step, plan, policy, find=find, granted=granted) for step in plan.steps]
    lines = [f"{number}. {line}" for number, line in enumerate(steps, 1)]
    doubt = say("I am only {percent} % sure of it.", percent=round(plan.confidence * 100))
    parts = [
        say("This is my plan:"),
        "\n".join(lines),
        doubt if plan.confidence < policy.low_confidence else "",
        say("Shall I go on? Or change it: `drop 2`, `move 3 before 1`, `2.text=other words`."),
    ]
    field = QuestionField(
        name="plan.review", label=say("Shall I go on?"), choices=(say("go"), say("no")), approval=True
    )
    return Question(id=question_id, text="\n\n".join(filter(None, parts)), fields=(field,))


def shown(plan: Plan, results: Mapping[str, StepResult]) -> str:
    """The plan for a glance: what each step is, and how far."""
    states = {step.id: results[step.id].status if step.id in results else say("to come") for step in plan.steps}
    return "\n".join(f"{number}. {step.label}: {states[step.id]}" for number, step in enumerate(plan.steps, 1))


def _line(step: Step, plan: Plan, policy: Policy, *, find: FindTool, granted: Collection[str]) -> str:
    tool = find(step.tool)
    numbers = {each.id: number for number, each in enumerate(plan.steps, 1)}
    arguments = ", ".join(f"{name} = `{_value(value, numbers)}`" for name, value in step.arguments.items())
    before = ", ".join(str(numbers[needed]) for needed in sorted(step.after))
    notes = [
        say("asks for {names}", names=", ".join(step.missing)) if step.missing else "",
        say("may change something") if tool and policy.asks_for(tool, granted) else "",
        say("I doubt it") if policy.is_doubted(step) else "",
        say("after {numbers}", numbers=before) if before else "",
    ]
    behind = f" *({'; '.join(filter(None, notes))})*" if any(notes) else ""
    return f"`{step.tool or step.worker}` {arguments}{behind}".replace("  ", " ")


def _value(value: Any, numbers: Mapping[str, int]) -> str:
    text = str(value).replace("`", "'").replace("\n", " ⏎ ")
    for step_id, _ in references(value):
        text = re.sub(rf"\$\{{{re.escape(step_id)}\b", f"${{{numbers.get(step_id, step_id)}", text)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]} …"


def _is_shown_whole(value: Any) -> bool:
    return len(str(value)) <= SHOWN and not any(references(value))


# --- answers ------------------------------------------------------------------------------------------


def read_edits(text: str) -> list[Edit]:
    """The changes that these words ask for, one a line or between semicolons. Empty where they say anything else."""
    edits = [_edit(part.strip()) for part in re.split(r"[\n;]", text) if part.strip()]
    return [edit for edit in edits if edit] if all(edits) else []


def _edit(text: str) -> Edit | None:
    if found := DROP.fullmatch(text):
        return Drop(tuple(int(number) for number in re.findall(r"\d+", found[1])))
    if found := MOVE.fullmatch(text):
        one, other = int(found[1]), int(found[3])
        return Move(one, other) if found[2].lower() in {"before", "vor"} else Move(other, one)
    if found := SET.fullmatch(text):
        return Change(int(found[1]), found[2], found[3].strip().strip("\"'“”"))
    return None


def says_go(text: str) -> bool:
    return text.strip().casefold() in each_way("go")


def edited(plan: Plan, edits: Sequence[Edit], *, find: FindTool, ran: Collection[str]) -> tuple[Plan, str]:
    """The changed plan, and what was changed in words. Steps in `ran` cannot be changed any more.

    Raises BadInput where there is no such step, or where another one needs it; PlanInvalid where it could not run.
    """
    by_number = dict(enumerate((step.id for step in plan.steps), 1))
    done: list[str] = []
    for edit in edits:
        match edit:
            case Drop(numbers=numbers):
                plan = _dropped(plan, [_id(by_number, number, ran) for number in numbers])
                done.append(f"you dropped {', '.join(map(str, numbers))}")
            case Move(earlier=earlier, later=later):
                plan = _moved(plan, _id(by_number, earlier, ran), _id(by_number, later, ran))
                done.append(f"you moved {earlier} before {later}")
            case Change(number=number, argument=argument, value=value):
                plan = _changed(plan, _id(by_number, number, ran), argument, value, find=find)
                done.append(f"you changed {argument} of {number}")
    checked = Plan.checked(plan.steps, find, template=plan.template)
    return checked.model_copy(update={"confidence": plan.confidence}), "; ".join(done)


def _id(by_number: Mapping[int, str], number: int, ran: Collection[str]) -> str:
    if number not in by_number:
        raise BadInput(say("There is no step {number}; the plan has {count}.", number=number, count=len(by_number)))
    if by_number[number] in ran:
        raise BadInput(say("Step {number} has run already.", number=number))
    return by_number[number]


def _dropped(plan: Plan, ids: Sequence[str]) -> Plan:
    left = [step for step in plan.steps if step.id not in ids]
    if not left:
        raise BadInput(say("Nothing would be left of the plan. Say no to decline it."))
    for step in left:
        used = [needed for needed, _ in references(step.open_arguments) if needed in ids]
        if used:
            raise BadInput(
                say("“{step}” needs the result of “{needed}”: drop both, or neither.",
                    step=step.label, needed=plan.step(used[0]).label)
            )  # fmt: skip
    steps = tuple(step.model_copy(update={"after": tuple(set(step.after) - set(ids))}) for step in left)
    return plan.model_copy(update={"steps": steps})


def _moved(plan: Plan, earlier: str, later: str) -> Plan:
    first, second = plan.step(earlier), plan.step(later)
    if later in {needed for needed, _ in references(first.open_arguments)}:
        raise BadInput(say("“{step}” needs the result of “{needed}”.", step=first.label, needed=second.label))
    first = first.model_copy(update={"after": tuple(needed for needed in first.after if needed != later)})
    second = second.model_copy(update={"after": (*(needed for needed in second.after if needed != earlier), earlier)})
    order: list[Step] = []
    for step in plan.steps:
        order += [first, second] if step.id == later else [] if step.id == earlier else [step]
    return plan.model_copy(update={"steps": tuple(order)})


def _changed(plan: Plan, step_id: str, argument: str, value: str, *, find: FindTool) -> Plan:
    step = plan.step(step_id)
    tool = find(step.tool)
    arguments = {**step.arguments, argument: coerce(value, tool.properties.get(argument, {}) if tool else {})}
    new: dict[str, Any] = {
        "arguments": arguments,
        "missing": tuple(name for name in step.missing if name != argument),
        "approved_by": None,  # the yes was for the old words
    }
    if tool and step.title == tool.in_words(step.arguments):
        new["title"] = tool.in_words(arguments)
    changed = step.model_copy(update=new)
    return plan.model_copy(update={"steps": tuple(changed if each.id == step_id else each for each in plan.steps)})


def agreed_to(plan: Plan, person: str, find: FindTool) -> Plan:
    """The plan after a "go": what the person saw in full, and may agree to, needs no further yes. What uses results, or
    was too long for the list, still asks."""

    def agreed(step: Step) -> Step:
        was_seen = step.tool and not step.missing and all(map(_is_shown_whole, step.arguments.values()))
        is_theirs = was_seen and rights().approves_alone(find(step.tool))
        return step.model_copy(update={"approved_by": person}) if is_theirs else step

    return plan.model_copy(update={"steps": tuple(map(agreed, plan.steps))})
