"""The queue of updates, and getUpdates: held until something comes, one poller at a time, confirmed by the offset."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from tests.fakes.telegram.refusals import conflict

Update = dict[str, Any]

MOST_AT_ONCE = 100
LONGEST_POLL = 50.0  # seconds, LONG_POLL_MAX_TIMEOUT in telegram-bot-api's Client.h, read 2026-11
ONLY_ON_REQUEST = frozenset(
    "chat_member message_reaction message_reaction_count stopped_message_generation".split()
)  # the first three by the Bot API's text; the last one to be careful: a bot that needs it should ask for it


class Updates:
    """`pending` are the updates that the bot has not confirmed yet, `every` are all that there were, by id."""

    def __init__(self, tell: Callable[[], None]) -> None:
        self.every: dict[int, Update] = {}
        self.pending: dict[int, Update] = {}
        self.allowed: Sequence[str] | None = None  # None and none: all but those only on request
        self.conflicts = 0
        self.reverse_next = False
        self.webhook: Callable[[Update], None] | None = None
        self._tell = tell
        self._next_id = 1
        self._again: list[Update] = []
        self._held: asyncio.Future[None] | None = None
        self._closed = False

    def push(self, kind: str, body: Any) -> int | None:
        """The id of a new update, or None: the bot does not want this kind."""
        if not self._is_wanted(kind):
            return None
        update = {"update_id": self._next_id, kind: body}
        self._next_id += 1
        self.every[update["update_id"]] = update
        self.pending[update["update_id"]] = update
        self._send(update)
        return int(update["update_id"])

    def redeliver(self, update_id: int) -> None:
        """The same update once more, confirmed or not."""
        update = self.every[update_id]
        if not self.webhook and update_id not in self.pending:
            self._again.append(update)
        self._send(update)

    def subscribe(self, allowed: Sequence[str] | None) -> None:
        """From now on these kinds; None changes nothing."""
        if allowed is not None:
            self.allowed = allowed

    def confirm(self, update_id: int) -> None:
        self.pending.pop(update_id, None)
        self._tell()

    @property
    def is_held(self) -> bool:
        """Whether a poll waits for something to come."""
        return self._held is not None

    async def poll(
        self, *, offset: int = 0, limit: int = MOST_AT_ONCE, seconds: float = 0, allowed: Sequence[str] | None = None
    ) -> list[Update]:
        """What is pending from the offset on. Raises Refused in the poll that was held when another one comes."""
        if self.webhook:
            self.conflicts += 1
            raise conflict(
                "can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"
            )
        self.end_poll("terminated by other getUpdates request; make sure that only one bot instance is running")
        self.subscribe(allowed)
        self._confirm_below(offset)
        if not self._batch() and seconds > 0 and not self._closed:
            await self._hold(min(seconds, LONGEST_POLL))
        return self._taken(min(max(limit, 1), MOST_AT_ONCE))

    def end_poll(self, words: str) -> None:
        """Refuse the poll that is held, if there is one."""
        if self._held and not self._held.done():
            self.conflicts += 1
            self._held.set_exception(conflict(words))

    def close(self) -> None:
        """Hold no poll any more."""
        self._closed = True
        self._wake()

    def _is_wanted(self, kind: str) -> bool:
        return kind in self.allowed if self.allowed else kind not in ONLY_ON_REQUEST

    def _send(self, update: Update) -> None:
        if self.webhook:
            self.webhook(update)
        self._wake()
        self._tell()

    def _wake(self) -> None:
        if self._held and not self._held.done():
            self._held.set_result(None)

    async def _hold(self, seconds: float) -> None:
        held = self._held = asyncio.get_running_loop().create_future()
        self._tell()
        try:
            async with asyncio.timeout(seconds):
                await held
        except TimeoutError:
            return
        finally:
            if self._held is held:
                self._held = None
            self._tell()

    def _confirm_below(self, offset: int) -> None:
        first = sorted(self.pending)[offset:][0] if offset < 0 and len(self.pending) > -offset else offset
        for update_id in [each for each in self.pending if each < first]:
            self.confirm(update_id)

    def _batch(self) -> list[Update]:
        return [*self._again, *(self.pending[each] for each in sorted(self.pending))]

    def _taken(self, limit: int) -> list[Update]:
        batch = self._batch()[:limit]
        self._again = self._again[limit:]
        if self.reverse_next and len(batch) > 1:
            self.reverse_next = False
            batch.reverse()
        return batch
