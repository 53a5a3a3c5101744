"""Trouble that a test orders for the next calls of the Web API."""

from typing import Any

from tests.fakes.faults import Fault, Orders
from tests.fakes.slack.refusals import Refused, too_many_requests


class Faults(Orders[Refused]):
    """Orders, with those that Slack has words of its own for."""

    def refuse(self, method: str, error: str, *, times: int = 1, contains: str = "", **fields: Any) -> Fault[Refused]:
        """Answer with an error, and do nothing: `refuse("chat.update", "message_not_found")`."""
        return self.order(Fault(method, "refuse", times, contains, Refused(error, **fields)))

    def limit(self, method: str, *, seconds: int = 1, times: int = 1, contains: str = "") -> Fault[Refused]:
        """429 with Retry-After."""
        return self.order(Fault(method, "refuse", times, contains, too_many_requests(seconds)))

    def fail(self, method: str, *, status: int = 503, times: int = 1, contains: str = "") -> Fault[Refused]:
        """The server is not well."""
        return self.order(Fault(method, "refuse", times, contains, Refused("internal_error", status=status)))

    def slow(self, method: str, seconds: float, *, times: int = 1, contains: str = "") -> Fault[Refused]:
        """Answer so many seconds later, by the server's clock."""
        return self.order(Fault(method, "slow", times, contains, seconds=seconds))
