"""What a turn must know before it starts: the talk so far, the open question, the plan it had already begun."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import takewhile
from typing import Literal, get_args

from orchestrator.attached import Seen, contents, lines, seen
from orchestrator.messages import Attachment, Command, Inbound, Message
from orchestrator.models import ChatMessage, Image
from orchestrator.plan import Plan, StepResult
from orchestrator.quoting import with_foreign
from orchestrator.roles import rights
from orchestrator.transcript import Transcript
from orchestrator.words import SOURCE
from storage.files import FileStore
from storage.records import Arrived, OpenQuestion, StoredPlan, StoredStep, TurnRecord
from storage.store import Store

Verbosity = Literal["quiet", "normal", "full"]
VERBOSITIES: tuple[Verbosity, ...] = get_args(Verbosity)
REMEMBERED = 4_000  # characters of one earlier message that stay in the prompt, about 1,000 tokens


@dataclass(frozen=True, slots=True)
class Run:
    """A plan under way. `id` is the turn that made it, and the first half of each step's idempotency key.

    `results` are the ended steps, `waiting` those that wait for the person. `begun` are steps of which nothing is
    known but that they were started, or that a call of their worker was: their outcome is open. `replans` counts how
    often the plan was made anew; `former` are the ids of steps that were in an older version and are not in this one.
    While `review` is set, nothing runs: the person reviews the plan. `granted` are tools to which the answer with which
    it goes on has given a standing yes. `tools` are the only ones that its request may use; None means all.
    """

    id: str
    request: str
    plan: Plan
    results: dict[str, StepResult] = field(default_factory=dict)
    waiting: dict[str, StepResult] = field(default_factory=dict)
    begun: frozenset[str] = frozenset()
    replans: int = 0
    former: frozenset[str] = frozenset()
    review: bool = False
    granted: frozenset[str] = frozenset()
    tools: tuple[str, ...] | None = None

    def with_plan(self, plan: Plan) -> "Run":
        """The same run under a newer version of its plan."""
        return replace(self, plan=plan, former=self.former | (ids_of(self.plan) - ids_of(plan)))

    def waiting_with(self, results: Mapping[str, StepResult]) -> "Run":
        """The same run, waiting for what these results wait for."""
        return replace(self, waiting={step: each for step, each in results.items() if each.status == "waiting"})

    def as_stored(self, arrived: Arrived) -> StoredPlan:
        """The row of this run, worked on by the turn of `arrived` from now on."""
        body = {
            "request": self.request,
            "plan": self.plan.model_dump(mode="json"),
            "replans": self.replans,
            "former": sorted(self.former),
            "review": self.review,
            "tools": self.tools,
        }
        written = json.dumps(body, ensure_ascii=False)
        return StoredPlan(id=self.id, session=arrived.session, turn=arrived.turn, body=written)

    @classmethod
    def from_stored(cls, stored: StoredPlan, steps: Sequence[StoredStep]) -> "Run":
        body = json.loads(stored.body)
        plan = plan_in(stored.body)
        at_work = {work_row(step.id): step.id for step in plan.steps}
        perhaps = {at_work[row.step] for row in steps if row.step in at_work and _perhaps_done(row)}
        steps = [step for step in steps if any(step.step == mine.id for mine in plan.steps)]  # not of an older version
        known = {
            step.step: StepResult.model_validate_json(step.body)
            for step in steps
            if step.status in {"done", "failed", "skipped", "waiting"}
        }
        open_outcome = {step for step, result in known.items() if result.waits_for == "repeat"}
        return cls(
            id=stored.id,
            request=body["request"],
            plan=plan,
            results={step: result for step, result in known.items() if result.status != "waiting"},
            waiting={step: result for step, result in known.items() if result.status == "waiting"},
            begun=frozenset({step.step for step in steps if step.status == "started"} | open_outcome | perhaps),
            replans=body.get("replans", 0),
            former=frozenset(body.get("former", ())),
            review=body.get("review", False),
            tools=None if body.get("tools") is None else tuple(body["tools"]),
        )


def plan_in(body: str) -> Plan:
    """The plan of a stored run, or of one of its versions."""
    return Plan.model_validate(json.loads(body)["plan"])


def ids_of(plan: Plan) -> frozenset[str]:
    return frozenset(step.id for step in plan.steps)


def work_row(step: str) -> str:
    """The row beside a worker's step that holds its transcript. No step can have this id."""
    return f"{step}@work"


def _perhaps_done(row: StoredStep) -> bool:
    return Transcript.model_validate_json(row.body).perhaps_done


