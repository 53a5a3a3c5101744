"""How often a method may be called: Slack's tiers, and one message a second in a channel.

Numbers: docs.slack.dev/apis/web-api/rate-limits and the pages of the methods, read 2026-11.
"""

import math
from collections import defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.fakes.slack.refusals import too_many_requests

WINDOW = 60.0  # seconds

PER_MINUTE: Mapping[str, int] = {
    "apps.connections.open": 50,  # the page says tier 1; clients that reconnect would never come back
    "auth.test": 600,
    "chat.update": 50,
    "chat.delete": 50,
    "chat.postEphemeral": 100,
    "chat.getPermalink": 600,
    "chat.startStream": 20,
    "chat.appendStream": 180,  # seen by clients
    "chat.stopStream": 20,
    "conversations.replies": 50,
    "conversations.history": 50,
    "conversations.info": 50,
    "conversations.open": 50,
    "conversations.members": 100,
    "users.info": 100,
    "team.info": 50,
    "bots.info": 50,
    "reactions.add": 50,
    "reactions.remove": 20,
    "files.info": 100,
    "files.getUploadURLExternal": 100,
    "files.completeUploadExternal": 100,
    "views.open": 100,
    "views.push": 100,
    "views.update": 100,
    "views.publish": 100,
    "assistant.threads.setStatus": 600,
    "assistant.threads.setTitle": 50,
    "assistant.threads.setSuggestedPrompts": 100,
    "agents.sessions.setStatus": 50,
    "agents.sessions.rename": 50,
}


@dataclass(frozen=True)
class Tiers:
    """`times` multiplies the tiers; a channel takes `burst` messages, and then one every `seconds`."""

    times: float = 1
    burst: int = 5
    seconds: float = 1.0


@dataclass
class Rates:
    """Counts calls, a workspace at a time."""

    tiers: Tiers | None
    _calls: dict[tuple[str, str], deque[float]] = field(default_factory=lambda: defaultdict(deque))
    _channels: dict[str, float] = field(default_factory=dict)  # when the messages so far are paid for

    def check(self, method: str, *, team: str, channel: str, now: float) -> None:
        """Counts this call. Raises Refused with the seconds to wait."""
        if self.tiers is None:
            return
        if method == "chat.postMessage":
            self._check_channel(self.tiers, channel, now)
        elif limit := PER_MINUTE.get(method):
            self._check_tier((team, method), int(limit * self.tiers.times), now)

    def _check_tier(self, key: tuple[str, str], limit: int, now: float) -> None:
        calls = self._calls[key]
        while calls and calls[0] <= now - WINDOW:
            calls.popleft()
        if len(calls) >= limit:
            raise too_many_requests(max(1, math.ceil(calls[0] + WINDOW - now)))
        calls.append(now)

    def _check_channel(self, tiers: Tiers, channel: str, now: float) -> None:
        paid = max(self._channels.get(channel, 0.0), now)
        ahead = paid - now
        if ahead > (tiers.burst - 1) * tiers.seconds:
            raise too_many_requests(max(1, math.ceil(ahead - (tiers.burst - 1) * tiers.seconds)))
        self._channels[channel] = paid + tiers.seconds
