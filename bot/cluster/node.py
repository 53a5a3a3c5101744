"""One process of a cluster: it listens in its channels, or works off sessions, or both."""

import asyncio
import logging
from collections.abc import AsyncIterator, Collection, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress

from procrastinate.exceptions import ConnectorException
from procrastinate.worker import Worker

from adapters.base import Adapter
from bot.app import App
from bot.cluster.leading import Leading
from bot.cluster.line import PROCESSES, WORKERS, LineBroken, Message, to_channel, to_process
from bot.cluster.member import ARRIVALS, Member
from bot.cluster.queue import HandedOver
from bot.sweeping import read_back
from orchestrator.intake import is_unasked
from storage.errors import StorageError

log = logging.getLogger(__name__)

TAKE_OVER_SECONDS = 0.4  # between two looks for the sessions of workers that have died
SWEEP_SECONDS = 10.0  # between two looks for what else was left
CLOCK_SECONDS = 1.0  # between two looks into the diary: whoever writes into it is another process
PAUSE_SECONDS = 1.0  # before a line that broke is taken up again
LEADERS = "errand leaders"
CARE = "care"  # the lead of whoever forgets, and removes what is old


class Node:
    """It listens in these channels; in those that are `alone` only one process may listen, which is the one that leads
    them. It works off so many sessions `at_once`; 0: none."""

    def __init__(
        self,
        app: App,
        member: Member,
        channels: Sequence[Adapter],
        *,
        alone: Collection[str] = (),
        at_once: int = 0,
        drain_seconds: float,
    ) -> None:
        self._app = app
        self._member = member
        self._channels = channels
        self._alone = alone
        self._at_once = at_once
        self._drain_seconds = drain_seconds
        self._at_work: dict[str, set[int]] = {}  # the events that were put, by the sessions that are worked off here
        self._broken = asyncio.Event()  # set from then on until the next life of the line
        self._leads: list[asyncio.Task[None]] = []
        self._leading = {to_channel(each.name): Leading(each, app.store, app.files, member.line) for each in channels}

    async def run(self) -> None:
        """Until every channel has ended; without channels until cancelled."""
        self._app.channels = tuple(each.name for each in self._channels)
        async with self._member.queue, asyncio.TaskGroup() as tasks:
            listening = [
                tasks.create_task(each.run(self._app.accept), name=f"channel {each.name}")
                for each in self._channels
                if each.name not in self._alone
            ]
            besides = [
                tasks.create_task(self._live_on(), name="line"),
                tasks.create_task(self._app.telemetry.serve(self._app.standing), name="metrics"),
            ]
            if self._channels:
                besides.append(tasks.create_task(self._app.alarm.run(self._app.channels), name="alarm"))
                besides.append(tasks.create_task(self._wind_the_clock(), name="clock"))
            if len(listening) == len(self._channels) > 0:
                await asyncio.gather(*listening, return_exceptions=True)  # the group raises what they raise
                for each in besides:
                    each.cancel()

    async def _live_on(self) -> None:
        """One life of the line after the other, for ever."""
        while True:
            try:
                await self._live()
            except* (LineBroken, ConnectorException, StorageError) as broken:
                log.warning("the line to the others is broken", extra={"reason": ", ".join(_reasons(broken))})
            if (task := asyncio.current_task()) and task.cancelling():  # a group that fails meanwhile forgets that
                raise asyncio.CancelledError
            await asyncio.sleep(PAUSE_SECONDS)

    async def _live(self) -> None:
        """Until the line breaks."""
        line = self._member.line
        self._broken.clear()
        topics = [ARRIVALS, to_process(self._member.process), *self._leading]
        async with line, _until_left(self._hold_the_line(topics)), asyncio.TaskGroup() as self._tasks:
            await line.listens.wait()
            self._leads = [self._tasks.create_task(self._lead(each), name=f"leading {each}") for each in self._leading]
            try:
                if self._at_once:
                    await self._work()
                await asyncio.wait(self._leads)  # for ever, or until one fails
            finally:
                if not self._broken.is_set():
                    await self._show_the_rest()
                self._lead_no_more()

    async def _hold_the_line(self, topics: Sequence[str]) -> None:
        """Where it breaks, this process leads and works no more at once, as others will soon do that."""
        try:
            await self._member.line.run(topics, self._hear)
        except* LineBroken:
            self._broken.set()
            self._lead_no_more()
            self._app.desk.dispatcher.abandon()
            raise

    def _lead_no_more(self) -> None:
        for each in self._leads:
            each.cancel()

    async def _show_the_rest(self) -> None:
        """What has just ended is shown before this process ends, if there is time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._drain_seconds):
                await asyncio.gather(*(each.show_the_rest() for each in self._leading.values()))

    def _hear(self, topic: str, message: Message) -> None:
        """What cannot be heard is lost, and no more than that: the database has all that matters."""
        try:
            self._act_upon(topic, message)
        except Exception:  # an edge: another version may have said it
            log.exception("a word of another process was not understood", extra={"topic": topic})

    def _act_upon(self, topic: str, message: Message) -> None:
        if topic == ARRIVALS:
            if message["session"] in self._at_work:
                self._tasks.create_task(self._hear_of(message["session"]), name=f"news of {message['session']}")
        elif leading := self._leading.get(topic):
            leading.hear(message)
        else:
            self._member.asking.answered(message)

    # --- as a channel

    async def _lead(self, topic: str) -> None:
        """Show what goes into a channel, as soon as nobody else does."""
        leading = self._leading[topic]
        channel = leading.channel
        await self._member.line.hold(LEADERS, channel.name)
        log.info("this process leads a channel", extra={"channel": channel.name})
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(leading.run(), name=f"showing in {channel.name}")
            if channel.name in self._alone:
                tasks.create_task(channel.run(self._app.accept), name=f"channel {channel.name}")

    async def _wind_the_clock(self) -> None:
        while True:
            self._app.look_at_the_clock()
            await asyncio.sleep(CLOCK_SECONDS)

    # --- as a worker

    async def _work(self) -> None:
        """Take sessions from the queue, and those of workers that have died."""
        queue, line = self._member.queue, self._member.line
        worker = queue.worker(self._serve, at_once=self._at_once, drain_seconds=self._drain_seconds)
        async with self._app.desk, asyncio.TaskGroup() as tasks:
            working = tasks.create_task(worker.run(), name="queue")  # type: ignore[no-untyped-call]
            number = await _number_of(worker)
            await line.hold(WORKERS, str(number))
            tasks.create_task(self._take_over(number), name="taking over")
            tasks.create_task(self._sweep(number), name="sweep")
            tasks.create_task(self._take_care(), name="care")
            try:
                await asyncio.wait({working})
            except asyncio.CancelledError:
                if not self._broken.is_set():
                    self._app.desk.dispatcher.close()  # before what runs is given up: to be replaced is no death
                raise
            working.result()
            raise LineBroken("the queue's worker has stopped")

    async def _serve(self, session: str) -> None:
        """Work off a session: what waits in it, and what comes meanwhile."""
        dispatcher = self._app.desk.dispatcher
        if self._broken.is_set():
            raise HandedOver
        assert session not in self._at_work, "a session is one job's at a time"
        self._at_work[session] = set()
        try:
            await self._put_new(session)
            await dispatcher.free(session)
        except asyncio.CancelledError:  # the process ends, and this was not done in time
            dispatcher.abandon(session)
            await dispatcher.free(session)
            raise
        finally:
            del self._at_work[session]
        if self._broken.is_set() or not dispatcher.is_open:
            raise HandedOver

    async def _hear_of(self, session: str) -> None:
        """Put what has come into a session that is worked off here. Else its own job tells of it, later."""
        try:
            await self._put_new(session)
        except StorageError as error:
            log.warning("what is new cannot be read just now", extra={"session": session, "reason": str(error)})

    async def _put_new(self, session: str) -> None:
        """Put what is unfinished in a session, and was not put before."""
        known = self._at_work.get(session)
        unfinished = await self._app.store.unfinished_in(session)
        if self._broken.is_set() or known is None or known is not self._at_work.get(session):
            return  # what was unfinished then may have ended since, or is another process's; the next job looks anew
        for arrived in unfinished:
            if arrived.number not in known and (inbound := read_back(arrived)):
                known.add(arrived.number)
                self._app.desk.put(arrived, inbound, unasked=is_unasked(inbound))

    async def _take_over(self, mine: int) -> None:
        async def is_dead(worker: int) -> bool:
            # Of itself the line would say so, as who holds a lock gets it; and after a pause one's own heart is late.
            return worker != mine and await self._member.line.is_gone(WORKERS, str(worker))

        while True:
            await self._member.queue.take_over(is_dead)
            await asyncio.sleep(TAKE_OVER_SECONDS)

    async def _sweep(self, mine: int) -> None:
        """Find work that no job tells of, as it was left by an Errand on its own; jobs of this worker, of the number
        `mine`, that have ended, as that could not be stored; and what dead processes hold."""
        ended: set[int | None] = set()
        while True:
            try:
                idle = [job for job in await self._member.queue.held(mine) if job.lock not in self._at_work]
                for job in idle:
                    if job.id in ended:  # and was so at the last look
                        log.warning("a session is given back whose end was not stored", extra={"session": job.lock})
                        await self._member.queue.give_back(job)
                ended = {job.id for job in idle}
                await self._take_up_the_rest()
            except StorageError as error:
                log.warning("what was left cannot be read just now", extra={"reason": str(error)})
            await asyncio.sleep(SWEEP_SECONDS)

    async def _take_up_the_rest(self) -> None:
        await self._app.budgets.settle_late()
        await self._member.queue.put(await self._app.store.unfinished_sessions())
        for holder in await self._app.store.holders():
            if holder != self._member.process and await self._member.line.is_gone(PROCESSES, holder):
                await self._app.budgets.take_up(holder)

    async def _take_care(self) -> None:
        await self._member.line.hold(LEADERS, CARE)
        await self._app.caretaker.run()


def _reasons(error: BaseException) -> list[str]:
    """What has happened, without the groups around it."""
    if isinstance(error, BaseExceptionGroup):
        return [reason for each in error.exceptions for reason in _reasons(each)]
    return [f"{type(error).__name__}: {error}"]


async def _number_of(worker: Worker) -> int:
    """The number that a worker gets as soon as it runs."""
    while True:
        if worker.worker_id is not None:
            return worker.worker_id
        await asyncio.sleep(0.01)


@asynccontextmanager
async def _until_left(work: Coroutine[None, None, None]) -> AsyncIterator[None]:
    """Do this beside, as long as the context lasts, which ends with it where it fails."""
    async with asyncio.TaskGroup() as tasks:
        beside = tasks.create_task(work)
        try:
            yield
        finally:
            beside.cancel()
