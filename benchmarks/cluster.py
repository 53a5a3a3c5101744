"""A cluster beside one process on the same PostgreSQL: messages a second, the wait for a worker, and what kills do."""

import asyncio
import re
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from benchmarks.figures import Figure, high, middle
from tests.conversations.program import Program, calls_made, serving, working
from tests.databases import PostgresServer, a_server, programs

WORKERS = (1, 2, 4)
SESSIONS, EACH = 200, 5  # of the load
CALM = 200  # messages one by one
LOOKUPS, TALKS = 1_000, 100  # turns with a call of a tool each, in so many sessions, of which workers are killed
PLAN = '/plan a: lookup(key="{key}")\nb: slow(seconds=0.5) after a'  # so that some are at work when workers are killed
ALONE = "one process on the same PostgreSQL"
WAITS = "SELECT extract(epoch FROM started_at - received_at) FROM turns JOIN inbox ON number = turn"
LOOKUPS_A_SECOND = 10  # what four workers do on two cores without being behind: only then a takeover is what it takes
TAKEN_OVER = "SELECT count(*) FROM inbox WHERE attempts > 0"
# of every turn that began after the kill: those taken over, and those that came for a session of a dead worker
LONGEST_WAIT = (
    "SELECT max(extract(epoch FROM started_at - greatest(received_at, {0}))) FROM turns JOIN inbox ON number = turn"
    " WHERE started_at > {0}"
)


@dataclass
class Part:
    """What runs: the process with the channel, the workers, and where they put things."""

    channels: Program
    workers: list[asyncio.subprocess.Process]
    database: str
    folder: Path

    def asked(self, question: str) -> list[tuple[object, ...]]:
        with psycopg.connect(self.database) as connection:
            return connection.execute(question.encode()).fetchall()

    async def answered(self, count: int) -> None:
        """Returns once so many answers were shown."""
        while len(self.channels.deliveries) < count:
            assert await self.channels.read() is not None, "it has ended"


def measure() -> Iterator[Figure]:
    with programs() as binaries, a_server(binaries) as server:
        alone = asyncio.run(_rate(server, 0))
        for workers in WORKERS:
            rate = asyncio.run(_rate(server, workers))
            what = (
                f"messages per second, {SESSIONS} sessions x {EACH} at once: a channels process and {workers} workers"
            )
            yield Figure(what, rate, "/s", alone, ALONE)
        alone_waits, waits = asyncio.run(_waits(server, 0)), asyncio.run(_waits(server, 2))
        for which, of in (("p50", middle), ("p99", high)):
            what = f"from the inbox to the start of its turn, one message after the other, {which}"
            yield Figure(what, of(waits) * 1000, "ms", of(alone_waits) * 1000, ALONE)
        yield from asyncio.run(_kills(server))


async def _rate(server: PostgresServer, workers: int) -> float:
    async with _running(server, workers) as part:
        begun = time.perf_counter()
        for number in range(EACH):
            for session in range(SESSIONS):
                part.channels.send(f"{session}-{number}", "Hi", chat=str(session))
        await part.answered(SESSIONS * EACH)
        return SESSIONS * EACH / (time.perf_counter() - begun)


async def _waits(server: PostgresServer, workers: int) -> list[float]:
    """Seconds that each of some messages has waited for its turn."""
    async with _running(server, workers) as part:
        for number in range(CALM):
            part.channels.send(str(number), "Hi", chat=str(number % 10))
            await part.channels.delivery()
        return [float(str(seconds)) for (seconds,) in part.asked(WAITS)]


async def _kills(server: PostgresServer) -> list[Figure]:
    """Two of four workers are killed in the middle of many turns."""
    async with _running(server, 4) as part, asyncio.TaskGroup() as tasks:
        tasks.create_task(_lookups(part.channels))
        await part.answered(LOOKUPS // 3)
        killed_at = datetime.now(UTC)
        for worker in part.workers[:2]:
            worker.kill()
        await part.answered(LOOKUPS)
        ((taken_over,),) = part.asked(TAKEN_OVER)
        ((longest,),) = part.asked(LONGEST_WAIT.format(f"'{killed_at.isoformat()}'::timestamptz"))
        calls = Counter(str(arguments["key"]) for tool, arguments in calls_made(part.folder) if tool == "lookup")
        answers = len({each["delivery"] for each in part.channels.deliveries})
        under = f"{LOOKUPS} turns in {TALKS} sessions, 2 of 4 workers killed: "
        return [
            Figure(f"{under}answers, each once", answers, "", LOOKUPS, "messages"),
            Figure(f"{under}sessions in order", _in_order(part.channels), "", TALKS, "sessions"),
            Figure(
                f"{under}calls made again, with {taken_over} turns taken over",
                calls.total() - len(calls),
                "",
                LOOKUPS,
                "calls",
            ),
            Figure(f"{under}the longest wait of a message from the kill on", float(str(longest)), "s", 5, "the aim"),
        ]


async def _lookups(channels: Program) -> None:
    """Ask in all sessions, again and again."""
    begun = time.monotonic()
    for asked in range(LOOKUPS):
        number, session = divmod(asked, TALKS)
        await asyncio.sleep(begun + asked / LOOKUPS_A_SECOND - time.monotonic())
        channels.send(f"{session}-{number}", PLAN.format(key=f"{session}-{number}"), chat=str(session))


def _in_order(channels: Program) -> int:
    """In how many sessions the answers came in the order of the questions."""
    shown: defaultdict[str, list[int]] = defaultdict(list)
    for each in channels.deliveries:
        (number,) = re.findall(r"value of \d+-(\d+)", each["part"]["text"])
        shown[each["chat"]].append(int(number))
    return sum(numbers == sorted(set(numbers)) for numbers in shown.values())


@asynccontextmanager
async def _running(server: PostgresServer, workers: int) -> AsyncIterator[Part]:
    """A cluster with so many workers, all of them at work; with none, one process on its own."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        url = stack.enter_context(server.database())
        channels = await stack.enter_async_context(serving(folder, database=url, part="channels" if workers else ""))
        at_work = [await stack.enter_async_context(working(folder, database=url)) for _ in range(workers)]
        part = Part(channels, at_work, url, folder)
        while workers and part.asked("SELECT count(*) FROM procrastinate_workers") != [(workers,)]:
            await asyncio.sleep(0.1)
        yield part
        await channels.end_of_input()
