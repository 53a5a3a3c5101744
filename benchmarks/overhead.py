"""What Errand adds to a model's and a tool's own time: one message after the other, from accept to shown."""

import asyncio
import tempfile
from collections.abc import Iterator

from benchmarks.baseline import BareCommits
from benchmarks.figures import Figure, high, middle
from benchmarks.inside import running

MESSAGES = 300
WARM_UP = 30
BARE_IS = "three bare sqlite3 commits"


def measure() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        bare = BareCommits(folder)
        theirs = [bare.message(number) for number in range(MESSAGES)]
        bare.close()
        ours = asyncio.run(_ours(folder))
    yield Figure("accept to shown, p50", middle(ours) * 1000, "ms", middle(theirs) * 1000, BARE_IS)
    yield Figure("accept to shown, p99", high(ours) * 1000, "ms", high(theirs) * 1000, BARE_IS)


async def _ours(folder: str) -> list[float]:
    async with running(folder) as chat:
        for number in range(WARM_UP):
            await chat.message("1", f"warm{number}")
        return [await chat.message("1", f"e{number}") for number in range(MESSAGES)]
