"""The turns that run in a channel: each session shows one at a time, in the order in which they were accepted."""

import asyncio
from collections import defaultdict, deque
from typing import Generic, Protocol, TypeVar

from orchestrator.messages import Live


class Picture(Protocol):
    """What a running turn looks like while it runs."""

    def take(self, part: Live) -> None:
        """Show this from now on."""
        ...

    async def run(self) -> None:
        """Show it until it ends."""
        ...

    def stop(self) -> None:
        """Show nothing more, without waiting."""
        ...

    async def end(self) -> None:
        """Show nothing more. What is under way comes to its end first, so that nothing follows the answer."""
        ...


P = TypeVar("P", bound=Picture)


class InLine(Generic[P]):
    """Turns that were accepted and have not shown their end, by session. Pictures run in `tasks`."""

    def __init__(self, tasks: asyncio.TaskGroup) -> None:
        self._tasks = tasks
        self._lines: defaultdict[str, deque[tuple[str, P]]] = defaultdict(deque)
        self._is_over = False

    def find(self, turn: str, session: str) -> P | None:
        """The picture of a turn."""
        return next((picture for known, picture in self._lines.get(session, ()) if known == turn), None)

    def first(self, session: str) -> P | None:
        """The picture that is shown now."""
        line = self._lines.get(session)
        return line[0][1] if line else None

    def append(self, turn: str, session: str, picture: P) -> P:
        """Show a turn once those before it have ended."""
        line = self._lines[session]
        line.append((turn, picture))
        if len(line) == 1:
            self._begin(turn, picture)
        return picture

    async def ended(self, turn: str, session: str) -> P | None:
        """Take a turn out of its line, with all before it: they have ended without a word."""
        picture = self.find(turn, session)
        line = self._lines.get(session)
        while picture and line:
            _, first = line.popleft()
            await first.end()
            if line:
                self._begin(*line[0])
            if first is picture:
                break
        if not line:
            self._lines.pop(session, None)
        return picture

    def stop(self) -> None:
        """Show no pictures any more."""
        self._is_over = True
        for line in self._lines.values():
            for _, picture in line:
                picture.stop()

    def _begin(self, turn: str, picture: P) -> None:
        if not self._is_over:
            self._tasks.create_task(picture.run(), name=f"picture of {turn}")
