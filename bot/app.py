"""The running application. Tests make it by the same build()."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from adapters.base import Adapter
from bot.alarm import Alarm
from bot.caretaker import Caretaker, Terms
from bot.chains import Chains, MakeModel, models_of
from bot.delivery import Post
from bot.desk import Desk
from bot.fetching import Fetching
from bot.own_code import own_embedder
from bot.parts import Parts
from bot.settings import Settings, files_folder, redaction_of
from bot.sources import default_toolsets
from bot.standing import Standing, sources_of
from bot.sweeping import Put, Sweeping, read_back
from bot.telemetry import Telemetry, telemetry_of
from bot.wiring import budgets_of, cases_of, people_of, roster_of, turns_of
from orchestrator.appointing import Appointing
from orchestrator.approving import Approving
from orchestrator.coming import Diary
from orchestrator.intake import Intake
from orchestrator.listening import Listening
from orchestrator.messages import Arriving, Feedback, FirstIn, Inbound, Pressing, Receipt
from orchestrator.presses import Presses
from orchestrator.sessions import Sessions
from orchestrator.summarizing import Summarizing
from orchestrator.tools.catalog import Catalog
from orchestrator.tools.spec import Toolset
from orchestrator.turn import Turns
from storage.errors import StorageError
from storage.files import FileStore
from storage.records import Arrived, Parcel, Rating
from storage.store import open_store

if TYPE_CHECKING:
    from bot.cluster.member import Member

log = logging.getLogger(__name__)


class App:
    """Everything that is running: made by build(), used by serve(). With `remotes`, which are all
    channels there may be, it is a part of a cluster, whose node serves it: what arrives is worked on by whoever takes
    it from the queue, and shown by whoever leads its channel."""

    def __init__(
        self,
        parts: Parts,
        turns: Turns,
        *,
        caretaker: Caretaker,
        telemetry: Telemetry,
        remotes: dict[str, Adapter] | None = None,
    ) -> None:
        settings, store = parts.settings, parts.store
        self.parts = parts
        self.store = store
        self.catalog = parts.catalog
        self.files = parts.files
        self.diary = parts.diary
        self.cases = parts.cases
        self.people = parts.people
        self.roster = parts.roster
        self.budgets = parts.budgets
        self.caretaker = caretaker
        self.telemetry = telemetry
        self._presses = Presses(store, parts.people, parts.approving)
        self._appointing = Appointing(store, parts.people)
        self.adapters = {} if remotes is None else remotes
        self.channels: tuple[str, ...] = ()  # the names of those that this process serves
        self._intake = Intake(store)
        post = Post(store, self.adapters)
        fetching = Fetching(
            store,
            parts.files,
            self.adapters,
            listening=Listening(parts.catalog, parts.files, tool=settings.transcription, seconds=settings.tool_seconds),
            seconds=settings.fetch_seconds,
            language_of=turns.language_of,
        )
        self.desk = Desk(
            store,
            turns,
            Summarizing(store, parts.chains.synthesizer, last=settings.history_messages),
            caretaker,
            post=post,
            fetching=fetching,
            telemetry=telemetry,
            deliver=post.deliver if remotes is None else _left_to_the_channels,
            while_busy=settings.while_busy,
            drain_seconds=settings.drain_seconds,
        )
        self._sweeping = Sweeping(store, self.desk.put)
        self._put: Put = self._sweeping.put if remotes is None else _left_to_the_queue
        self.alarm = Alarm(
            store, partial(self._put, unasked=True), parts.diary, catches_up=settings.missed_reminders == "catch_up"
        )
        parts.cases.begin_with(self._begin)
        parts.approving.begin_with(self._begin)

    async def serve(self, adapters: Sequence[Adapter], *, beside: Sequence[Adapter] = ()) -> None:
        """Take up what an earlier process left, then listen until every channel has ended, or until cancelled. Those
        `beside` listen as long as the others do."""
        self.adapters.update((adapter.name, adapter) for adapter in (*adapters, *beside))
        self.channels = tuple(self.adapters)
        async with self.desk:
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
                alarm = listening.create_task(self.alarm.run([*self.adapters]), name="alarm")
                care = listening.create_task(self.caretaker.run(), name="caretaker")
                sweep = listening.create_task(self._sweeping.run([*self.adapters]), name="sweep")
                metrics = listening.create_task(self.telemetry.serve(self.standing), name="metrics")
                await asyncio.gather(*channels, return_exceptions=True)  # the group raises what they raise
                for besides in (*listeners, alarm, care, sweep, metrics):
                    besides.cancel()
            await self.idle()

    async def standing(self) -> Standing:
        """How things stand now."""
        at_work = self.desk.dispatcher
        known = Standing(at_work.running, at_work.waiting, sources=sources_of(self.catalog))
        try:
            return replace(known, backlog=await self.store.backlog(), budgets=await self.budgets.shares())
        except StorageError as error:
            log.warning("the database does not tell how things stand", extra={"reason": str(error)})
            return known

    def look_at_the_clock(self) -> None:
        """Let arrive what is due by now, without waiting for the next look."""
        self.diary.rung.set()

    async def idle(self) -> None:
        """Returns once no turn runs and none waits."""
        await self.desk.dispatcher.idle()

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
        self._put(*taken)
        return Receipt(new=True, turn=taken[0].turn)

    def _begin(self, arrived: Arrived, inbound: Inbound) -> None:
        """Queue what a reviewer has given back. One of another process's channel waits for that process."""
        if arrived.channel in self.adapters:
            self._put(arrived, inbound, unasked=True)

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
            self.desk.dispatcher.put_off(parcel)
        for arrived in await self.store.unfinished(channels=list(self.adapters)):
            if inbound := read_back(arrived):
                self._put(arrived, inbound)


