"""Functions as tools: `@tool` on a typed function gives a JSON Schema, a checked call, and a place in the catalogue."""

import asyncio
import inspect
import logging
import mimetypes
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any, get_args, get_origin, get_type_hints, overload

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model
from pydantic_core import ErrorDetails, to_json, to_jsonable_python

from orchestrator.errors import BadInput, OutcomeUnknown, SettingsInvalid, ToolError, ToolTimedOut, ToolUnavailable
from orchestrator.tools.spec import (
    LARGEST_FILE,
    Arguments,
    File,
    ToolResult,
    ToolsetHealth,
    ToolSpec,
    file_line,
)

log = logging.getLogger(__name__)

PARAMETER = re.compile(r"^ {2,4}(?P<name>\w+)(?: \(.*?\))?: *(?P<text>.*(?:\n {5,}\S.*)*)", re.MULTILINE)
NEXT_SECTION = re.compile(r"\n(?=\S)")
FIELD = "p_"  # before a parameter's name in its model, where `schema` or `copy` would hide pydantic's own

Function = Callable[..., Any]


class _Key:
    """Marks the parameter that takes the idempotency key."""


IdempotencyKey = Annotated[str, _Key]
"""The type of a parameter that is given the key `turn/step` of the call, and that nobody sees in the schema."""


@dataclass(frozen=True, slots=True)
class Registered:
    """A function with its tool. Calling it calls the function."""

    spec: ToolSpec
    function: Function
    parameters: type[BaseModel]
    key_name: str | None

    def __call__(self, *given: Any, **named: Any) -> Any:
        return self.function(*given, **named)

    def checked(self, arguments: Arguments) -> dict[str, Any]:
        """The arguments as the function's types want them. Raises ValidationError."""
        values = self.parameters.model_validate(dict(arguments))
        return {name.removeprefix(FIELD): getattr(values, name) for name in self.parameters.model_fields}


@overload
def tool(function: Function, /) -> Registered: ...
@overload
def tool(
    *,
    read_only: bool = False,
    idempotent: bool = False,
    destructive: bool = False,
    unasked: Arguments | None = None,
    cost_usd: float = 0.0,
    version: str = "",
    tags: Sequence[str] = (),
) -> Callable[[Function], Registered]: ...
def tool(
    function: Function | None = None,
    /,
    *,
    read_only: bool = False,
    idempotent: bool = False,
    destructive: bool = False,
    unasked: Arguments | None = None,
    cost_usd: float = 0.0,
    version: str = "",
    tags: Sequence[str] = (),
) -> Registered | Callable[[Function], Registered]:
    """Make a typed function a tool.

    The docstring's first paragraph describes it; `name: text` below `Args:`, or Field(description=...) in the type,
    describes a parameter. Without `read_only` a person is asked before each call, but for one with the arguments in
    `unasked`; a standing yes is possible unless it is `destructive`. With a `cost_usd` above the setting free_cost_usd
    it asks as well. `tags` are words that it is found by too, beside its own.

    The function may be async; one that is not runs in a thread. It says no by raising BadInput; whatever else it
    raises is told, and logged as a bug. What it returns goes out as JSON, a File or a Path as a file; a list of those
    may have texts between them. A ToolResult goes out as it is.
    """

    def register(function: Function) -> Registered:
        made = _registered(function)
        spec = replace(
            made.spec,
            read_only=read_only,
            idempotent=idempotent,
            destructive=destructive,
            unasked=unasked,
            cost_usd=cost_usd,
            version=version,
            tags=tuple(tags),
        )
        return replace(made, spec=spec)

    return register(function) if function else register


def functions_in(module: ModuleType) -> list[Registered]:
    """The functions of a module that are tools, also those that it has imported, in their order."""
    return [each for each in vars(module).values() if isinstance(each, Registered)]


class Functions:
    """Registered functions as a source of tools."""

    name = "functions"

    def __init__(self, functions: Sequence[Registered]) -> None:
        counts = Counter(function.spec.name for function in functions)
        if twice := [name for name, count in counts.items() if count > 1]:
            raise SettingsInvalid(f"Two registered functions are named {', '.join(twice)}. Rename one of them.")
        self._functions = {function.spec.name: function for function in functions}

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

        A thread cannot be ended: after the timeout it goes on, and only its result is not waited for any longer.
        Raises ToolUnavailable, ToolTimedOut, and OutcomeUnknown where a function that changes something took too long.
        """
        if (function := self._functions.get(tool)) is None:
            raise ToolUnavailable(f"There is no function {tool!r}.")
        try:
            given = function.checked(arguments)
        except ValidationError as error:
            return ToolResult("; ".join(_problem(each, function.spec) for each in error.errors()), is_error=True)
        if function.key_name:
            given[function.key_name] = key
        return await _outcome(function, given, timeout_seconds)


# --- The call -----------------------------------------------------------------------------------------


async def _outcome(function: Registered, given: Mapping[str, Any], timeout_seconds: float) -> ToolResult:
    limit = asyncio.timeout(timeout_seconds)
    try:
        async with limit:
            return await _result(await _run(function.function, given))
    except BadInput as error:
        return ToolResult(str(error), is_error=True)
    except Exception as error:  # an edge: a function is the operator's own code, and may raise anything
        if limit.expired():  # a TimeoutError can also be the function's own
            raise _too_late(function.spec, timeout_seconds) from None
        log.exception("a registered function failed", extra={"tool": function.spec.name})
        return ToolResult(str(error).split("\n")[0] or type(error).__name__, is_error=True)


async def _run(function: Function, given: Mapping[str, Any]) -> Any:
    if inspect.iscoroutinefunction(function):
        return await function(**given)
    return await asyncio.to_thread(function, **given)


async def _result(value: Any) -> ToolResult:
    parts = value if isinstance(value, list | tuple) else [value]
    if any(isinstance(part, File | Path) for part in parts):
        return _with_files([await _read(part) if isinstance(part, Path) else part for part in parts])
    if isinstance(value, ToolResult):
        return value
    data = to_jsonable_python(value, inf_nan_mode="null")
    if isinstance(data, str):
        return ToolResult(data)
    return ToolResult(to_json(data).decode(), data=data)


def _with_files(parts: Sequence[Any]) -> ToolResult:
    """Files, and the texts between them. Raises BadInput."""
    for part in parts:
        if isinstance(part, File) and len(part.data) > LARGEST_FILE:
            raise BadInput(_too_large(part.name, len(part.data)))
    text = "\n".join(file_line(part) if isinstance(part, File) else str(part) for part in parts)
    return ToolResult(text, files=tuple(part for part in parts if isinstance(part, File)))


async def _read(path: Path) -> File:
    """The file as it is now: what becomes of the path later is the function's own affair. Raises BadInput."""
    mime = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    try:
        return File(path.name, mime, await asyncio.to_thread(_bytes_of, path))
    except OSError as error:
        raise BadInput(f"The function made the file {str(path)!r}, which cannot be read: {error.strerror}.") from error


