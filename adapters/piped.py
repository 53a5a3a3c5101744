"""A console without a person in front of it: a line is a message, and what comes out is plain text."""

from contextlib import AbstractContextManager, nullcontext
from typing import TextIO

from adapters.pipes import Outlet, read_lines
from adapters.text import SEEN, choice_lines, how_to_answer, safe
from orchestrator.messages import Delivery, Final, Live, Question

LONGEST_LINE = 4 * 2**20  # bytes


class Piped:
    """Lines in, text out. Live parts are left out: what stands in the output is final."""

    is_interactive = False

    def __init__(self, source: TextIO, target: TextIO, *, echo: bool = False) -> None:
        self._lines = read_lines(source, limit=LONGEST_LINE)
        self._out = Outlet(target)
        self._echo = echo

    def opened(self) -> AbstractContextManager[None]:
        return nullcontext()

    async def read(self, default: str = "") -> str:
        async for line in self._lines:
            if line is None:
                await self.tell(f"A line is longer than {LONGEST_LINE} bytes. It was not taken.")
                continue
            text = line.decode(errors="replace").removesuffix("\r")
            if self._echo:
                await self.tell(f"> {text}")
            return text
        raise EOFError

    async def tell(self, text: str) -> None:
        await self._out.write(f"{safe(text)}\n")

    async def show(self, turn: str, part: Live) -> None:
        """Nothing: see the class."""

    async def deliver(self, delivery: Delivery) -> None:
        seen = f"{SEEN}\n" if delivery.repeated else ""
        await self.tell(f"{seen}{_plain(delivery.part)}\n")


def _plain(part: Final) -> str:
    if not isinstance(part, Question):
        return part.text
    return "\n".join([part.text, *choice_lines(part), *filter(None, [how_to_answer(part)])])
