"""Templates: a named plan with parameters, saved from a good turn or a file, and run without any model."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict

from orchestrator.errors import BadInput
from orchestrator.plan import FindTool, Plan, Step, references
from orchestrator.slots import coerce
from orchestrator.words import say

NAME = re.compile(r"[a-z][\w-]{0,39}")
PARAMETER = re.compile(r"\{\{\s*(?P<name>[\w-]+)\s*\}\}")


class Template(BaseModel):
    """A plan whose arguments hold `{{parameters}}`. A parameter without a default must be given."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    steps: tuple[Step, ...]
    answer: str = ""
    defaults: dict[str, Any] = {}

    @property
    def parameters(self) -> list[str]:
        """Their names, in the order in which the steps use them."""
        return list(dict.fromkeys(name for step in self.steps for name in _parameters(step.arguments)))

    def filled(self, given: Mapping[str, str], find: FindTool) -> Plan:
        """The plan with these values, as they were typed, and the defaults.

        What is neither given nor a default becomes a question where it is a whole argument. Raises BadInput for a
        name that is no parameter or that a text needs, PlanInvalid where the plan cannot run with today's tools.
        """
        if unknown := given.keys() - set(self.parameters):
            known = ", ".join(self.parameters) or say("none")
            raise BadInput(say("There is no parameter {name!r}; there are: {known}.", name=min(unknown), known=known))
        return Plan.checked([self._filled(step, given, find) for step in self.steps], find, template=self.answer)

    def _filled(self, step: Step, given: Mapping[str, str], find: FindTool) -> Step:
        tool = find(step.tool)
        arguments, missing = {}, list(step.missing)
        for name, value in step.arguments.items():
            whole = PARAMETER.fullmatch(value) if isinstance(value, str) else None
            if whole is None:
                arguments[name] = self._text(value, given)
            elif whole["name"] in given:
                arguments[name] = coerce(given[whole["name"]], tool.properties.get(name, {}) if tool else {})
            elif whole["name"] in self.defaults:
                arguments[name] = self.defaults[whole["name"]]
            else:
                missing.append(name)
        title = step.title or (tool.in_words(arguments) if tool else "")
        named = {"tool": tool.name} if tool else {}
        filled = {"arguments": arguments, "missing": tuple(missing), "title": title, "approved_by": None, **named}
        return step.model_copy(update=filled)

    def _text(self, value: Any, given: Mapping[str, str]) -> Any:
        """A value with the parameters inside of its texts filled in."""

        def text_of(found: re.Match[str]) -> str:
            known = {**self.defaults, **given}
            if found["name"] not in known:
                raise BadInput(say("Say {name}=...", name=found["name"]))
            return str(known[found["name"]])

        if isinstance(value, str):
            return PARAMETER.sub(text_of, value)
        if isinstance(value, Mapping):
            return {name: self._text(part, given) for name, part in value.items()}
        return [self._text(part, given) for part in value] if isinstance(value, list) else value


def template_of(plan: Plan, chosen: Mapping[str, str]) -> Template:
    """A template of a plan that has run. `chosen` are parameters by name, as "step.argument"; without any, every plain
    value becomes one, named after its argument. What was used then is the default.

    Raises BadInput for what is no argument of the plan.
    """
    places = {place: name for name, place in (chosen or _all_places(plan)).items()}
    there = {f"{step.id}.{argument}" for step in plan.steps for argument in step.arguments}
    if unknown := places.keys() - there:
        known = ", ".join(sorted(there))
        raise BadInput(
            say("{place!r} is no argument of that plan; there are: {known}.", place=min(unknown), known=known)
        )
    defaults: dict[str, Any] = {}
    steps = []
    for step in plan.steps:
        arguments = dict(step.arguments)
        for argument, value in step.arguments.items():
            if name := places.get(f"{step.id}.{argument}"):
                defaults[name] = value
                arguments[argument] = f"{{{{{name}}}}}"
        steps.append(Step(**{**_kept(step), "arguments": arguments}))
    return Template(steps=tuple(steps), answer=plan.template, defaults=defaults)


def written(steps: Sequence[Step], answer: str, find: FindTool) -> Template:
    """A template that somebody has written as a plan with `{{parameters}}`. Raises PlanInvalid where it cannot run."""
    plain = (Step(**{**_kept(step), "arguments": step.arguments, "title": step.title}) for step in steps)
    template = Template(steps=tuple(plain), answer=answer)
    template.filled({name: "1" for step in template.steps for name in _inside(step.arguments)}, find)
    return template


def _inside(arguments: Mapping[str, Any]) -> Iterator[str]:
    """The parameters that stand inside of texts: a whole argument may be asked for later, these must be given."""
    for value in arguments.values():
        if not (isinstance(value, str) and PARAMETER.fullmatch(value)):
            yield from _parameters(value)


def _all_places(plan: Plan) -> dict[str, str]:
    """Every plain value by a name that only it has."""
    places = [(argument, f"{step.id}.{argument}") for step, argument in _plain_arguments(plan.steps)]
    names = [argument for argument, _ in places]
    return {(argument if names.count(argument) == 1 else place.replace(".", "_")): place for argument, place in places}


def _plain_arguments(steps: Sequence[Step]) -> Iterator[tuple[Step, str]]:
    for step in steps:
        for argument, value in step.arguments.items():
            if isinstance(value, str | int | float) and not any(references(value)):
                yield step, argument


def _kept(step: Step) -> dict[str, Any]:
    """What of a step is its plan, and not the story of one run."""
    return {
        name: getattr(step, name) for name in ("id", "tool", "worker", "after", "tools", "fallbacks", "needs", "pool")
    }


def _parameters(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield from (found["name"] for found in PARAMETER.finditer(value))
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _parameters(part)
    elif isinstance(value, list):
        for part in value:
            yield from _parameters(part)
