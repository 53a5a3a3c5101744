"""The in-process dispatcher: turns of one session in order, sessions side by side, a stop goes through at once.

What comes while a turn runs waits, ends that turn (`interrupts`), or changes a message that has not been answered.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Self

from orchestrator.messages import Edit, Inbound, Message, Stop
from storage.records import Arrived, Parcel

log = logging.getLogger(__name__)

Work = Callable[[Arrived, Inbound], Awaitable[list[Parcel]]]
"""Do a turn to its end: what is to be delivered. It must not raise: what goes wrong inside is a turn's outcome."""
Deliver = Callable[[list[Parcel]], Awaitable[None]]
Amend = Callable[[Arrived, Inbound, Arrived, Edit], Awaitable[Inbound | None]]
"""Give a turn the words of an edit: what it is then; None where it is too late for that."""
Waits = Callable[[Arrived, Inbound, int], Awaitable[None]]
"""Hears of an Inbound that waits, and how many are before it."""
Afterwards = Callable[[str], Awaitable[None]]
"""Work that a session may need once nothing waits in it; ended when something comes."""


@dataclass(slots=True)
class Mailbox:
    """One session's waiting Inbounds, and the task of the turn that runs."""

    waiting: deque[tuple[Arrived, Inbound]] = field(default_factory=deque)
    left_over: list[Parcel] = field(default_factory=list)  # of an earlier process, to be shown first
    letters: list[Parcel] = field(default_factory=list)  # of turns of other sessions
    running: asyncio.Task[list[Parcel]] | None = None
    serving: asyncio.Task[None] | None = None
    tidying: asyncio.Task[None] | None = None
    current: tuple[Arrived, Inbound] | None = None
    edits: deque[tuple[Arrived, Edit]] = field(default_factory=deque)  # of the current one, for it to begin anew
    has_stopped: bool = False  # whether the stop that comes next in line has ended anything
    stopped_before: int = 0  # Inbounds with a smaller number end as stopped: a person said stop after them


