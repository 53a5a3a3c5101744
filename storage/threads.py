"""Waiting in asyncio for work on another thread."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from storage.errors import StorageError

T = TypeVar("T")


async def outcome(job: Future[T]) -> T:
    """What a job comes to.

    Cancelled while the job still waits for its thread, it never runs. Once it runs it is waited for: nothing
    goes on behind the back of a caller that was cancelled, but what it did stays done.
    """
    # Tried and rejected: to return the result of such a job and to cancel the task anew for its next await.
    # Before Python 3.13 that cancellation outlives an asyncio.timeout() that ends without another await.
    waiter = asyncio.wrap_future(job)
    cancelled: asyncio.CancelledError | None = None
    while not waiter.done():
        try:
            await asyncio.wait([waiter])
        except asyncio.CancelledError as error:
            if job.cancel():
                raise
            cancelled = error
    if cancelled is not None:
        raise cancelled from waiter.exception()
    return waiter.result()


async def aside(job: Callable[[], T]) -> T:
    """What a job on a thread of its own comes to; as `outcome`."""
    with ThreadPoolExecutor(1, "errand-aside") as thread:
        return await outcome(thread.submit(job))


def until_cancelled() -> Callable[[], None]:
    """For a long job on another thread: a call that raises StorageError once the task waiting for it is cancelled."""
    task = asyncio.current_task()
    assert task is not None

    def go_on() -> None:
        if task.cancelling():
            raise StorageError("This was stopped before its end.")

    return go_on
