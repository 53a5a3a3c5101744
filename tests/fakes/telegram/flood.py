"""Telegram's limits: 30 messages a second in all, one a second in a chat after a small burst, 20 a minute in groups."""

import math
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.fakes.telegram.rules import Refused


@dataclass(slots=True)
class Bucket:
    """Tokens that come back at a rate (a second), at most `size` of them."""

    size: float
    rate: float
    left: float = field(init=False)
    at: float | None = None

    def __post_init__(self) -> None:
        self.left = self.size

    def seconds_until_one(self, now: float) -> float:
        if self.at is not None:
            self.left = min(self.size, self.left + (now - self.at) * self.rate)
        self.at = now
        return 0.0 if self.left >= 1 else (1 - self.left) / self.rate


class Flood:
    """Counts what is sent, and refuses what is too much. `refused` is how often it has."""

    def __init__(self, clock: Callable[[], float], *, is_on: bool = True) -> None:
        self._clock = clock
        self.is_on = is_on
        self.refused = 0
        self._all = Bucket(30, 30)
        self._chats: defaultdict[int, Bucket] = defaultdict(lambda: Bucket(3, 1))
        self._groups: defaultdict[int, Bucket] = defaultdict(lambda: Bucket(20, 20 / 60))

    def count(self, chat: int) -> None:
        """A message or an edit to a chat. Raises Refused with 429."""
        if not self.is_on:
            return
        now = self._clock()
        buckets = [self._all, self._chats[chat], *([self._groups[chat]] if chat < 0 else [])]
        wait = max(bucket.seconds_until_one(now) for bucket in buckets)
        if wait > 0:
            self.refused += 1
            seconds = math.ceil(wait)
            raise Refused(429, f"Too Many Requests: retry after {seconds}", retry_after=seconds)
        for bucket in buckets:
            bucket.left -= 1
