"""What a tool is, whoever brings it: a name, a JSON Schema, and a promise about its effects."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal, Protocol, runtime_checkable

from orchestrator.messages import size_in_words
from orchestrator.tools.asking import Asking

NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")  # of a tool: what every provider takes (read 2026-11)
PIECE = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|\d{1,3}|[^\w\s]{1,2}|\w")  # a token of a schema, at least
KEPT = re.compile(r"\S*/[0-9a-f]{32}-")  # what stands before a file's name in the path under which it is kept

TOLD = 60  # characters of an argument that tells what a call does

Arguments = Mapping[str, Any]
"""A tool's arguments by name: any JSON values."""


@dataclass(frozen=True)
class ToolSpec:
    """One tool. `parameters` is a JSON Schema of type object.

    `read_only` and `idempotent` are promises of the tool's owner; without one it counts as risky.
    `unasked` are arguments with which a call wants no yes although it changes something, as what it changes is the
    person's own and can be taken back: {} for every call, None for none.
    `takes_key` means that the tool accepts an idempotency key, so repeating a call changes nothing. A `destructive`
    one wants a yes each time. An `open_world` one reaches places that anybody may own. `cost_usd` is what one call
    costs. `told_by` names the argument that says to a person what a call does, where one says all. `source` says who
    brings it, `version` which one of it this is where its owner says so, `tags` are words that it is found by too.
    """

    name: str
    description: str
    parameters: Mapping[str, Any]
    source: str
    read_only: bool = False
    idempotent: bool = False
    takes_key: bool = False
    destructive: bool = False
    open_world: bool = False
    cost_usd: float = 0.0
    title: str = ""
    told_by: str = ""
    version: str = ""
    tags: tuple[str, ...] = ()
    unasked: Arguments | None = None

    @property
    def is_risky(self) -> bool:
        """Whether a person must say yes before it runs: all that does not promise to change nothing."""
        return not self.read_only

    def is_unasked(self, arguments: Arguments) -> bool:
        """Whether this call wants no yes although the tool is risky."""
        wanted = self.unasked
        return wanted is not None and all(arguments.get(name) == value for name, value in wanted.items())

    @property
    def is_repeatable(self) -> bool:
        """Whether a second call after an unknown outcome does no harm."""
        return self.read_only or self.idempotent or self.takes_key

    def in_words(self, arguments: Arguments) -> str:
        """A call of this tool for a person: its name without the server's, and the values."""
        name = self.title or self.name.rpartition("__")[2].replace("_", " ")
        if self.told_by in arguments:
            words = " ".join(str(arguments[self.told_by]).split())
            return f"{name}: {words if len(words) <= TOLD else f'{words[:TOLD]} …'}"
        return f"{name} ({', '.join(map(_in_short, arguments.values()))})" if arguments else name

    @cached_property
    def tokens(self) -> int:
        """How many tokens it takes in a prompt, at most.

        By words and signs, as so many characters a token is wrong for schemas, and most so for shortened ones: over
        248 prompts of LiveMCP's and Seal's tools o200k_base gives 0.79 to 0.995 of this, with 2.9 to 4.8 characters a
        token, 2026-11.
        """
        whole = {"name": self.name, "description": self.description, "parameters": self.parameters}
        return len(PIECE.findall(json.dumps(whole, ensure_ascii=False, separators=(",", ":"))))

    @property
    def properties(self) -> Mapping[str, Mapping[str, Any]]:
        """The parameters' own schemas by name, in the order of their declaration, `type` always one word."""
        declared = self.parameters.get("properties") or {}
        return {name: _one_type(schema) for name, schema in declared.items()}

    @property
    def required(self) -> tuple[str, ...]:
        return tuple(self.parameters.get("required") or ())


def with_class(spec: ToolSpec, kind: Literal["read", "write", "danger"]) -> ToolSpec:
    """The tool with the promises of another class: that it only looks, changes something, or destroys it."""
    unasked = None if kind == "danger" else spec.unasked
    return replace(spec, read_only=kind == "read", destructive=kind == "danger", unasked=unasked)


def schema_problem(spec: ToolSpec) -> str | None:
    """Why a tool's parameters cannot be shown to any model; None where they can.

    Only their form: whether the whole is JSON Schema is checked by its source, once (0.9 ms a tool).
    """
    parameters: Any = spec.parameters
    if not isinstance(parameters, Mapping) or parameters.get("type", "object") != "object":
        return "its parameters are no JSON Schema of type object"
    properties, required = parameters.get("properties") or {}, parameters.get("required") or []
    if not isinstance(properties, Mapping):
        return "the properties of its parameters are no object"
    if not isinstance(required, Sequence) or isinstance(required, str):
        return "what its parameters require is no list of names"
    return None


def _in_short(value: Any) -> str:
    """A value for a person; of the path of a kept file its name."""
    return KEPT.sub("", str(value))[:40]


def _one_type(schema: Any) -> Mapping[str, Any]:
    """A parameter's schema for those who only want its kind: JSON Schema allows `true`, and a list of types."""
    if not isinstance(schema, Mapping):
        return {}
    if not isinstance(schema.get("type"), list):
        return schema
    return {**schema, "type": next((kind for kind in schema["type"] if kind != "null"), "null")}


LARGEST_FILE = 50 * 10**6  # bytes of one file that a tool makes: what a bot may send, Bot API sendDocument, 2026-11


@dataclass(frozen=True, slots=True)
class File:
    """A file that a tool has made: its name for people, its type such as "image/png", its bytes."""

    name: str
    mime: str
    data: bytes


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a tool gave back. `data` is its structured content where it has any; `text` is for reading, and holds a line
    for each of the `files`.

    `is_error` is the tool's own "no": the call arrived and was answered. With `asks` it is not done: it wants to know
    something of the person, and is called again with the answers in `calling().asked`.
    """

    text: str
    data: Any = None
    is_error: bool = False
    files: tuple[File, ...] = ()
    asks: Asking | None = None


def file_line(file: File) -> str:
    """What stands for a file in the text of a result."""
    kind = file.mime.partition("/")[0]
    shown = kind if kind in {"image", "audio", "video"} else "file"
    return f"[{shown} {file.mime}, {size_in_words(len(file.data))}]"


@dataclass(frozen=True, slots=True)
class ToolsetHealth:
    """How a source of tools is doing: `state` in one word, `detail` in one sentence for a person."""

    name: str
    state: str
    detail: str = ""
    tools: int = 0


class Toolset(Protocol):
    """A source of tools. `start` does not fail for a source that is not there; its health says so."""

    @property
    def name(self) -> str: ...

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    def specs(self) -> Sequence[ToolSpec]:
        """The tools that can be called now."""
        ...

    async def call(self, tool: str, arguments: Arguments, *, key: str, timeout_seconds: float) -> ToolResult:
        """Call a tool by its full name.

        Raises ToolUnavailable, ToolTimedOut, OutcomeUnknown. `key` is the idempotency key `turn/step`.
        """
        ...

    def health(self) -> Sequence[ToolsetHealth]: ...


@runtime_checkable
class Late(Protocol):
    """A source whose tools may come after its start."""

    async def settled(self) -> None:
        """Returns once all is there that came up, or has failed to."""
