"""What stands behind a channel in its tests: it takes messages, and the test says what comes back."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from orchestrator.messages import Address, Answer, Arriving, Delivery, Final, Message, Receipt

LONGEST_WAIT = 30.0  # seconds
OnTaken = Callable[[Arriving, str], Awaitable[None]]


class Core:
    """Takes everything, once; `refuses` is raised instead while it is set. `on_taken` sees it before accept returns."""

    def __init__(self, on_taken: OnTaken | None = None) -> None:
        self.taken: list[Arriving] = []
        self.refuses: Exception | None = None
        self.gate = asyncio.Event()
        self.gate.set()
        self._on_taken = on_taken
        self._changed = asyncio.Condition()

    @property
    def texts(self) -> list[str]:
        return [inbound.text for inbound in self.taken if isinstance(inbound, Message)]

    async def accept(self, inbound: Arriving) -> Receipt:
        await self.gate.wait()
        if self.refuses:
            raise self.refuses
        if any(inbound.event_id == known.event_id for known in self.taken):
            return Receipt(new=False)
        self.taken.append(inbound)
        turn = f"t{len(self.taken)}"
        if self._on_taken:
            await self._on_taken(inbound, turn)
        async with self._changed:
            self._changed.notify_all()
        return Receipt(new=True, turn=turn)

    async def has_taken(self, count: int) -> None:
        async with asyncio.timeout(LONGEST_WAIT), self._changed:
            await self._changed.wait_for(lambda: len(self.taken) >= count)


def final(part: Final | str, *, turn: str = "t1", address: Address, repeated: bool = False) -> Delivery:
    """A delivery of this part; a text stands for an Answer."""
    whole = Answer(text=part) if isinstance(part, str) else part
    return Delivery(id=f"{turn}.0", turn=turn, address=address, part=whole, repeated=repeated)


@contextmanager
def pipe() -> Iterator[tuple[TextIO, TextIO]]:
    """The reading and the writing end of a pipe. Either may be closed before."""
    reading, writing = os.pipe()
    with open(reading, encoding="utf-8") as reader, open(writing, "w", encoding="utf-8", buffering=1) as writer:  # noqa: PTH123
        yield reader, writer
