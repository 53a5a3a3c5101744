"""What the page shows of the past: somebody else keeps it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from orchestrator.messages import Address, Attachment, Final, Inbound, Person, PlanCard

NAME = "web"
HOME = "home"  # the conversation of a person's own chat, where others may send something; all else are threads of it


@dataclass(frozen=True, slots=True)
class Listed:
    """A conversation in the list."""

    id: str
    title: str
    last_at: datetime
    asks: bool = False


@dataclass(frozen=True, slots=True)
class Shown:
    """A final part that was shown. `id` is its delivery's."""

    id: str
    turn: str
    part: Final


@dataclass(frozen=True, slots=True)
class Spoken:
    """An event as it arrived, and the turn that worked on it."""

    turn: str
    inbound: Inbound
    is_done: bool = True


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of a conversation. `cards` are the plans by turn, `question` is the open one, `has_earlier` says that
    there is more before it."""

    spoken: tuple[Spoken, ...] = ()
    shown: tuple[Shown, ...] = ()
    cards: Mapping[str, PlanCard] = field(default_factory=dict)
    question: str | None = None
    is_busy: bool = False
    has_earlier: bool = False


@dataclass(frozen=True, slots=True)
class Hit:
    """A turn in which words were found. `id` is its conversation's."""

    id: str
    turn: str
    request: str
    answer: str
    at: datetime


class Record(Protocol):
    """The past of one person at a time. Every method raises StorageError."""

    async def language(self, person: Person) -> str:
        """The language in which this person is spoken to."""
        ...

    async def conversations(self, person: Person) -> Sequence[Listed]:
        """Theirs, the newest first."""
        ...

    async def stretch(self, address: Address, *, before: str | None = None, since: str | None = None) -> Stretch:
        """The end of a conversation, what comes before a turn, or all from a turn on."""
        ...

    async def find(self, person: Person, words: str) -> Sequence[Hit]:
        """Their turns in which all of these words stand, the newest first."""
        ...

    async def shown(self, person: Person, delivery: str) -> Shown | None:
        """A part that was shown to them."""
        ...

    async def content(self, file: Attachment) -> bytes | None:
        """A kept file; None where it is not there any more."""
        ...

    async def keep(self, name: str, mime: str, data: bytes) -> str:
        """Keep a file; its id."""
        ...


def address_of(person: Person, conversation: str, *, channel: str = NAME) -> Address:
    """Where a conversation of this person happens."""
    return Address(channel=channel, chat=person.id, thread=None if conversation == HOME else conversation)


def conversation_of(address: Address) -> str:
    """The id of the conversation at this address."""
    return address.thread or HOME


def place_of(person: Person, *, channel: str = NAME) -> str:
    """What the keys of all sessions of this person begin with."""
    return address_of(person, HOME, channel=channel).session
