"""What a worker has said and heard so far, as it is kept: enough to go on in another process."""

from collections.abc import Iterator, Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from orchestrator.models import ChatMessage, ModelReply, ToolCall

CHARACTERS_A_TOKEN = 4.0  # of text, where the provider does not count: 4.2-4.6 measured on requests, 2026-11


class WrittenCall(BaseModel):
    """A tool call of the worker. `begun` is set before a call that may change something."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    name: str
    arguments: dict[str, Any]
    begun: bool = False
    result: str | None = None


class Round(BaseModel):
    """One reply of the worker's model: its text, and its calls with what came of them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str
    calls: tuple[WrittenCall, ...] = ()


class Transcript(BaseModel):
    """A worker's rounds, and what they have cost. It is replaced, never changed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rounds: tuple[Round, ...] = ()
    tokens: int = 0
    used: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()

    @property
    def calls_made(self) -> int:
        return sum(len(each.calls) for each in self.rounds)

    def open_calls(self) -> list[WrittenCall]:
        """The calls that have no result yet: only the last round can have such."""
        return [call for call in self.rounds[-1].calls if call.result is None] if self.rounds else []

    def heard(self, reply: ModelReply, asked: Sequence[ChatMessage]) -> "Transcript":
        """With one more round. Call ids are made unique, as some servers begin anew at every reply."""
        number = len(self.rounds) + 1
        calls = tuple(
            WrittenCall(id=f"{number}.{at}", name=call.name, arguments=dict(call.arguments))
            for at, call in enumerate(reply.tool_calls, 1)
        )
        tokens = self.tokens + _tokens(reply, asked)
        return self.model_copy(update={"rounds": (*self.rounds, Round(text=reply.text, calls=calls)), "tokens": tokens})

    def noted(self, call_id: str, **what: Any) -> "Transcript":
        """With something more known of a call."""
        *before, last = self.rounds
        calls = tuple(each.model_copy(update=what) if each.id == call_id else each for each in last.calls)
        return self.model_copy(update={"rounds": (*before, last.model_copy(update={"calls": calls}))})

    def with_tool(self, kind: Literal["used", "refused"], name: str) -> "Transcript":
        return self.model_copy(update={kind: (*getattr(self, kind), name)})

    def as_chat(self) -> Iterator[ChatMessage]:
        """The rounds as a model's messages."""
        for each in self.rounds:
            calls = tuple(ToolCall(call.id, call.name, call.arguments) for call in each.calls)
            yield ChatMessage("assistant", each.text, tool_calls=calls)
            for call in each.calls:
                yield ChatMessage("tool", call.result or "", tool_call_id=call.id)


def _tokens(reply: ModelReply, asked: Sequence[ChatMessage]) -> int:
    """Tokens of one call, as the provider told, else estimated by the length of the text."""
    length = sum(len(message.text) for message in asked)
    told_in, told_out = reply.usage.input_tokens, reply.usage.output_tokens
    said = len(reply.text) + sum(len(str(call.arguments)) for call in reply.tool_calls)
    asked_tokens = length / CHARACTERS_A_TOKEN if told_in is None else told_in
    return round(asked_tokens + (said / CHARACTERS_A_TOKEN if told_out is None else told_out))
