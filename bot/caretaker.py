"""Forgets who asked for it, soon, and what is older than it may be, each day."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from orchestrator.forgetting import forgotten, whose
from storage.errors import StorageError
from storage.files import FileStore
from storage.store import Store

log = logging.getLogger(__name__)

DAY = timedelta(days=1)
LOOK = timedelta(seconds=10)  # between two looks for those who could not be forgotten yet


@dataclass(frozen=True, slots=True)
class Terms:
    """How many days things are kept; 0 is for ever."""

    turns: int = 0
    files: int = 0
    audit: int = 0
    declined: int = 0


class Caretaker:
    """What it could not do, as the database refused, it does the next time."""

    def __init__(self, store: Store, files: FileStore, terms: Terms, *, now: Callable[[], datetime]) -> None:
        self._store = store
        self._files = files
        self._terms = terms
        self._now = now

    async def run(self) -> None:
        """For ever: now and each day what is old, and meanwhile who waits to be forgotten."""
        while True:
            await self.look_after()
            for _ in range(DAY // LOOK):
                await asyncio.sleep(LOOK.total_seconds())
                await self.forget_who_asked()

    async def look_after(self) -> None:
        """All that is to be done by now."""
        try:
            await self._forget()
            await self._remove_old()
            await clean(self._store, self._files)
        except StorageError as error:
            log.warning("what is old or to be forgotten cannot be deleted yet", extra={"reason": str(error)})

    async def forget_who_asked(self) -> None:
        """Forget those who wait for it, unless something of theirs is under way."""
        try:
            await self._forget()
            await clean(self._store, self._files)
        except StorageError as error:
            log.warning("somebody cannot be forgotten yet", extra={"reason": str(error)})

    async def _forget(self) -> None:
        for channel, person in await self._store.asked_to_be_forgotten():
            await self._store.forget(channel, person, whose, waits=True, changes=partial(forgotten, channel))

    async def _remove_old(self) -> None:
        now, terms = self._now(), self._terms
        if terms.turns:
            while await self._store.remove_turns(now - terms.turns * DAY):
                pass
        if terms.audit:
            await self._store.remove_audit(now - terms.audit * DAY)
        if terms.declined:
            await self._store.remove_declined(now - terms.declined * DAY)
        if terms.files:
            await self._files.delete_old(now - terms.files * DAY)


async def clean(store: Store, files: FileStore) -> None:
    """Delete the files of what was deleted, and what is left of it in the database's own files. Raises StorageError."""
    left = await store.to_be_cleaned()
    for names in left.values():
        for name in names:
            await files.delete(name)
    if left:
        await store.cleaned([*left])
