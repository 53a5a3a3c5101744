"""Messages that belong together become one: the pictures of an album, and a long text that the app has cut.

Each part is noted before Telegram is told that it has arrived, so that none is lost while the others are waited for.
"""

import asyncio
import json
import logging
from collections import deque
from collections.abc import Awaitable, Callable

from adapters.base import Shelf
from orchestrator.messages import Message

log = logging.getLogger(__name__)

SETTLE = 1.0  # seconds without a further part: then it is whole
LONG = 3_900  # characters from which a text may be the first part of one that the app has cut at 4,096
PART, JOINED = "part/", "joined"  # keys of notes
REMEMBERED = 200  # ids of parts that went into a message, in case Telegram brings them once more

Whole = Callable[[Message], Awaitable[None]]


class Gathering:
    """Holds parts back until they are whole. `whole` is called in the task group of the caller."""

    def __init__(self, shelf: Shelf, whole: Whole, tasks: asyncio.TaskGroup) -> None:
        self._shelf = shelf
        self._whole = whole
        self._tasks = tasks
        self._parts: dict[str, dict[str, Message]] = {}
        self._timers: dict[str, asyncio.Task[None]] = {}
        self._joined: deque[str] = deque(maxlen=REMEMBERED)

    async def open(self) -> None:
        """Take up the parts that an earlier process was waiting with."""
        self._joined.extend(json.loads(await self._shelf.noted(JOINED) or "[]"))
        for note in (await self._shelf.notes(PART)).values():
            known = json.loads(note)
            self._hold(known["key"], Message.model_validate(known["message"]))

    def is_waiting_for(self, message: Message, *, album: str | None) -> bool:
        """Whether a message goes on with something of which a part has come, without saying so itself."""
        return f"{message.address.session}|{message.person.id}|{album or 'text'}" in self._parts

    async def takes(self, message: Message, *, album: str | None) -> bool:
        """Take a message that is a part of something, or that is known as one; False where it stands alone."""
        if message.event_id in self._joined:
            return True
        session = f"{message.address.session}|{message.person.id}"
        key = f"{session}|{album or 'text'}"
        others = [each for each in self._parts if each.startswith(f"{session}|") and each != key]
        for each in others:  # whoever says something else has finished
            await self._end(each)
        continues = not album and key in self._parts and not message.text.startswith("/")
        if not (album or continues or len(message.text) >= LONG):
            if key in self._parts:
                await self._end(key)
            return False
        note = json.dumps({"key": key, "message": message.model_dump(mode="json")})
        await self._shelf.note({f"{PART}{message.event_id}": note})
        self._hold(key, message)
        return True

    def _hold(self, key: str, message: Message) -> None:
        self._parts.setdefault(key, {})[message.event_id] = message
        if timer := self._timers.get(key):
            timer.cancel()
        self._timers[key] = self._tasks.create_task(self._ends_later(key), name=f"gathering {key}")

    async def _ends_later(self, key: str) -> None:
        await asyncio.sleep(SETTLE)
        del self._timers[key]
        try:
            await self._end(key)
        except Exception:  # an edge: they are noted, and are tried again
            log.exception("a message in parts was not taken")
            self._timers[key] = self._tasks.create_task(self._ends_later(key), name=f"gathering {key}")

    async def _end(self, key: str) -> None:
        """Pass on what has come. The parts are forgotten only after that."""
        if timer := self._timers.pop(key, None):
            timer.cancel()
        parts = self._parts.pop(key)
        try:
            await self._whole(_one(sorted(parts.values(), key=_number)))
        except BaseException:
            self._parts[key] = {**parts, **self._parts.get(key, {})}
            raise
        self._joined.extend(parts)
        forgotten: dict[str, str | None] = {f"{PART}{event}": None for event in parts}
        await self._shelf.note({**forgotten, JOINED: json.dumps(list(self._joined))})


def _number(message: Message) -> int:
    return int(message.event_id.rpartition(":")[2])


def _one(parts: list[Message]) -> Message:
    """Several messages as the first one of them."""
    return parts[0].model_copy(
        update={
            "text": "\n".join(filter(None, (part.text for part in parts))),
            "attachments": tuple(each for part in parts for each in part.attachments),
            "foreign": tuple(dict.fromkeys(each for part in parts for each in part.foreign)),
        }
    )
