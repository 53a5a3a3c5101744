"""The compact notation of plans: one line a step, `id: tool(name=value, ...) or tool after id, id sure 0.8 # title`.

    a: time__get_current_time(timezone="Asia/Tokyo")
    b: compute_tax(amount=${bill.total}, rate_percent=19) after a
    c: search(query="rates") or news__search sure 0.7
    d: @general(task="Compare ${b} with ${c}", tools=["calculate"])

Values are JSON, or a bare reference. `or` names fallback tools, `@` a worker. A line costs a model about 15 tokens
where the same step as JSON costs 24-42.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from orchestrator.errors import PlanInvalid
from orchestrator.plan import Step


class WrittenPlan(BaseModel):
    """A plan as a file holds it. What it says is checked when it becomes a Plan."""

    model_config = ConfigDict(extra="forbid")

    steps: tuple[Step, ...]
    template: str = ""


HEAD = re.compile(r"\s*(?:[-*]\s+)?(?P<id>[\w-]+)\s*[:.=]\s*(?P<runs>@?[\w.-]+)\s*\(")
NAME = re.compile(r"\s*(?P<name>\w+)\s*=\s*")
BARE = re.compile(r"\$\{[^}]*\}|step:[\w-]+")
NAMES = r"[\w.-]+(?:\s*,\s*[\w.-]+)*"
TAIL = re.compile(
    rf"\s*(?:or\s+(?P<fallbacks>{NAMES}))?\s*(?:after\s+(?P<after>{NAMES}))?"
    r"\s*(?:sure\s+(?P<sure>[01](?:\.\d+)?))?\s*(?:#\s*(?P<title>.*))?\s*"
)
READ_JSON = json.JSONDecoder().raw_decode


def parse_steps(text: str) -> list[Step]:
    """The steps of a plan in compact notation. Raises PlanInvalid, with one problem a line that cannot be read."""
    steps, problems = [], []
    for number, line in enumerate(text.strip().splitlines(), 1):
        if not line.strip():
            continue
        try:
            steps.append(parse_step(line))
        except ValueError as error:
            problems.append(f"line {number}: {error}")
    if problems:
        raise PlanInvalid(problems)
    return steps


def read_plan(text: str) -> tuple[list[Step], str]:
    """The steps and the template of a plan written by hand: JSON with `steps`, or compact notation.

    Raises PlanInvalid, naming the line or the field.
    """
    if not text.lstrip().startswith("{"):
        return parse_steps(text), ""
    try:
        written = WrittenPlan.model_validate_json(text)
    except ValidationError as error:
        raise PlanInvalid([_field_problem(each) for each in error.errors()]) from None
    return list(written.steps), written.template


def line_of(step: Step) -> str:
    """The step as a line that `parse_step` reads back."""
    arguments = {**step.arguments, "tools": list(step.tools)} if step.tools else step.arguments
    written = ", ".join(f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in arguments.items())
    parts = [
        f"{step.id}: {f'@{step.worker}' if step.worker else step.tool}({written})",
        f"or {', '.join(step.fallbacks)}" if step.fallbacks else "",
        f"after {', '.join(step.after)}" if step.after else "",
        f"sure {step.confidence:g}" if step.confidence < 1 else "",
    ]
    return " ".join(filter(None, parts))


def _field_problem(error: Any) -> str:
    where = ".".join(str(part) for part in error["loc"])
    return f"{where}: {error['msg']}" if where else error["msg"]


def parse_step(line: str) -> Step:
    """One step of one line. Raises ValueError with what was expected, and where."""
    if not (head := HEAD.match(line)):
        raise ValueError(f"expected `id: tool(name=value, ...)`, found {line.strip()[:60]!r}")
    arguments, end = _arguments(line, head.end())
    if not (tail := TAIL.fullmatch(line, end)):
        raise ValueError(
            f"expected `or tool`, `after id, id`, `sure 0.8` or the end, found {line[end:].strip()[:40]!r}"
        )
    return Step(
        id=head["id"],
        **_runs(head["runs"], arguments),
        after=_names(tail["after"]),
        fallbacks=_names(tail["fallbacks"]),
        confidence=min(float(tail["sure"] or 1), 1.0),
        title=(tail["title"] or "").strip(),
    )


def _runs(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """What runs the step: a tool, or a worker with the tools that it may call."""
    if not name.startswith("@"):
        return {"tool": name, "arguments": arguments}
    tools = arguments.pop("tools", [])
    if not isinstance(tools, list) or not all(isinstance(tool, str) for tool in tools):
        raise ValueError(f'the tools of {name} are written as tools=["name", "name"]')
    return {"worker": name[1:], "arguments": arguments, "tools": tuple(tools)}


def _names(text: str | None) -> tuple[str, ...]:
    return tuple(name.strip() for name in (text or "").split(",") if name.strip())


def _arguments(line: str, position: int) -> tuple[dict[str, Any], int]:
    arguments: dict[str, Any] = {}
    for name, value, end in _pairs(line, position):
        if name in arguments:
            raise ValueError(f"the argument {name!r} stands twice")
        arguments[name] = value
        position = end
    closed = _skip(line, position, ")")
    if closed is None:
        raise ValueError(f"expected `)` or `, name=value`, found {line[position:].strip()[:40]!r}")
    return arguments, closed


def _pairs(line: str, position: int) -> Iterator[tuple[str, Any, int]]:
    while found := NAME.match(line, position):
        value, position = _value(line, found.end(), found["name"])
        if (after_comma := _skip(line, position, ",")) is not None:
            position = after_comma
        yield found["name"], value, position


def _value(line: str, position: int, name: str) -> tuple[Any, int]:
    if bare := BARE.match(line, position):
        return bare.group(0), bare.end()
    try:
        return READ_JSON(line, position)
    except json.JSONDecodeError:
        raise ValueError(f"the value of {name!r} is no JSON: {line[position:][:40]!r}") from None


def _skip(line: str, position: int, mark: str) -> int | None:
    rest = line[position:]
    stripped = rest.lstrip()
    return position + len(rest) - len(stripped) + 1 if stripped.startswith(mark) else None
