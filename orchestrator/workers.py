"""Workers: a step that needs judgement runs a bounded loop of a model and the tools that the step allows.

The loop is ours: an Agent of agno does not end at its limit of tool calls. What it has said and heard is stored
before anything else happens, so a restart goes on where it was, and no finished call is made twice.
"""

import asyncio
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from orchestrator.chains import Note
from orchestrator.errors import BadInput, NoModelAnswered, OutcomeUnknown, ToolError
from orchestrator.keeping import kept
from orchestrator.models import ChatMessage
from orchestrator.plan import REFERENCE, Needs, Step, StepResult, argument_problems, resolve
from orchestrator.policy import Policy
from orchestrator.prompts import prompt
from orchestrator.quoting import beginning, inside
from orchestrator.roster import Hand, Roster, offline
from orchestrator.routing import Routing, Standing, route
from orchestrator.scheduler import side_by_side
from orchestrator.sessions import Run, work_row
from orchestrator.tools.addresses import unnamed
from orchestrator.tools.catalog import FIND_TOOLS, Catalog, capability, listed
from orchestrator.tools.spec import ToolSpec
from orchestrator.transcript import Transcript, WrittenCall
from orchestrator.watching import span
from storage.files import FileStore
from storage.records import StoredStep, Work
from storage.store import Store

MOST_TRIES = 3  # workers that one step is given to, one after the other (FEATURES row 30)
RECENT, COUNTED = timedelta(hours=4), timedelta(days=30)  # what is recent context (row 28); what a record is made of
SHOWN_TO_WORKER = 12_000  # characters of one result, about 3,000 tokens
READ_ON = ToolSpec(
    name="read_on",
    description="Read more of a result that was too long to be shown as a whole.",
    parameters={
        "type": "object",
        "properties": {
            "result": {"type": "string", "description": "The result's number, as its last line says."},
            "start": {"type": "integer", "minimum": 1, "description": "The first character to be shown."},
        },
        "required": ["result", "start"],
    },
    source="worker",
    read_only=True,
)
SUM_UP = "You have no calls left. Reply now with what you have, and say what is missing."


@dataclass(frozen=True, slots=True)
class WorkerLimits:
    """What one step's work may use: tool calls, tokens in and out, seconds, and the seconds of one tool call."""

    calls: int = 8
    tokens: int = 20_000
    seconds: float = 120.0
    tool_seconds: float = 60.0


