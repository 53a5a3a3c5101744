"""The plan: steps, what they need of each other, and what came back. A Plan that exists can run."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from itertools import count
from typing import Any, Literal

from jsonschema import Draft202012Validator, ValidationError
from jsonschema.validators import extend
from pydantic import BaseModel, ConfigDict, Field, model_validator
from referencing import Registry
from referencing.exceptions import Unresolvable

from orchestrator.errors import PlanInvalid
from orchestrator.messages import Attachment, StepState
from orchestrator.routing import Routing
from orchestrator.tools.asking import Asking
from orchestrator.tools.code import LITERAL, RUN_CODE
from orchestrator.tools.spec import ToolSpec

Mode = Literal["single", "parallel", "sequential", "graph"]
FindTool = Callable[[str], ToolSpec | None]

REFERENCE = re.compile(r"\$\{(?P<id>[\w-]+)(?P<path>(?:\.[^.}\s]+)*)\}")
WHOLE_STEP = re.compile(r"step:(?P<id>[\w-]+)")  # the other way to write ${id}, only as a whole value
TEMPLATE_NAME = re.compile(
    r"\{\{\s*(?P<id>[\w-]+)(?P<path>(?:\.[^.}\s]+)*)\s*\}\}"
)  # what an answer holds results with
JSON_TYPES = frozenset({"string", "number", "integer", "boolean", "array", "object", "null"})
NOTHING_FROM_OUTSIDE: Registry[Any] = Registry()  # a schema is a stranger's: its $ref must not make us fetch anything
GENERAL = "general"  # the one worker that there is without any setting
STEP_ID = re.compile(r"[\w-]{1,40}")


class Needs(BaseModel):
    """What a step takes while it runs: an estimate of its time, processor cores, megabytes of GPU memory."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seconds: float = Field(0.0, ge=0)
    cpu: float = Field(0.0, ge=0)
    gpu_mb: int = Field(0, ge=0)


class Step(BaseModel):
    """One call of one tool, or one task for a worker: exactly one of `tool` and `worker` is named.

    `arguments` may hold references to earlier results: `${id}`, `${id.path.0.name}` or `step:id`; a worker's only
    argument is `task`. `tools` are the ones that a worker may call; those of code are an argument of `run_code`, which
    is taken as it is written, as the code is. `missing` are the required arguments that only
    the person can give. `approved_by` is the person who said yes to this step, `agreed` are the calls of a worker
    to which they did, each as often as they did. `confidence` is the planner's own, 0 to 1.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    tool: str = ""
    worker: str = ""
    arguments: dict[str, Any] = {}
    title: str = ""
    after: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()
    fallbacks: tuple[str, ...] = ()
    reason: str = ""
    confidence: float = Field(1.0, ge=0, le=1)
    needs: Needs = Needs()
    pool: str = ""
    missing: tuple[str, ...] = ()
    approved_by: str | None = None
    agreed: tuple[str, ...] = ()

    @property  # not cached: a changed copy would keep what it was copied from
    def dependencies(self) -> frozenset[str]:
        """The steps that must be done before this one: named in `after`, or referred to."""
        return frozenset(self.after) | {step for step, _ in references(self.open_arguments)}

    @property
    def open_arguments(self) -> dict[str, Any]:
        """The arguments in which references count. In code `${x}` is what it says."""
        literal = LITERAL if self.tool == RUN_CODE.name else ()
        return {name: value for name, value in self.arguments.items() if name not in literal}

    @property
    def every_tool(self) -> tuple[str, ...]:
        """The names of all tools that it may call."""
        lent = self.arguments.get("tools") if self.tool == RUN_CODE.name else ()
        names = (self.tool, *self.fallbacks, *self.tools, *(lent if isinstance(lent, list) else ()))
        return tuple(name for name in names if name and isinstance(name, str))

    @property
    def label(self) -> str:
        """The step in words for a person: a reference shows only whose result it is."""
        title = self.title or self.tool.rpartition("__")[2].replace("_", " ") or f"work of {self.worker}"
        return REFERENCE.sub(r"‹\g<id>›", title)


class Plan(BaseModel):
    """A graph of steps. Making one checks ids, dependencies, references and cycles.

    Raises PlanInvalid with one problem a defect. `checked` looks at the tools and their arguments as well; a plan
    that comes back from storage has been through it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    steps: tuple[Step, ...]
    template: str = ""
    confidence: float = Field(1.0, ge=0, le=1)

    @model_validator(mode="after")
    def _is_a_graph(self) -> "Plan":
        if problems := list(_graph_problems(self.steps)):
            raise PlanInvalid(problems)
        return self

    @classmethod
    def checked(cls, steps: Sequence[Step], find: FindTool, *, template: str = "") -> "Plan":
        """A plan whose tools exist and whose arguments fit their schemas, as far as they are known."""
        problems = [*_graph_problems(steps)]
        for step in steps:
            problems += _tool_problems(step, find)
        if problems:
            raise PlanInvalid(problems)
        return cls(steps=tuple(steps), template=template)

    @property
    def mode(self) -> Mode:
        return mode_of(self.steps)

    def step(self, step_id: str) -> Step:
        return next(step for step in self.steps if step.id == step_id)

    def continued(
        self, steps: Sequence[Step], template: str = "", *, kept: Collection[str], former: Collection[str] = ()
    ) -> tuple[list[Step], str]:
        """The steps of this plan with an id in `kept`, and behind them further ones, under ids that are new here, and
        that are none of the `former` ones.

        A further step that is a kept one once more is that one. `template` follows the new ids. Nothing is checked.
        """
        mine = {step.id: step for step in self.steps}
        new = [step for step in steps if step.id not in kept or not _same_work(step, mine[step.id])]
        used = {*mine, *former}
        taken = {*used, *(step.id for step in new)}
        names = {step.id: _free_id(step.id, taken) for step in new if step.id in used}
        goes_on = [_renamed(step, names) for step in new]
        return [*(mine[step] for step in mine if step in kept), *goes_on], _renamed_text(template, names)

    def replacing(self, changed: Step) -> "Plan":
        """The same plan with one step in its new form."""
        steps = tuple(changed if step.id == changed.id else step for step in self.steps)
        return Plan(steps=steps, template=self.template, confidence=self.confidence)


