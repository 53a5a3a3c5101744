"""A channel for programs: JSON lines in, JSON lines out.

In: {"event_id", "chat", "text"}, with "thread" and "person" where wanted; "kind" is message (default), choice, form or
stop. Out: {"event": "ready"} once, {"accepted"} or {"rejected"} for each line, {"live"} while a turn runs, {"delivery"}
for each final part. docs/lines.md has the fields.
"""

import asyncio
import json
import sys
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, TextIO

from pydantic import ValidationError

from adapters.base import DeliveryError, Unanswered, reason_of
from adapters.pipes import Outlet, read_lines
from orchestrator.messages import INBOUND, Accept, Address, Delivery, Inbound, Live

LONGEST_LINE = 4 * 2**20  # bytes
LIVE_SECONDS = 1.0  # that a live part may wait for a program which does not read
LIVE_BACKLOG = 65_536  # bytes that are not read; above that, live parts are left out
DEFAULT_CHAT = "1"
DEFAULT_PERSON = "program"
EXAMPLE = '{"event_id": "1", "chat": "main", "text": "Hello"}'


class Unusable(ValueError):
    """A line that is no Inbound; the message names the field and the fix."""


class Lines:
    """JSON lines over a pair of text streams. It ends with its input, once everything accepted has been answered."""

    name = "lines"

    def __init__(self, reader: TextIO, writer: TextIO, *, live: bool = True, longest_line: int = LONGEST_LINE) -> None:
        self._reader = reader
        self._out = Outlet(writer)
        self._live = live
        self._longest_line = longest_line
        self._unanswered = Unanswered()

    @classmethod
    async def on_standard_streams(cls, *, live: bool = True) -> "Lines":
        """The channel on this process's standard input and output."""
        return cls(sys.stdin, sys.stdout, live=live)

    async def run(self, accept: Accept) -> None:
        with suppress(DeliveryError):  # the program has closed its end, and that is an end too
            await self._say({"event": "ready"})
            async for line in read_lines(self._reader, limit=self._longest_line):
                if line is None:
                    await self._reject(None, f"the line is longer than {self._longest_line} bytes; send a shorter one")
                elif line.strip():
                    await self._take(line, accept)
            await self._unanswered.none_left()

    async def show(self, address: Address, turn: str, part: Live) -> None:
        if not self._live or self._out.backlog > LIVE_BACKLOG:
            return
        line = {"live": part.model_dump(), "turn": turn, "chat": address.chat, "thread": address.thread}
        with suppress(DeliveryError, TimeoutError):  # the final part will say it, or meet the same trouble
            async with asyncio.timeout(LIVE_SECONDS):
                await self._say(line)

    async def deliver(self, delivery: Delivery) -> None:
        await self._say(
            {
                "delivery": delivery.id,
                "turn": delivery.turn,
                "chat": delivery.address.chat,
                "thread": delivery.address.thread,
                "repeated": delivery.repeated,
                "part": delivery.part.model_dump(),
            }
        )
        self._unanswered.answered(delivery.turn)

    async def _take(self, line: bytes, accept: Accept) -> None:
        said: Mapping[str, Any] = {}
        try:
            said = _object(line)
            receipt = await self._unanswered.accepted(accept, _inbound(said))
        except Unusable as unusable:
            await self._reject(said.get("event_id"), str(unusable))
        except Exception as error:  # noqa: BLE001 - an edge: the program is told that its line was not taken
            await self._reject(said.get("event_id"), f"{reason_of(error)} Nothing was taken; send the line again.")
        else:
            await self._say({"accepted": said["event_id"], "new": receipt.new, "turn": receipt.turn})

    async def _reject(self, event_id: object, error: str) -> None:
        await self._say({"rejected": event_id, "error": error})

    async def _say(self, line: Mapping[str, Any]) -> None:
        """Write one line, in ASCII: every reader can take it, also half a surrogate pair."""
        try:
            await self._out.write(json.dumps(line) + "\n")
        except DeliveryError:
            self._unanswered.give_up()
            raise


def _object(line: bytes) -> dict[str, Any]:
    try:
        said = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise Unusable(f"the line is no JSON ({error}); write it as {EXAMPLE}") from None
    if not isinstance(said, dict):
        raise Unusable(f"the line must be an object such as {EXAMPLE}")
    return said


def _inbound(said: Mapping[str, Any]) -> Inbound:
    fields = dict(said)
    place = {"channel": Lines.name, "chat": fields.pop("chat", DEFAULT_CHAT), "thread": fields.pop("thread", None)}
    person = {"id": fields.pop("person", DEFAULT_PERSON)}
    if stray := fields.keys() & {"address", "sent_at", "attachments"}:
        raise Unusable(f"{min(stray)!r} is no field of a line; write it as {EXAMPLE}")
    arrival = {"kind": "message", **fields, "person": person, "sent_at": datetime.now(UTC)}
    try:
        inbound = INBOUND.validate_python({**arrival, "address": place})
    except ValidationError as invalid:
        raise Unusable(f"{_problems(invalid)}; write it as {EXAMPLE}") from None
    if not (inbound.event_id and inbound.address.chat):
        raise Unusable(f"'event_id' and 'chat' must not be empty; write it as {EXAMPLE}")
    return inbound


def _problems(invalid: ValidationError) -> str:
    """Every wrong field of the line, under the name that it has there."""
    problems = []
    for error in invalid.errors(include_url=False, include_input=False):
        path = error["loc"][1:] or ("kind",)  # it begins with the kind, where that could be read
        field = path[-1] if path[0] == "address" else path[0]
        problems.append(f"{field!r}: {error['msg']}")
    return "; ".join(problems)
