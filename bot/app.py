"""The running application. Tests make it by the same build()."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import TypeVar

from pydantic import ValidationError

from adapters.base import Adapter
from bot.alarm import Alarm
from bot.caretaker import Caretaker, Terms
from bot.delivery import Post
from bot.dispatch import Dispatcher, Work
from bot.fetching import Fetching
from bot.own_code import own_embedder
from bot.settings import Settings, WhileBusy, files_folder, redaction_of
from bot.sources import default_toolsets
from bot.standing import Standing, sources_of
from bot.telemetry import Telemetry, telemetry_of
from bot.wiring import Chains, MakeModel, budgets_of, cases_of, models_of, people_of, roster_of, turns_of
from orchestrator.appointing import Appointing
from orchestrator.approving import Approving
from orchestrator.budgets import Budgets
from orchestrator.cases import Cases
from orchestrator.coming import Diary
from orchestrator.intake import Intake, edited
from orchestrator.listening import Listening
from orchestrator.messages import INBOUND, Arriving, Edit, Feedback, FirstIn, Inbound, Live, Pressing, Receipt, Status
from orchestrator.people import People
from orchestrator.presses import Presses
from orchestrator.roster import Roster
from orchestrator.sessions import Sessions
from orchestrator.steering import Steering
from orchestrator.summarizing import Summarizing
from orchestrator.tools.catalog import Catalog
from orchestrator.tools.spec import Toolset
from orchestrator.turn import Turns
from orchestrator.watching import span, trace_of, watched_by
from orchestrator.words import say, speaking
from storage.errors import StorageError, StorageTextUnstorable
from storage.files import FileStore
from storage.records import Arrived, Parcel, Rating
from storage.store import Store, open_store

log = logging.getLogger(__name__)
T = TypeVar("T")

MOST_DEATHS = 3  # processes that may die over one message; then it is the message, and it is answered as failed
LONGEST_PAUSE = 30.0  # seconds between two tries of a turn that the database refused


class App:
    """Everything that is running: made by build(), used by serve()."""

    def __init__(
        self,
        store: Store,
        catalog: Catalog,
        turns: Turns,
        summarizing: Summarizing,
        *,
        files: FileStore,
        cases: Cases,
        people: People,
        approving: Approving,
        roster: Roster,
        listening: Listening,
        fetch_seconds: float,
        while_busy: WhileBusy,
        drain_seconds: float,
        diary: Diary,
        catches_up: bool,
        caretaker: Caretaker,
        budgets: Budgets,
        telemetry: Telemetry,
    ) -> None:
        self.store = store
        self.catalog = catalog
        self.files = files
        self.diary = diary
        self.telemetry = telemetry
        self.cases = cases
        self.people = people
        self._presses = Presses(store, people, approving)
        self._appointing = Appointing(store, people)
        self.roster = roster
        self.caretaker = caretaker
        self._intake = Intake(store)
        self._turns = turns
        self._summarizing = summarizing
        self._budgets = budgets
        self._steers = while_busy == "steer"
        self._steering: dict[str, Steering] = {}
        self._adapters: dict[str, Adapter] = {}
        self._post = Post(store, self._adapters)
        self._fetching = Fetching(
            store,
            files,
            self._adapters,
            listening=listening,
            seconds=fetch_seconds,
            language_of=turns.language_of,
        )
        self._dispatcher = Dispatcher(
            self._work,
            self._stop,
            self._post.deliver,
            deliver_again=partial(self._post.deliver, repeated=True),
            amend=self._amend,
            waits=self._tell_place,
            afterwards=self._afterwards,
            interrupts=while_busy == "interrupt",
            drain_seconds=drain_seconds,
        )
        self._alarm = Alarm(store, partial(self._dispatcher.put, unasked=True), diary, catches_up=catches_up)
        cases.begin_with(self._begin)
        approving.begin_with(self._begin)

    async def serve(self, adapters: Sequence[Adapter], *, beside: Sequence[Adapter] = ()) -> None:
        """Take up what an earlier process left, then listen until every channel has ended, or until cancelled. Those
        `beside` listen as long as the others do."""
        self._adapters.update((adapter.name, adapter) for adapter in (*adapters, *beside))
        async with self._dispatcher:
            await self._take_up()
            async with asyncio.TaskGroup() as listening:
                channels = [
                    listening.create_task(adapter.run(self.accept), name=f"channel {adapter.name}")
                    for adapter in adapters
                ]
                listeners = [
                    listening.create_task(adapter.run(self.accept), name=f"channel {adapter.name}")
                    for adapter in beside
                ]
                alarm = listening.create_task(self._alarm.run([*self._adapters]), name="alarm")
                care = listening.create_task(self.caretaker.run(), name="caretaker")
                metrics = listening.create_task(self.telemetry.serve(self.standing), name="metrics")
                await asyncio.gather(*channels, return_exceptions=True)  # the group raises what they raise
                for besides in (*listeners, alarm, care, metrics):
                    besides.cancel()
            await self._dispatcher.idle()

    @property
    def channels(self) -> tuple[str, ...]:
        """The names of the channels that are served."""
        return tuple(self._adapters)

    async def standing(self) -> Standing:
        """How things stand now."""
        known = Standing(self._dispatcher.running, self._dispatcher.waiting, sources=sources_of(self.catalog))
        try:
            return replace(known, backlog=await self.store.backlog(), budgets=await self._budgets.shares())
        except StorageError as error:
            log.warning("the database does not tell how things stand", extra={"reason": str(error)})
            return known

    def look_at_the_clock(self) -> None:
        """Let arrive what is due by now, without waiting for the next look."""
        self.diary.rung.set()

    async def idle(self) -> None:
        """Returns once no turn runs and none waits."""
        await self._dispatcher.idle()

    async def accept(self, inbound: Arriving) -> Receipt:
        """Make an Inbound durable and queue it. Raises StorageError: then it was not taken."""
        if isinstance(inbound, Feedback):
            return Receipt(new=await self._rated(inbound))
        if isinstance(inbound, Pressing):
            return Receipt(new=False, refused=await self._presses.refusal(inbound))
        if isinstance(inbound, FirstIn):
            await self._appointing.first_in(inbound)
            return Receipt(new=False)
        taken = await self._intake.accept(inbound)
        if taken is None:
            return Receipt(new=False)
        self._dispatcher.put(*taken)
        if steering := self._steering.get(taken[0].session):
            steering.offer(*taken)
        return Receipt(new=True, turn=taken[0].turn)

    def _begin(self, arrived: Arrived, inbound: Inbound) -> None:
        """Queue what a reviewer has given back. One of another process's channel waits for that process."""
        if arrived.channel in self._adapters:
            self._dispatcher.put(arrived, inbound, unasked=True)

    async def _rated(self, feedback: Feedback) -> bool:
        """Keep what somebody thinks of an answer; False where it was no answer in their conversation."""
        record = await self.store.turn(feedback.turn)
        if record is None or record.session != feedback.address.session:
            return False
        rating = Rating(feedback.address.channel, feedback.person.id, feedback.rating, feedback.sent_at)
        await self.store.rate(feedback.turn, rating)
        return True

    async def _take_up(self) -> None:
        """Show what was finished and perhaps not shown, and queue what was not finished."""
        for parcel in await self.store.undelivered():
            self._dispatcher.put_off(parcel)
        for arrived in await self.store.unfinished(channels=list(self._adapters)):
            try:
                inbound = INBOUND.validate_json(arrived.payload)
            except ValidationError:  # of another version: it stays, and must not keep the others from their answers
                log.exception("an unfinished event cannot be read", extra={"turn": arrived.turn})
            else:
                self._dispatcher.put(arrived, inbound)

    async def _work(self, arrived: Arrived, inbound: Inbound) -> list[Parcel]:
        """One turn to its end. One over which too many processes have died is not tried again."""
        if arrived.left_over:
            attempts = await _until_stored(lambda: self.store.count_attempt(arrived.turn), turn=arrived.turn)
            arrived = replace(arrived, attempts=attempts)
        given_up = arrived.left_over and arrived.attempts >= MOST_DEATHS
        bury = partial(self._turns.fail_turn, why="died")
        return await self._concluded(arrived, inbound, bury if given_up else self._take_turn)

    async def _amend(self, arrived: Arrived, inbound: Inbound, edited_by: Arrived, edit: Edit) -> Inbound | None:
        """Give a turn the words of an edit, unless it has answered or acted. What comes of the edit is that turn's."""

        async def amended() -> Inbound | None:
            if await self.store.turn(arrived.turn) or await self._turns.has_acted(arrived):
                return None
            new = edited(await self._fetching.known(arrived, inbound), edit)
            await self.store.amend(arrived.turn, INBOUND.dump_json(new).decode(), amended_by=edited_by.turn)
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
        await self.caretaker.forget_who_asked()
        await self._sum_up(session)

    async def _sum_up(self, session: str) -> None:
        """What an idle session needs: its old turns summed up. What fails is tried again after the next turn."""
        try:
            with watched_by(self.telemetry.watcher):
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
        with watched_by(self.telemetry.watcher), span("turn", known, trace=trace, arrived=inbound.kind):
            return await self._until_concluded(arrived, inbound, conclude)

    async def _until_concluded(self, arrived: Arrived, inbound: Inbound, conclude: Work) -> list[Parcel]:
        """What a turn ends with. A database that refuses is asked again, later, and the person is told."""
        pause = 1.0
        while True:
            try:
                return await conclude(arrived, inbound)
            except StorageTextUnstorable:  # trying again would not help, and a left-over turn would come back for ever
                log.exception("turn cannot be stored", extra={"turn": arrived.turn})
                if conclude == self._turns.fail_turn:
                    raise
                conclude = self._turns.fail_turn
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


