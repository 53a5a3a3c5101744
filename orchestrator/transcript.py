"""What a worker has said and heard so far, as it is kept: enough to go on in another process."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from orchestrator.messages import Attachment
from orchestrator.models import ChatMessage, ModelReply, ToolCall
from orchestrator.repair import repaired, repaired_data

CHARACTERS_A_TOKEN = 4.0  # of text, where the provider does not count: 4.2-4.6 measured on requests, 2026-11
NOT_MADE = "This call was not made: you have no calls left."


class WrittenCall(BaseModel):
    """A tool call of the worker. One that may change something is `begun` before it is made: with so many yeses."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    name: str
    arguments: dict[str, Any]
    begun: int | None = None
    result: str | None = None


class Round(BaseModel):
    """One reply of the worker's model: its text, and its calls with what came of them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str
    calls: tuple[WrittenCall, ...] = ()


class Transcript(BaseModel):
    """A worker's rounds, and what they have cost. It is replaced, never changed. `limit` is the one that ended it.
    `files` are what its tools made, `paths` where they are; `found` are tools that it looked for and may call.
    `long` are results that it was not shown as a whole: the ids of their files, by the call's. `worker` is whose work
    it is now."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rounds: tuple[Round, ...] = ()
    tokens: int = 0
    used: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    files: tuple[Attachment, ...] = ()
    paths: tuple[str, ...] = ()
    found: tuple[str, ...] = ()
    long: Mapping[str, str] = {}
    limit: str = ""
    worker: str = ""

    @property
    def ending(self) -> str | None:
        """The reply that ended the work: one without calls."""
        return self.rounds[-1].text if self.rounds and not self.rounds[-1].calls else None

    @property
    def perhaps_done(self) -> bool:
        """Whether a call that may change something was begun, and nothing was heard of it."""
        return any(call.begun is not None for call in self.open_calls())

    @property
    def calls_made(self) -> int:
        return sum(len(each.calls) for each in self.rounds)

    def open_calls(self) -> list[WrittenCall]:
        """The calls that have no result yet: only the last round can have such."""
        return [call for call in self.rounds[-1].calls if call.result is None] if self.rounds else []

    @property
    def results(self) -> str:
        """Everything that calls have come to."""
        return "\n".join(call.result or "" for each in self.rounds for call in each.calls)

    @property
    def told(self) -> str:
        """What tools have said, without what we answered to calls that were not made: that repeats their arguments."""
        calls = (call.result or "" for each in self.rounds for call in each.calls)
        return "\n".join(result for result in calls if result.startswith("<result"))

    def heard(self, reply: ModelReply, asked: Sequence[ChatMessage], *, most_calls: int) -> "Transcript":
        """With one more round. Calls above the `most_calls` of the whole work are not made."""
        calls = tuple(self._written(at, call, most_calls=most_calls) for at, call in enumerate(reply.tool_calls, 1))
        rounds = (*self.rounds, Round(text=repaired(reply.text.strip()), calls=calls))
        return self.model_copy(update={"rounds": rounds, "tokens": self.tokens + _tokens(reply, asked)})

    def ended(self, text: str, limit: str) -> "Transcript":
        """With the last word, that was asked for at a limit; empty where there was none."""
        rounds = (*self.rounds, Round(text=repaired(text.strip())))
        return self.model_copy(update={"rounds": rounds, "limit": limit})

    def given_to(self, worker: str) -> "Transcript":
        """As another worker takes it up: all that was called and heard stays, a last round that says nothing goes."""
        rounds = self.rounds[:-1] if self.ending == "" else self.rounds
        return self.model_copy(update={"worker": worker, "rounds": rounds, "limit": ""})

    def noted(self, call_id: str, **what: Any) -> "Transcript":
        """With something more known of a call."""
        *before, last = self.rounds
        calls = tuple(each.model_copy(update=what) if each.id == call_id else each for each in last.calls)
        return self.model_copy(update={"rounds": (*before, last.model_copy(update={"calls": calls}))})

    def _written(self, at: int, call: ToolCall, *, most_calls: int) -> WrittenCall:
        """Call ids are made unique, as some servers begin anew at every reply."""
        return WrittenCall(
            id=f"{len(self.rounds) + 1}.{at}",
            name=repaired(call.name),
            arguments=repaired_data(dict(call.arguments)),
            result=None if self.calls_made + at <= most_calls else NOT_MADE,
        )

    def with_tool(self, kind: Literal["used", "refused"], name: str) -> "Transcript":
        return self.model_copy(update={kind: (*getattr(self, kind), name)})

    def with_found(self, names: Sequence[str]) -> "Transcript":
        return self.model_copy(update={"found": tuple(dict.fromkeys((*self.found, *names)))})

    def with_long(self, call: str, file: str) -> "Transcript":
        return self.model_copy(update={"long": {**self.long, call: file}})

    def with_files(self, files: Sequence[Attachment], paths: Sequence[str]) -> "Transcript":
        return self.model_copy(update={"files": (*self.files, *files), "paths": (*self.paths, *paths)})

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