def _left_to_the_queue(arrived: Arrived, inbound: Inbound, *, unasked: bool = False) -> None:
    """It stands in the queue since it is in the inbox."""


async def _left_to_the_channels(parcels: Sequence[Parcel]) -> None:
    """They were told of it as it came into the outbox."""


@asynccontextmanager
async def build(
    settings: Settings,
    *,
    toolsets: Sequence[Toolset] | None = None,
    model: MakeModel | None = None,
    patient: bool = False,
    member: "Member | None" = None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> AsyncIterator[App]:
    """An App whose database is open and whose tools are connected, as far as they can be: those that need more than a
    moment come later, unless it is `patient`. `toolsets` and `model` replace those of the settings; as a `member` of
    a cluster it is a part of that.

    Raises SettingsInvalid, StorageError.
    """
    async with AsyncExitStack() as opened:
        telemetry = await opened.enter_async_context(telemetry_of(settings))
        store = await open_store(settings.database, wires=member)
        opened.push_async_callback(store.close)
        make = model if model is not None else await opened.enter_async_context(models_of(settings))
        people = people_of(settings, store)
        budgets = budgets_of(settings, store, people, holder=member.process if member else None, now=now)
        if member is None:
            await budgets.take_up()
        metered = budgets.metered(make)
        chains = Chains.of(settings, metered)
        diary = Diary(store, time_zone=settings.time_zone, now=now)
        sources = toolsets
        if sources is None:
            sources = default_toolsets(settings, store, chains.worker, diary=diary, patient=patient)
        roster = roster_of(settings, chains, metered)
        catalog = Catalog(
            sources,
            embedder=own_embedder(settings.embedder),
            kinds_of_work=roster.kinds,
            redaction=redaction_of(settings),
            as_used=people.rules.as_used,
        )
        opened.push_async_callback(catalog.stop)
        await catalog.start()
        files = FileStore(files_folder(settings))
        parts = Parts(
            settings,
            store,
            files,
            catalog,
            chains,
            roster,
            people,
            budgets,
            cases=cases_of(settings, store, people, now=now),
            approving=Approving(store, people, Sessions(store, files), catalog.known),
            diary=diary,
            now=now,
        )
        yield App(
            parts,
            turns_of(parts),
            caretaker=Caretaker(store, files, _terms(settings), now=now),
            telemetry=telemetry,
            remotes=_remotes(member, files) if member else None,
        )


def _remotes(member: "Member", files: FileStore) -> dict[str, Adapter]:
    """Every channel there may be, as whoever leads it."""
    from bot.cluster.remote import Remotes  # noqa: PLC0415 - only a cluster has its packages

    return Remotes(member.line, member.asking, files)


def _terms(settings: Settings) -> Terms:
    return Terms(
        turns=settings.keep_turns_days,
        files=settings.keep_files_days,
        audit=settings.keep_audit_days,
        declined=settings.keep_declined_days,
    )
