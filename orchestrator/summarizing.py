"""Long talks: what is too old to be shown word by word is summed up, after the answer and never in its way."""

import logging
from collections.abc import Sequence

from orchestrator.chains import Chain
from orchestrator.errors import NoModelAnswered
from orchestrator.models import ChatMessage
from orchestrator.prompts import prompt
from orchestrator.sessions import REMEMBERED
from storage.records import ModelCall, Summary, TurnRecord
from storage.store import Store

log = logging.getLogger(__name__)

LONGEST_SUMMARY = 4_000  # characters, about 1,000 tokens: what every later request pays for it


class Summarizing:
    """Sums up what is about to leave the history. `last` is the number of messages that models see word by word.

    Once so many turns are not summed up, one call sums up the older half of them. So nothing is ever neither seen nor
    summed up, and the call is made once in half a history.
    """

    def __init__(self, store: Store, chain: Chain | None, *, last: int) -> None:
        self._store = store
        self._chain = chain
        self._window = max(1, last // 2)
        self._turns_until_look: dict[str, int] = {}  # by session: saves a read per turn; 10,000 are about 1 MB

    async def sum_up(self, session: str) -> None:
        """Sum up the turns that the history does not hold any more, if there are enough of them."""
        if self._chain is None or not self._is_due(session):
            return
        turns = await self._store.not_summed_up(session)
        if len(turns) < self._window:
            self._turns_until_look[session] = self._window - len(turns)
            return
        old = turns[: len(turns) - self._window // 2]
        calls: list[ModelCall] = []
        try:
            before = await self._store.summary(session)
            reply = await self._chain.reply(_material(before, old), note=calls.append)
        except NoModelAnswered as error:
            log.warning("a talk could not be summed up", extra={"session": session, "reason": str(error)})
            return
        summary = Summary(session, upto=old[-1].turn, text=reply.text.strip()[:LONGEST_SUMMARY])
        of = [each.turn for each in old]
        await self._store.keep_summary(summary, before=before, of=of, turn=turns[-1].turn, calls=calls)

    def _is_due(self, session: str) -> bool:
        left = self._turns_until_look.get(session, 1) - 1
        self._turns_until_look[session] = max(left, 1)
        return left <= 0


def _material(before: str, turns: Sequence[TurnRecord]) -> list[ChatMessage]:
    said = "\n\n".join(f"Person: {turn.request[:REMEMBERED]}\nYou: {turn.answer[:REMEMBERED]}" for turn in turns)
    known = f"Summary so far:\n{before}\n\n" if before else ""
    return [ChatMessage("system", prompt("summary")), ChatMessage("user", f"{known}What was said since:\n{said}")]
