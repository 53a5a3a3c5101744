"""A channel for programs: JSON lines in, JSON lines out.

In: {"event_id", "chat", "text"}, with "thread" and "person" where wanted; "kind" is message (default), choice, form or
stop. Out: {"event": "ready"} once, {"accepted"} or {"rejected"} for each line, {"live"} while a turn runs, {"delivery"}
for each final part. docs/lines.md has the fields.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError

from adapters.base import DeliveryError
from orchestrator.messages import INBOUND, Accept, Address, Delivery, Inbound, Live

LONGEST_LINE = 4 * 2**20  # bytes; a longer line is rejected, and skipped
DEFAULT_PERSON = "program"


class Lines:
    """JSON lines over a pair of streams."""

    name = "lines"

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, live: bool = True) -> None:
        self._reader = reader
        self._writer = writer
        self._live = live
        self._writing = asyncio.Lock()  # a line is whole before the next one begins, whoever writes

    @classmethod
    async def on_standard_streams(cls, *, live: bool = True) -> "Lines":
        """The channel on this process's standard input and output."""
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(limit=LONGEST_LINE)
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        transport, protocol = await loop.connect_write_pipe(asyncio.streams.FlowControlMixin, sys.stdout)
        return cls(reader, asyncio.StreamWriter(transport, protocol, None, loop), live=live)

    async def run(self, accept: Accept) -> None:
        """Take lines until the end of the input."""
        await self._write({"event": "ready"})
        async for line in self._lines():
            if line is None:
                await self._write({"rejected": None, "error": f"a line is longer than {LONGEST_LINE} bytes"})
            elif line.strip():
                await self._take(line, accept)

    async def show(self, address: Address, turn: str, part: Live) -> None:
        if not self._live:
            return
        line = {"live": part.model_dump(mode="json"), "turn": turn, "chat": address.chat, "thread": address.thread}
        try:
            await self._write(line)
        except DeliveryError:
            return  # nobody reads any more, and live parts may be dropped

    async def deliver(self, delivery: Delivery) -> None:
        await self._write(
            {
                "delivery": delivery.id,
                "turn": delivery.turn,
                "chat": delivery.address.chat,
                "thread": delivery.address.thread,
                "repeated": delivery.repeated,
                "part": delivery.part.model_dump(mode="json"),
            }
        )

    async def _take(self, line: bytes, accept: Accept) -> None:
        event_id = None
        try:
            given = _object(line)
            event_id = given.get("event_id")
            receipt = await accept(_inbound(given))
        except Exception as error:  # noqa: BLE001 - an edge: whatever it was, the program is told that it was not taken
            await self._write({"rejected": event_id, "error": str(error)})
        else:
            await self._write({"accepted": event_id, "new": receipt.new, "turn": receipt.turn})

    async def _lines(self) -> AsyncIterator[bytes | None]:
        """Every line; None for one that was too long."""
        too_long = False
        while True:
            try:
                line = await self._reader.readuntil(b"\n")
            except asyncio.LimitOverrunError as error:
                await self._reader.readexactly(error.consumed)
                too_long = True
                continue
            except asyncio.IncompleteReadError as error:
                if error.partial:
                    yield None if too_long else error.partial
                return
            yield None if too_long else line
            too_long = False

    async def _write(self, line: Mapping[str, Any]) -> None:
        async with self._writing:
            try:
                self._writer.write(json.dumps(line).encode() + b"\n")
                await self._writer.drain()
            except (ConnectionError, RuntimeError) as error:
                raise DeliveryError("the program has closed its end") from error


def _object(line: bytes) -> dict[str, Any]:
    try:
        given = json.loads(line)
    except ValueError as error:
        raise ValueError(f"the line is no JSON: {error}") from None
    if not isinstance(given, dict):
        raise ValueError(  # noqa: TRY004 - a wrong line, not a wrong type
            f'the line must be an object such as {{"event_id": ..., "text": ...}}, not {type(given).__name__}'
        )
    return given


def _inbound(given: Mapping[str, Any]) -> Inbound:
    """The Inbound of a line. Raises ValueError that names the field."""
    fields = dict(given)
    address = {"channel": Lines.name, "chat": fields.pop("chat", "1"), "thread": fields.pop("thread", None)}
    person = {"id": fields.pop("person", DEFAULT_PERSON)}
    whole = {"kind": "message", "sent_at": datetime.now(UTC), **fields, "address": address, "person": person}
    try:
        return INBOUND.validate_python(whole)
    except ValidationError as invalid:
        problems = [f"{'.'.join(map(str, each['loc'][1:]))}: {each['msg']}" for each in invalid.errors()]
        raise ValueError("; ".join(problems)) from None
