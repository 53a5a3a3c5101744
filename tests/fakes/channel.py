"""A channel in memory: it shows what a person would see, and a delivery with a known id replaces what was shown."""

import asyncio

from adapters.base import DeliveryError
from orchestrator.messages import Accept, Address, Delivery, Inbound, Live, Receipt


class FakeChannel:
    """Push Inbounds in, look at `shown` and `live`. Deliveries fail while `broken` is set."""

    def __init__(self, name: str = "fake") -> None:
        self.name = name
        self.live: list[tuple[str, Live]] = []
        self.shown: dict[str, Delivery] = {}
        self.attempts: list[Delivery] = []
        self.broken = False
        self._accept: asyncio.Future[Accept] = asyncio.get_running_loop().create_future()
        self._closed = asyncio.Event()
        self._changed = asyncio.Condition()

    def address(self, chat: str = "1") -> Address:
        return Address(channel=self.name, chat=chat)

    async def run(self, accept: Accept) -> None:
        self._accept.set_result(accept)
        await self._closed.wait()

    async def show(self, address: Address, turn: str, part: Live) -> None:
        self.live.append((turn, part))
        async with self._changed:
            self._changed.notify_all()

    async def deliver(self, delivery: Delivery) -> None:
        self.attempts.append(delivery)
        if self.broken:
            raise DeliveryError("the fake channel is broken", retry_after_seconds=0.001)
        self.shown[delivery.id] = delivery
        async with self._changed:
            self._changed.notify_all()

    async def push(self, inbound: Inbound) -> Receipt:
        """Let something arrive. Raises what `accept` raises."""
        return await (await self._accept)(inbound)

    async def ready(self) -> None:
        await self._accept

    def close(self) -> None:
        """The channel ends, as a terminal does at the end of its input."""
        self._closed.set()

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
