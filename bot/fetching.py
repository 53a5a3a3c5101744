"""Fetches from a channel what belongs to a message, before its turn: once, also where a process dies in between."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeVar

from adapters.base import Adapter, DeliveryError, Fetches, FileRefused, Recalls
from orchestrator.keeping import base_name
from orchestrator.listening import Listening
from orchestrator.messages import INBOUND, Attachment, Foreign, Inbound, Message
from orchestrator.sessions import files_of
from orchestrator.words import say, speaking
from storage.files import FileStore
from storage.records import Arrived
from storage.store import Store

log = logging.getLogger(__name__)
T = TypeVar("T")

LanguageOf = Callable[[Arrived, Inbound], Awaitable[str]]
"""The language in which the person of an Inbound is spoken to."""

TRIES = 3
LONGEST_PAUSE = 5.0  # seconds between two tries


class Fetching:
    """Brings files, and words of others, into the store. `adapters` are the channels by name; each has so many
    `seconds` to come."""

    def __init__(
        self,
        store: Store,
        files: FileStore,
        adapters: Mapping[str, Adapter],
        *,
        listening: Listening,
        seconds: float,
        language_of: LanguageOf,
    ) -> None:
        self._store = store
        self._files = files
        self._adapters = adapters
        self._listening = listening
        self._seconds = seconds
        self._language_of = language_of

    async def complete(self, arrived: Arrived, inbound: Inbound) -> Inbound:
        """The same with each of its files kept, what was said in them for words, and the words of others recalled; or
        with the problem of each. That is stored with the event.

        Raises StorageError.
        """
        inbound = await self.known(arrived, inbound)
        if isinstance(inbound, Message) and any(each.ref for each in inbound.foreign):
            foreign = [each for known in inbound.foreign for each in await self._recalled(known, arrived)]
            inbound = await self._noted(arrived, inbound, inbound.model_copy(update={"foreign": tuple(foreign)}))
        if not files_of(inbound):
            return inbound
        with speaking(await self._language_of(arrived, inbound)):
            here = tuple([await self._brought(file, arrived) for file in files_of(inbound)])
            inbound = await self._noted(arrived, inbound, inbound.model_copy(update={"attachments": here}))
            if isinstance(inbound, Message):
                heard = await self._listening.heard(inbound, turn=arrived.turn)
                inbound = await self._noted(arrived, inbound, heard)
        return inbound

    async def _noted(self, arrived: Arrived, old: Inbound, new: Inbound) -> Inbound:
        """The new one, stored in place of the old one."""
        if new != old:
            await self._store.rewrite(arrived.turn, INBOUND.dump_json(new).decode())
        return new

    async def known(self, arrived: Arrived, inbound: Inbound) -> Inbound:
        """What is stored of an Inbound with files or words to recall: they may have come since it was read."""
        if not (files_of(inbound) or (isinstance(inbound, Message) and inbound.foreign)):
            return inbound
        payload = await self._store.payload(arrived.channel, arrived.event_id)
        return inbound if payload is None else INBOUND.validate_json(payload)

    async def _recalled(self, foreign: Foreign, arrived: Arrived) -> Sequence[Foreign]:
        """The words behind this; where they do not come, a word on that in their place."""
        adapter = self._adapters[arrived.channel]
        if not (foreign.ref and isinstance(adapter, Recalls)):
            return [foreign]
        try:
            async with asyncio.timeout(self._seconds):
                return await _tried(lambda: adapter.recall(foreign))
        except (DeliveryError, TimeoutError) as error:
            log.warning("words of others were not recalled", extra={"turn": arrived.turn, "reason": str(error)})
        except Exception:  # an edge: one broken channel must not take the turn down
            log.exception("words of others were not recalled", extra={"turn": arrived.turn})
        return [foreign.model_copy(update={"ref": "", "text": "(what was said before cannot be read just now)"})]

    async def _brought(self, file: Attachment, arrived: Arrived) -> Attachment:
        if not _is_away(file):
            return file
        name = base_name(file.name)
        try:
            async with asyncio.timeout(self._seconds):
                data = await self._fetched(file, arrived.channel)
        except FileRefused as refused:
            return file.model_copy(update={"problem": str(refused)})
        except (DeliveryError, TimeoutError) as error:
            log.warning("a file was not fetched", extra={"turn": arrived.turn, "reason": str(error) or "timeout"})
        except Exception:  # an edge: one broken channel must not take the turn down
            log.exception("a file was not fetched", extra={"turn": arrived.turn})
        else:
            file_id = await self._files.keep(name, file.mime, data)
            return file.model_copy(update={"name": name, "size": len(data), "file": file_id})
        return file.model_copy(update={"problem": say("I could not get {name}. Please send it again.", name=name)})

    async def _fetched(self, file: Attachment, channel: str) -> bytes:
        """What the channel brings."""
        adapter = self._adapters[channel]
        if not isinstance(adapter, Fetches):
            raise no_files_here(file)
        return await _tried(lambda: adapter.fetch(file))


def no_files_here(file: Attachment) -> FileRefused:
    """What is said of a file in a channel without files."""
    return FileRefused(say("I cannot take files here. Please paste what matters of {name}.", name=file.name))


async def _tried(ask: Callable[[], Awaitable[T]]) -> T:
    """What the channel says. Trouble that may pass is met with further tries. Raises DeliveryError."""
    for attempt in range(1, TRIES):
        try:
            return await ask()
        except DeliveryError as error:
            if error.gone:
                raise
            await asyncio.sleep(error.retry_after_seconds or min(2.0**attempt, LONGEST_PAUSE))
    return await ask()


def _is_away(file: Attachment) -> bool:
    return not (file.file or file.problem)
