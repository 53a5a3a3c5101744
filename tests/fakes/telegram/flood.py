"""How much a bot may send: buckets of tokens that fill by the server's clock.

Telegram's own words are "30 messages a second", "one a second in a chat, short bursts are fine" and "20 a minute in a
group" (its bots' FAQ, read 2026-11). How large a burst is, and what drafts cost, it does not say: those are guesses.
"""

import math
from collections import Counter
from dataclasses import dataclass, replace

from tests.fakes.telegram.refusals import too_many_requests

MESSAGES = frozenset("sendMessage sendRichMessage sendPhoto sendDocument sendVoice sendAudio sendMediaGroup".split())
EDITS = frozenset("editMessageText editMessageReplyMarkup".split())
DRAFTS = frozenset("sendMessageDraft sendRichMessageDraft".split())
TOLERANCE_SECONDS = 1e-6  # of the arithmetic


@dataclass(frozen=True)
class Rate:
    """`burst` at once, then so many a second."""

    a_second: float
    burst: int


@dataclass(frozen=True)
class FloodLimits:
    """What is let through. A message or an edit costs one of all that apply; drafts have a bucket of their own."""

    everywhere: Rate = Rate(30, 30)
    chat: Rate = Rate(1, 5)
    group: Rate = Rate(20 / 60, 20)
    drafts: Rate = Rate(4, 8)
    webhooks: Rate = Rate(1, 1)

    def scaled(self, factor: float) -> "FloodLimits":
        """The same limits, so many times as wide: for tests with large loads."""
        wide = {name: Rate(rate.a_second * factor, math.ceil(rate.burst * factor)) for name, rate in vars(self).items()}
        return replace(self, **wide)


class _Bucket:
    def __init__(self, rate: Rate, now: float) -> None:
        self._rate = rate
        self._tokens = float(rate.burst)
        self._at = now

    def wait_seconds(self, cost: int, now: float) -> float:
        """How long until so many can be taken, 0 where they can be at once."""
        self._tokens = min(self._tokens + (now - self._at) * self._rate.a_second, self._rate.burst)
        self._at = now
        return max((min(cost, self._rate.burst) - self._tokens) / self._rate.a_second, 0.0)

    def take(self, cost: int) -> None:
        self._tokens -= cost


class Floods:
    """The buckets of one bot. `refused` counts the calls that were told to wait, by method."""

    def __init__(self, limits: FloodLimits | None) -> None:
        self.limits = limits
        self.refused: Counter[str] = Counter()
        self._buckets: dict[tuple[str, int], _Bucket] = {}

    def check(self, method: str, chat: int, *, now: float, cost: int = 1) -> None:
        """Raises Refused with the seconds to wait."""
        buckets = self._buckets_of(method, chat, now)
        wait = max((bucket.wait_seconds(cost, now) for bucket in buckets), default=0.0)
        if wait > TOLERANCE_SECONDS:
            self.refused[method] += 1
            raise too_many_requests(math.ceil(wait))

    def count(self, method: str, chat: int, *, now: float, cost: int = 1) -> None:
        """A call was answered. What was refused costs nothing."""
        for bucket in self._buckets_of(method, chat, now):
            bucket.take(cost)

    def _buckets_of(self, method: str, chat: int, now: float) -> list[_Bucket]:
        return [self._bucket(name, of, now) for name, of in self._kinds(method, chat)]

    def _kinds(self, method: str, chat: int) -> list[tuple[str, int]]:
        if self.limits is None:
            return []
        if method in DRAFTS:
            return [("drafts", chat)]
        if method == "setWebhook":
            return [("webhooks", 0)]
        if method in MESSAGES | EDITS:
            return [("everywhere", 0), ("chat", chat), *([("group", chat)] if chat < 0 else [])]
        return []

    def _bucket(self, name: str, of: int, now: float) -> _Bucket:
        if (name, of) not in self._buckets:
            self._buckets[name, of] = _Bucket(getattr(self.limits, name), now)
        return self._buckets[name, of]
