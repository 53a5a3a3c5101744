"""What a tool is, whoever brings it: a name, a JSON Schema, and a promise about its effects."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

Arguments = Mapping[str, Any]
"""A tool's arguments by name: any JSON values."""


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """One tool. `parameters` is a JSON Schema of type object.

    `read_only` and `idempotent` are promises of the tool's owner; without one it counts as risky.
    `takes_key` means that the tool accepts an idempotency key, so repeating a call changes nothing. A `destructive`
    one wants a yes each time. `cost_usd` is what one call costs.
    """

    name: str
    description: str
    parameters: Mapping[str, Any]
    source: str
    read_only: bool = False
    idempotent: bool = False
    takes_key: bool = False
    destructive: bool = False
    cost_usd: float = 0.0
    title: str = ""

    @property
    def is_risky(self) -> bool:
        """Whether a person must say yes before it runs: all that does not promise to change nothing."""
        return not self.read_only

    @property
    def is_repeatable(self) -> bool:
        """Whether a second call after an unknown outcome does no harm."""
        return self.read_only or self.idempotent or self.takes_key

    def in_words(self, arguments: Arguments) -> str:
        """A call of this tool for a person: its name without the server's, and the values."""
        name = self.title or self.name.rpartition("__")[2].replace("_", " ")
        return f"{name} ({', '.join(str(value)[:40] for value in arguments.values())})" if arguments else name

    @property
    def properties(self) -> Mapping[str, Mapping[str, Any]]:
        """The parameters' own schemas by name, in the order of their declaration, `type` always one word."""
        declared = self.parameters.get("properties") or {}
        return {name: _one_type(schema) for name, schema in declared.items()}

    @property
    def required(self) -> tuple[str, ...]:
        return tuple(self.parameters.get("required") or ())


def _one_type(schema: Any) -> Mapping[str, Any]:
    """A parameter's schema for those who only want its kind: JSON Schema allows `true`, and a list of types."""
    if not isinstance(schema, Mapping):
        return {}
    if not isinstance(schema.get("type"), list):
        return schema
    return {**schema, "type": next((kind for kind in schema["type"] if kind != "null"), "null")}


@dataclass(frozen=True, slots=True)
class ToolFile:
    """A file that a tool has made."""

    name: str
    mime: str
    content: bytes


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a tool gave back. `data` is its structured content where it has any; `text` is for reading.

    `is_error` is the tool's own "no": the call arrived and was answered.
    """

    text: str
    data: Any = None
    is_error: bool = False
    files: tuple[ToolFile, ...] = ()


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