class Workers:
    """Carries out the tasks of plans. Where nobody can they fail, and say why."""

    def __init__(
        self,
        store: Store,
        catalog: Catalog,
        *,
        files: FileStore,
        roster: Roster,
        policy: Policy,
        limits: WorkerLimits,
        now: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._catalog = catalog
        self._files = files
        self._roster = roster
        self._policy = policy
        self._limits = limits
        self._now = now

    def needs(self, step: Step) -> Needs:
        """What a step takes while it runs: as it says itself, else as its workers do."""
        return self._roster.needs(step.worker) if step.worker and step.needs == Needs() else step.needs

    async def work(
        self, run: Run, step: Step, inputs: Mapping[str, StepResult], *, note: Note, granted: Collection[str] = ()
    ) -> StepResult:
        """The result of a worker's step. Every failure is a result; "waiting" where a call needs the person.

        What one worker fails at another one goes on with, where there is one: with the same calls, under the same keys.
        """
        hands = self._roster.able(step.worker, (*step.tools, *step.fallbacks))
        if not self._roster.reachable(hands):
            return StepResult(status="failed", error=_why_nobody(hands, step))
        try:
            task = _task(step, inputs)
        except LookupError as error:
            return StepResult(status="failed", error=str(error.args[0]))
        work = _Work(
            run,
            step,
            task,
            store=self._store,
            catalog=self._catalog,
            files=self._files,
            asks=lambda tool: self._policy.asks_for(tool, granted),
            limits=self._limits,
            note=note,
        )
        await work.load()
        return await self._by_one_of(hands, work, run, step, task)

    async def _by_one_of(self, hands: Sequence[Hand], work: "_Work", run: Run, step: Step, task: str) -> StepResult:
        """What comes of the work with the worker that had begun it, else with the best; then with others."""
        routings: list[Routing] = []
        result = StepResult(status="failed", error=offline(hands))
        while len(routings) < MOST_TRIES:
            tried = {each.worker for each in routings}
            left = [hand for hand in self._roster.reachable(hands) if hand.worker.name not in tried]
            if not left:
                break
            routing = await self._chosen(left, run, step, task, begun_by=work.worker)
            routings.append(routing)
            with span("worker", {"agent": routing.worker, "attempt": len(routings)}, work=step.worker) as worked:
                result = await self._tried(self._roster.hand(routing.worker), work, run, step)
                worked.note(status=result.status)
                if result.status == "failed":
                    worked.failed("worker_failed", result.error)
            if result.status != "failed":
                break
        return result if self._roster.is_plain else result.model_copy(update={"routings": tuple(routings)})

    async def _chosen(self, left: Sequence[Hand], run: Run, step: Step, task: str, *, begun_by: str) -> Routing:
        if begun_by in {hand.worker.name for hand in left}:
            return Routing(worker=begun_by, why="it had begun this", candidates=())
        if self._roster.is_plain:
            return Routing(worker=left[0].worker.name, why="", candidates=())
        now = self._now()
        known = await self._store.work_record(step.worker, run.id, since=now - COUNTED, recent_since=now - RECENT)
        seconds = await self._store.durations()
        by_name = {each.worker: each for each in known}
        standings = [
            Standing(
                worker=(worker := hand.worker).name,
                runs=record.runs if (record := by_name.get(worker.name)) else 0,
                successes=record.successes if record else 0,
                seconds=seconds.get(f"@{worker.name}", 0.0),
                is_recent=bool(record and record.recent),
                is_special=worker.is_special(task),
                running=self._roster.running(worker.name),
                at_once=worker.at_once,
            )
            for hand in left
        ]
        return route(standings)

    async def _tried(self, hand: Hand, work: "_Work", run: Run, step: Step) -> StepResult:
        """What comes of the work with this worker, written into its record."""
        started = time.monotonic()
        with self._roster.at_work(hand):
            result = await self._within_time(hand, work)
        if result.status in {"done", "failed"} and not self._roster.is_plain:
            seconds, succeeded = time.monotonic() - started, result.status == "done"
            done = Work(run.id, step.id, step.worker, hand.worker.name, succeeded, seconds, self._now())
            await self._store.keep_work(done)
        return result

    async def _within_time(self, hand: Hand, work: "_Work") -> StepResult:
        try:
            async with asyncio.timeout(self._limits.seconds) as limit:
                return await work.to_its_end(hand)
        except NoModelAnswered:
            return work.failed("no model answered")
        except TimeoutError:
            if not limit.expired():
                raise
            return work.cut_short(f"it took longer than {self._limits.seconds:g} s")


class _Work:
    """One step's loop."""

    def __init__(
        self,
        run: Run,
        step: Step,
        task: str,
        *,
        store: Store,
        catalog: Catalog,
        files: FileStore,
        asks: Callable[[ToolSpec], bool],
        limits: WorkerLimits,
        note: Note,
    ) -> None:
        self._store = store
        self._catalog = catalog
        self._files = files
        self._run = run
        self._step = step
        self._task = task
        self._asks = asks
        self._limits = limits
        self._note = note
        self._row = work_row(step.id)
        self._transcript = Transcript()
        self._storing = asyncio.Lock()  # two writes at once may be stored in either order, and the later must stay

    async def load(self) -> None:
        """Take up what an earlier process, or the same one before a question, has stored."""
        for stored in await self._store.steps(self._run.id):
            if stored.step == self._row:
                self._transcript = Transcript.model_validate_json(stored.body)

    @property
    def worker(self) -> str:
        """Who works on it, or did before a restart or a question."""
        return self._transcript.worker

    async def to_its_end(self, hand: Hand) -> StepResult:
        """Round after round, until there is a reply without calls.

        At the limit of calls or tokens there is one more, without tools: it costs little beside what was spent, and
        without it all of that would be lost. At the limit of time there is none, as nothing is left to wait with.
        """
        assert hand.chain is not None
        self._chain, self._instructions = hand.chain, hand.worker.instructions
        self._transcript = self._transcript.given_to(hand.worker.name)
        while self._transcript.ending is None:
            if waiting := await self._answer_open_calls():
                return waiting
            limit = self._limit()
            await self._keep(await (self._last_round(limit) if limit else self._next_round()))
        text = self._transcript.ending
        early = f"it was ended at its limit of {self._transcript.limit}" if self._transcript.limit else ""
        return self._result("done", text=text, error=early) if text else self.failed(early or "it said nothing")

    def failed(self, why: str) -> StepResult:
        return self._result("failed", error=why)

    def cut_short(self, why: str) -> StepResult:
        """The result at the limit of time. A call that may have changed something is put to the person first."""
        for call in self._transcript.open_calls():
            if call.begun is not None and not _is_repeatable(self._tool(call)):
                return self._waiting("repeat", call)
        return self.failed(why)

    # --- rounds

    async def _next_round(self) -> Transcript:
        messages = [*self._messages(self._task), *self._transcript.as_chat()]
        reply = await self._chain.reply(messages, tools=await self._shown(), note=self._note)
        return self._transcript.heard(reply, messages, most_calls=self._limits.calls)

    async def _last_round(self, limit: str) -> Transcript:
        """Some providers refuse a talk that has calls in it where no tools are given: so it is told as one text."""
        messages = self._messages(f"{self._task}\n\n{self._transcript.results}\n\n{SUM_UP}")
        try:
            reply = await self._chain.reply(messages, note=self._note)
        except NoModelAnswered:
            return self._transcript.ended("", limit)
        return self._transcript.ended(reply.text, limit)

    def _messages(self, text: str) -> list[ChatMessage]:
        system = "\n\n".join(filter(None, (prompt("worker"), self._instructions)))
        return [ChatMessage("system", system), ChatMessage("user", text)]

    def _limit(self) -> str:
        """The limit that is reached, in words."""
        if self._transcript.calls_made >= self._limits.calls:
            return f"{self._limits.calls} calls"
        return f"{self._limits.tokens} tokens" if self._transcript.tokens >= self._limits.tokens else ""

    # --- calls

    async def _answer_open_calls(self) -> StepResult | None:
        """Harmless calls side by side, then the others one by one. What they wait for, if they wait."""
        calls = [(call, self._tool(call)) for call in self._transcript.open_calls()]
        with_care = [(call, tool) for call, tool in calls if self._takes_care(call, tool)]
        harmless = [each for each in calls if each not in with_care]
        await side_by_side({f"call {at}": self._answer_harmless(*each) for at, each in enumerate(harmless)})
        for call, tool in with_care:
            if waiting := await self._answer_risky(call, tool):
                return waiting
        return None

    def _takes_care(self, call: WrittenCall, tool: ToolSpec | None) -> bool:
        """Whether a call is one to be asked for, or to be noted before it is made, or was so when its tool was here."""
        return call.begun is not None or (tool is not None and (tool.is_risky or self._wants_a_yes(call, tool)))

    def _wants_a_yes(self, call: WrittenCall, tool: ToolSpec) -> bool:
        """As the policy says; and once a tool was heard, for an address that stands nowhere: it may carry words away
        that another tool gave, at the wish of one."""
        heard = self._transcript.told
        is_led = bool(heard) and unnamed(tool, call.arguments, f"{self._run.request}\n{self._task}\n{heard}") != ""
        return self._asks(tool) or is_led

    async def _answer_harmless(self, call: WrittenCall, tool: ToolSpec | None) -> None:
        answer = await self._answer(call, tool)
        await self._keep(self._transcript.noted(call.id, result=answer))

    def _tool(self, call: WrittenCall) -> ToolSpec | None:
        """The tool that is meant, if the step allows it."""
        return next((tool for tool in self._allowed() if tool.name == call.name), None)

    async def _shown(self) -> list[ToolSpec]:
        """Those of the tools that it may call which fit into a prompt, and `find_tools` where it may look for more."""
        finder = [FIND_TOOLS] if FIND_TOOLS.name in self._step.tools else []
        mine = [tool for tool in self._allowed() if tool not in finder]
        found = [tool for tool in mine if tool.name in self._transcript.found]
        offered = await self._catalog.offer(self._task, beside=finder, among=mine, found=found, searching=not finder)
        return [*offered, *finder, *([READ_ON] if self._transcript.long else [])]

    async def _found(self, call: WrittenCall) -> str:
        """What a search brings: of all tools where the plan gives it `find_tools`, else of those that it gives."""
        among = None if FIND_TOOLS.name in self._step.tools else self._allowed()
        try:
            matches = await self._catalog.search(capability(call.arguments), among=among)
        except BadInput as problem:
            return str(problem)
        self._transcript = self._transcript.with_found([tool.name for tool in matches])
        return listed(matches)

    async def _read_on(self, call: WrittenCall) -> str:
        """The next part of a long result."""
        if problems := list(argument_problems(READ_ON, call.arguments)):
            return "This cannot run: " + "; ".join(problems)
        result = call.arguments["result"]
        if result not in self._transcript.long:
            return f"There is no long result {result!r}, but {', '.join(self._transcript.long) or 'none at all'}."
        text = (await self._files.read(self._transcript.long[result])).decode()
        return f'<result of="{result}">\n{_page(text, result, call.arguments["start"])}\n</result>'

    def _allowed(self) -> list[ToolSpec]:
        names = (*self._step.tools, *self._step.fallbacks, *self._transcript.found)
        return list({tool.name: tool for name in names if (tool := self._catalog.find(name))}.values())

    async def _answer(self, call: WrittenCall, tool: ToolSpec | None) -> str:
        """What came of a call, for the model. Raises OutcomeUnknown for one that may have changed something."""
        if call.name == FIND_TOOLS.name:
            return await self._found(call)
        if call.name == READ_ON.name:
            return await self._read_on(call)
        if tool is None and call.name in (*self._step.tools, *self._step.fallbacks):
            return f"This did not work: {call.name} cannot be reached right now."
        if tool is None:
            allowed = ", ".join(each.name for each in self._allowed()) or "none"
            self._transcript = self._transcript.with_tool("refused", call.name)
            return f"{call.name} is not allowed in this task. Allowed: {allowed}."
        if problems := list(argument_problems(tool, call.arguments)):
            return "This cannot run: " + "; ".join(problems)
        return await self._called(call, tool)

    def _may_be_called(self, call: WrittenCall, tool: ToolSpec) -> bool:
        return not any(argument_problems(tool, call.arguments)) and not self._catalog.problem_with(call.arguments)

    async def _answer_risky(self, call: WrittenCall, tool: ToolSpec | None) -> StepResult | None:
        if tool is None or self._may_be_called(call, tool):
            if waits_for := self._waits_for(call, tool):
                return self._waiting(waits_for, call)
            await self._keep(self._transcript.noted(call.id, begun=self._step.agreed.count(call.id)))
        try:
            answer = await self._answer(call, tool)
        except OutcomeUnknown:
            return self._waiting("repeat", call)
        await self._keep(self._transcript.noted(call.id, result=answer))
        return None

    def _waits_for(self, call: WrittenCall, tool: ToolSpec | None) -> Literal["approval", "repeat"] | None:
        """What the person must say first. A yes is good for one try: what died after it may have happened."""
        yeses = self._step.agreed.count(call.id)
        if call.begun is not None:
            return None if yeses > call.begun or _is_repeatable(tool) else "repeat"
        return "approval" if tool and self._wants_a_yes(call, tool) and not yeses else None

    async def _called(self, call: WrittenCall, tool: ToolSpec) -> str:
        """What the tool gave back. A tool that does not work says so there, and the worker goes on."""
        key = f"{self._run.id}/{self._step.id}/{call.id}"
        try:
            answer = await self._catalog.call(
                tool.name, call.arguments, key=key, timeout_seconds=self._limits.tool_seconds
            )
        except ToolError as error:
            if isinstance(error, OutcomeUnknown) and tool.is_risky:
                raise
            return f"This did not work: {error}"
        made = await kept(answer, self._files)
        if not answer.is_error:
            self._transcript = self._transcript.with_tool("used", tool.name).with_files(made.files, made.paths)
        if len(made.text) > SHOWN_TO_WORKER:
            file = await self._files.keep("result.txt", "text/plain", made.text.encode())
            self._transcript = self._transcript.with_long(call.id, file)
        body = _page(made.text, call.id, 1)
        return f'<result tool="{tool.name}" status="{"failed" if answer.is_error else "done"}">\n{body}\n</result>'

    # --- what is known

    async def _keep(self, transcript: Transcript) -> None:
        self._transcript = transcript
        async with self._storing:
            known = StoredStep(self._row, "work", self._transcript.model_dump_json())
            await self._store.keep_step(self._run.id, known)

    def _result(self, status: str, **what: str) -> StepResult:
        known = {name: getattr(self._transcript, name) for name in ("used", "refused", "files", "paths")}
        return StepResult.model_validate({"status": status, **known, **what})

    def _waiting(self, waits_for: str, call: WrittenCall) -> StepResult:
        asks = {"waits_for": waits_for, "data": call.arguments, "tool": call.name, "call": call.id}
        return self._result("waiting").model_copy(update=asks)


def _is_repeatable(tool: ToolSpec | None) -> bool:
    """Of a tool that is gone nobody can say it."""
    return tool is not None and tool.is_repeatable


def _page(text: str, result: str, start: int) -> str:
    """A part of a result, and how to get the next one."""
    end = start - 1 + SHOWN_TO_WORKER
    page = inside("result", text[start - 1 : end])
    if end >= len(text):
        return page
    more = f'read_on(result="{result}", start={end + 1}) shows more'
    return f"{page}\n[characters {start:,} to {end:,} of {len(text):,}; {more}]"


def _why_nobody(hands: Sequence[Hand], step: Step) -> str:
    """Why nobody can do this work. An offline pool stays offline: nothing is tried."""
    if not hands:
        return f"there is no worker {step.worker!r} for {', '.join(step.tools) or 'this'}"
    if all(hand.chain is None for hand in hands):
        return "no model is configured for workers"
    return offline(hands)


def _task(step: Step, inputs: Mapping[str, StepResult]) -> str:
    """The task with the results that it refers to, marked as data. Raises LookupError for one that is not there."""

    def shown(value: object, name: str) -> str:
        body = inside("result", beginning(str(value), SHOWN_TO_WORKER))
        return f'\n<result step="{name}">\n{body}\n</result>\n'

    task = str(step.arguments.get("task", ""))
    return REFERENCE.sub(lambda found: shown(resolve(found[0], inputs), found["id"]), task)