class StepResult(BaseModel):
    """What came of one step.

    "waiting" is not an end: the step needs an argument, a yes, a word on a call whose outcome nobody knows, or what
    its tool is `asking`, as `waits_for` says; of a worker `tool` and `call` are then the call that waits. Else `tool`
    is the one that really worked, `tried` those that failed before it. Of a worker, `used` are the tools that it
    called, and `refused` those that it wanted and that its step does not allow; so it is of code, which may also have
    `printed` something. `granted` says that a standing yes let it run. `files` are what it made, `paths` where they
    are, in the same order. `routings` say which workers were chosen, one after the other, and why.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    status: Literal["done", "failed", "skipped", "waiting"]
    text: str = ""
    data: Any = None
    error: str = ""
    tool: str = ""
    tried: tuple[str, ...] = ()
    used: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    call: str = ""
    granted: bool = False
    printed: str = ""
    files: tuple[Attachment, ...] = ()
    paths: tuple[str, ...] = ()
    attempts: int = 0
    seconds: float = 0.0
    routings: tuple[Routing, ...] = ()
    waits_for: Literal["arguments", "approval", "repeat", "input"] | None = None
    asking: Asking | None = None

    @property
    def state(self) -> StepState:
        """The same for a plan card, where waiting for the person is not waiting for a turn."""
        return "asking" if self.status == "waiting" else self.status

    @property
    def value(self) -> Any:
        """What a reference to this step stands for: its data, or else its text."""
        if self.data is None:
            return self.text
        if isinstance(self.data, dict) and self.data.keys() == {"result"} and self.tool != RUN_CODE.name:
            return self.data["result"]  # MCP servers wrap a bare value in {"result": value}
        return self.data


def mode_of(steps: Sequence[Step]) -> Mode:
    """The graph's shape in one word."""
    if len(steps) == 1:
        return "single"
    if not any(step.dependencies for step in steps):
        return "parallel"
    chain = all(
        step.dependencies == ({before.id} if before else set())
        for before, step in zip((None, *steps), steps, strict=False)
    )
    return "sequential" if chain else "graph"


