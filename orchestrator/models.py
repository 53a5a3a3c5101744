"""The Model protocol: one provider call at a time, typed errors, tool calls handed back to us."""

import json
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol
from urllib.parse import parse_qsl

from orchestrator.errors import SettingsInvalid
from orchestrator.tools.spec import ToolSpec


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool that the model wants to be called. `arguments` are parsed, and checked by nobody yet."""

    id: str
    name: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Image:
    """A picture in a prompt: its type, such as "image/png", and its bytes."""

    mime: str
    data: bytes


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """One message of a prompt. `tool_call_id` belongs to role "tool", `tool_calls` to role "assistant", `images` to
    role "user"."""

    role: Literal["system", "user", "assistant", "tool"]
    text: str
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None
    images: tuple[Image, ...] = ()


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one call; None where the provider did not tell."""

    input_tokens: int | None = None
    output_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class ModelReply:
    """What a model said: text, tool calls, or both. `model` is the one that really answered."""

    text: str
    model: str
    tool_calls: tuple[ToolCall, ...] = ()
    usage: Usage = Usage()


@dataclass(frozen=True, slots=True)
class Written:
    """A model as a chain's setting names it: "openai:gpt-4o" or "openai:gpt-4o?temperature=0.7&seconds=60".

    `seconds` is its time to answer. What is not written is None; `temperature=none` sends none, as some models refuse
    any.
    """

    name: str
    temperature: float | Literal["none"] | None = None
    seconds: float | None = None

    @classmethod
    def read(cls, text: str) -> "Written":
        """Raises SettingsInvalid for an option that there is not, or that is no number."""
        name, _, options = text.strip().partition("?")
        values: dict[str, Any] = {}
        for option, value in parse_qsl(options, keep_blank_values=True):
            try:
                values[option] = "none" if (option, value) == ("temperature", "none") else float(value)
            except ValueError:
                raise SettingsInvalid(f"{text!r}: the option {option!r} must be a number, not {value!r}") from None
        if unknown := values.keys() - {"temperature", "seconds"}:
            raise SettingsInvalid(f"{text!r}: there is no option {min(unknown)!r}, only temperature and seconds")
        return cls(name, **values)


OnText = Callable[[str], Awaitable[None]]
"""Called with the whole text so far, each time there is more of it."""


@dataclass(frozen=True, slots=True)
class CallSoFar:
    """A tool call that is still being written: `arguments` is the beginning of its JSON. Only the last of several
    calls is unfinished."""

    name: str
    arguments: str


OnCalls = Callable[[Sequence[CallSoFar]], Awaitable[None]]
"""Called with all tool calls so far, each time there is more of them."""


class Model(Protocol):
    """One model of one provider."""

    @property
    def name(self) -> str:
        """The way it is written in settings, such as "openai:gpt-4o"."""
        ...

    async def reply(
        self,
        messages: Sequence[ChatMessage],
        *,
        tools: Sequence[ToolSpec] = (),
        schema: Mapping[str, Any] | None = None,
        on_text: OnText | None = None,
        on_calls: OnCalls | None = None,
        timeout_seconds: float,
    ) -> ModelReply:
        """One provider call; streamed where `on_text` or `on_calls` is given.

        With a `schema` the text is JSON that fits it, natively where the provider can, else asked for in words.

        Raises ModelTimedOut, ModelUnreachable, ModelBusy, ModelRefused, ModelMalformed, and nothing else.
        An answer with neither text nor tool calls is ModelMalformed.
        """
        ...


Script = Callable[[Sequence[ChatMessage], Sequence[ToolSpec]], ModelReply]


def _written_out(calls: Sequence[ToolCall]) -> Iterator[list[CallSoFar]]:
    """The calls as they look while they are written, a line at a time."""
    finished: list[CallSoFar] = []
    for call in calls:
        arguments = json.dumps(dict(call.arguments))
        for line in re.finditer(r"\\n", arguments):
            yield [*finished, CallSoFar(call.name, arguments[: line.end()])]
        finished.append(CallSoFar(call.name, arguments))
        yield list(finished)


class Scripted:
    """A model that plays a script: for demonstrations and tests. It never leaves the process."""

    def __init__(self, script: Script, *, name: str = "scripted:script") -> None:
        self.name = name
        self.calls = 0
        self._script = script

    async def reply(
        self,
        messages: Sequence[ChatMessage],
        *,
        tools: Sequence[ToolSpec] = (),
        schema: Mapping[str, Any] | None = None,
        on_text: OnText | None = None,
        on_calls: OnCalls | None = None,
        timeout_seconds: float,
    ) -> ModelReply:
        self.calls += 1
        reply = self._script(messages, tools)
        if on_calls and reply.tool_calls:
            for calls in _written_out(reply.tool_calls):
                await on_calls(calls)
        if on_text and reply.text:
            words = reply.text.split(" ")
            for count in range(1, len(words) + 1):
                await on_text(" ".join(words[:count]))
        return reply
