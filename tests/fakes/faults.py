"""Trouble that a test orders for the next calls of a platform's method."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar

EVERY_METHOD = "*"
Kind = Literal["refuse", "drop", "lose the answer", "hold", "slow"]
Refused = TypeVar("Refused")


@dataclass
class Fault(Generic[Refused]):
    """One order. `reached` is set when a call has met it; a call that is held goes on at `release()`."""

    method: str
    kind: Kind
    times: int
    contains: str
    refusal: Refused | None = None
    seconds: float = 0
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    _released: asyncio.Event = field(default_factory=asyncio.Event)

    def release(self) -> None:
        self._released.set()

    async def until_released(self) -> None:
        await self._released.wait()

    def meets(self, method: str, given: Mapping[str, Any]) -> bool:
        return self.times > 0 and self.method in (method, EVERY_METHOD) and self.contains in str(dict(given))


class Orders(Generic[Refused]):
    """Orders, the oldest first. A method is a name of the platform's API, or "*" for any. `contains` is looked for in
    the parameters."""

    def __init__(self) -> None:
        self._orders: list[Fault[Refused]] = []

    def drop(self, method: str, *, times: int = 1, contains: str = "") -> Fault[Refused]:
        """Break the connection before anything is done."""
        return self.order(Fault(method, "drop", times, contains))

    def lose_answer(self, method: str, *, times: int = 1, contains: str = "") -> Fault[Refused]:
        """Do the work, then break the connection."""
        return self.order(Fault(method, "lose the answer", times, contains))

    def hold(self, method: str, *, times: int = 1, contains: str = "") -> Fault[Refused]:
        """Answer when it is released. The work is done before, as with a slow way back."""
        return self.order(Fault(method, "hold", times, contains))

    def order(self, fault: Fault[Refused]) -> Fault[Refused]:
        self._orders.append(fault)
        return fault

    def met_by(self, method: str, given: Mapping[str, Any]) -> Fault[Refused] | None:
        """The order that this call meets; it is used up by one."""
        for fault in self._orders:
            if fault.meets(method, given):
                fault.times -= 1
                fault.reached.set()
                return fault
        return None

    def release_all(self) -> None:
        for fault in self._orders:
            fault.release()
