"""Local first: a model nearby decides on simple requests, and the external chain where that one's word does not do."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal, TypeVar

from orchestrator.chains import Chain, Heard
from orchestrator.complexity import USUAL, Complexity
from orchestrator.errors import NoModelAnswered, PlanInvalid
from orchestrator.facts import LocalityFacts, decision_facts
from orchestrator.models import OnCalls, OnText
from orchestrator.plan import Planned, Refuse
from orchestrator.sessions import Talk

log = logging.getLogger(__name__)

Tell = Callable[[LocalityFacts], None]
"""Hears which chain decides, and why."""
T = TypeVar("T")
Ask = Callable[[Chain, OnText, OnCalls | None], Awaitable[T]]
"""Lets a chain decide."""


@dataclass(frozen=True, slots=True)
class SetAside:
    """Why the local chain's word does not do, its decision if there is one, and the setting that was decisive."""

    why: str
    decision: Planned | Refuse | None = None
    limit: Literal["", "local_hand_overs", "local_confidence"] = ""


@dataclass(frozen=True, slots=True)
class Local:
    """The local chain, and which plans are left to it: those that give at most so many steps to workers as `hand_overs`
    says, and are at least as sure as `confidence`."""

    chain: Chain
    hand_overs: int = 3  # FEATURES row 32
    confidence: float = 0.75

    def doubt(self, decision: object) -> SetAside | None:
        """Why another chain should decide. To decline is not left to a small model: it knows least of what it can."""
        match decision:
            case Refuse():
                return SetAside("it declined", decision)
            case Planned(plan=plan) if (count := sum(1 for step in plan.steps if step.worker)) > self.hand_overs:
                why = f"its plan has {count} hand-overs, more than {self.hand_overs}"
                return SetAside(why, decision, limit="local_hand_overs")
            case Planned(plan=plan) if plan.confidence < self.confidence:
                why = f"its plan is {plan.confidence:g} sure, less than {self.confidence:g}"
                return SetAside(why, decision, limit="local_confidence")
        return None


class Locality:
    """Chooses the chain that decides. Where there is no `local` one, the judgement is told all the same."""

    def __init__(self, external: Chain, *, local: Local | None = None, complexity: Complexity = USUAL) -> None:
        self._external = external
        self._local = local
        self._complexity = complexity

    async def decided(self, talk: Talk, ask: Ask[T], *, on_text: OnText, on_calls: OnCalls, tell: Tell) -> T:
        """What the chosen chain decides. Raises what `ask` raises for the external one.

        What the local one has said is taken back where it does not do. Its calls are not heard before it has ended: a
        step that had begun could run once more in the external one's plan.
        """
        judgement = self._complexity.judged(talk.whole_request, files=len(talk.attached))
        local = self._local if judgement.is_simple else None
        chosen = LocalityFacts(
            level="simple" if judgement.is_simple else "complex",
            reasons=dict(judgement.reasons),
            chain="local" if local else "external" if self._local else "only",
        )
        if local:
            said = Heard(on_text, "")
            decision = await _locally(local, ask, said)
            if not isinstance(decision, SetAside):
                _told(talk, chosen, tell)
                return decision
            await said.void()
            chosen = _gone_on(chosen, decision)
        _told(talk, chosen, tell)
        return await ask(self._external, on_text, on_calls)


async def _locally(local: Local, ask: Ask[T], on_text: OnText) -> T | SetAside:
    """What the local chain decides. One that rests is not asked: a request does not wait for it."""
    if local.chain.is_resting:
        return SetAside("it rests, as it has failed too often")
    try:
        decision = await ask(local.chain, on_text, None)
    except NoModelAnswered:
        return SetAside("it did not answer")
    except PlanInvalid:
        return SetAside("its plan could not run, twice")
    return local.doubt(decision) or decision


def _gone_on(chosen: LocalityFacts, aside: SetAside) -> LocalityFacts:
    kept = decision_facts(aside.decision) if aside.decision else None
    changed = {"chain": "external", "escalated": aside.why, "limit": aside.limit, "set_aside": kept}
    return chosen.model_copy(update=changed)


def _told(talk: Talk, chosen: LocalityFacts, tell: Tell) -> None:
    tell(chosen)
    fields = chosen.model_dump(include={"level", "reasons", "chain", "escalated"})
    log.info("a chain was chosen", extra={"turn": talk.arrived.turn, **fields})
