"""How a turn ends, and everything that is written when it does."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from orchestrator.attached import Seen, lines
from orchestrator.audit import decided, refused
from orchestrator.claims import Deed, unsupported
from orchestrator.dossier import Dossier
from orchestrator.facts import StepFacts, Timings, read_facts
from orchestrator.messages import (
    FINAL,
    Answer,
    Choice,
    Command,
    Edit,
    Final,
    Form,
    Inbound,
    Message,
    Question,
    Saying,
    Stop,
)
from orchestrator.plan import FindTool
from orchestrator.quoting import with_foreign
from orchestrator.repair import repaired
from orchestrator.sessions import Talk, files_of
from orchestrator.words import say
from storage.records import Change, Conclusion, Letter, OpenQuestion, TurnRecord


@dataclass(frozen=True, slots=True)
class Ending:
    """How a turn ends: its outcome in a word, and what the person sees. Without a part, another turn shows it.

    `plan` is the plan that goes on with the answer, where the part is a question. `letters` are what others are told.
    `case` says in a word why a person must look at it; empty where nobody must.
    """

    outcome: str
    part: Final | None = None
    plan: str | None = None
    forget_history: bool = False
    drop_question: bool = False
    changes: tuple[Change, ...] = ()
    letters: tuple[Letter, ...] = ()
    case: str = ""

    def with_footer(self, line: str) -> "Ending":
        """The same with a line below the answer."""
        if not isinstance(self.part, Answer) or not line:
            return self
        return self.saying(f"{self.part.text}\n\n*{line}*")

    def showing(self, part: Final) -> "Ending":
        """The same with another part."""
        return replace(self, part=part)

    def saying(self, text: str) -> "Ending":
        """The same in other words."""
        return replace(self, part=self.part.model_copy(update={"text": text})) if self.part else self


def about_files(ending: Ending, inbound: Inbound) -> Ending:
    """The ending with what was heard above it, and the files that could not be used below."""
    files = files_of(inbound)
    if ending.part is None or not files:
        return ending
    heard = (say("I heard: “{words}”", words=file.heard) for file in files if file.heard)
    problems = (file.problem for file in files if file.problem and file.problem not in ending.part.text)
    return ending.saying("\n\n".join((*heard, ending.part.text, *problems)))


def honest(ending: Ending, talk: Talk, dossier: Dossier, find: FindTool) -> Ending:
    """The ending, with a correction under a model's answer that claims what nothing has done."""
    if not isinstance(ending.part, Answer) or not any(call.error is None for call in dossier.calls):
        return ending
    results = dossier.results()
    earlier = [(step, "") for turn in talk.history for step in read_facts(turn.dossier).steps]
    claims = unsupported(
        ending.part.text,
        talk.text,
        now=list(_deeds(results, find)),
        earlier=list(_deeds(earlier, find)),
        told_by_tools="\n".join(told for _, told in results),
    )
    if not claims:
        return ending
    dossier.unsupported(claims)
    quoted = ", ".join(f"“{claim}”" for claim in claims)
    correction = say("Correction: nothing that I ran just now did this: {claims}.", claims=quoted)
    return ending.saying(f"{ending.part.text.rstrip()}\n\n{correction}")


def _deeds(results: Iterable[tuple[StepFacts, str]], find: FindTool) -> Iterator[Deed]:
    """What the steps that are done did, each with every tool that it called."""
    for step, told in results:
        for name in filter(None, {step.used, *step.calls}) if step.status == "done" else ():
            tool = find(name)
            known_as = f"{name} {tool.title}" if tool else name
            yield Deed(known_as, tool.description if tool else "", told, harmless=tool is not None and tool.read_only)


def conclusion(talk: Talk, ending: Ending, dossier: Dossier, *, started: datetime, finished: datetime) -> Conclusion:
    """The record of an ended turn, its question and its outbox."""
    arrived, part = talk.arrived, ending.part
    if part:
        over = {"closes": part.closes or _over(talk, ending, dossier)}
        asked = {"person": talk.inbound.person.id} if isinstance(part, Question) and not part.role else {}
        text = repaired(part.text)  # models write what they like
        part = part.model_copy(update={"text": text, **over, **asked})
    record = TurnRecord(
        turn=arrived.turn,
        session=arrived.session,
        person=talk.inbound.person.id,
        request=request_of(talk),
        outcome=ending.outcome,
        answer=part.text if part else "",
        dossier=dossier.as_json(
            asked=part if isinstance(part, Question) else None,
            plan=ending.plan,
            history=tuple(turn.turn for turn in talk.history),
            open_question=talk.question.id if talk.question else None,
            timings=Timings(accepted=arrived.received_at, started=started, finished=finished),
        ),
        started_at=started,
        finished_at=finished,
    )
    return Conclusion(
        record=record,
        channel=arrived.channel,
        address=talk.inbound.address.model_dump_json(),
        shown=(FINAL.dump_json(part).decode(),) if part else (),
        question=_open(part, talk, ending.plan) if isinstance(part, Question) else None,
        closes=_closes(talk, ending),
        model_calls=tuple(dossier.calls),
        forget_history=ending.forget_history,
        changes=(
            *ending.changes,
            *decided(talk, dossier.decision, outcome=ending.outcome, tools=dossier.tools_used()),
            *refused(talk, dossier.refusals),
        ),
        letters=ending.letters,
    )


def request_of(talk: Talk) -> str:
    """What a person did, in the words of the history: of their files it knows what they were, and where they are."""
    files = talk.attached or tuple(map(Seen, files_of(talk.inbound)))
    return "\n\n".join(filter(None, (_said(talk.inbound), lines(files))))


def _said(inbound: Inbound) -> str:
    match inbound:
        case Message():
            return with_foreign(inbound)
        case Command(name=name, rest=rest):
            return f"/{name} {rest}".strip()
        case Choice(value=value):
            return value
        case Form(values=values):
            return json.dumps(values, ensure_ascii=False)
        case Stop():
            return "/stop"
        case Edit(text=text):
            return f"(edited) {text}"
        case Saying(about=about):
            return f"(a {about}, unasked)"


def _open(question: Question, talk: Talk, plan: str | None) -> OpenQuestion:
    return OpenQuestion(
        id=question.id,
        session=talk.arrived.session,
        person=talk.inbound.person.id,
        plan=plan,
        payload=question.model_dump_json(),
        asked_at=talk.arrived.received_at,
    )


def _over(talk: Talk, ending: Ending, dossier: Dossier) -> str:
    """The id of the question that nobody needs to answer any more; empty where there is none."""
    question = talk.question
    if question is None:
        return ""
    replaced = isinstance(ending.part, Question) and ending.part.id != question.id
    is_over = replaced or _closes(talk, ending) or dossier.answered_question == question.id
    return question.id if is_over else ""


def _closes(talk: Talk, ending: Ending) -> str | None:
    """A question that a model asked is over with the next words of whom it asked, if they could be worked on; one of a
    plan stays until it is answered."""
    question = talk.question
    if question is None:
        return None
    elsewhere = isinstance(talk.inbound, Choice | Form) and talk.inbound.question != question.id
    mine = question.person == talk.inbound.person.id and not elsewhere
    is_said = not isinstance(talk.inbound, Command | Saying)
    answered = mine and not question.plan and is_said and ending.outcome != "failed"
    return question.id if ending.drop_question or answered else None
