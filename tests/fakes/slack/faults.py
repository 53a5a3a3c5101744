"""Trouble that a test orders for the next calls of a method."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from tests.fakes.slack.refusals import Refused, too_many_requests

EVERY_METHOD = "*"
Kind = Literal["refuse", "drop", "lose the answer", "hold", "slow"]


@dataclass
class Fault:
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


class Faults:
    """Orders, the oldest first. A method is a name of the Web API, or "*" for any. `contains` is looked for in the
    parameters."""

    def __init__(self) -> None:
        self._orders: list[Fault] = []

    def refuse(self, method: str, error: str, *, times: int = 1, contains: str = "", **fields: Any) -> Fault:
        """Answer with an error, and do nothing: `refuse("chat.update", "message_not_found")`."""
        return self._order(Fault(method, "refuse", times, contains, Refused(error, **fields)))

    def limit(self, method: str, *, seconds: int = 1, times: int = 1, contains: str = "") -> Fault:
        """429 with Retry-After."""
        return self._order(Fault(method, "refuse", times, contains, too_many_requests(seconds)))

    def fail(self, method: str, *, status: int = 503, times: int = 1, contains: str = "") -> Fault:
        """The server is not well."""
        return self._order(Fault(method, "refuse", times, contains, Refused("internal_error", status=status)))

    def drop(self, method: str, *, times: int = 1, contains: str = "") -> Fault:
        """Break the connection before anything is done."""
        return self._order(Fault(method, "drop", times, contains))

    def lose_answer(self, method: str, *, times: int = 1, contains: str = "") -> Fault:
        """Do the work, then break the connection."""
        return self._order(Fault(method, "lose the answer", times, contains))

    def hold(self, method: str, *, times: int = 1, contains: str = "") -> Fault:
        """Answer when it is released. The work is done before, as with a slow way back."""
        return self._order(Fault(method, "hold", times, contains))

    def slow(self, method: str, seconds: float, *, times: int = 1, contains: str = "") -> Fault:
        """Answer so many seconds later, by the server's clock."""
        return self._order(Fault(method, "slow", times, contains, seconds=seconds))

    def met_by(self, method: str, given: Mapping[str, Any]) -> Fault | None:
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

    def _order(self, fault: Fault) -> Fault:
        self._orders.append(fault)
        return fault
