"""A channel in memory: it shows what a person would see, and a delivery with a known id replaces what was shown."""

import asyncio
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from adapters.base import DeliveryError
from orchestrator.messages import (
    Accept,
    Address,
    Arriving,
    Attachment,
    Delivery,
    Foreign,
    Live,
    Message,
    Person,
    Receipt,
)

LONGEST_WAIT = 5.0  # seconds


class FakeChannel:
    """Push Inbounds in, look at `shown`, `live` and `told`. Deliveries fail while `broken` is set.

    `files` are what people sent, by `ref`: bytes, or what fetching raises, one after the other. `fetched` are the refs
    that were asked for. `words` are what is behind the `ref` of foreign words.
    """

    def __init__(self, name: str = "fake") -> None:
        self.name = name
        self.live: list[tuple[str, Live]] = []
        self.shown: dict[str, Delivery] = {}
        self.told: list[str] = []
        self.attempts: list[Delivery] = []
        self.broken = False
        self.files: dict[str, bytes | list[bytes | Exception]] = {}
        self.fetched: list[str] = []
        self.words: dict[str, list[Foreign] | Exception] = {}
        self._accept: asyncio.Future[Accept] = asyncio.get_running_loop().create_future()
        self._closed = asyncio.Event()
        self._changed = asyncio.Condition()

    def address(self, chat: str = "1") -> Address:
        return Address(channel=self.name, chat=chat)

    def message(
        self,
        text: str,
        *,
        chat: str = "1",
        person: str = "ann",
        event_id: str | None = None,
        files: Sequence[Attachment] = (),
    ) -> Message:
        """Words of a person and their files, as they would arrive."""
        return Message(
            event_id=event_id or uuid.uuid4().hex,
            address=self.address(chat),
            person=Person(id=person),
            sent_at=datetime.now(UTC),
            text=text,
            attachments=tuple(files),
        )

    async def fetch(self, attachment: Attachment) -> bytes:
        self.fetched.append(attachment.ref)
        known = self.files[attachment.ref]
        given = known.pop(0) if isinstance(known, list) else known
        if isinstance(given, Exception):
            raise given
        return given

    async def recall(self, foreign: Foreign) -> Sequence[Foreign]:
        self.fetched.append(foreign.ref)
        known = self.words[foreign.ref]
        if isinstance(known, Exception):
            raise known
        return known

    async def run(self, accept: Accept) -> None:
        self._accept.set_result(accept)
        await self._closed.wait()

    async def show(self, address: Address, turn: str, part: Live) -> None:
        self.live.append((turn, part))
        await self._tell_waiters()

    async def deliver(self, delivery: Delivery) -> None:
        self.attempts.append(delivery)
        if self.broken:
            raise DeliveryError("the fake channel is broken", retry_after_seconds=0.001)
        self.shown[delivery.id] = delivery
        await self._tell_waiters()

    async def push(self, inbound: Arriving) -> Receipt:
        """Let something arrive. The person is told what `accept` raises, and so is the caller."""
        try:
            return await (await self._accept)(inbound)
        except Exception as error:
            self.told.append(str(error))
            raise

    async def ready(self) -> None:
        await self._accept

    def close(self) -> None:
        """The channel ends, as a terminal does at the end of its input."""
        self._closed.set()

    async def until(self, seen: Callable[["FakeChannel"], bool]) -> None:
        """Wait until the person sees it. Raises AssertionError with what they see, after five seconds."""
        try:
            async with asyncio.timeout(LONGEST_WAIT), self._changed:
                await self._changed.wait_for(lambda: seen(self))
        except TimeoutError:
            raise AssertionError(f"shown: {[*self.shown.values()]}, live: {self.live[-5:]}") from None

    async def until_delivered(self, turn: str) -> Delivery:
        """The final part of a turn."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._of(turn))
        return self._of(turn)[0]

    async def until_live(self, kind: str, *, holding: str = "") -> Live:
        """The first live part of this kind whose JSON holds these words."""

        def found() -> list[Live]:
            return [part for _, part in self.live if part.kind == kind and holding in part.model_dump_json()]

        async with self._changed:
            await self._changed.wait_for(found)
        return found()[0]

    def _of(self, turn: str) -> list[Delivery]:
        return [delivery for delivery in self.shown.values() if delivery.turn == turn]

    async def _tell_waiters(self) -> None:
        async with self._changed:
            self._changed.notify_all()
