"""Workers: a step that needs judgement runs a bounded loop of a model and the tools that the step allows.

The loop is ours: an Agent of agno does not end at its limit of tool calls. What it has said and heard is stored
before anything else happens, so a restart goes on where it was, and no finished call is made twice.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from orchestrator.chains import Chain, Note
from orchestrator.errors import NoModelAnswered, OutcomeUnknown, ToolError
from orchestrator.models import ChatMessage
from orchestrator.plan import GENERAL, REFERENCE, Step, StepResult, argument_problems, resolve
from orchestrator.policy import Policy
from orchestrator.prompts import prompt
from orchestrator.repair import repaired
from orchestrator.sessions import Run
from orchestrator.tools.catalog import Catalog
from orchestrator.tools.spec import ToolSpec
from orchestrator.transcript import Transcript, WrittenCall
from storage.records import StoredStep
from storage.store import Store

SHOWN_TO_WORKER = 12_000  # characters of one result, about 3,000 tokens
SUM_UP = "You have no calls left. Reply now with what you have, and say what is missing."


@dataclass(frozen=True, slots=True)
class WorkerLimits:
    """What one step's work may use: tool calls, tokens in and out, seconds, and the seconds of one tool call."""

    calls: int = 8
    tokens: int = 20_000
    seconds: float = 120.0
    tool_seconds: float = 60.0


