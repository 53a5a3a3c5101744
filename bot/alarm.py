"""Lets what is scheduled arrive when it is due: each once, over any number of restarts."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC

from pydantic import ValidationError

from orchestrator.coming import Diary, arrivals
from orchestrator.intake import understood
from orchestrator.messages import INBOUND, Inbound
from storage.errors import StorageError
from storage.records import Arrived, Event, Scheduled
from storage.store import Store

log = logging.getLogger(__name__)

LONGEST_WAIT = 60.0  # seconds between two looks at the clock: somebody may have set it, or closed the lid for a night


class Alarm:
    """Takes in what is due, and hands it on: as soon as something new stands in the diary, and when the time comes.

    What arrives is in the inbox together with the note that it has: what is not handed on is found soon. With
    `catches_up` what was missed arrives late, once; else not at all.
    """

    def __init__(
        self,
        store: Store,
        put: Callable[[Arrived, Inbound], None],
        diary: Diary,
        *,
        catches_up: bool,
    ) -> None:
        self._store = store
        self._put = put
        self._diary = diary
        self._catches_up = catches_up

    async def run(self, channels: Sequence[str]) -> None:
        """For ever: what goes into these channels."""
        while True:
            self._diary.rung.clear()
            seconds = await self._ring(channels)
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._diary.rung.wait()

    async def _ring(self, channels: Sequence[str]) -> float:
        """Let arrive what is due: the seconds until the next look."""
        try:
            for due in await self._store.due(channels, self._diary.now()):
                await self._arrive(due)
            next_at = await self._store.next_due(channels)
        except StorageError as error:
            log.warning("schedules cannot be read or moved on just now", extra={"reason": str(error)})
            return LONGEST_WAIT
        if next_at is None:
            return LONGEST_WAIT
        return min(LONGEST_WAIT, max(0.0, (next_at.astimezone(UTC) - self._diary.now()).total_seconds()))

    async def _arrive(self, due: Scheduled) -> None:
        try:
            again, inbounds = arrivals(due, now=self._diary.now(), catches_up=self._catches_up)
        except ValidationError:  # of another version: it ends, as it would be due for ever
            log.exception("a schedule cannot be read", extra={"schedule": due.id})
            again, inbounds = None, []
        events = [_event(understood(inbound)) for inbound in inbounds]
        for arrived in await self._store.come_due(due, again, events):
            self._put(arrived, INBOUND.validate_json(arrived.payload))


def _event(inbound: Inbound) -> Event:
    return Event(
        channel=inbound.address.channel,
        event_id=inbound.event_id,
        session=inbound.address.session,
        address=inbound.address.model_dump_json(),
        payload=INBOUND.dump_json(inbound).decode(),
    )
