"""Hands stored parts to their channels, and shows live ones. A channel's trouble stays here."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from itertools import count

from adapters.base import Adapter, DeliveryError
from orchestrator.messages import FINAL, Address, Delivery, Live
from storage.errors import StorageError
from storage.records import Parcel
from storage.store import Store

log = logging.getLogger(__name__)

LONGEST_PAUSE = 30.0  # seconds between two tries


class Post:
    """The way out. `adapters` are the channels by name."""

    def __init__(self, store: Store, adapters: Mapping[str, Adapter]) -> None:
        self._store = store
        self._adapters = adapters

    async def show(self, address: Address, turn: str, part: Live) -> None:
        """Show a live part, if it can be shown."""
        try:
            await self._adapters[address.channel].show(address, turn, part)
        except Exception:  # an edge: a picture of what goes on must not end what goes on
            log.exception("a live part was not shown", extra={"turn": turn})

    async def deliver(self, parcels: Sequence[Parcel], *, repeated: bool = False) -> None:
        """Hand parts over, one after the other, each until its channel has taken it. What a channel refuses for good,
        and what this process has no time for any more, stays in the outbox for the next start."""
        for parcel in parcels:
            if (adapter := self._adapters.get(parcel.channel)) and await _handed_over(
                adapter, parcel, repeated=repeated
            ):
                await self._note(parcel)

    async def _note(self, parcel: Parcel) -> None:
        try:
            await self._store.delivered(parcel.id)
        except StorageError as error:  # it was shown; the next start will show it again, marked as repeated
            log.warning("delivery cannot be noted", extra={"turn": parcel.turn, "reason": str(error)})


async def _handed_over(adapter: Adapter, parcel: Parcel, *, repeated: bool) -> bool:
    for attempt in count():
        try:
            await adapter.deliver(_delivery(parcel, repeated=repeated))
        except DeliveryError as error:
            log.warning("delivery failed", extra={"turn": parcel.turn, "reason": str(error)})
            if error.gone:
                return False
            await asyncio.sleep(error.retry_after_seconds or min(2.0 ** min(attempt, 8), LONGEST_PAUSE))
        except Exception:  # an edge: one broken channel must not take the others down
            log.exception("a channel broke", extra={"turn": parcel.turn})
            return False
        else:
            return True
    raise AssertionError("there is always a next try")


def _delivery(parcel: Parcel, *, repeated: bool) -> Delivery:
    return Delivery(
        id=parcel.id,
        turn=parcel.turn,
        address=Address.model_validate_json(parcel.address),
        part=FINAL.validate_json(parcel.payload),
        repeated=repeated,
    )
