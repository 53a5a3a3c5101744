"""Harmless steps begin while the plan that they belong to is still being written."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from pydantic_core import from_json

from orchestrator.guard import ungrounded
from orchestrator.models import CallSoFar
from orchestrator.notation import parse_step
from orchestrator.plan import FindTool, Step, StepResult, argument_problems
from orchestrator.policy import Policy
from orchestrator.reading import Reader

OWN = frozenset({"ask", "refuse", "find_tools"})
RunAhead = Callable[[Step, Mapping[str, StepResult]], Awaitable[StepResult]]
ShowSoFar = Callable[[Sequence[Step], Collection[str]], Awaitable[None]]
"""Shows the steps that are written so far, and which of them have begun."""


class HeadStart:
    """Listens to a model that writes tool calls, and begins each step as soon as its line is complete.

    Only steps begin that change nothing and wait for nobody, as the plan may still turn out to be one that cannot
    run. `said` is what arguments may be grounded on. Leaving the context ends what nobody has taken.
    """

    def __init__(
        self,
        reader: Reader,
        find: FindTool,
        run_ahead: RunAhead,
        *,
        policy: Policy,
        show: ShowSoFar,
        said: str,
        limit: int,
    ) -> None:
        self._reader = reader
        self._policy = policy
        self._show = show
        self._find = find
        self._run_ahead = run_ahead
        self._said = said
        self._slots = asyncio.Semaphore(limit)
        self._tasks = asyncio.TaskGroup()
        self._size = (0, 0)
        self._written: list[Step] = []
        self._begun: dict[str, asyncio.Task[StepResult]] = {}

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._drop()
        await self._tasks.__aexit__(None, None, None)  # not told of the error, so that it goes on as it is

    async def heard(self, calls: Sequence[CallSoFar]) -> None:
        """Take in all calls so far; none means that what came before is void."""
        if not calls:
            self._drop()
            return
        size = len(calls), calls[-1].arguments.count("\\n")
        if size == self._size:  # no further line: most of what comes is a part of one
            return
        self._size = size
        new = [self._reader.known(step) for step in _complete_steps(calls)][len(self._written) :]
        for step in new:
            self._written.append(step)
            if step.id not in self._begun and step.dependencies <= self._begun.keys() and self._is_harmless(step):
                self._begun[step.id] = self._tasks.create_task(self._run(step), name=f"head start of {step.id}")
        if new:
            await self._show(self._written, self._begun.keys())

    def take(self, step: Step) -> Awaitable[StepResult] | None:
        """The result to be of a step that has begun, if it is still the same step."""
        return self._begun.get(step.id) if step in self._written else None

    def _is_harmless(self, step: Step) -> bool:
        tool = self._find(step.tool)
        return (
            tool is not None
            and self._policy.review != "always"  # then nothing runs before the person has seen it
            and not tool.is_risky
            and not self._policy.asks(step, tool)
            and not step.missing
            and not ungrounded(step, tool, self._said)
            and not any(argument_problems(tool, step.arguments))
        )

    async def _run(self, step: Step) -> StepResult:
        inputs = {needed: await self._begun[needed] for needed in step.dependencies}
        if any(result.status != "done" for result in inputs.values()):
            return StepResult(status="skipped", error="a step before it did not work")
        async with self._slots:
            return await self._run_ahead(step, inputs)

    def _drop(self) -> None:
        for task in self._begun.values():
            task.cancel()
        self._size = (0, 0)
        self._written.clear()
        self._begun.clear()


def _complete_steps(calls: Sequence[CallSoFar]) -> Iterator[Step]:
    """The steps that are written to their end, in their order. What cannot be read ends them: it will be repaired."""
    for number, call in enumerate(calls, 1):
        is_last = number == len(calls)
        with suppress(ValueError):
            arguments = from_json(call.arguments or "{}", allow_partial="trailing-strings" if is_last else False)
            if not isinstance(arguments, dict):
                return
            if call.name == "plan":
                yield from _lines(arguments.get("steps"))
                return
            if call.name not in OWN and not is_last:
                yield Step(id=f"s{number}", tool=call.name, arguments=arguments)


def _lines(text: Any) -> Iterator[Step]:
    """All lines but the last, which may still grow."""
    for line in str(text or "").split("\n")[:-1]:
        if line.strip():
            yield parse_step(line)
