"""How fast Slack may be spoken to: one message a second in a channel, and so many calls of a method a minute.

The numbers are Slack's tiers (docs.slack.dev/apis/web-api/rate-limits, 2026-11). Where it refuses all the same, it says
for how long, and nothing of that kind goes out until then.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable

from adapters.locks import Locks
from adapters.pacing import Limit, Window

POST = "chat.postMessage"
UPDATE = "chat.update"
START = "chat.startStream"
STREAM = "chat.appendStream"
IN_A_CHANNEL = Limit(4, 4.2)  # one a second, of which four may come at once
A_MINUTE = {POST: 280, UPDATE: 50, START: 20, STREAM: 100}
SPARE = {POST: 0.5, UPDATE: 0.4, START: 0.1, STREAM: 0.0}  # the share of it that live parts leave for what must arrive
MINUTE = 60.5  # seconds: clocks and networks differ


class Pacer:
    """Lets calls go. `posts` is messages a minute over all channels."""

    def __init__(
        self,
        *,
        posts: int = A_MINUTE[POST],
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        limits = {**A_MINUTE, POST: posts}
        self._methods = {method: Window(Limit(most, MINUTE)) for method, most in limits.items()}
        self._channels: dict[str, Window] = {}
        self._closed_until: defaultdict[str, float] = defaultdict(float)
        self._lines = Locks()

    async def turn(self, method: str, channel: str) -> None:
        """Wait until this may be called for a channel."""
        async with self._lines.of((method, channel)):
            while (seconds := self._seconds_left(method, channel)) > 0:
                await self._sleep(seconds)
            self._count(method, channel)

    def may_show(self, method: str, channel: str) -> bool:
        """Whether a live part may be sent now; then it is counted. It never waits."""
        if self.share_left(method) <= SPARE[method] or self._seconds_left(method, channel) > 0:
            return False
        self._count(method, channel)
        return True

    def share_left(self, method: str) -> float:
        """How much of this minute's calls is left, from 0 to 1."""
        window = self._methods[method]
        return 1 - window.count(self._clock()) / window.limit.messages

    def close(self, method: str, seconds: float) -> None:
        """Do not call this method for so long: Slack has said so."""
        self._closed_until[method] = max(self._closed_until[method], self._clock() + seconds)

    def _seconds_left(self, method: str, channel: str) -> float:
        now = self._clock()
        left = max(window.seconds_left(now) for window in self._windows(method, channel))
        return max(left, self._closed_until[method] - now)

    def _windows(self, method: str, channel: str) -> list[Window]:
        if method != POST:
            return [self._methods[method]]
        return [self._methods[method], self._channels.setdefault(channel, Window(IN_A_CHANNEL))]

    def _count(self, method: str, channel: str) -> None:
        now = self._clock()
        for window in self._windows(method, channel):
            window.sent.append(now)
