"""An answer as it comes, in one piece or in many: its text, its tool calls, its tokens, and why it ended."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from pydantic_core import from_json

from orchestrator.models import CallSoFar, ToolCall, Usage

ENDED = "errand_ended"  # our key in agno's `provider_data`: why the provider ended the answer, in its own word
FENCE = re.compile(r"```\w*[ \t]*\n(.*?)(?:```|\Z)", re.DOTALL)


class Heard:
    """What has come so far of one answer. With `as_json` the text is JSON that a model may have fenced as code."""

    def __init__(self, *, as_json: bool = False) -> None:
        self.pieces = 0
        self.ended = ""
        self.usage = Usage()
        self.as_json = as_json
        self._text = ""
        self._calls: list[_Call] = []

    def add(self, piece: Any) -> None:
        """One of agno's answers, or pieces of an answer."""
        self.pieces += 1
        self._text += piece.content or ""
        for call in piece.tool_calls or ():
            self._add_call(call if isinstance(call, Mapping) else call.model_dump())
        self.ended = (piece.provider_data or {}).get(ENDED) or self.ended
        if piece.response_usage:
            self.usage = Usage(piece.response_usage.input_tokens, piece.response_usage.output_tokens)

    @property
    def text(self) -> str:
        """The text that is meant to be read: without a leading <think> block, whole characters only."""
        text = _whole_characters(_without_thoughts(self._text))
        return _unfenced(text) if self.as_json else text

    @property
    def calls(self) -> list[CallSoFar]:
        """The tool calls so far, their arguments as far as they are written."""
        return [CallSoFar(call.name, call.arguments) for call in self._calls]

    def tool_calls(self) -> tuple[ToolCall, ...]:
        """The tool calls of an answer that has ended. Raises ValueError for one without name or JSON object."""
        return tuple(call.read(number) for number, call in enumerate(self._calls, 1))

    def _add_call(self, given: Mapping[str, Any]) -> None:
        function = given.get("function") or {}
        call = self._continued(given.get("id"), given.get("index"), function.get("name"))
        if call is None:
            call = _Call(given.get("index"))
            self._calls.append(call)
        call.id = call.id or given.get("id") or ""
        call.name = call.name or function.get("name") or ""
        call.arguments += function.get("arguments") or ""

    def _continued(self, call_id: str | None, index: int | None, name: str | None) -> "_Call | None":
        """The call that a piece goes on with. Servers differ: some leave out ids, some number all calls 0."""
        if index is None:
            return self._calls[-1] if self._calls and not (call_id or name) else None
        same = [call for call in self._calls if call.index == index]
        is_new = not same or (call_id and same[-1].id and call_id != same[-1].id)
        return None if is_new else same[-1]


@dataclass(slots=True)
class _Call:
    """A tool call of which not all may have come."""

    index: int | None
    id: str = ""
    name: str = ""
    arguments: str = ""

    def read(self, number: int) -> ToolCall:
        arguments = from_json(self.arguments or "{}")
        if not (self.name and isinstance(arguments, dict)):
            raise ValueError(f"call {number} has no name, or no arguments by name")
        return ToolCall(self.id or f"call_{uuid4().hex}", self.name, arguments)


def _without_thoughts(text: str) -> str:
    """Local reasoning models stream their thoughts as text; agno takes them out only of unstreamed answers."""
    start = text.lstrip()
    if start.startswith("<think>"):
        return start.partition("</think>")[2].lstrip()
    return "" if start and "<think>".startswith(start) else text


def _whole_characters(text: str) -> str:
    """An emoji may come in two halves, in two pieces; half a character cannot be stored or sent."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "ignore")


def _unfenced(text: str) -> str:
    """What stands in the first code fence, where the text does not begin as JSON by itself."""
    start = text.lstrip()
    if start.startswith(("{", "[")):
        return text
    fenced = FENCE.search(start)
    return fenced[1] if fenced else text
