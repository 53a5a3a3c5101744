"""Code as a tool: `run_code` computes with a few lines of Python, in a sandbox of its own."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from pydantic_core import to_json

from orchestrator.errors import BadInput, CodeFailed, ToolUnavailable
from orchestrator.tools.spec import Arguments, ToolResult, ToolsetHealth, ToolSpec

if TYPE_CHECKING:
    from orchestrator.tools.sandbox import Sandbox

ENGINE = "pydantic_monty"
INSTALL = "It needs pydantic-monty: pip install '.[sandbox]' in Errand's folder."
RUN_CODE = ToolSpec(
    name="run_code",
    title="compute",
    told_by="code",
    description="""\
Compute with a few lines of Python: they find a JSON value in `input`, and leave one in `output`.
No files, no network. There are json, math, re, datetime, decimal, statistics, collections, itertools, random.
Tools named in `tools` are functions there, such as search(query=input["q"]); only such that change nothing.""",
    parameters={
        "type": "object",
        "properties": {
            "code": {"type": "string", "description": "The lines, ending in output = ..."},
            "input": {"description": "Any value; results of earlier steps as in ${a}."},
            "tools": {"type": "array", "items": {"type": "string"}, "description": "Tools that the code calls."},
        },
        "required": ["code"],
    },
    source="code",
    read_only=True,
)
LITERAL = frozenset({"code", "tools"})
"""Arguments that are taken as they are written: `f"${price}"` is Python, and no result may choose what runs."""


@dataclass(frozen=True, slots=True)
class CodeLimits:
    """What one run may use: seconds of computing, without waiting for tools; megabytes of values; calls inside of
    calls; characters of the output as JSON and of what it prints; calls of tools."""

    seconds: float = 5.0
    memory_mb: int = 64
    depth: int = 200
    output_characters: int = 100_000
    printed_characters: int = 10_000
    calls: int = 50


USUAL = CodeLimits()


@dataclass(frozen=True, slots=True)
class Ran:
    """What code came to: a JSON value, and what it printed on the way."""

    output: Any
    printed: str = ""

    @property
    def text(self) -> str:
        """The output for reading: a text as it is, anything else as JSON."""
        return self.output if isinstance(self.output, str) else to_json(self.output).decode()


CallFunction = Callable[[str, tuple[Any, ...], Mapping[str, Any]], Awaitable[Any]]
"""Answers a call of a function that the code does not define, by its name. BadInput is raised inside of the code."""


class Code:
    """The tool `run_code` as a source of tools. Without its engine there is none, and the health says so."""

    name = "code"

    def __init__(self, limits: CodeLimits = USUAL) -> None:
        self.limits = limits
        self._sandbox: Sandbox | None = None
        self._open = AsyncExitStack()

    async def start(self) -> None:
        if find_spec(ENGINE):
            made = await asyncio.to_thread(_sandbox, self.limits)
            self._sandbox = await self._open.enter_async_context(made)

    async def stop(self) -> None:
        self._sandbox = None
        await self._open.aclose()

    def specs(self) -> list[ToolSpec]:
        return [RUN_CODE] if self._sandbox else []

    def health(self) -> list[ToolsetHealth]:
        ready = ToolsetHealth(self.name, "ready", tools=1)
        return [ready if self._sandbox else ToolsetHealth(self.name, "not installed", INSTALL)]

    async def call(self, tool: str, arguments: Arguments, *, key: str, timeout_seconds: float) -> ToolResult:
        """Compute without any tools: those are only for a step of a plan, where the plan says which. Raises
        ToolUnavailable."""
        if arguments.get("tools"):
            return ToolResult("only a step of a plan can name tools for its code", is_error=True)
        try:
            ran = await self.run(arguments, no_function, timeout_seconds=timeout_seconds)
        except CodeFailed as failure:
            return ToolResult("\n".join(filter(None, (str(failure), _told(failure.printed)))), is_error=True)
        data = None if isinstance(ran.output, str) else ran.output
        return ToolResult("\n".join(filter(None, (ran.text, _told(ran.printed)))), data=data)

    async def run(self, arguments: Arguments, call: CallFunction, *, timeout_seconds: float) -> Ran:
        """Run the arguments' code. `timeout_seconds` bounds it with all that it waits for.

        Raises CodeFailed, and ToolUnavailable where there is no engine.
        """
        if self._sandbox is None:
            raise ToolUnavailable(f"There is nothing that runs code. {INSTALL}")
        try:
            async with asyncio.timeout(timeout_seconds):
                return await self._sandbox.run(arguments["code"], arguments.get("input"), call=call)
        except TimeoutError:
            raise CodeFailed(
                f"With all that it waited for it took longer than {timeout_seconds:g} s (setting tool_seconds)."
            ) from None


async def no_function(name: str, given: tuple[Any, ...], named: Mapping[str, Any]) -> Any:
    """What code without tools can call."""
    raise BadInput(f"there is no function {name!r} here")


def _sandbox(limits: CodeLimits) -> "Sandbox":
    from orchestrator.tools.sandbox import Sandbox  # noqa: PLC0415 - its engine takes 0.1 s, which --help need not wait

    return Sandbox(limits)


def _told(printed: str) -> str:
    return f"Printed:\n{printed}" if printed else ""
