"""The front call: one native tool-calling turn that answers, asks, declines or plans."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from orchestrator.briefing import briefing
from orchestrator.chains import Chain, Note
from orchestrator.locality import Locality, Tell
from orchestrator.models import ModelReply, OnCalls, OnText
from orchestrator.plan import Decision
from orchestrator.planner import Planner
from orchestrator.reading import ASK, REFUSE, Reader, decided, text_of
from orchestrator.sessions import Talk
from orchestrator.tools.catalog import Catalog
from orchestrator.tools.spec import ToolSpec

HAND_OVER = ToolSpec(
    name="plan",
    description="Hand over to the planner where later steps use earlier results, or where the work has many parts.",
    parameters={
        "type": "object",
        "properties": {"goal": {"type": "string", "description": "What the person wants in the end, complete."}},
        "required": ["goal"],
    },
    source="front",
)


@dataclass(frozen=True, slots=True)
class HandOver:
    """The front call leaves the planning to the planner's own chain."""

    goal: str


class Front:
    """Decides with a model. Given a planner, plans are that one's work; else they are written right here."""

    def __init__(
        self,
        chains: Locality,
        catalog: Catalog,
        reader: Reader,
        *,
        planner: Planner | None = None,
        now: Callable[[], datetime],
    ) -> None:
        self._chains = chains
        self._catalog = catalog
        self._reader = reader
        self._planner = planner
        self._now = now

    async def decide(
        self, talk: Talk, *, note: Note, on_text: OnText, on_calls: OnCalls, tell: Tell = lambda chosen: None
    ) -> Decision:
        """Raises NoModelAnswered where the whole chain failed, PlanInvalid where the repair failed too.

        `on_calls` hears tool calls and plans while they are being written, whoever writes them; `tell` which chain
        decides.
        """
        ask = partial(self._asked, talk, note)
        decision = await self._chains.decided(talk, ask, on_text=on_text, on_calls=on_calls, tell=tell)
        if self._planner and isinstance(decision, HandOver):
            return await self._planner.plan(talk, decision.goal, note=note, on_calls=on_calls)
        assert not isinstance(decision, HandOver)
        return decision

    async def _asked(
        self, talk: Talk, note: Note, chain: Chain, on_text: OnText, on_calls: OnCalls | None
    ) -> Decision | HandOver:
        return await decided(
            chain,
            briefing("front", talk, self._now()),
            self._read,
            catalog=self._catalog,
            about=talk.topic,
            tools=(ASK, REFUSE, HAND_OVER if self._planner else self._reader.plan_tool),
            on_text=on_text,
            on_calls=on_calls,
            note=note,
        )

    def _read(self, reply: ModelReply) -> Decision | HandOver:
        handed_over = [call for call in reply.tool_calls if call.name == HAND_OVER.name and self._planner]
        return HandOver(text_of(handed_over[0], "goal")) if handed_over else self._reader.read(reply)
