"""Presses: whether somebody may answer a question, before they do. What they may not is told, and goes on record."""

import re

from orchestrator import audit
from orchestrator.approving import Approving, is_for_others
from orchestrator.messages import Pressing
from orchestrator.people import People
from orchestrator.raising import ALLOWS
from orchestrator.roles import Rights
from orchestrator.words import say
from storage.store import Store

MORE_BUDGET = re.compile(r"b\d+-\d+")


class Presses:
    """Looks at presses. The turn of an answer looks once more: a role may have changed by then."""

    def __init__(self, store: Store, people: People, approving: Approving) -> None:
        self._store = store
        self._people = people
        self._approving = approving

    async def refusal(self, press: Pressing) -> str:
        """The sentence for who may not answer; empty where they may, or there is nothing to answer any more. Raises
        StorageError."""
        why = await self._why_not(press, await self._people.rights_of(press))
        if why:
            channel, session = press.address.channel, press.address.session
            entry = audit.entry("refusal", channel=channel, person=press.person.id, session=session, why="press")
            await self._store.change(entry)
        return why

    async def _why_not(self, press: Pressing, theirs: Rights) -> str:
        not_asked = say("I asked somebody else that; only they can answer it.")
        if not theirs.are_any or (MORE_BUDGET.fullmatch(press.question) and not theirs.may_say(ALLOWS)):
            return not_asked
        question = await self._store.question(press.question)
        if found := await self._approving.of_press(press.question, question):
            petition, blank = found
            return self._approving.why_not(blank, petition, theirs)
        is_others = question is not None and press.person.id != question.person and not is_for_others(question)
        return not_asked if is_others else ""
