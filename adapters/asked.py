"""An open question as a channel with buttons knows it. What a press means is kept on our side; a button has numbers."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace

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
