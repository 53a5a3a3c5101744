"""What a slash word is: its name, how it is written, what it is for, and what it does."""

import shlex
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from orchestrator.errors import BadInput
from orchestrator.messages import Attachment, QuestionField
from orchestrator.plan import Planned
from orchestrator.sessions import Talk
from orchestrator.words import say
from storage.records import Change, Letter


@dataclass(frozen=True, slots=True)
class Told:
    """What the system says. It may put the history away, drop the open question, or change what is kept beside.

    `letters` are what others are told, `closes` is a question that is over and was not of this session. `files` go out
    with it; where it `asks`, its text is the question.
    """

    text: str
    forget_history: bool = False
    drop_question: bool = False
    changes: tuple[Change, ...] = ()
    letters: tuple[Letter, ...] = ()
    closes: str = ""
    files: tuple[Attachment, ...] = ()
    asks: tuple[QuestionField, ...] = ()


@dataclass(frozen=True, slots=True)
class Said:
    """Words that stand for what the person says."""

    text: str


CarryOut = Callable[[Talk, str], Awaitable[Told | Planned | Said]]
"""Does what stands behind a slash word. Raises BadInput where that cannot be used."""


@dataclass(frozen=True, slots=True)
class Slash:
    """One slash word. `summary` is for /help; one without is not listed there."""

    name: str
    carry_out: CarryOut
    usage: str = ""
    summary: str = ""


def pairs_of(name: str, parameters: Sequence[str], required: Sequence[str], rest: str) -> list[tuple[str, str]]:
    """`key=value` words behind a slash word; a single value without a key is the first parameter's. Raises BadInput."""
    try:
        words = shlex.split(rest)
    except ValueError:
        raise BadInput(say("A quotation mark is open in: {text}", text=rest[:200])) from None
    pairs = [tuple(word.split("=", 1)) for word in words if "=" in word]
    if words and not pairs and parameters:
        return [(parameters[0], rest.strip())]
    if len(pairs) < len(words):
        usage = f"/{name} {' '.join(f'{each}=...' for each in required or parameters)}"
        raise BadInput(say("Write it as {usage}; values with spaces in quotation marks.", usage=usage))
    return [(key, value) for key, value in pairs]


def choice_of(rest: str, count: int, *, usage: str) -> list[int]:
    """The places, from 0, that words such as "2 3" or "all" choose among so many. Raises BadInput."""
    if rest.strip().casefold() == "all":
        return list(range(count))
    words = rest.split()
    if not words or not all(word.isdecimal() and 1 <= int(word) <= count for word in words):
        raise BadInput(say("Say which by its number, as in `{usage}`; there are {count}.", usage=usage, count=count))
    return [int(word) - 1 for word in words]
