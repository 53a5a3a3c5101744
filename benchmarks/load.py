"""Messages per second: 200 sessions with 5 messages each, all at once."""

import asyncio
import tempfile
import time
from collections.abc import Iterator

from benchmarks.baseline import BareCommits
from benchmarks.figures import Figure
from benchmarks.inside import running

SESSIONS = 200
EACH = 5


def measure() -> Iterator[Figure]:
    count = SESSIONS * EACH
    with tempfile.TemporaryDirectory() as folder:
        bare = BareCommits(folder)
        begun = time.perf_counter()
        for number in range(count):
            bare.message(number)
        theirs = count / (time.perf_counter() - begun)
        bare.close()
        ours = asyncio.run(_ours(folder, count))
    yield Figure(
        f"messages per second, {SESSIONS} sessions x {EACH} at once", ours, "/s", theirs, "bare sqlite3, one by one"
    )


async def _ours(folder: str, count: int) -> float:
    async with running(folder) as chat:
        begun = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for session in range(SESSIONS):
                for number in range(EACH):
                    group.create_task(chat.message(str(session), f"{session}-{number}"))
        return count / (time.perf_counter() - begun)
