"""How the Web API says no: a word in a normal answer, or 429 with the seconds to wait."""

from typing import Any


class Refused(Exception):
    """The call is refused. `fields` stand beside the error; `status` is that of HTTP."""

    def __init__(self, error: str, *, status: int = 200, retry_after: int | None = None, **fields: Any) -> None:
        super().__init__(error)
        self.error = error
        self.status = status
        self.retry_after = retry_after
        self.fields = fields

    @property
    def body(self) -> dict[str, Any]:
        return {"ok": False, "error": self.error, **self.fields}


def explained(error: str, *messages: str) -> Refused:
    """One that says where it is wrong, as `invalid_blocks` and `invalid_arguments` do."""
    return Refused(error, response_metadata={"messages": [f"[ERROR] {each}" for each in messages]})


def too_many_requests(seconds: int) -> Refused:
    return Refused("ratelimited", status=429, retry_after=seconds)


UNKNOWN_METHOD = "unknown_method"
