"""Which definitions of tools may run: the ones that were there at first sight, and those that an operator let in."""

import asyncio
import hashlib
import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from orchestrator.tools.suspicion import suspicion
from storage.errors import StorageError, StorageTextUnstorable
from storage.records import Change, Pin
from storage.store import Store

log = logging.getLogger(__name__)

PAUSE_SECONDS = 0.5  # between two tries
SHOWN = 300  # characters of one part of a definition

Definition = Mapping[str, Any]
"""A tool as its server describes it, `name` and all."""


@dataclass(frozen=True, slots=True)
class Held:
    """A tool that waits for the operator. `pinned` is the definition that was let in before, where one was."""

    definition: Definition
    why: str
    pinned: Definition | None = None

    @property
    def tool(self) -> str:
        return str(self.definition["name"])

    @property
    def digest(self) -> str:
        """Stands for the definition as it is now."""
        return _pin(self.definition).digest

    def differences(self) -> Iterator[str]:
        """What is new, a line a part, with everything in it made visible."""
        before = self.pinned or {}
        for part in dict.fromkeys((*before, *self.definition)):
            if before.get(part) != self.definition.get(part):
                now = _shown(self.definition.get(part))
                yield f"{part}: {now}" if self.pinned is None else f"{part}: was {_shown(before.get(part))}, is {now}"


class Pins(Protocol):
    """Knows which definitions of a server may run."""

    async def held(self, server: str, definitions: Sequence[Definition]) -> list[Held]:
        """Those of a server's definitions that wait. At the first sight of a server, only suspicious ones do."""
        ...


class NoPins:
    """Lets everything in: for servers that are only looked at."""

    async def held(self, server: str, definitions: Sequence[Definition]) -> list[Held]:
        return []


class KeptPins:
    """Pins in the database."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def held(self, server: str, definitions: Sequence[Definition]) -> list[Held]:
        """As Pins. While the database refuses it is asked again: that is no fault of the server, and until it answers
        nothing may be let in."""
        while True:
            try:
                pinned = await self._seen(server, definitions)
                break
            except StorageTextUnstorable:  # trying again would not help
                raise
            except StorageError as error:
                log.warning("definitions cannot be compared yet", extra={"server": server, "reason": str(error)})
            await asyncio.sleep(PAUSE_SECONDS)
        return [held for each in definitions if (held := _held(each, pinned.get(str(each["name"]))))]

    async def _seen(self, server: str, definitions: Sequence[Definition]) -> dict[str, Pin]:
        """What is pinned of a server, by tool: at its first sight all that is not suspicious."""
        await self._store.pin_first(server, [_pin(each) for each in definitions if not suspicion(each)])
        return {each.tool: each for each in await self._store.pinned(server)}

    async def trust(self, server: str, definitions: Sequence[Definition], *, changes: Sequence[Change] = ()) -> None:
        """Let all of these in, and nothing else of this server. Write `changes` with it."""
        await self._store.pin(server, [_pin(each) for each in definitions], changes=changes)

    async def let_in(self, server: str, tools: Sequence[Held], *, changes: Sequence[Change] = ()) -> None:
        """Let these in too, each instead of an older definition of it. Write `changes` with it."""
        known = {each.tool: each for each in await self._store.pinned(server)}
        new = {each.tool: _pin(each.definition) for each in tools}
        await self._store.pin(server, [*{**known, **new}.values()], changes=changes)


def _held(definition: Definition, pinned: Pin | None) -> Held | None:
    if pinned is None:
        return Held(definition, suspicion(definition) or "it is new")
    if pinned.digest == _pin(definition).digest:
        return None
    return Held(definition, suspicion(definition) or "it has changed", json.loads(pinned.definition))


def _pin(definition: Definition) -> Pin:
    written = json.dumps(definition, sort_keys=True)
    return Pin(str(definition["name"]), hashlib.sha256(written.encode()).hexdigest(), written)


def _shown(part: Any) -> str:
    """A part of a definition in ASCII: what is hidden in it shows as an escape."""
    written = json.dumps(part)
    return written if len(written) <= SHOWN else f"{written[:SHOWN]} …"
