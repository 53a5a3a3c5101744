"""The dispatcher: order per session, sessions side by side, stop, drain."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.dispatch import Deliver, Dispatcher, Work
from orchestrator.messages import Address, Inbound, Message, Person, Stop
from storage.records import Arrived, Parcel


def arrived(number: int, session: str = "a") -> Arrived:
    return Arrived(number, f"t{number}", session, "fake", f"e{number}", "{}", datetime.now(UTC))


def inbound(kind: type[Message] | type[Stop] = Message) -> Inbound:
    arrival = {"event_id": "e", "address": Address(channel="fake", chat="1"), "sent_at": datetime.now(UTC)}
    person = Person(id="ann")
    return Stop(**arrival, person=person) if kind is Stop else Message(**arrival, person=person, text="x")


def parcel(arrived: Arrived) -> Parcel:
    return Parcel(f"{arrived.turn}.0", arrived.turn, arrived.session, "fake", "{}", "{}")


class Log:
    """What happened to each turn; a turn runs until its gate is open."""

    def __init__(self) -> None:
        self.worked: list[str] = []
        self.stopped: list[str] = []
        self.cancelled: list[str] = []
        self.delivered: list[str] = []
        self.may_deliver = asyncio.Event()
        self.may_deliver.set()
        self.gates: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)
        self.started: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)

    async def work(self, arrived: Arrived, inbound: Inbound) -> list[Parcel]:
        self.started[arrived.turn].set()
        try:
            if not isinstance(inbound, Stop):
                await self.gates[arrived.turn].wait()
        except asyncio.CancelledError:
            self.cancelled.append(arrived.turn)
            raise
        self.worked.append(arrived.turn)
        return [parcel(arrived)]

    async def stop(self, arrived: Arrived, inbound: Inbound) -> list[Parcel]:
        self.stopped.append(arrived.turn)
        return [parcel(arrived)]

    async def deliver(self, parcels: list[Parcel]) -> None:
        self.delivered += [each.turn for each in parcels]
        await self.may_deliver.wait()


@asynccontextmanager
async def dispatching(
    log: Log, *, work: Work | None = None, deliver_again: Deliver | None = None, drain_seconds: float = 5.0
) -> AsyncIterator[Dispatcher]:
    async with (
        asyncio.timeout(20),
        Dispatcher(
            work or log.work, log.stop, log.deliver, deliver_again=deliver_again, drain_seconds=drain_seconds
        ) as dispatcher,
    ):
        yield dispatcher


@pytest.mark.proves("dispatch.order")
async def test_turns_of_one_session_run_one_after_the_other_and_sessions_side_by_side() -> None:
    log = Log()
    async with dispatching(log) as dispatcher:
        dispatcher.put(arrived(1, "a"), inbound())
        dispatcher.put(arrived(2, "a"), inbound())
        dispatcher.put(arrived(3, "b"), inbound())
        await log.started["t1"].wait()
        await log.started["t3"].wait()
        assert not log.started["t2"].is_set()
        log.gates["t3"].set()
        log.gates["t2"].set()
        log.gates["t1"].set()
        await dispatcher.idle()
    assert log.worked.index("t1") < log.worked.index("t2")
    assert sorted(log.worked) == ["t1", "t2", "t3"]


@pytest.mark.proves("review.worked_on")
async def test_what_its_person_has_not_just_sent_interrupts_nothing() -> None:
    log = Log()
    async with asyncio.timeout(20), Dispatcher(log.work, log.stop, log.deliver, interrupts=True) as dispatcher:
        dispatcher.put(arrived(1), inbound())
        await log.started["t1"].wait()
        dispatcher.put(arrived(2), inbound(), unasked=True)
        log.gates["t1"].set()
        log.gates["t2"].set()
        await dispatcher.idle()
    assert (log.worked, log.cancelled) == (["t1", "t2"], [])


@pytest.mark.proves("dispatch.order")
@settings(max_examples=50, deadline=None)
@given(sessions=st.lists(st.sampled_from("abc"), max_size=20), pauses=st.data())
def test_whatever_comes_the_order_in_a_session_is_the_order_of_arrival(
    sessions: list[str], pauses: st.DataObject
) -> None:
    worked: defaultdict[str, list[int]] = defaultdict(list)
    steps = [pauses.draw(st.integers(0, 3)) for _ in sessions]

    async def work(arrived: Arrived, inbound: Inbound) -> list[Parcel]:
        for _ in range(steps[arrived.number]):
            await asyncio.sleep(0)
        worked[arrived.session].append(arrived.number)
        return []

    async def run() -> None:
        async with dispatching(Log(), work=work) as dispatcher:
            for number, session in enumerate(sessions):
                dispatcher.put(arrived(number, session), inbound())
            await dispatcher.idle()

    asyncio.run(run())
    assert all(numbers == sorted(numbers) for numbers in worked.values())
    assert sum(map(len, worked.values())) == len(sessions)


@pytest.mark.proves("stop.now")
async def test_a_stop_ends_what_runs_and_what_waited_before_it_but_not_what_comes_after() -> None:
    log = Log()
    async with dispatching(log) as dispatcher:
        dispatcher.put(arrived(1), inbound())
        dispatcher.put(arrived(2), inbound())
        dispatcher.put(arrived(9, "b"), inbound())
        await log.started["t1"].wait()
        await log.started["t9"].wait()
        dispatcher.put(arrived(3), inbound(Stop))
        dispatcher.put(arrived(4), inbound())
        log.gates["t4"].set()
        log.gates["t9"].set()
        await dispatcher.idle()
    assert log.cancelled == ["t1"]
    assert log.stopped == ["t1", "t2", "t3"], "what it ended, then the stop itself, in silence"
    assert sorted(log.worked) == ["t4", "t9"]


async def test_a_stop_that_was_stored_before_a_crash_still_stops_what_came_before_it() -> None:
    log = Log()
    async with dispatching(log) as dispatcher:
        for number, kind in ((1, Message), (2, Stop)):  # both taken up at the start, in the same moment
            dispatcher.put(arrived(number), inbound(kind))
        await dispatcher.idle()
    assert log.stopped == ["t1", "t2"]
    assert log.worked == []


@pytest.mark.proves("drain")
async def test_leaving_lets_running_turns_end_and_leaves_the_waiting_ones_for_the_next_start() -> None:
    log = Log()
    async with dispatching(log) as dispatcher:
        dispatcher.put(arrived(1), inbound())
        dispatcher.put(arrived(2), inbound())
        await log.started["t1"].wait()
        asyncio.get_running_loop().call_soon(log.gates["t1"].set)
    assert log.worked == ["t1"]
    assert log.stopped == []
    dispatcher.put(arrived(3), inbound())
    assert log.worked == ["t1"], "a closed dispatcher takes nothing"


@pytest.mark.proves("drain")
async def test_a_turn_that_does_not_end_in_time_is_cancelled_and_not_concluded() -> None:
    log = Log()
    async with dispatching(log, drain_seconds=0.01) as dispatcher:
        dispatcher.put(arrived(1), inbound())
        await log.started["t1"].wait()
    assert log.cancelled == ["t1"]
    assert log.worked == log.stopped == []


@pytest.mark.proves("drain")
async def test_a_stop_ends_a_turn_at_once_that_was_left_to_end_and_the_next_process_concludes_it() -> None:
    log = Log()
    async with dispatching(log) as dispatcher:
        dispatcher.put(arrived(1), inbound())
        await log.started["t1"].wait()
        dispatcher.close()
        dispatcher.put(arrived(2), inbound(Stop))
    assert log.cancelled == ["t1"]
    assert log.worked == log.stopped == log.delivered == []


async def test_a_stop_does_not_undo_what_is_being_delivered() -> None:
    log = Log()
    log.may_deliver.clear()
    async with dispatching(log) as dispatcher:
        dispatcher.put(arrived(1), inbound())
        log.gates["t1"].set()
        while not log.delivered:
            await asyncio.sleep(0)
        dispatcher.put(arrived(2), inbound(Stop))
        log.may_deliver.set()
        await dispatcher.idle()
    assert log.worked == ["t1", "t2"], "the stop found nothing to stop, and says so"
    assert log.delivered == ["t1", "t2"]
    assert log.stopped == log.cancelled == []


@pytest.mark.proves("dispatch.left_over")
async def test_what_an_earlier_process_has_not_shown_comes_before_all_else_of_its_session_and_of_no_other() -> None:
    log, held = Log(), asyncio.Event()
    again: list[str] = []

    async def deliver_again(parcels: list[Parcel]) -> None:
        await held.wait()
        again.extend(each.turn for each in parcels)
        log.delivered.extend(each.turn for each in parcels)

    async with dispatching(log, deliver_again=deliver_again) as dispatcher:
        dispatcher.put_off(parcel(arrived(1)))
        dispatcher.put(arrived(2), inbound())
        dispatcher.put(arrived(3, session="other"), inbound())
        log.gates["t2"].set()
        log.gates["t3"].set()
        while log.delivered != ["t3"]:
            await asyncio.sleep(0)
        held.set()
        await dispatcher.idle()
    assert again == ["t1"]
    assert log.delivered == ["t3", "t1", "t2"]


@pytest.mark.proves("faults.cut_off")
async def test_a_turn_that_takes_long_to_end_may_be_abandoned_twice() -> None:
    log, may_end, ends = Log(), asyncio.Event(), asyncio.Event()

    async def unwinds(arrived: Arrived, inbound: Inbound) -> list[Parcel]:
        try:
            return await log.work(arrived, inbound)
        finally:
            ends.set()
            await may_end.wait()

    async with dispatching(log, work=unwinds) as dispatcher:
        dispatcher.put(arrived(1), inbound())
        await log.started["t1"].wait()
        dispatcher.abandon()
        await ends.wait()
        dispatcher._boxes["a"].serving.cancel()  # type: ignore[union-attr]
        await asyncio.sleep(0.01)
        may_end.set()
        await asyncio.wait_for(dispatcher.free("a"), 5)
        assert dispatcher.busy_sessions == 0


@pytest.mark.proves("faults.cut_off")
async def test_what_is_abandoned_before_it_has_begun_is_gone() -> None:
    async with dispatching(Log()) as dispatcher:
        dispatcher.put(arrived(1), inbound())
        dispatcher.abandon()
        await asyncio.wait_for(dispatcher.free("a"), 5)
        assert dispatcher.busy_sessions == 0


@pytest.mark.proves("dispatch.order")
async def test_a_turn_that_has_no_end_takes_nobody_down_with_it() -> None:
    log = Log()

    async def breaks(arrived: Arrived, inbound: Inbound) -> list[Parcel]:
        if arrived.turn == "t1":
            raise RuntimeError("it must not raise")
        return [parcel(arrived)]

    async with dispatching(log, work=breaks) as dispatcher:
        dispatcher.put(arrived(1), inbound())
        dispatcher.put(arrived(2), inbound())
        dispatcher.put(arrived(3, "b"), inbound())
        await dispatcher.idle()
    assert sorted(log.delivered) == ["t2", "t3"]
