"""What one turn works with: its talk, its dossier, the way up to the person, and the steps that began early."""

from dataclasses import dataclass, replace

from orchestrator.dossier import Dossier
from orchestrator.headstart import HeadStart
from orchestrator.messages import Arrival, Draft, Emit, Live, Message, Question
from orchestrator.sessions import Talk
from orchestrator.steering import Steering
from orchestrator.words import say


@dataclass(frozen=True, slots=True)
class Scene:
    """One turn under way. `emit` shows live parts, `steering` brings what the person adds."""

    talk: Talk
    dossier: Dossier
    emit: Emit
    ahead: HeadStart
    steering: Steering | None = None

    async def draft(self, text: str) -> None:
        """Show the answer so far."""
        await self.emit(Draft(text=text))

    def saying(self, text: str) -> "Scene":
        """The same, as if the person had said this."""
        arrival = {name: getattr(self.talk.inbound, name) for name in Arrival.model_fields}
        return replace(self, talk=replace(self.talk, inbound=Message(**arrival, text=text)))

    @property
    def question_id(self) -> str:
        """The id of the question that this turn may end with."""
        return f"q{self.talk.arrived.number}"

    def instead_of_the_old(self, question: Question, plan: str | None = None) -> Question:
        """A session has one open question. Where another plan's is replaced, the person is told."""
        if self.talk.question is None or self.talk.question.plan in {None, plan}:
            return question
        dropped = say("(I have dropped my question before this one.)")
        return question.model_copy(update={"text": f"{question.text}\n\n{dropped}"})


def drafts_alone(emit: Emit) -> Emit:
    """The same `emit` for a person who wants to see the answer, and nothing of the work."""

    async def quiet(part: Live) -> None:
        if isinstance(part, Draft):
            await emit(part)

    return quiet