def _bytes_of(path: Path) -> bytes:
    if (size := path.stat().st_size) > LARGEST_FILE:
        raise BadInput(_too_large(path.name, size))
    return path.read_bytes()


def _too_large(name: str, size: int) -> str:
    return f"The file {name!r} has {size / 10**6:.0f} MB; a tool may hand over {LARGEST_FILE // 10**6} MB."


def _too_late(spec: ToolSpec, timeout_seconds: float) -> ToolError:
    why = f"{spec.name} took longer than {timeout_seconds:g} s"
    return ToolTimedOut(f"{why}.") if spec.read_only else OutcomeUnknown(f"{why}: it may have happened, or not.")


def _problem(error: ErrorDetails, spec: ToolSpec) -> str:
    """One sentence on one argument, without pydantic's addresses."""
    where = ".".join(map(str, error["loc"]))
    match error["type"]:
        case "missing":
            return f"the argument {where!r} is missing"
        case "extra_forbidden":
            only = f", only {', '.join(map(repr, spec.properties))}" if len(error["loc"]) == 1 else ""
            return f"there is no argument {where!r}{only}"
        case _:
            return f"the argument {where!r}: {error['msg']}, not {_short(error['input'])}"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:79]}…"


# --- The registration ---------------------------------------------------------------------------------


def _registered(function: Function) -> Registered:
    name = function.__name__
    described, about = _docstring(inspect.getdoc(function) or "")
    hints = get_type_hints(function, include_extras=True)
    key_name = next((each for each, hint in hints.items() if _is_key(hint)), None)
    fields: dict[str, Any] = {
        FIELD + each: _field(name, parameter, hints)
        for each, parameter in inspect.signature(function).parameters.items()
        if each != key_name
    }
    parameters = create_model(f"{name}_arguments", __config__=ConfigDict(extra="forbid"), **fields)
    spec = ToolSpec(
        name=name,
        description=described,
        parameters=_schema(parameters, about),
        source="function",
        takes_key=key_name is not None,
    )
    return Registered(spec, function, parameters, key_name)


def _is_key(hint: Any) -> bool:
    return get_origin(hint) is Annotated and _Key in get_args(hint)[1:]


def _field(function: str, parameter: inspect.Parameter, hints: Mapping[str, Any]) -> tuple[Any, Any]:
    nameable = parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
    if not nameable or parameter.name not in hints:
        raise SettingsInvalid(f"{function} is no tool: its parameter {str(parameter)!r} needs a name and a type.")
    default = ... if parameter.default is parameter.empty else parameter.default
    return hints[parameter.name], Field(default, alias=parameter.name)


def _schema(parameters: type[BaseModel], about: Mapping[str, str]) -> dict[str, Any]:
    """The JSON Schema with the docstring's words, without the titles that pydantic makes of names: they cost tokens
    and say nothing."""
    schema: dict[str, Any] = _without_titles(parameters.model_json_schema())
    for name in schema.get("properties", {}).keys() & about.keys():
        schema["properties"][name]["description"] = about[name]
    return schema


def _without_titles(schema: Any) -> Any:
    if isinstance(schema, dict):
        kept = {name: part for name, part in schema.items() if name != "title" or not isinstance(part, str)}
        return {name: _without_titles(part) for name, part in kept.items()}
    return [_without_titles(part) for part in schema] if isinstance(schema, list) else schema


def _docstring(text: str) -> tuple[str, dict[str, str]]:
    """The first paragraph, and what the lines below `Args:` say of each parameter."""
    described, _, arguments = f"\n{text}".partition("\nArgs:")
    block = NEXT_SECTION.split(arguments)[0]
    words = {each["name"]: " ".join(each["text"].split()) for each in PARAMETER.finditer(block)}
    return " ".join(described.strip().partition("\n\n")[0].split()), words
