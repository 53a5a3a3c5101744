"""What a slash word is: its name, how it is written, what it is for, and what it does."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from orchestrator.errors import BadInput
from orchestrator.plan import Planned
from orchestrator.sessions import Talk
from orchestrator.words import say
from storage.records import Change


@dataclass(frozen=True, slots=True)
class Told:
    """What the system says. It may put the history away, drop the open question, or change what is kept beside."""

    text: str
    forget_history: bool = False
    drop_question: bool = False
    changes: tuple[Change, ...] = ()


CarryOut = Callable[[Talk, str], Awaitable[Told | Planned]]
"""Does what stands behind a slash word. Raises BadInput where that cannot be used."""


@dataclass(frozen=True, slots=True)
class Slash:
    """One slash word. `summary` is for /help; one without is not listed there."""

    name: str
    carry_out: CarryOut
    usage: str = ""
    summary: str = ""


def choice_of(rest: str, count: int, *, usage: str) -> list[int]:
    """The places, from 0, that words such as "2 3" or "all" choose among so many. Raises BadInput."""
    if rest.strip().casefold() == "all":
        return list(range(count))
    words = rest.split()
    if not words or not all(word.isdecimal() and 1 <= int(word) <= count for word in words):
        raise BadInput(say("Say which by its number, as in `{usage}`; there are {count}.", usage=usage, count=count))
    return [int(word) - 1 for word in words]
