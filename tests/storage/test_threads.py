"""Cancelling someone who waits for another thread: either it never runs, or it has ended when they go on."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from storage.threads import outcome

pytestmark = pytest.mark.proves("store.cancelled")


@pytest.fixture
def thread() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as executor:
        yield executor


class Gate:
    """Work that says when it has begun, and ends when it is told to."""

    def __init__(self, error: Exception | None = None) -> None:
        self.begun, self.may_end, self.ran = asyncio.Event(), Event(), False
        self._error = error
        self._loop = asyncio.get_running_loop()

    def __call__(self) -> str:
        self._loop.call_soon_threadsafe(self.begun.set)
        assert self.may_end.wait(5)
        self.ran = True
        if self._error is not None:
            raise self._error
        return "result"


async def test_what_still_waits_for_its_thread_never_runs(thread: ThreadPoolExecutor) -> None:
    first, second = Gate(), Gate()
    async with asyncio.TaskGroup() as group:
        before = group.create_task(outcome(thread.submit(first)))
        await asyncio.wait_for(first.begun.wait(), 20)
        waiting = group.create_task(outcome(thread.submit(second)))
        await asyncio.sleep(0)
        waiting.cancel()
        first.may_end.set()
    assert (before.result(), waiting.cancelled(), second.ran) == ("result", True, False)


@pytest.mark.parametrize("error", [None, ValueError("late")])
async def test_what_runs_has_ended_before_the_cancellation_goes_on(
    thread: ThreadPoolExecutor, error: Exception | None
) -> None:
    gate = Gate(error)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(outcome(thread.submit(gate)))
        await asyncio.wait_for(gate.begun.wait(), 20)
        for _ in range(3):
            task.cancel()
            await asyncio.sleep(0)
        assert not task.done()
        gate.may_end.set()
    assert (gate.ran, task.cancelled()) == (True, True)


async def test_a_time_limit_that_ends_in_the_middle_is_a_time_limit_and_leaves_no_trace(
    thread: ThreadPoolExecutor,
) -> None:
    gate = Gate()

    async def pass_the_limit(limit: asyncio.Timeout) -> None:
        await asyncio.wait_for(gate.begun.wait(), 20)
        loop = asyncio.get_running_loop()
        limit.reschedule(loop.time())
        loop.call_later(0, gate.may_end.set)

    async def limited() -> None:
        async with asyncio.timeout(None) as limit, asyncio.TaskGroup() as group:
            group.create_task(pass_the_limit(limit))
            await outcome(thread.submit(gate))

    with pytest.raises(TimeoutError):
        await limited()
    await asyncio.sleep(0)
    task = asyncio.current_task()
    assert task is not None
    assert (gate.ran, task.cancelling()) == (True, 0)


async def test_an_error_of_the_work_is_the_callers(thread: ThreadPoolExecutor) -> None:
    gate = Gate(ValueError("its own"))
    gate.may_end.set()
    with pytest.raises(ValueError, match="its own"):
        await outcome(thread.submit(gate))
