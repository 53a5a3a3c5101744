"""What a message costs as sessions and their history grow: a whole Errand, one message after the other."""

import asyncio
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count

from benchmarks.figures import Figure, middle
from benchmarks.inside import Stopwatch, running

SESSIONS = (10, 1_000, 10_000)
HISTORY = (100, 10_000, 100_000)
HISTORY_SESSIONS = 100
PROBES = 200
AT_ONCE = 50


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one message, in seconds: processor time of the process, and from accept to shown in the middle."""

    cpu: float
    p50: float


def measure() -> Iterator[Figure]:
    """About eight minutes, most of it for filling the database with real messages."""
    for what, sizes, sessions in (("sessions", SESSIONS, None), ("messages of history", HISTORY, HISTORY_SESSIONS)):
        costs = asyncio.run(_grown(sizes, sessions))
        for size, cost in zip(sizes[1:], costs[1:], strict=True):
            least = f"with {sizes[0]:,}"
            yield Figure(
                f"{size:,} {what}: processor time a message", cost.cpu * 1000, "ms", costs[0].cpu * 1000, least
            )
            yield Figure(f"{size:,} {what}: accept to shown, p50", cost.p50 * 1000, "ms", costs[0].p50 * 1000, least)


async def _grown(sizes: Sequence[int], sessions: int | None) -> list[Cost]:
    """The cost at each size. Without a number of sessions, each message has a session of its own."""
    costs = []
    numbers = count()
    with tempfile.TemporaryDirectory() as folder:
        async with running(folder) as chat:
            before = 0
            for size in sizes:
                await _fill(chat, range(before, size), sessions or size)
                before = size
                costs.append(await _cost(chat, numbers, min(sessions or size, size)))
    return costs


async def _fill(chat: Stopwatch, messages: range, sessions: int) -> None:
    """So many messages, some at once, and those of one session one after the other."""
    waiting = iter(messages)

    async def some() -> None:
        for number in waiting:
            await chat.message(str(number % sessions), f"filled{number}")

    async with asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(some())


async def _cost(chat: Stopwatch, numbers: Iterator[int], sessions: int) -> Cost:
    """Of messages that go around through sessions that are there."""
    asked = [
        (str(number * 7919 % sessions), f"probe{number}") for _, number in zip(range(PROBES), numbers, strict=False)
    ]
    cpu = time.process_time()
    times = [await chat.message(session, event) for session, event in asked]
    return Cost((time.process_time() - cpu) / PROBES, middle(times))
