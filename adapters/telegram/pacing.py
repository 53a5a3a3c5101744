"""How fast Telegram may be spoken to: 30 messages a second in all, one a second in a chat, 20 a minute in a group.

The numbers are Telegram's own (telegram.constants.FloodLimit). Only what it counts waits here: messages and edits, not
typing, answers to presses, or files that are fetched.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable

from adapters.locks import Locks
from adapters.pacing import Limit, Window

RATE = 28  # messages a second over all chats: a little below 30, as clocks and networks differ
PARTS = 4  # of a second: the rate holds in each, so that what is held up for a moment makes no second too full
IN_A_CHAT = Limit(3, 3.2)  # one a second, of which three may come at once
IN_A_GROUP = Limit(18, 61.0)
FOR_PICTURES = 9  # messages of a group's minute that live parts may use: the rest is for what must arrive


class Pacer:
    """Lets messages go, chat by chat in their order. `rate` scales the limit over all chats (messages a second)."""

    def __init__(
        self,
        *,
        rate: int = RATE,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._all = Window(Limit(max(rate // PARTS, 1), 1.04 / PARTS))
        self._chats: dict[int, list[Window]] = {}
        self._closed_until: defaultdict[int, float] = defaultdict(float)
        self._lines = Locks()
        self._waiting = 0

    async def turn(self, chat: int) -> None:
        """Wait until a message to this chat may be sent. Groups have negative ids."""
        self._waiting += 1
        try:
            async with self._lines.of(chat):
                while (seconds := self._seconds_left(chat)) > 0:
                    await self._sleep(seconds)
                self._count(chat)
        finally:
            self._waiting -= 1

    def may_show(self, chat: int) -> bool:
        """Whether a live part may be sent now; then it is counted. It never waits, and never makes others wait."""
        windows = self._windows(chat)
        spare = chat > 0 or windows[-1].count(self._clock()) < FOR_PICTURES
        if not spare or self._waiting or self._seconds_left(chat) > 0:
            return False
        self._count(chat)
        return True

    def close(self, chat: int, seconds: float) -> None:
        """Send nothing to this chat for so long: Telegram has said so."""
        self._closed_until[chat] = max(self._closed_until[chat], self._clock() + seconds)

    def _seconds_left(self, chat: int) -> float:
        now = self._clock()
        left = max(window.seconds_left(now) for window in (self._all, *self._windows(chat)))
        return max(left, self._closed_until[chat] - now)

    def _windows(self, chat: int) -> list[Window]:
        if chat not in self._chats:
            self._chats[chat] = [Window(IN_A_CHAT), *([Window(IN_A_GROUP)] if chat < 0 else [])]
        return self._chats[chat]

    def _count(self, chat: int) -> None:
        now = self._clock()
        for window in (self._all, *self._windows(chat)):
            window.sent.append(now)
