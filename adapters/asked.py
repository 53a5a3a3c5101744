"""An open question as a channel with buttons knows it. What a press means is kept on our side; a button has numbers."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace

from adapters.base import Shelf
from adapters.locks import Locks
from orchestrator.messages import Address, Question

NOTE = "question/"  # keys of notes


@dataclass(frozen=True, slots=True)
class Asked:
    """Where a question stands, whom it asks, and what was picked so far.

    `fields` are (name, choices), `picked` is by field name. `message` is empty until it is known.
    """

    question: str
    chat: str
    thread: str | None
    person: str
    fields: tuple[tuple[str, tuple[str, ...]], ...]
    approval: bool = False
    message: str = ""
    picked: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, question: Question, address: Address) -> "Asked":
        return cls(
            question=question.id,
            chat=address.chat,
            thread=address.thread,
            person=question.person,
            fields=tuple((each.name, each.choices) for each in question.fields),
            approval=any(each.approval for each in question.fields),
        )

    @classmethod
    def read(cls, note: str) -> "Asked":
        known = json.loads(note)
        fields = tuple((name, tuple(choices)) for name, choices in known.pop("fields"))
        return cls(**known, fields=fields)

    def written(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False)

    def pick(self, at: int, choice: int) -> "Asked":
        """The same with one more choice made. Raises IndexError for what was never a choice."""
        name, choices = self.fields[at]
        return replace(self, picked={**self.picked, name: choices[choice]})

    @property
    def open_fields(self) -> list[str]:
        """The names of those that nothing was picked for."""
        return [name for name, _ in self.fields if name not in self.picked]


class OpenQuestions:
    """The questions of a channel that can be pressed. What changes one waits for what changes it already: a press may
    be quicker than the platform's word on where the question stands. Methods raise StorageError."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._locks = Locks()

    async def find(self, question: str) -> Asked | None:
        note = await self._shelf.noted(f"{NOTE}{question}") if question else None
        return Asked.read(note) if note else None

    async def open(self, asked: Asked, also: Mapping[str, str] | None = None) -> None:
        """From now on it can be pressed. `also` are notes that belong to it."""
        await self._shelf.note({f"{NOTE}{asked.question}": asked.written(), **(also or {})})

    async def stands_in(self, message: str, question: str) -> None:
        """It is shown in this message now, if it is still open."""
        async with self._locks.of(question):
            if asked := await self.find(question):
                await self.open(replace(asked, message=message))

    async def pick(self, press: "Press") -> Asked | None:
        """The question with what was picked so far; None where it is over. Raises IndexError for no choice of it."""
        async with self._locks.of(press.question):
            asked = await self.find(press.question)
            picked = asked.pick(press.field, press.choice) if asked else None
            if picked:
                await self.open(picked)
            return picked

    async def close(self, question: str, also: Iterable[str] = ()) -> Asked | None:
        """The question that was open until now. `also` are keys of notes that go with it."""
        async with self._locks.of(question):
            asked = await self.find(question)
            await self._shelf.note(dict.fromkeys((f"{NOTE}{question}", *also)))
            return asked


@dataclass(frozen=True, slots=True)
class Press:
    """What a button carries: a question, one of its fields, one of its choices."""

    question: str
    field: int
    choice: int

    def written(self) -> str:
        return f"{self.question}/{self.field}/{self.choice}"

    @classmethod
    def read(cls, data: str) -> "Press | None":
        question, *numbers = data.split("/")
        if len(numbers) != 2 or not all(each.isdecimal() and each.isascii() for each in numbers):
            return None
        return cls(question, int(numbers[0]), int(numbers[1]))
