"""What the one process does that leads a channel: it shows everything that goes there, and asks it for files."""

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from adapters.base import Adapter, DeliveryError, Fetches, FileRefused, Recalls
from bot.cluster.line import Line, Message, to_process
from bot.delivery import Post
from orchestrator.messages import LIVE, Address, Attachment, Foreign, Live
from storage.errors import StorageError
from storage.files import FileStore
from storage.records import Parcel
from storage.store import Store

log = logging.getLogger(__name__)

ENDED = 10_000  # turns of which nothing live is shown any more, as their end has come
LOOK_SECONDS = 5.0  # between two looks into the whole outbox, for what nobody told of


@dataclass(frozen=True, slots=True)
class Shown:
    """A live part on its way."""

    address: Address
    turn: str
    part: Live

    @property
    def place(self) -> tuple[str, str]:
        """A newer part in the same place is shown instead."""
        return self.turn, self.part.kind


@dataclass(frozen=True, slots=True)
class Handed:
    """A final part on its way."""

    parcel: Parcel
    repeated: bool


class Leading:
    """One channel, led. `run` it as long as this process leads it: what an earlier leader perhaps has not shown comes
    first. A session's parts are shown in their order, and no session waits for another one."""

    def __init__(self, channel: Adapter, store: Store, files: FileStore, line: Line) -> None:
        self.channel = channel
        self._store = store
        self._files = files
        self._line = line
        self._post = Post(store, {channel.name: channel})
        self._told: set[str] = set()  # turns of which something is in the outbox
        self._has_something = asyncio.Event()
        self._next_look = 0.0  # by the loop's clock, into the whole outbox
        self._known: set[str] = set()  # parcels that wait here, or that the channel refuses for good
        self._ended: dict[str, None] = {}  # the oldest first
        self._lanes: dict[str, deque[Shown | Handed]] = {}
        self._showing: set[asyncio.Task[None]] = set()
        self._answering: set[str] = set()
        self._tasks: asyncio.TaskGroup | None = None

    def hear(self, message: Message) -> None:
        """A word from a worker. Before this leads there is nothing to do: the outbox has all that matters."""
        if self._tasks is None:
            return
        if "live" in message:
            self._hear_live(message)
        elif "ask" in message and message["ask"] not in self._answering:
            self._answering.add(message["ask"])
            self._tasks.create_task(self._answer(message), name=f"answer of {self.channel.name}")
        elif "turn" in message:
            self._told.add(message["turn"])
            self._has_something.set()

    async def run(self) -> None:
        """For ever. Raises StorageError at the start."""
        try:
            async with asyncio.TaskGroup() as self._tasks:
                self._next_look = asyncio.get_running_loop().time() + LOOK_SECONDS
                self._take(await self._waiting(None), repeated=True)
                while True:
                    await self._lead_on()
        finally:
            self._forget()

    async def _lead_on(self) -> None:
        """Wait for something to show, and show it. Of what could not be read, the next whole look knows."""
        clock = asyncio.get_running_loop()
        with suppress(TimeoutError):
            async with asyncio.timeout_at(self._next_look):
                await self._has_something.wait()
        self._has_something.clear()
        told, self._told = self._told, set()
        is_whole = clock.time() >= self._next_look
        if is_whole:
            self._next_look = clock.time() + LOOK_SECONDS
        self._take(await self._undelivered(None if is_whole else [*told]), repeated=False)

    def _forget(self) -> None:
        """What waits here stays in the outbox, for whoever leads next."""
        self._tasks = None
        for each in (self._told, self._known, self._answering, self._lanes):
            each.clear()

    async def show_the_rest(self) -> None:
        """Returns once all is shown that is in the outbox now."""
        if self._tasks is None:
            return
        self._take(await self._undelivered(None), repeated=False)
        while self._lanes:
            await asyncio.wait(self._showing)

    async def _undelivered(self, turns: Sequence[str] | None) -> list[Parcel]:
        """What waits for this channel; of these turns, or all. Nothing as long as that cannot be read."""
        try:
            return await self._waiting(turns)
        except StorageError as error:
            log.warning("the outbox cannot be read just now", extra={"reason": str(error)})
            return []

    async def _waiting(self, turns: Sequence[str] | None) -> list[Parcel]:
        waiting = await self._store.undelivered(turns)
        if turns is None:
            self._known.intersection_update(parcel.id for parcel in waiting)
        return [parcel for parcel in waiting if parcel.channel == self.channel.name]

    def _take(self, parcels: Sequence[Parcel], *, repeated: bool) -> None:
        for parcel in parcels:
            if parcel.id not in self._known:
                self._known.add(parcel.id)
                self._ended[parcel.turn] = None
                if len(self._ended) > ENDED:
                    del self._ended[next(iter(self._ended))]
                self._lane(parcel.session).append(Handed(parcel, repeated))

    def _hear_live(self, message: Message) -> None:
        address = Address.model_validate(message["address"])
        new = Shown(address, message["turn"], LIVE.validate_python(message["live"]))
        if new.turn in self._ended:
            return
        lane = self._lane(address.session)
        for older in [each for each in lane if isinstance(each, Shown) and each.place == new.place]:
            lane.remove(older)
        lane.append(new)

    def _lane(self, session: str) -> deque[Shown | Handed]:
        """What waits to be shown in a session, and somebody who shows it."""
        assert self._tasks is not None
        if session not in self._lanes:
            self._lanes[session] = deque()
            showing = self._tasks.create_task(self._show(session), name=f"showing {session}")
            self._showing.add(showing)
            showing.add_done_callback(self._showing.discard)
        return self._lanes[session]

    async def _show(self, session: str) -> None:
        lane = self._lanes[session]
        while lane:
            match lane.popleft():
                case Shown(address, turn, part):
                    await self._post.show(address, turn, part)
                case Handed(parcel, repeated):
                    await self._post.deliver([parcel], repeated=repeated)
        del self._lanes[session]

    async def _answer(self, message: Message) -> None:
        try:
            answer = await self._found(message)
        except FileRefused as refused:
            answer = {"refused": str(refused)}
        except DeliveryError as error:
            answer = {"failed": str(error), "gone": error.gone, "retry_after": error.retry_after_seconds}
        except Exception:  # an edge: a channel that breaks must not end the leading of it
            log.exception("a channel broke", extra={"channel": self.channel.name})
            answer = {"failed": "the channel broke", "gone": True, "retry_after": None}
        finally:
            self._answering.discard(message["ask"])
        self._line.tell(to_process(message["by"]), {**answer, "answers": message["ask"]})

    async def _found(self, message: Message) -> Message:
        """Nothing, where the channel has no files, or no memory. Raises FileRefused, DeliveryError."""
        if "fetch" in message and isinstance(self.channel, Fetches):
            wanted = Attachment.model_validate(message["fetch"])
            data = await self.channel.fetch(wanted)
            return {"kept": await self._files.keep(wanted.name or "file", wanted.mime, data)}
        if "recall" in message and isinstance(self.channel, Recalls):
            recalled = await self.channel.recall(Foreign.model_validate(message["recall"]))
            return {"recalled": [each.model_dump(mode="json") for each in recalled]}
        return {}