class Workers:
    """Carries out the tasks of plans. Without a chain they fail, and say why."""

    def __init__(
        self, store: Store, catalog: Catalog, *, chain: Chain | None, policy: Policy, limits: WorkerLimits
    ) -> None:
        self._store = store
        self._catalog = catalog
        self._chain = chain
        self._policy = policy
        self._limits = limits

    async def work(
        self, run: Run, step: Step, inputs: Mapping[str, StepResult], *, note: Note, granted: Collection[str] = ()
    ) -> StepResult:
        """The result of a worker's step. Every failure is a result; "waiting" where a call needs the person."""
        if step.worker != GENERAL or self._chain is None:
            missing = f"there is no worker {step.worker!r}" if self._chain else "no model is configured for workers"
            return StepResult(status="failed", error=missing)
        try:
            task = _task(step, inputs)
            work = _Work(
                run,
                step,
                task,
                store=self._store,
                catalog=self._catalog,
                chain=self._chain,
                asks=lambda tool: self._policy.asks_for(tool, granted),
                limits=self._limits,
                note=note,
            )
            await work.load()
            async with asyncio.timeout(self._limits.seconds) as limit:
                return await work.to_its_end()
        except LookupError as error:
            return StepResult(status="failed", error=str(error.args[0]))
        except NoModelAnswered:
            return work.failed("no model answered")
        except TimeoutError:
            if not limit.expired():
                raise
            return work.failed(f"it took longer than {self._limits.seconds:g} s")


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
        chain: Chain,
        asks: Callable[[ToolSpec], bool],
        limits: WorkerLimits,
        note: Note,
    ) -> None:
        self._store = store
        self._catalog = catalog
        self._chain = chain
        self._run = run
        self._step = step
        self._task = task
        self._asks = asks
        self._limits = limits
        self._note = note
        self._row = f"{step.id}@work"
        self._transcript = Transcript()

    async def load(self) -> None:
        """Take up what an earlier process, or the same one before a question, has stored."""
        for stored in await self._store.steps(self._run.id):
            if stored.step == self._row:
                self._transcript = Transcript.model_validate_json(stored.body)

    async def to_its_end(self) -> StepResult:
        """Round after round, until there is a reply without calls, or the limit of calls or tokens is reached."""
        while True:
            if waiting := await self._answer_open_calls():
                return waiting
            is_last = self._is_used_up()
            messages = self._messages(SUM_UP if is_last else None)
            tools = () if is_last else self._allowed()
            reply = await self._chain.reply(messages, tools=tools, note=self._note)
            await self._keep(self._transcript.heard(reply, messages))
            if is_last or not reply.tool_calls:
                return self._result("done", text=repaired(reply.text.strip()))

    def failed(self, why: str) -> StepResult:
        return self._result("failed", error=why)

    # --- calls

    async def _answer_open_calls(self) -> StepResult | None:
        """Harmless calls side by side, then the others one by one. What they wait for, if they wait."""
        calls = [(call, self._tool(call)) for call in self._transcript.open_calls()]
        async with asyncio.TaskGroup() as group:
            said = {
                call.id: group.create_task(self._answer(call, tool))
                for call, tool in calls
                if tool is None or not self._takes_care(tool)
            }
        for call_id, answer in said.items():
            self._transcript = self._transcript.noted(call_id, result=answer.result())
        if said:
            await self._keep(self._transcript)
        for call, tool in calls:
            if tool and self._takes_care(tool) and (waiting := await self._answer_risky(call, tool)):
                return waiting
        return None

    def _takes_care(self, tool: ToolSpec) -> bool:
        """Whether a call of this tool is one to be asked for, or to be noted before it is made."""
        return tool.is_risky or self._asks(tool)

    def _tool(self, call: WrittenCall) -> ToolSpec | None:
        """The tool that is meant, if the step allows it."""
        return next((tool for tool in self._allowed() if tool.name == call.name), None)

    def _allowed(self) -> Sequence[ToolSpec]:
        names = (*self._step.tools, *self._step.fallbacks)
        return [tool for name in names if (tool := self._catalog.find(name))]

    async def _answer(self, call: WrittenCall, tool: ToolSpec | None) -> str:
        """What came of a call, for the model. Raises OutcomeUnknown for one that may have changed something."""
        if tool is None:
            allowed = ", ".join(each.name for each in self._allowed()) or "none"
            self._transcript = self._transcript.with_tool("refused", call.name)
            return f"{call.name} is not allowed in this task. Allowed: {allowed}."
        if problems := list(argument_problems(tool, call.arguments)):
            return "This cannot run: " + "; ".join(problems)
        return await self._called(call, tool)

    async def _answer_risky(self, call: WrittenCall, tool: ToolSpec) -> StepResult | None:
        agreed = call.id in self._step.agreed
        if call.begun and not (agreed or tool.is_repeatable):
            return self._waiting("repeat", call)
        if self._asks(tool) and not (agreed or any(argument_problems(tool, call.arguments))):
            return self._waiting("approval", call)
        await self._keep(self._transcript.noted(call.id, begun=True))
        try:
            answer = await self._answer(call, tool)
        except OutcomeUnknown:
            return self._waiting("repeat", call)
        await self._keep(self._transcript.noted(call.id, result=answer))
        return None

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
        if not answer.is_error:
            self._transcript = self._transcript.with_tool("used", tool.name)
        body = repaired(answer.text)[:SHOWN_TO_WORKER].replace("</result", "< /result")  # data stays inside
        return f'<result tool="{tool.name}" status="{"failed" if answer.is_error else "done"}">\n{body}\n</result>'

    # --- what is known

    async def _keep(self, transcript: Transcript) -> None:
        self._transcript = transcript
        await self._store.keep_step(self._run.id, StoredStep(self._row, "work", transcript.model_dump_json()))

    def _messages(self, last_word: str | None) -> list[ChatMessage]:
        messages = [
            ChatMessage("system", prompt("worker")),
            ChatMessage("user", self._task),
            *self._transcript.as_chat(),
        ]
        return [*messages, ChatMessage("user", last_word)] if last_word else messages

    def _is_used_up(self) -> bool:
        return self._transcript.calls_made >= self._limits.calls or self._transcript.tokens >= self._limits.tokens

    def _result(self, status: str, **what: str) -> StepResult:
        known = {"used": self._transcript.used, "refused": self._transcript.refused}
        return StepResult.model_validate({"status": status, **known, **what})

    def _waiting(self, waits_for: str, call: WrittenCall) -> StepResult:
        asks = {"waits_for": waits_for, "data": call.arguments, "tool": call.name, "call": call.id}
        return self._result("waiting").model_copy(update=asks)


def _task(step: Step, inputs: Mapping[str, StepResult]) -> str:
    """The task with the results that it refers to, marked as data. Raises LookupError for one that is not there."""

    def shown(value: object, name: str) -> str:
        body = str(value)[:SHOWN_TO_WORKER].replace("</result", "< /result")
        return f'\n<result step="{name}">\n{body}\n</result>\n'

    task = str(step.arguments.get("task", ""))
    return REFERENCE.sub(lambda found: shown(resolve(found[0], inputs), found["id"]), task)
