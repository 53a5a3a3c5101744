"""Steps that compute: their code calls the tools that the plan lists for it, and of those only what needs no yes."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic_core import PydanticSerializationError, to_json, to_jsonable_python

from orchestrator.errors import BadInput, CodeFailed, ToolError
from orchestrator.plan import Step, StepResult, argument_problems
from orchestrator.policy import Policy
from orchestrator.repair import repaired, repaired_data
from orchestrator.sessions import Run
from orchestrator.tools.catalog import Catalog
from orchestrator.tools.code import RUN_CODE, Code
from orchestrator.tools.spec import Arguments, ToolSpec
from orchestrator.watching import span

NOT_IN_NAMES = re.compile(r"\W")


class CodeSteps:
    """Runs the code of steps. `seconds` bound a step and each of its calls, `input_characters` what one is given."""

    def __init__(self, code: Code, catalog: Catalog, *, policy: Policy, seconds: float, input_characters: int) -> None:
        self._code = code
        self._catalog = catalog
        self._policy = policy
        self._seconds = seconds
        self._input_characters = input_characters

    async def compute(self, run: Run, step: Step, arguments: Arguments) -> StepResult:
        """What this step's code comes to with these arguments. Raises ToolUnavailable."""
        lent = _Lent(
            self._catalog,
            self._policy,
            names=arguments.get("tools") or (),
            key=f"{run.id}/{step.id}",
            most_calls=self._code.limits.calls,
            seconds=self._seconds,
            input_characters=self._input_characters,
        )
        try:
            with span("tool", tool=RUN_CODE.name, source=RUN_CODE.source, call=f"{run.id}/{step.id}") as computed:
                computed.contents["arguments"] = arguments
                ran = await self._code.run(arguments, lent.call, timeout_seconds=self._seconds)
                computed.contents["result"] = ran.text
        except CodeFailed as failure:
            result = StepResult(status="failed", error=str(failure), printed=failure.printed)
        else:
            data = None if isinstance(ran.output, str) else ran.output
            result = StepResult(status="done", text=ran.text, data=data, printed=ran.printed)
        called = {"used": tuple(lent.used), "refused": tuple(lent.refused)}
        return result.model_copy(update={"tool": RUN_CODE.name, **called})


class _Lent:
    """The tools of one run of code: what it may call, and what it has called."""

    def __init__(
        self,
        catalog: Catalog,
        policy: Policy,
        *,
        names: Sequence[str],
        key: str,
        most_calls: int,
        seconds: float,
        input_characters: int,
    ) -> None:
        self.used: dict[str, None] = {}
        self.refused: dict[str, None] = {}
        self._catalog = catalog
        self._policy = policy
        self._tools = [tool for name in names if (tool := catalog.find(name))]
        self._key = key
        self._calls = 0
        self._most_calls = most_calls
        self._seconds = seconds
        self._input_characters = input_characters

    async def call(self, name: str, given: tuple[Any, ...], named: Mapping[str, Any]) -> Any:
        """A tool's result as a JSON value. Raises BadInput, for the code, where there is none."""
        tool = self._allowed(name)
        arguments = self._arguments(tool, given, named)
        self._calls += 1
        if self._calls > self._most_calls:
            raise BadInput(f"code may call tools {self._most_calls} times (setting code_calls)")
        try:
            answer = await self._catalog.call(
                tool.name, arguments, key=f"{self._key}/{self._calls}", timeout_seconds=self._seconds
            )
        except ToolError as error:
            raise BadInput(f"{tool.name} did not work: {error}") from None
        if answer.is_error:
            raise BadInput(f"{tool.name} did not work: {answer.text}")
        self.used[tool.name] = None
        text, data = repaired(answer.text), repaired_data(answer.data)
        return StepResult(status="done", text=text, data=data, tool=tool.name).value

    def _allowed(self, name: str) -> ToolSpec:
        """The tool of this name in code. Raises BadInput for one that is not listed, or that a person is asked for."""
        tool = self._meant(name)
        if tool is None:
            known = ", ".join(_in_code(each.name) for each in self._tools) or "none"
            raise BadInput(f"there is no function {name!r} here; the tools of this step are: {known}")
        if tool not in self._tools:
            self.refused[tool.name] = None
            raise BadInput(f"{tool.name} is not among the tools of this step: list it in tools=[...]")
        if tool.is_risky or self._policy.asks_for(tool, ()) or tool.name == RUN_CODE.name:
            self.refused[tool.name] = None
            raise BadInput(f"{tool.name} must be a step of its own, so that a person can be asked")
        return tool

    def _meant(self, name: str) -> ToolSpec | None:
        """A listed tool of this name, or with this name behind its server's; else any that there is."""
        exact = [tool for tool in self._tools if _in_code(tool.name) == name]
        found = exact or [tool for tool in self._tools if _in_code(tool.name).endswith(f"__{name}")]
        return found[0] if len(found) == 1 else self._catalog.find(name)

    def _arguments(self, tool: ToolSpec, given: tuple[Any, ...], named: Mapping[str, Any]) -> Arguments:
        """The call's arguments by name, as JSON values. Raises BadInput."""
        if len(given) > len(tool.properties):
            raise BadInput(f"{tool.name} takes {len(tool.properties)} arguments, not {len(given)}")
        by_place = dict(zip(tool.properties, given, strict=False))
        if twice := by_place.keys() & named.keys():
            raise BadInput(f"{tool.name}: the argument {min(twice)!r} is given twice")
        try:
            arguments: Arguments = repaired_data(to_jsonable_python({**by_place, **named}))
        except (PydanticSerializationError, ValueError) as error:
            raise BadInput(f"{tool.name} takes JSON values only: {error}") from None
        if len(to_json(arguments)) > self._input_characters:
            raise BadInput(
                f"{tool.name}: more than {self._input_characters:,} characters (setting step_input_characters)"
            )
        if problems := list(argument_problems(tool, arguments)):
            raise BadInput(f"{tool.name}: {'; '.join(problems)}")
        return arguments


def _in_code(name: str) -> str:
    """A tool's name as code can write it."""
    return NOT_IN_NAMES.sub("_", name)
