"""Functions as tools: `@tool` on a typed function gives a JSON Schema, a checked call, and a place in the catalogue."""

import asyncio
import inspect
import logging
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, get_args, get_origin, get_type_hints, overload

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, create_model
from pydantic_core import to_json

from orchestrator.errors import SettingsInvalid, ToolTimedOut, ToolUnavailable
from orchestrator.tools.spec import Arguments, ToolResult, ToolsetHealth, ToolSpec

log = logging.getLogger(__name__)

PARAMETER_LINE = re.compile(r"^\s{2,}(?P<name>\w+):\s*(?P<text>.+)$")


class _Key:
    """Marks the parameter that takes the idempotency key."""


IdempotencyKey = Annotated[str, _Key]
"""The type of a parameter that is given the key `turn/step` of the call, and that nobody sees in the schema."""


@dataclass(frozen=True, slots=True)
class Registered:
    """A function with its tool. Calling it calls the function."""

    spec: ToolSpec
    function: Callable[..., Any]
    parameters: type[BaseModel]
    key_name: str | None

    def __call__(self, *given: Any, **named: Any) -> Any:
        return self.function(*given, **named)


Function = Callable[..., Any]


@overload
def tool(function: Function, /) -> Registered: ...
@overload
def tool(*, read_only: bool = False, idempotent: bool = False) -> Callable[[Function], Registered]: ...
def tool(
    function: Function | None = None, /, *, read_only: bool = False, idempotent: bool = False
) -> Registered | Callable[[Function], Registered]:
    """Make a typed function a tool. Its docstring is the description; `name: text` below `Args:` describes a parameter.

    Without `read_only` a person is asked before each call. The function may be async; one that is not runs in a thread.
    """

    def register(function: Function) -> Registered:
        return _registered(function, read_only=read_only, idempotent=idempotent)

    return register(function) if function else register


class Functions:
    """Registered functions as a source of tools."""

    name = "functions"

    def __init__(self, functions: Sequence[Registered]) -> None:
        self._functions = {function.spec.name: function for function in functions}
        if len(self._functions) < len(functions):
            names = sorted(function.spec.name for function in functions)
            raise SettingsInvalid(f"Two registered functions have one name: {', '.join(names)}. Rename one of them.")

    async def start(self) -> None:
        """Nothing to connect."""

    async def stop(self) -> None:
        """Nothing to end."""

    def specs(self) -> list[ToolSpec]:
        return [function.spec for function in self._functions.values()]

    def health(self) -> list[ToolsetHealth]:
        return [ToolsetHealth(self.name, "ready", tools=len(self._functions))]

    async def call(self, tool: str, arguments: Arguments, *, key: str, timeout_seconds: float) -> ToolResult:
        """Call a function with checked arguments. What it raises is the tool's "no", not an exception.

        A function in a thread cannot be ended: after the timeout its result is only not waited for any longer.
        """
        if (function := self._functions.get(tool)) is None:
            raise ToolUnavailable(f"There is no function {tool!r}.")
        try:
            checked = function.parameters.model_validate(dict(arguments))
        except ValidationError as error:
            return ToolResult("; ".join(map(_problem, error.errors())), is_error=True)
        given = {name: getattr(checked, name) for name in function.parameters.model_fields}
        if function.key_name:
            given[function.key_name] = key
        try:
            async with asyncio.timeout(timeout_seconds):
                value = await _run(function.function, given)
        except TimeoutError:
            raise ToolTimedOut(f"{tool} took longer than {timeout_seconds:g} s.") from None
        except ValueError as error:  # how a function says no
            return ToolResult(str(error), is_error=True)
        except Exception as error:  # an edge: a function is the operator's own code, and may raise anything
            log.exception("a registered function failed", extra={"tool": tool})
            return ToolResult(str(error).split("\n")[0] or type(error).__name__, is_error=True)
        return _result(value)


async def _run(function: Function, given: dict[str, Any]) -> Any:
    if inspect.iscoroutinefunction(function):
        return await function(**given)
    return await asyncio.to_thread(function, **given)


def _result(value: Any) -> ToolResult:
    if isinstance(value, str):
        return ToolResult(value)
    data = TypeAdapter(Any).dump_python(value, mode="json")
    return ToolResult(to_json(data).decode(), data=data)


def _registered(function: Function, *, read_only: bool, idempotent: bool) -> Registered:
    hints = get_type_hints(function, include_extras=True)
    described, about = _docstring(inspect.getdoc(function) or "")
    fields: dict[str, Any] = {}
    key_name = None
    for name, parameter in inspect.signature(function).parameters.items():
        if _is_key(hints.get(name)):
            key_name = name
            continue
        default = ... if parameter.default is parameter.empty else parameter.default
        fields[name] = (hints.get(name, Any), Field(default, description=about.get(name)))
    parameters = create_model(f"{function.__name__}_arguments", __config__=ConfigDict(extra="forbid"), **fields)
    spec = ToolSpec(
        name=function.__name__,
        description=described,
        parameters=_plain_schema(parameters),
        source="function",
        read_only=read_only,
        idempotent=idempotent,
        takes_key=key_name is not None,
    )
    return Registered(spec, function, parameters, key_name)


def _is_key(hint: Any) -> bool:
    return get_origin(hint) is Annotated and _Key in get_args(hint)[1:]


def _plain_schema(parameters: type[BaseModel]) -> dict[str, Any]:
    """The model's JSON Schema without the titles that pydantic makes of names: they cost tokens and say nothing."""
    schema = parameters.model_json_schema()
    without: dict[str, Any] = _without_titles(schema)
    return without


def _without_titles(schema: Any) -> Any:
    if isinstance(schema, dict):
        kept = {name: part for name, part in schema.items() if name != "title" or not isinstance(part, str)}
        return {name: _without_titles(part) for name, part in kept.items()}
    return [_without_titles(part) for part in schema] if isinstance(schema, list) else schema


def _docstring(text: str) -> tuple[str, dict[str, str]]:
    """The description, and what the lines below `Args:` say of each parameter."""
    described, _, arguments = text.partition("\nArgs:")
    lines = map(PARAMETER_LINE.match, arguments.splitlines())
    return " ".join(described.split()), {line["name"]: line["text"].strip() for line in lines if line}


def _problem(error: Any) -> str:
    """One sentence on one argument, without pydantic's addresses."""
    where = ".".join(str(part) for part in error["loc"])
    if error["type"] == "missing":
        return f"the argument {where!r} is missing"
    if error["type"] == "extra_forbidden":
        return f"there is no argument {where!r}"
    return f"the argument {where!r}: {error['msg']}, not {error['input']!r}"
