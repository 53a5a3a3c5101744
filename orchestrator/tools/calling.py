"""For whom a tool is called: known to whatever carries the call out, and no part of the arguments."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any

from orchestrator.messages import Address
from orchestrator.tools.asking import Asking

Tell = Callable[[str], Awaitable[None]]
"""Shows how far a call is, in a few words."""


@dataclass(frozen=True, slots=True)
class Calling:
    """The person, by channel and the channel's id, and what else is known of a call: their `name`, the `teams`
    that they are a member of, the `address` of the conversation, and the only `tools` that may be used
    in it, where not all may.

    `private` says that nobody else reads along. Where the tool `can_ask`, its questions find their way to the person;
    `asked` is what it asked when it was called before, with the answers.
    """

    channel: str = ""
    person: str = ""
    name: str = ""
    teams: tuple[str, ...] = ()
    address: Address | None = None
    tools: tuple[str, ...] | None = None
    private: bool = False
    tell: Tell | None = None
    can_ask: bool = False
    asked: Asking | None = None

    @property
    def account(self) -> str:
        """The person's name among all channels; empty for a call of nobody's."""
        return f"{self.channel}:{self.person}" if self.person else ""


NOBODY = Calling()
_now: ContextVar[Calling] = ContextVar("calling", default=NOBODY)


def calling() -> Calling:
    """What is known of the call that is being made."""
    return _now.get()


@contextmanager
def calling_with(**known: Any) -> Iterator[None]:
    """Let this be known of all calls that are made inside of it, on top of what was known."""
    token = _now.set(replace(_now.get(), **known))
    try:
        yield
    finally:
        _now.reset(token)
