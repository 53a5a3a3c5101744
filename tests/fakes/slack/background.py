"""Work of the server that nobody waits for: timers of acknowledgements, posts to the app."""

import asyncio
from collections.abc import Coroutine
from typing import Any


class Background:
    """Tasks that end with the server. One that failed is told in `problems`."""

    def __init__(self, problems: list[str]) -> None:
        self._problems = problems
        self._tasks: set[asyncio.Task[Any]] = set()

    def start(self, work: Coroutine[Any, Any, Any]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    async def close(self) -> None:
        """Cancel what is left, and wait for it."""
        left = list(self._tasks)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            self._problems.append(f"the local Slack failed: {error!r}")
