"""The turns that run in a channel: each session shows one at a time, in the order in which they were accepted."""

import asyncio
import logging
import time
from abc import ABC, abstractmethod
from collections import defaultdict, deque
from typing import Generic, TypeVar

from orchestrator.messages import Draft, Live, PlanCard, Status

log = logging.getLogger(__name__)


LAST_WAIT = 3.0  # seconds that an answer waits for a request of its picture
BEHIND = 0.1  # seconds that a timer is late in a process that has too much to do
MOST_WAITS = 3  # of them in a row: what is shown already must not go away, as drafts do


class Picture(ABC):
    """What a running turn looks like while it runs. It is shown for `longest` seconds at most."""

    def __init__(self, *, longest: float) -> None:
        self.card: PlanCard | None = None
        self._status = ""
        self._text = ""
        self._longest = longest
        self._began = False
        self._is_late = False
        self._ended = asyncio.Event()
        self._changed = asyncio.Event()
        self._done = asyncio.Event()

    def take(self, part: Live) -> None:
        """Show this from now on. What was not shown yet is dropped."""
        match part:
            case Status(text=text):
                self._status = text
            case PlanCard():
                self.card, self._status = part, ""
            case Draft(text=text):
                self._text, self._status = text, ""
        self._changed.set()

    def stop(self) -> None:
        """Show nothing more, without waiting."""
        self._ended.set()

    async def end(self) -> None:
        """Show nothing more. A request that is under way comes to its end first, so that nothing follows the answer."""
        self.stop()
        if not self._began:
            return
        try:
            async with asyncio.timeout(LAST_WAIT):
                await self._done.wait()
        except TimeoutError:
            log.warning("a picture did not end in time")
            self._is_late = True

    async def run(self) -> None:
        """Show it until it ends. It is a picture: its trouble is logged, and is nobody else's."""
        self._began = True
        try:
            async with asyncio.timeout(self._longest):
                await self._run()
        except TimeoutError:
            log.warning("a turn goes on for long, and is not shown any more")
        except Exception:  # an edge: a picture must not end what it shows
            log.exception("a picture broke")
        finally:
            self._done.set()

    @abstractmethod
    async def _run(self) -> None:
        """Show what is taken, as the platform can, until it ends."""

    async def _ends_within(self, seconds: float) -> bool:
        """Whether it ends by then; or a little later, while the process is behind with its work: a picture is what
        people miss least, and its requests would make the answers later still."""
        for _ in range(MOST_WAITS):
            due = time.monotonic() + seconds
            try:
                async with asyncio.timeout(seconds):
                    await self._ended.wait()
            except TimeoutError:
                if time.monotonic() - due < BEHIND:
                    return False
            else:
                return True
        return False


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
