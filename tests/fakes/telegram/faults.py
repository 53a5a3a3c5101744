"""Trouble that a test orders for the next calls of the Bot API."""

from typing import Any

from tests.fakes.faults import Fault, Orders
from tests.fakes.telegram.refusals import Refused


class Faults(Orders[Refused]):
    """Orders, with those that Telegram has words of its own for."""

    def refuse(
        self, method: str, code: int, description: str, *, times: int = 1, contains: str = "", **parameters: Any
    ) -> Fault[Refused]:
        """Answer with an error, and do nothing: `refuse("sendMessage", 429, "Too Many Requests", retry_after=3)`."""
        return self.order(Fault(method, "refuse", times, contains, Refused(code, description, **parameters)))
