"""What programs may ask of the past, besides what pages show of it: somebody else keeps it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from pydantic import BaseModel

from adapters.web.api.contract import Ready
from adapters.web.record import Record, Shown, Stretch
from orchestrator.messages import Address, Person, PlanCard

NAME = "api"


@dataclass(frozen=True, slots=True)
class Known:
    """A turn, and the conversation in which it is."""

    turn: str
    conversation: str


@dataclass(frozen=True, slots=True)
class Alone:
    """One turn without those beside it: the `stretch` holds nothing else."""

    conversation: str
    stretch: Stretch

    @property
    def is_done(self) -> bool:
        return all(each.is_done for each in self.stretch.spoken)


class Archive(Record, Protocol):
    """The past of one person at a time, and of nobody else. Every method raises StorageError."""

    @property
    def dossier_model(self) -> type[BaseModel]:
        """What dossiers are made of."""
        ...

    async def refusal(self, person: Person, word: str) -> str:
        """Why this person may not come in, or not have what a slash word gives; empty where they may."""
        ...

    async def taken(self, person: Person, event_id: str) -> Known | None:
        """The turn of an event that has arrived."""
        ...

    async def turn(self, person: Person, turn: str) -> Alone | None:
        """One turn with its parts."""
        ...

    async def dossier(self, person: Person, turn: str) -> BaseModel | None:
        """What was decided in a turn that has ended, and why."""
        ...

    async def plan(self, person: Person, plan: str) -> tuple[Known, PlanCard] | None:
        """A plan, and the turn that worked on it last."""
        ...

    async def asking(self, person: Person, question: str) -> str | None:
        """The conversation in which a question was shown, also one about something that another person wants."""
        ...

    async def shown_after(self, address: Address, part: str | None) -> Sequence[Shown]:
        """What was shown after a part; the last of it, where that is not known."""
        ...

    async def ready(self) -> Ready:
        """How things stand. It raises nothing."""
        ...
