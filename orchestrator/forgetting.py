"""Forgetting a person at their own wish: /forget me, and the question before it."""

import json
from collections.abc import Iterator, Mapping

from orchestrator.audit import entry
from orchestrator.errors import BadInput
from orchestrator.messages import Choice, Form, Inbound, Message, Question, QuestionField
from orchestrator.sessions import Talk
from orchestrator.slash import Slash, Told
from orchestrator.slots import yes_or_no
from orchestrator.words import each_way, say
from storage.changes import asking_to_forget
from storage.records import Change
from storage.store import Store

FIELD = "forget"  # the name of what the question asks for


class Forgetting:
    """Asks before somebody is forgotten. Once their last answer has arrived, the caretaker does it."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def words(self) -> Iterator[Slash]:
        yield Slash("forget", self._forget, "/forget me", say("deletes all that I keep about you"))

    async def answered(self, talk: Talk) -> Told | None:
        """What comes of a yes or a no to that question; None where this is neither."""
        if not _is_asked(talk):
            return None
        said = _said(talk.inbound)
        match {"1": True, "2": False}.get(said, yes_or_no(said)):
            case True:
                counts = await self._counts(talk)
                text = say("I forget you now, and start over with your next message. What goes:")
                asking = asking_to_forget(talk.arrived.channel, talk.inbound.person.id)
                return Told(f"{text}\n{receipt(counts)}", drop_question=True, changes=(asking,))
            case False:
                return Told(say("Then all stays as it is."), drop_question=True)
            case None:
                return None

    async def _forget(self, talk: Talk, rest: str) -> Told:
        if rest.strip().casefold() not in each_way("me"):
            raise BadInput(say("I forget only whoever asks for it: write `/forget me`."))
        text = say("Shall I delete all that I keep about you? Nobody can bring it back. It is in so many places:")
        text = f"{text}\n{receipt(await self._counts(talk))}"
        choices = (say("yes"), say("no"))
        return Told(text, asks=(QuestionField(name=FIELD, label=text, choices=choices, closed=True, approval=True),))

    async def _counts(self, talk: Talk) -> Mapping[str, int]:
        return await self._store.forgettable(talk.arrived.channel, talk.inbound.person.id, whose)


def receipt(counts: Mapping[str, int]) -> str:
    """What was found of somebody: a line for each table, and one for files."""
    return "\n".join(f"- {name}: {count}" for name, count in sorted(counts.items()))


def forgotten(channel: str, counts: Mapping[str, int]) -> tuple[Change, ...]:
    """That somebody was forgotten, for the audit: not who."""
    return (entry("forget", channel=channel, rows=dict(counts)),)


def whose(payload: str) -> tuple[str, str]:
    """The id and the name of the person of an event, as it is stored: also of one of another version."""
    person = json.loads(payload).get("person", {})
    return person.get("id", ""), person.get("name", "")


def _is_asked(talk: Talk) -> bool:
    """Whether the open question is ours, and is put to whoever speaks now."""
    question, inbound = talk.question, talk.inbound
    if question is None or question.plan or question.person != inbound.person.id:
        return False
    if isinstance(inbound, Choice | Form) and inbound.question != question.id:
        return False
    return any(field.name == FIELD for field in Question.model_validate_json(question.payload).fields)


def _said(inbound: Inbound) -> str:
    match inbound:
        case Message(text=text):
            return text.strip()
        case Choice(value=value):
            return value
        case Form(values=values):
            return values.get(FIELD, "")
        case _:
            return ""
