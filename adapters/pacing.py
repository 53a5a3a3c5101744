"""How often something may be done: so many times in any span of so many seconds."""

from collections import deque
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Limit:
    """So many messages in any span of so many seconds."""

    messages: int
    seconds: float


@dataclass(slots=True)
class Window:
    """When the last messages were sent, as far as they count."""

    limit: Limit
    sent: deque[float] = field(default_factory=deque)

    def seconds_left(self, now: float) -> float:
        """Until the next message may be sent."""
        self._forget(now)
        return 0.0 if len(self.sent) < self.limit.messages else self.sent[0] + self.limit.seconds - now

    def count(self, now: float) -> int:
        self._forget(now)
        return len(self.sent)

    def _forget(self, now: float) -> None:
        while self.sent and self.sent[0] <= now - self.limit.seconds:
            self.sent.popleft()
