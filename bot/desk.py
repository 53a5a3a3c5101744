"""Where turns are worked on: each to its end, whatever the database and its person do meanwhile."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from types import TracebackType
from typing import Self, TypeVar

from bot.caretaker import Caretaker
from bot.delivery import Post
from bot.dispatch import Deliver, Dispatcher, Work
from bot.fetching import Fetching
from bot.settings import WhileBusy
from bot.telemetry import Telemetry
from orchestrator.intake import edited
from orchestrator.messages import INBOUND, Edit, Inbound, Live, Status
from orchestrator.steering import Steering
from orchestrator.summarizing import Summarizing
from orchestrator.turn import Turns
from orchestrator.watching import span, trace_of, watched_by
from orchestrator.words import say, speaking
from storage.errors import StorageError, StorageGone, StorageOutdated, StorageTextUnstorable
from storage.records import Arrived, Parcel
from storage.store import Store

log = logging.getLogger(__name__)
T = TypeVar("T")

MOST_DEATHS = 3  # processes that may die over one message; then it is the message, and it is answered as failed
LONGEST_PAUSE = 30.0  # seconds between two tries of a turn that the database refused


class Desk:
    """Takes what has arrived to its end, by a dispatcher of this process. `post` shows what goes on meanwhile, and
    `deliver` what comes of it.

    Use it as a context manager: leaving it drains.
    """

    def __init__(
        self,
        store: Store,
        turns: Turns,
        summarizing: Summarizing,
        caretaker: Caretaker,
        *,
        post: Post,
        fetching: Fetching,
        telemetry: Telemetry,
        deliver: Deliver,
        while_busy: WhileBusy,
        drain_seconds: float,
    ) -> None:
        self._store = store
        self._turns = turns
        self._summarizing = summarizing
        self._caretaker = caretaker
        self._post = post
        self._fetching = fetching
        self._telemetry = telemetry
        self._steers = while_busy == "steer"
        self._steering: dict[str, Steering] = {}
        self.dispatcher = Dispatcher(
            self._work,
            self._stop,
            deliver,
            deliver_again=partial(post.deliver, repeated=True),
            amend=self._amend,
            waits=self._tell_place,
            afterwards=self._afterwards,
            interrupts=while_busy == "interrupt",
            drain_seconds=drain_seconds,
        )

    async def __aenter__(self) -> Self:
        await self.dispatcher.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.dispatcher.__aexit__(kind, error, traceback)

    def put(self, arrived: Arrived, inbound: Inbound, *, unasked: bool = False) -> None:
        """Queue an Inbound; the turn that runs in its session may take it up at once."""
        self.dispatcher.put(arrived, inbound, unasked=unasked)
        if not unasked and (steering := self._steering.get(arrived.session)):
            steering.offer(arrived, inbound)

    async def _work(self, arrived: Arrived, inbound: Inbound) -> list[Parcel]:
        """One turn to its end. One over which too many processes have died is not tried again."""
        if arrived.left_over:
            attempts = await _until_stored(lambda: self._store.count_attempt(arrived.turn), turn=arrived.turn)
            if attempts is None:
                return _deleted(arrived)
            arrived = replace(arrived, attempts=attempts)
        given_up = arrived.left_over and arrived.attempts >= MOST_DEATHS
        bury = partial(self._turns.fail_turn, why="died")
        try:
            return await self._concluded(arrived, inbound, bury if given_up else self._take_turn)
        except asyncio.CancelledError:
            if not self.dispatcher.is_open:
                await self._hand_over(arrived.turn)
            raise

    async def _hand_over(self, turn: str) -> None:
        """This process is replaced, which is no death."""
        try:
            await self._store.uncount_attempt(turn)
        except StorageError as error:
            log.warning("a turn is handed over as by a death", extra={"turn": turn, "reason": str(error)})

    async def _amend(self, arrived: Arrived, inbound: Inbound, edited_by: Arrived, edit: Edit) -> Inbound | None:
        """Give a turn the words of an edit, unless it has answered or acted. What comes of the edit is that turn's."""

        async def amended() -> Inbound | None:
            if await self._store.turn(arrived.turn) or await self._turns.has_acted(arrived):
                return None
            new = edited(await self._fetching.known(arrived, inbound), edit)
            await self._store.amend(arrived.turn, INBOUND.dump_json(new).decode(), amended_by=edited_by.turn)
            return new

        if edit.person.id != inbound.person.id:
            return None
        try:
            return await _until_stored(amended, turn=edited_by.turn)
        except Exception:  # an edge: an edit that breaks must not take the session down
            log.exception("an edit failed", extra={"turn": edited_by.turn})
            return None

    async def _tell_place(self, arrived: Arrived, inbound: Inbound, before: int) -> None:
        """Tell somebody that their message waits, and for how many."""
        try:
            with speaking(await self._turns.language_of(arrived, inbound)):
                waits = say("I am still at work. Before this: {count}.", count=before)
        except StorageError as error:
            log.warning("a place in line was not told", extra={"turn": arrived.turn, "reason": str(error)})
        else:
            await self._post.show(inbound.address, arrived.turn, Status(text=waits))

    async def _afterwards(self, session: str) -> None:
        """What is done once nothing waits in a session."""
        await self._caretaker.forget_who_asked()
        await self._sum_up(session)

    async def _sum_up(self, session: str) -> None:
        """What an idle session needs: its old turns summed up. What fails is tried again after the next turn."""
        try:
            with watched_by(self._telemetry.watcher):
                await self._summarizing.sum_up(session)
        except StorageError as error:
            log.warning("a summary cannot be stored", extra={"session": session, "reason": str(error)})

    async def _stop(self, arrived: Arrived, inbound: Inbound) -> list[Parcel]:
        """The end of a turn that a person has stopped."""
        return await self._concluded(arrived, inbound, self._turns.stop_turn)

    async def _take_turn(self, arrived: Arrived, inbound: Inbound) -> list[Parcel]:
        async def emit(part: Live) -> None:
            await self._post.show(inbound.address, arrived.turn, part)

        inbound = await self._fetching.complete(arrived, inbound)
        if not self._steers:
            return await self._turns.take_turn(arrived, inbound, emit)
        steering = self._steering[arrived.session] = Steering(inbound.person.id)
        try:
            return await self._turns.take_turn(arrived, inbound, emit, steering=steering)
        finally:
            del self._steering[arrived.session]

    async def _concluded(self, arrived: Arrived, inbound: Inbound, conclude: Work) -> list[Parcel]:
        """What a turn ends with, watched. It has one trace, also where several processes work on it."""
        trace = trace_of(arrived.channel, arrived.event_id, arrived.received_at.isoformat())
        ids = {"turn": arrived.turn, "session": arrived.session, "channel": arrived.channel}
        known = {**ids, "attempt": arrived.attempts + 1}
        with watched_by(self._telemetry.watcher), span("turn", known, trace=trace, arrived=inbound.kind):
            return await self._until_concluded(arrived, inbound, conclude)

    async def _until_concluded(self, arrived: Arrived, inbound: Inbound, conclude: Work) -> list[Parcel]:
        """What a turn ends with. A database that refuses is asked again, later, and the person is told."""
        pause = 1.0
        while True:
            try:
                return await conclude(arrived, inbound)
            except (StorageTextUnstorable, StorageGone):  # trying again would not help, and it would come back for ever
                if await _until_stored(partial(self._store.arrived, arrived.turn), turn=arrived.turn) is None:
                    return _deleted(arrived)
                log.exception("turn cannot be stored", extra={"turn": arrived.turn})
                if conclude == self._turns.fail_turn:
                    raise
                conclude = self._turns.fail_turn
            except StorageOutdated:
                log.info("a turn is decided anew", extra={"turn": arrived.turn})
            except StorageError as error:
                log.warning("turn cannot be stored yet", extra={"turn": arrived.turn, "reason": str(error)})
                told = Status(text=f"{say('I cannot save my work just now, and keep trying.')} {error}")
                await self._post.show(inbound.address, arrived.turn, told)
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)
                arrived = replace(arrived, attempts=max(arrived.attempts, 1))  # a plan may be stored already
            except Exception:  # an edge: one broken turn must not take the others down
                if conclude == self._turns.fail_turn:
                    raise
                log.exception("turn failed", extra={"turn": arrived.turn})
                conclude = self._turns.fail_turn


def _deleted(arrived: Arrived) -> list[Parcel]:
    """What comes of a turn whose event was deleted as somebody was forgotten."""
    log.warning("what a turn was to answer was deleted", extra={"turn": arrived.turn})
    return []


async def _until_stored(work: Callable[[], Awaitable[T]], *, turn: str) -> T:
    """What the work comes to. It is begun anew, later, while the database refuses."""
    pause = 1.0
    while True:
        try:
            return await work()
        except (StorageTextUnstorable, StorageGone):  # trying again would not help
            raise
        except StorageError as error:
            log.warning("the database refuses, and is asked again", extra={"turn": turn, "reason": str(error)})
        await asyncio.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE)