@dataclass(frozen=True, slots=True)
class Direct:
    """The answer itself, and files that go out with it."""

    text: str
    reason: str = ""
    files: tuple[Attachment, ...] = ()


@dataclass(frozen=True, slots=True)
class Refuse:
    """Out of scope: `text` says so kindly, `reason` is for the record. `unserved` says that it may not be out of scope,
    but nobody was there who could have served it."""

    text: str
    reason: str = ""
    unserved: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """One question of a Clarify."""

    text: str
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Clarify:
    """Something must be known before there can be a plan."""

    questions: tuple[Asked, ...]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan, and why."""

    plan: Plan
    reason: str = ""


Decision = Direct | Refuse | Clarify | Planned


# --- references ---------------------------------------------------------------------------------------


def references(value: Any) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Every (step id, path) that a value refers to, at any depth."""
    if isinstance(value, str):
        if whole := WHOLE_STEP.fullmatch(value):
            yield whole["id"], ()
        for found in REFERENCE.finditer(value):
            yield found["id"], tuple(found["path"].split(".")[1:])
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from references(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from references(part)


def resolve(value: Any, results: Mapping[str, StepResult]) -> Any:
    """The value with every reference replaced. A string that is one reference becomes the thing itself.

    Raises LookupError with a sentence that names the reference and what there is instead.
    """
    if isinstance(value, str):
        if whole := WHOLE_STEP.fullmatch(value) or REFERENCE.fullmatch(value):
            return _follow(whole.group(0), results)
        return REFERENCE.sub(lambda found: str(_follow(found.group(0), results)), value)
    if isinstance(value, Mapping):
        return {key: resolve(part, results) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [resolve(part, results) for part in value]
    return value


def _follow(reference: str, results: Mapping[str, StepResult]) -> Any:
    ((step, path),) = references(reference)
    here = results[step].value
    if path[:1] == ("files",) and results[step].paths:
        here, path = list(results[step].paths), path[1:]
    for part in path:
        if isinstance(here, Mapping) and part in here:
            here = here[part]
        elif isinstance(here, list) and part.isdecimal() and int(part) < len(here):
            here = here[int(part)]
        else:
            there = f"has only {', '.join(map(repr, here))}" if isinstance(here, Mapping) else "has no such part"
            raise LookupError(f"{reference}: the result of {step!r} {there}")
    return here


def _same_work(one: Step, other: Step) -> bool:
    return (one.tool, one.worker, one.arguments) == (other.tool, other.worker, other.arguments)


def _free_id(wanted: str, taken: Collection[str]) -> str:
    return next(name for number in count(2) if (name := f"{wanted}_{number}") not in taken)


def _renamed(step: Step, names: Mapping[str, str]) -> Step:
    """The step with each of these ids under its new name, also where it refers to them."""
    return step.model_copy(
        update={
            "id": names.get(step.id, step.id),
            "after": tuple(names.get(needed, needed) for needed in step.after),
            "arguments": {**step.arguments, **_renamed_text(step.open_arguments, names)},
        }
    )


def _renamed_text(value: Any, names: Mapping[str, str]) -> Any:
    """The value with its references under their new names."""

    def under_new_name(found: re.Match[str]) -> str:
        start, end = (place - found.start() for place in found.span("id"))
        return found[0][:start] + names.get(found["id"], found["id"]) + found[0][end:]

    if isinstance(value, str):
        if whole := WHOLE_STEP.fullmatch(value):
            return under_new_name(whole)
        return TEMPLATE_NAME.sub(under_new_name, REFERENCE.sub(under_new_name, value))
    if isinstance(value, Mapping):
        return {name: _renamed_text(part, names) for name, part in value.items()}
    return [_renamed_text(part, names) for part in value] if isinstance(value, list) else value


# --- checks -------------------------------------------------------------------------------------------


def _graph_problems(steps: Sequence[Step]) -> Iterator[str]:
    if not steps:
        yield "a plan needs at least one step"
    ids = [step.id for step in steps]
    for step_id in dict.fromkeys(ids):
        if not STEP_ID.fullmatch(step_id):
            yield f"step id {step_id!r} may hold letters, digits, - and _ only, at most 40"
        if ids.count(step_id) > 1:
            yield f"step id {step_id!r} is used {ids.count(step_id)} times"
    for step in steps:
        yield from _step_problems(step, ids)
    try:
        TopologicalSorter({step.id: step.dependencies - {step.id} for step in steps}).prepare()
    except CycleError as error:
        yield f"steps wait for each other in a circle: {' -> '.join(error.args[1])}"


def _step_problems(step: Step, ids: Sequence[str]) -> Iterator[str]:
    if bool(step.tool) == bool(step.worker):
        yield f"step {step.id!r} must name a tool or a worker, and only one of them"
    if step.worker and step.arguments.keys() != {"task"}:
        yield f"step {step.id!r}: a worker takes one argument, the task"
    for needed in sorted(step.dependencies):
        if needed == step.id:
            yield f"step {step.id!r} depends on itself"
        elif needed not in ids:
            yield f"step {step.id!r} depends on {needed!r}, which is no step of this plan"


def _tool_problems(step: Step, find: FindTool) -> Iterator[str]:
    if step.worker and step.worker != GENERAL and find(f"@{step.worker}") is None:
        yield f"step {step.id!r} wants the worker {step.worker!r}, but nobody does that work"
    for name in filter(None, (step.tool, *step.fallbacks, *step.tools)):
        if find(name) is None or name.startswith("@"):
            yield f"step {step.id!r} wants the tool {name!r}, which does not exist"
    if tool := find(step.tool):
        for problem in argument_problems(tool, step.arguments, missing=step.missing):
            yield f"step {step.id!r} ({step.tool}): {problem}"
    if step.tool == RUN_CODE.name:
        yield from _code_problems(step, find)


def _code_problems(step: Step, find: FindTool) -> Iterator[str]:
    """What keeps code from calling the tools that are listed for it: it may call only what needs no yes."""
    names = step.arguments.get("tools") or []
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        yield f'step {step.id!r}: the tools of its code are written as tools=["name", "name"]'
        return
    for name in names:
        tool = find(name)
        if tool is None:
            yield f"step {step.id!r} wants the tool {name!r}, which does not exist"
        elif tool.is_risky or tool.name == RUN_CODE.name:
            yield f"step {step.id!r}: its code cannot call {name!r}; make that a step of its own"


def argument_problems(tool: ToolSpec, arguments: Mapping[str, Any], *, missing: Sequence[str] = ()) -> Iterator[str]:
    """What keeps these arguments from being this tool's, a sentence each.

    Values that hold references are not known yet and are let through; so are the names in `missing`.
    """
    for name in tool.required:
        if name not in arguments and name not in missing:
            yield f"the argument {name!r} is missing"
    if tool.properties and not tool.parameters.get("additionalProperties"):
        for name in arguments:
            if name not in tool.properties:
                yield f"there is no argument {name!r}, only {', '.join(map(repr, tool.properties))}"
    try:
        errors = list(LenientValidator(tool.parameters, registry=NOTHING_FROM_OUTSIDE).iter_errors(dict(arguments)))
    except (re.error, Unresolvable):  # a schema that cannot be evaluated: then it is the tool that must say no
        return
    for error in errors:
        is_told_above = error.validator in {"required", "additionalProperties"} and not error.absolute_path
        if not is_told_above and not any(references(error.instance)):
            yield _schema_problem(error)


def _type_if_known(
    validator: Any, types: str | list[str], instance: Any, schema: Mapping[str, Any]
) -> Iterator[ValidationError]:
    """The keyword `type`, blind to names that JSON Schema does not know: published tools say "String" or "float"."""
    names = [types] if isinstance(types, str) else types
    if all(name in JSON_TYPES for name in names) and not any(validator.is_type(instance, name) for name in names):
        yield ValidationError(f"{instance!r} is not of type {', '.join(map(repr, names))}")


LenientValidator = extend(Draft202012Validator, {"type": _type_if_known})  # type: ignore[no-untyped-call]


def _schema_problem(error: ValidationError) -> str:
    where = ".".join(str(part) for part in error.absolute_path)
    return f"the argument {where!r}: {error.message}" if where else error.message
