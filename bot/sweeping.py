"""Every event is put to work once, also one of which the database could not say that it had taken it."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from pydantic import ValidationError

from orchestrator.messages import INBOUND, Inbound
from storage.errors import StorageError
from storage.records import Arrived
from storage.store import Store

log = logging.getLogger(__name__)

SWEEP_SECONDS = 10.0  # between two looks


class Put(Protocol):
    """Sees that an Inbound which is in the inbox is worked on."""

    def __call__(self, arrived: Arrived, inbound: Inbound, *, unasked: bool = False) -> None: ...


class Sweeping:
    """Puts events. As a connection may break behind a COMMIT, some are stored whose taker only saw an error, and is
    told that they are known when it brings them again: `run` finds these."""

    def __init__(self, store: Store, put: Put) -> None:
        self._store = store
        self._put = put
        self._known: set[int] = set()  # the numbers of all that were put, and are perhaps unfinished
        self._seen: set[int] = set()  # those that the last look has found, and nobody had put
        self._found: set[int] = set()  # those, rare, that a look has put: brought again later, they get no second turn

    def put(self, arrived: Arrived, inbound: Inbound, *, unasked: bool = False) -> None:
        """Queue an Inbound, unless it was put before."""
        if arrived.number not in self._known and arrived.number not in self._found:
            self._known.add(arrived.number)
            self._put(arrived, inbound, unasked=unasked)

    async def run(self, channels: Sequence[str]) -> None:
        """For ever: what came into these channels."""
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            try:
                await self._look(channels)
            except StorageError as error:
                log.warning("what is unfinished cannot be read just now", extra={"reason": str(error)})

    async def _look(self, channels: Sequence[str]) -> None:
        """Put what two looks have found: whoever took it in had the time between them to put it."""
        known = frozenset(self._known)
        unfinished = {each.number: each for each in await self._store.unfinished(channels=channels)}
        self._known -= known - unfinished.keys()
        left = unfinished.keys() - self._known - self._found
        for number in sorted(left & self._seen):
            log.warning("an event is found that nobody works on", extra={"turn": unfinished[number].turn})
            if inbound := read_back(unfinished[number]):
                # Nobody has begun it; and it interrupts nothing, as others may have come meanwhile.
                self._put(replace(unfinished[number], left_over=False), inbound, unasked=True)
            self._found.add(number)
        self._seen = left - self._found


def read_back(arrived: Arrived) -> Inbound | None:
    """What is stored of an event; None where another version wrote it: it stays, and must not keep the others from
    their answers."""
    try:
        return INBOUND.validate_json(arrived.payload)
    except ValidationError:
        log.exception("an unfinished event cannot be read", extra={"turn": arrived.turn})
        return None