@dataclass(frozen=True, slots=True)
class Talk:
    """One turn's view of its session. `run` is set where an earlier process had begun this very turn.

    `granted` are the tools to which the person has a standing yes here, `memories` what they want to be kept in mind,
    `summary` what was said before the history, `attached` the files that came with the Inbound.
    """

    arrived: Arrived
    inbound: Inbound
    history: tuple[TurnRecord, ...] = ()
    question: OpenQuestion | None = None
    granted: frozenset[str] = frozenset()
    memories: tuple[str, ...] = ()
    summary: str = ""
    language: str = SOURCE
    verbosity: Verbosity = "normal"
    run: Run | None = None
    attached: tuple[Seen, ...] = ()

    @property
    def may_drop_question(self) -> bool:
        """Whether the person may take the open question away: it is theirs, or their role is for that."""
        theirs = self.question is None or self.question.person == self.inbound.person.id
        return theirs or rights().may_say("stop others")

    @property
    def text(self) -> str:
        return self.inbound.text if isinstance(self.inbound, Message) else ""

    @property
    def words(self) -> str:
        """What the person said, with the foreign words and the files that came with it."""
        said = with_foreign(self.inbound) if isinstance(self.inbound, Message) else ""
        return "\n\n".join(filter(None, (said, lines(self.attached), contents(self.attached))))

    @property
    def whole_request(self) -> str:
        """The text, behind those that led to the open question of a model which it may answer."""
        if self.question is None or self.question.plan is not None:
            return self.text
        asked = [*takewhile(lambda turn: turn.outcome == "clarify", reversed(self.history))]
        return "\n".join([*(turn.request for turn in reversed(asked)), self.text])

    @property
    def paths(self) -> list[str]:
        """Where the files are that came with the Inbound."""
        return [each.path for each in self.attached if each.path]

    @property
    def images(self) -> tuple[Image, ...]:
        """The pictures that a model is to see."""
        return tuple(Image(each.file.mime, each.image) for each in self.attached if each.image)

    @property
    def topic(self) -> str:
        """What tools are looked for by: the words, and what kinds of files there are."""
        return " ".join((self.text, *(f"{each.file.kind} {each.file.mime}" for each in self.attached)))

    @property
    def said(self) -> str:
        """Everything that was said in the talk, by either side, and what the person wants to be kept in mind: what
        arguments may be grounded on."""
        turns = (f"{turn.request}\n{turn.answer}" for turn in self.history)
        return "\n".join([*self.memories, self.summary, *turns, self.words])

    def as_chat(self) -> list[ChatMessage]:
        """The history as a model's messages, oldest first."""
        messages: list[ChatMessage] = []
        for turn in self.history:
            messages.append(ChatMessage("user", turn.request[:REMEMBERED]))
            messages.append(ChatMessage("assistant", turn.answer[:REMEMBERED]))
        return messages


class Sessions:
    """Loads talks. `last` is the number of messages in the history: a turn is two of them.

    With `images` models see the pictures that people send. `language` and `verbosity` are for people who have not said
    what they prefer.
    """

    def __init__(
        self,
        store: Store,
        files: FileStore,
        *,
        images: bool = False,
        last: int = 10,
        language: str = SOURCE,
        verbosity: Verbosity = "normal",
    ) -> None:
        self._store = store
        self._files = files
        self._images = images
        self._turns = max(1, last // 2)
        self._language = language
        self._verbosity: Verbosity = verbosity

    async def load(self, arrived: Arrived, inbound: Inbound) -> Talk:
        view = await self._store.view(
            arrived.session, channel=arrived.channel, person=inbound.person.id, last=self._turns
        )
        return Talk(
            arrived=arrived,
            inbound=inbound,
            history=view.history,
            question=view.question,
            granted=frozenset(each.tool for each in view.grants),
            memories=tuple(each.text for each in view.memories),
            summary=view.summary,
            language=view.preferences.language or self._language,
            verbosity=_verbosity(view.preferences.verbosity) or self._verbosity,
            run=await self.begun(arrived) if arrived.attempts else None,
            attached=await seen(files_of(inbound), self._files, images=self._images),
        )

    async def run(self, plan_id: str) -> Run | None:
        """A stored plan with all that is known of its steps."""
        return await self._complete(await self._store.plan(plan_id))

    async def begun(self, arrived: Arrived) -> Run | None:
        """The plan that this turn works on, if it has come that far."""
        return await self._complete(await self._store.plan_of(arrived.turn))

    async def _complete(self, stored: StoredPlan | None) -> Run | None:
        return Run.from_stored(stored, await self._store.steps(stored.id)) if stored else None

    async def language_of(self, arrived: Arrived, inbound: Inbound) -> str:
        """The language in which this person is spoken to."""
        return (await self._store.preferences(arrived.channel, inbound.person.id)).language or self._language


def files_of(inbound: Inbound) -> tuple[Attachment, ...]:
    """The files that came with an Inbound."""
    return inbound.attachments if isinstance(inbound, Message | Command) else ()


def _verbosity(text: str | None) -> Verbosity | None:
    return next((each for each in VERBOSITIES if each == text), None)
