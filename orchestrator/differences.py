"""What is different between two decisions on the same request: pure, and blind to the names of steps."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from orchestrator.facts import DecisionFacts, Part, PlannedStep
from orchestrator.plan import REFERENCE, WHOLE_STEP

What = Literal["decision", "tools", "arguments", "order", "questions"]


class Difference(Part):
    """One difference, both sides in words."""

    what: What
    old: str
    new: str


def differences(old: DecisionFacts, new: DecisionFacts) -> list[Difference]:
    """Decision, tools, arguments, order, questions. Different kinds of decisions are not compared any further.

    Steps are paired by their tools, those with equal arguments first, so the order of independent steps is nothing.
    Only paired steps are compared for their arguments and their order.
    """
    if old.kind != new.kind:
        return [Difference(what="decision", old=old.kind, new=new.kind)]
    pairs = list(_paired([_Compared(step, old) for step in old.steps], [_Compared(step, new) for step in new.steps]))
    return [*_of_tools(old, new), *_of_arguments(pairs), *_of_order(pairs), *_of_questions(old, new)]


class _Compared:
    """A step as it is compared: arguments as JSON, references under the names of the tools whose results they are."""

    def __init__(self, step: PlannedStep, decision: DecisionFacts) -> None:
        self.id = step.id
        self.after = step.after
        self.work = _work(step)
        self._tools = {other.id: _work(other) for other in decision.steps}
        self.arguments = {
            name: json.dumps(self._by_tool(value), ensure_ascii=False, sort_keys=True)
            for name, value in step.arguments.items()
        }

    def written(self, names: Sequence[str]) -> str:
        given = ", ".join(f"{name}={self.arguments[name]}" for name in names if name in self.arguments)
        return f"{self.work}({given})"

    def _by_tool(self, value: Any) -> Any:
        if isinstance(value, str):
            if whole := WHOLE_STEP.fullmatch(value):
                return f"${{{self._tool(whole['id'])}}}"
            return REFERENCE.sub(lambda found: f"${{{self._tool(found['id'])}{found['path']}}}", value)
        if isinstance(value, Mapping):
            return {name: self._by_tool(part) for name, part in value.items()}
        return [self._by_tool(part) for part in value] if isinstance(value, list) else value

    def _tool(self, step: str) -> str:
        return self._tools.get(step, step)


Pair = tuple[_Compared, _Compared]


def _paired(old: Sequence[_Compared], new: Sequence[_Compared]) -> Iterator[Pair]:
    """The steps that do the same work: first those with equal arguments, then what is left of each tool."""
    left = list(new)
    without: list[_Compared] = []
    for one in old:
        if equal := [other for other in left if (other.work, other.arguments) == (one.work, one.arguments)]:
            left.remove(equal[0])
            yield one, equal[0]
        else:
            without.append(one)
    for one in without:
        if alike := [other for other in left if other.work == one.work]:
            left.remove(alike[0])
            yield one, alike[0]


def _of_tools(old: DecisionFacts, new: DecisionFacts) -> Iterator[Difference]:
    before, after = ([_work(step) for step in decision.steps] for decision in (old, new))
    if Counter(before) != Counter(after):
        yield Difference(what="tools", old=", ".join(before), new=", ".join(after))


def _of_arguments(pairs: Sequence[Pair]) -> Iterator[Difference]:
    for one, other in pairs:
        every = dict.fromkeys([*one.arguments, *other.arguments])
        if names := [name for name in every if one.arguments.get(name) != other.arguments.get(name)]:
            yield Difference(what="arguments", old=one.written(names), new=other.written(names))


def _of_order(pairs: Sequence[Pair]) -> Iterator[Difference]:
    before, after = _edges([one for one, _ in pairs]), _edges([other for _, other in pairs])
    if before != after:
        names = [one.work for one, _ in pairs]
        yield Difference(what="order", old=_order(before, names), new=_order(after, names))


def _of_questions(old: DecisionFacts, new: DecisionFacts) -> Iterator[Difference]:
    before, after = _asked(old), _asked(new)
    if Counter(map(_simple, before)) != Counter(map(_simple, after)):
        yield Difference(what="questions", old="; ".join(before), new="; ".join(after))


def _asked(decision: DecisionFacts) -> list[str]:
    """What is asked for: by a model in its words, for a plan the arguments that are missing."""
    return [*decision.questions, *(f"{_work(step)}: {name}" for step in decision.steps for name in step.missing)]


def _edges(steps: Sequence[_Compared]) -> set[tuple[int, int]]:
    place = {step.id: number for number, step in enumerate(steps)}
    return {(place[needed], place[step.id]) for step in steps for needed in step.after if needed in place}


def _order(edges: set[tuple[int, int]], names: Sequence[str]) -> str:
    return ", ".join(f"{names[later]} after {names[first]}" for first, later in sorted(edges)) or "side by side"


def _work(step: PlannedStep) -> str:
    return step.tool or f"@{step.worker}"


def _simple(text: str) -> str:
    return " ".join(text.casefold().split())