class Dispatcher:
    """Runs turns. `work` does one, `stop` ends one that a person has stopped, `deliver` shows what comes of either.

    Use it as a context manager: leaving it drains. What has not ended by then stays unfinished in the inbox, and is
    taken up at the next start.
    """

    def __init__(
        self,
        work: Work,
        stop: Work,
        deliver: Deliver,
        *,
        deliver_again: Deliver | None = None,
        amend: Amend | None = None,
        waits: Waits | None = None,
        afterwards: Afterwards | None = None,
        interrupts: bool = False,
        drain_seconds: float = 10.0,
    ) -> None:
        self._work = _contained(work)
        self._stop = _contained(stop)
        self._deliver = deliver
        self._deliver_again = deliver_again or deliver
        self._amend = amend
        self._waits = waits
        self._afterwards = afterwards
        self._interrupts = interrupts
        self._drain_seconds = drain_seconds
        self._boxes: dict[str, Mailbox] = {}
        self._telling: set[asyncio.Task[None]] = set()
        self._open = False
        self._idle = asyncio.Event()
        self._idle.set()

    async def __aenter__(self) -> Self:
        self._tasks = asyncio.TaskGroup()
        await self._tasks.__aenter__()
        self._open = True
        return self

    async def __aexit__(self, *exc: object) -> None:
        self.close()
        try:
            async with asyncio.timeout(self._drain_seconds):
                await self._idle.wait()
        except TimeoutError:
            self.abandon()
        for task in self._telling:
            task.cancel()
        await self._tasks.__aexit__(None, None, None)

    def close(self) -> None:
        """Begin nothing more: what waits stays unfinished."""
        self._open = False
        for box in self._boxes.values():
            box.waiting.clear()

    @property
    def is_open(self) -> bool:
        """Whether anything is begun any more."""
        return self._open

    def put(self, arrived: Arrived, inbound: Inbound, *, unasked: bool = False) -> None:
        """Queue an Inbound behind those of its session. A stop ends everything of the session that came before it.

        What comes `unasked`, as nobody has just sent it, interrupts nothing, and nobody is told that it waits.
        """
        if not self._open:
            if isinstance(inbound, Stop) and (box := self._boxes.get(arrived.session)):
                self._end_before(box, arrived)  # whoever takes the session up ends what is left of it
            return
        box = self._box_of(arrived.session)
        box.waiting.append((arrived, inbound))
        if box.tidying:
            box.tidying.cancel()
        match inbound:
            case Stop():
                self._end_before(box, arrived)
            case Message() if self._interrupts and box.current and not unasked:
                self._end_before(box, arrived)
            case Edit() if box.current and _is_of(inbound, *box.current):
                box.edits.append((arrived, inbound))
                box.waiting.pop()
                if box.running:
                    box.running.cancel()
            case Edit() if (place := _place_of(box, inbound.edits)) is not None:
                box.waiting.insert(place, box.waiting.pop())  # so that it is read before what it changes
            case Message() if self._waits and box.current and not unasked:
                told = self._besides(partial(self._waits, arrived, inbound, len(box.waiting)))
                telling = self._tasks.create_task(told, name=f"place of {arrived.turn}")
                self._telling.add(telling)
                telling.add_done_callback(self._telling.discard)

    def put_off(self, parcel: Parcel) -> None:
        """Queue what an earlier process has perhaps not shown, before everything else of its session."""
        self._box_of(parcel.session).left_over.append(parcel)

    def _box_of(self, session: str) -> Mailbox:
        if session not in self._boxes:
            box = self._boxes[session] = Mailbox()
            self._idle.clear()
            box.serving = self._tasks.create_task(self._serve(session, box), name=f"session {session}")
            box.serving.add_done_callback(lambda _: self._remove(session, box))  # also where it never came to its end
        return self._boxes[session]

    def _remove(self, session: str, box: Mailbox) -> None:
        if self._boxes.get(session) is box:
            del self._boxes[session]
            if not self._boxes:
                self._idle.set()

    @staticmethod
    def _end_before(box: Mailbox, arrived: Arrived) -> None:
        """End everything of the session that came before this, also where this was found late."""
        box.stopped_before = max(box.stopped_before, arrived.number)
        if box.running and box.current and box.current[0].number < arrived.number:
            box.running.cancel()

    @staticmethod
    async def _besides(work: Callable[[], Awaitable[None]]) -> None:
        """Work that no turn depends on."""
        try:
            await work()
        except Exception:  # an edge: its trouble must not take the session down
            log.exception("what goes on besides the turns failed")

    async def idle(self) -> None:
        """Returns once nothing runs and nothing waits."""
        await self._idle.wait()

    async def free(self, session: str) -> None:
        """Returns once nothing runs and nothing waits in this session."""
        while box := self._boxes.get(session):
            assert box.serving is not None
            await asyncio.wait({box.serving})

    def abandon(self, session: str | None = None) -> None:
        """End what runs in a session, or in all: it stays unfinished, and whoever takes it up goes on with it."""
        for name, box in self._boxes.items():
            if session in {None, name}:
                box.waiting.clear()
                for task in (box.running, box.tidying, box.serving):
                    if task:
                        task.cancel()

    @property
    def busy_sessions(self) -> int:
        return len(self._boxes)

    @property
    def running(self) -> int:
        """How many turns are worked on."""
        return sum(box.running is not None for box in self._boxes.values())

    @property
    def waiting(self) -> int:
        """How many Inbounds wait behind others of their session."""
        return sum(len(box.waiting) for box in self._boxes.values())

    async def _serve(self, session: str, box: Mailbox) -> None:
        """Work off one mailbox, then go away."""
        try:
            await self._work_off(session, box)
        finally:
            while box.running and not box.running.done():  # it was abandoned, and ends; perhaps more than once
                with suppress(asyncio.CancelledError):
                    await asyncio.wait({box.running})
            self._remove(session, box)

    async def _work_off(self, session: str, box: Mailbox) -> None:
        if box.left_over:
            await self._deliver_again(box.left_over)
        while box.waiting or box.letters:
            if box.letters:
                letters, box.letters = box.letters, []
                await self._deliver(letters)
                continue
            arrived, inbound = box.waiting.popleft()
            box.current = arrived, inbound
            parcels = await self._outcome(box, arrived, inbound)
            if self._open:
                _put_back(box)  # what came just too late says so itself
            box.current = None
            ended = {parcel.turn for parcel in parcels}  # a turn that was added to this one has ended with it
            box.waiting = deque(each for each in box.waiting if each[0].turn not in ended)
            for letter in (parcel for parcel in parcels if parcel.session != session):
                self._box_of(letter.session).letters.append(letter)  # whoever cannot be reached holds up nobody else
            # Not a part of what a stop can cancel: it has happened already.
            await self._deliver([parcel for parcel in parcels if parcel.session == session])
            if self._afterwards and self._open and not box.waiting:
                box.tidying = self._tasks.create_task(
                    self._besides(partial(self._afterwards, session)), name=f"after {arrived.turn}"
                )
                await asyncio.wait({box.tidying})
                box.tidying = None

    async def _outcome(self, box: Mailbox, arrived: Arrived, inbound: Inbound) -> list[Parcel]:
        if isinstance(inbound, Stop):  # never ended by another one; where it has ended something, that says so
            conclude, box.has_stopped = (self._stop if box.has_stopped else self._work), False
            return await conclude(arrived, inbound)
        if isinstance(inbound, Edit) and await self._amended_in_line(box, arrived, inbound):
            return []
        if arrived.number >= box.stopped_before and (parcels := await self._worked(box, arrived, inbound)) is not None:
            return parcels
        if not self._open:
            return []
        if box.edits:
            return await self._begun_anew(box, arrived, inbound)
        box.has_stopped = True
        return await self._stop(arrived, inbound)

    async def _amended_in_line(self, box: Mailbox, arrived: Arrived, edit: Edit) -> bool:
        """Give a message that still waits its new words."""
        place = _place_of(box, edit.edits)
        if self._amend is None or place is None:
            return False
        theirs, inbound = box.waiting[place]
        new = await self._amend(theirs, inbound, arrived, edit)
        place = _place_of(box, edit.edits)  # others may have come before it, and a drain takes all away
        if new is not None and place is not None:
            box.waiting[place] = theirs, new
        return new is not None

    async def _begun_anew(self, box: Mailbox, arrived: Arrived, inbound: Inbound) -> list[Parcel]:
        """A turn that edits have ended, with its newest words; where it is too late for them, with the old ones."""
        arrived = replace(arrived, left_over=False)  # by this process it was counted already
        while box.edits:
            edit_arrived, edit = box.edits[0]
            new = await self._amend(arrived, inbound, edit_arrived, edit) if self._amend else None
            if new is None:
                _put_back(box)
                arrived = replace(arrived, attempts=max(arrived.attempts, 1))  # it goes on where it was
            else:
                box.edits.popleft()
                inbound = new
                box.current = arrived, inbound
        return await self._outcome(box, arrived, inbound)

    async def _worked(self, box: Mailbox, arrived: Arrived, inbound: Inbound) -> list[Parcel] | None:
        """What the turn comes to; None where it was cancelled."""
        box.has_stopped = False
        box.running = self._tasks.create_task(self._turn(arrived, inbound), name=f"turn {arrived.turn}")
        await asyncio.wait({box.running})
        task, box.running = box.running, None
        return None if task.cancelled() else task.result()

    async def _turn(self, arrived: Arrived, inbound: Inbound) -> list[Parcel]:
        return await self._work(arrived, inbound)


def _contained(work: Work) -> Work:
    """Work that raises all the same leaves its turn unfinished, and takes nobody down with it."""

    async def contained(arrived: Arrived, inbound: Inbound) -> list[Parcel]:
        try:
            return await work(arrived, inbound)
        except Exception:  # an edge
            log.exception("a turn has no end", extra={"turn": arrived.turn})
            return []

    return contained


def _is_of(edit: Edit, arrived: Arrived, inbound: Inbound) -> bool:
    """Whether the edit changes this event, and comes from the person whose words it were."""
    return arrived.event_id == edit.edits and inbound.person.id == edit.person.id


def _put_back(box: Mailbox) -> None:
    """Let the edits that were too late be answered in their turn."""
    box.waiting.extendleft(reversed(box.edits))
    box.edits.clear()


def _place_of(box: Mailbox, event_id: str) -> int | None:
    """Where in the line an event waits."""
    return next((at for at, (arrived, _) in enumerate(box.waiting) if arrived.event_id == event_id), None)