async def _until_stored(work: Callable[[], Awaitable[T]], *, turn: str) -> T:
    """What the work comes to. It is begun anew, later, while the database refuses."""
    pause = 1.0
    while True:
        try:
            return await work()
        except StorageTextUnstorable:  # trying again would not help
            raise
        except StorageError as error:
            log.warning("the database refuses, and is asked again", extra={"turn": turn, "reason": str(error)})
        await asyncio.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE)


@asynccontextmanager
async def build(
    settings: Settings,
    *,
    toolsets: Sequence[Toolset] | None = None,
    model: MakeModel | None = None,
    patient: bool = False,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> AsyncIterator[App]:
    """An App whose database is open and whose tools are connected, as far as they can be: those that need more than a
    moment come later, unless it is `patient`. `toolsets` and `model` replace those of the settings.

    Raises SettingsInvalid, StorageError.
    """
    async with AsyncExitStack() as parts:
        telemetry = await parts.enter_async_context(telemetry_of(settings))
        store = await open_store(settings.database)
        parts.push_async_callback(store.close)
        make = model if model is not None else await parts.enter_async_context(models_of(settings))
        people = people_of(settings, store)
        budgets = budgets_of(settings, store, people, now=now)
        await budgets.take_up()
        chains = Chains.of(settings, budgets.metered(make))
        cases = cases_of(settings, store, people, now=now)
        diary = Diary(store, time_zone=settings.time_zone, now=now)
        sources = toolsets
        if sources is None:
            sources = default_toolsets(settings, store, chains.worker, diary=diary, patient=patient)
        roster = roster_of(settings, chains, budgets.metered(make))
        catalog = Catalog(
            sources,
            embedder=own_embedder(settings.embedder),
            kinds_of_work=roster.kinds,
            redaction=redaction_of(settings),
            as_used=people.rules.as_used,
        )
        parts.push_async_callback(catalog.stop)
        await catalog.start()
        files = FileStore(files_folder(settings))
        approving = Approving(store, people, Sessions(store, files), catalog.known)
        yield App(
            store,
            catalog,
            turns_of(
                settings,
                store,
                catalog,
                chains,
                files=files,
                budgets=budgets,
                cases=cases,
                diary=diary,
                roster=roster,
                people=people,
                approving=approving,
                now=now,
            ),
            Summarizing(store, chains.synthesizer, last=settings.history_messages),
            files=files,
            cases=cases,
            people=people,
            approving=approving,
            roster=roster,
            listening=Listening(catalog, files, tool=settings.transcription, seconds=settings.tool_seconds),
            fetch_seconds=settings.fetch_seconds,
            while_busy=settings.while_busy,
            drain_seconds=settings.drain_seconds,
            diary=diary,
            catches_up=settings.missed_reminders == "catch_up",
            caretaker=Caretaker(store, files, _terms(settings), now=now),
            budgets=budgets,
            telemetry=telemetry,
        )


def _terms(settings: Settings) -> Terms:
    return Terms(
        turns=settings.keep_turns_days,
        files=settings.keep_files_days,
        audit=settings.keep_audit_days,
        declined=settings.keep_declined_days,
    )
