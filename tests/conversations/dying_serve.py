"""`errand serve` that is killed at a named point: `python -m tests.conversations.dying_serve STORE_CALL WHEN COUNT
[PART]`. PART is "channels" or "work" of a cluster.

STORE_CALL is a method of Store or `deliver`, WHEN is "before" or "after", COUNT the how manieth call of it. The process
sends itself SIGKILL: nothing is cleaned up, nothing is flushed.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from adapters.lines import Lines
from bot.app import build
from bot.cluster.serving import serve_part
from bot.settings import read_settings
from storage.store import Store

Call = Callable[..., Awaitable[Any]]


def dying(call: Call, when: str, count: int) -> Call:
    """The same call, until it is the one to die at."""
    made = 0

    async def call_or_die(*given: Any, **named: Any) -> Any:
        nonlocal made
        made += 1
        if made == count and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = await call(*given, **named)
        if made == count:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    return call_or_die


async def main(name: str, when: str, count: int, part: str | None = None) -> None:
    owner = Lines if name == "deliver" else Store
    setattr(owner, name, dying(getattr(owner, name), when, count))
    if part:
        await serve_part(read_settings(), only=part, lines=part == "channels", live=False)
        return
    async with build(read_settings()) as app:
        await app.serve([await Lines.on_standard_streams(live=False)])


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), *sys.argv[4:]))
