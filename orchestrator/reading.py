"""A model's reply read as a Decision: text answers, `ask`, `refuse` and `plan` do what they say, other calls run."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Any, TypeVar

from orchestrator.chains import Chain, Note
from orchestrator.errors import BadInput, PlanInvalid
from orchestrator.models import ChatMessage, ModelReply, OnCalls, OnText, ToolCall
from orchestrator.notation import parse_steps
from orchestrator.plan import TEMPLATE_NAME, Asked, Clarify, Decision, Direct, Plan, Planned, Refuse, Step
from orchestrator.tools.catalog import FIND_TOOLS, Catalog, capability, listed
from orchestrator.tools.spec import ToolSpec
from orchestrator.watching import happened

ASK = ToolSpec(
    name="ask",
    description="Ask the person for what only they know. At most two questions.",
    parameters={
        "type": "object",
        "properties": {
            "questions": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {
                        "text": {"type": "string"},
                        "choices": {"type": "array", "items": {"type": "string"}},
                    },
                    "required": ["text"],
                },
            }
        },
        "required": ["questions"],
    },
    source="front",
)
REFUSE = ToolSpec(
    name="refuse",
    description="Decline kindly what neither you nor the tools can do, and say what you can do.",
    parameters={"type": "object", "properties": {"reason": {"type": "string"}}, "required": ["reason"]},
    source="front",
)
PLAN = ToolSpec(
    name="plan",
    description="""\
Steps where later ones use earlier results, one a line, as in
a: search(query="rates")
b: convert(amount=${a.total}, to="EUR") or convert_offline sure 0.7
c: @general(task="Compare ${a} with ${b}", tools=["calculate"])
Values are JSON. ${a} is a result, ${a.part} a part of it, ${a.files.0} the path of its first file; a step waits for
what it refers to, and for `after a, b`.
`or` names a fallback tool, `sure` a doubt below 1. @general is a worker, for a step that needs judgement.""",
    parameters={
        "type": "object",
        "properties": {
            "steps": {"type": "string"},
            "answer": {
                "type": "string",
                "description": "Only where results need no judgement: the answer, {{a}} or {{a.part}} for results.",
            },
        },
        "required": ["steps"],
    },
    source="front",
)
MOST_SEARCHES = 3  # of one decision: each costs a call of the model
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class PlanLimits:
    """What a model's plan may hold: steps in all, and among them tasks for workers (4: FEATURES row 41)."""

    steps: int = 20
    workers: int = 4


@dataclass(frozen=True, slots=True)
class Base:
    """The plan behind whose `kept` steps a further one goes on. Ids of `former` steps are not given once more."""

    plan: Plan
    kept: Collection[str]
    former: Collection[str] = ()


class Reader:
    """Reads replies against the catalogue. A plan that cannot run is PlanInvalid, with every defect named;
    one that its person may not have is NotAllowed.

    `workers` tells a model who can work for it now.
    """

    def __init__(
        self, catalog: Catalog, limits: PlanLimits = PlanLimits(), *, workers: Callable[[], str] = lambda: ""
    ) -> None:
        self._catalog = catalog
        self._limits = limits
        self._workers = workers

    @property
    def plan_tool(self) -> ToolSpec:
        """The tool with which a model plans, and who there is to work."""
        return replace(PLAN, description="\n".join(filter(None, (PLAN.description, self._workers()))))

    def read(self, reply: ModelReply, *, base: Base | None = None) -> Decision:
        """The decision. Ordinary calls become steps `s1`, `s2`. A plan goes on behind what is kept of `base`."""
        for call in reply.tool_calls:
            match call.name:
                case "refuse":
                    return Refuse(text_of(call, "reason"), reason="the model declined")
                case "ask":
                    return Clarify(_questions(call), reason="the model asked")
                case "plan":
                    steps, template = parse_steps(text_of(call, "steps")), str(call.arguments.get("answer") or "")
                    plan = self._checked(steps, template, base=base)
                    return Planned(plan, reason="the model planned steps that build on each other")
        if reply.tool_calls:
            plan = self._checked(list(map(_as_step, count(1), reply.tool_calls)), "", base=base)
            return Planned(plan, reason="the model called tools")
        return Direct(reply.text, reason="the model answered")

    def known(self, step: Step) -> Step:
        """The step under its tools' full names. What is required and absent becomes a question, not an error."""
        full = {"fallbacks": self._full(step.fallbacks), "tools": self._full(step.tools)}
        if (tool := self._catalog.find(step.tool)) is None:
            return step.model_copy(update=full)
        missing = tuple(name for name in tool.required if name not in step.arguments)
        title = step.title or tool.in_words(step.arguments)
        return step.model_copy(update={**full, "tool": tool.name, "missing": missing, "title": title})

    def _full(self, names: Sequence[str]) -> tuple[str, ...]:
        return tuple(tool.name if (tool := self._catalog.find(name)) else name for name in names)

    def _checked(self, steps: Sequence[Step], template: str, *, base: Base | None) -> Plan:
        if problems := list(self._too_much(steps)):
            raise PlanInvalid(problems)
        self._catalog.permit(name for step in steps for name in step.every_tool)
        known = [self.known(step) for step in steps]
        if base:
            known, template = base.plan.continued(known, template, kept=base.kept, former=base.former)
        if problems := list(_unknown_names(template, known)):
            raise PlanInvalid(problems)
        plan = Plan.checked(known, self._catalog.find, template=template.strip())
        return plan.model_copy(update={"confidence": min(step.confidence for step in plan.steps)})

    def _too_much(self, steps: Sequence[Step]) -> Iterator[str]:
        workers = sum(1 for step in steps if step.worker)
        if len(steps) > self._limits.steps:
            yield f"a plan may have {self._limits.steps} steps, this one has {len(steps)}"
        if workers > self._limits.workers:
            yield f"a plan may give work to {self._limits.workers} workers, this one does to {workers}"


async def decided(
    chain: Chain,
    messages: Sequence[ChatMessage],
    read: Callable[[ModelReply], T],
    *,
    catalog: Catalog,
    about: str,
    tools: Sequence[ToolSpec],
    on_text: OnText | None,
    on_calls: OnCalls | None,
    note: Note,
) -> T:
    """What `read` makes of one call; of two where the first one's plan cannot run, and is sent back with its problems.

    The model sees `tools`, and of the catalogue those that fit what it is `about`. Where it looks for more of them, it
    is asked again with what was found, at most so many times as MOST_SEARCHES says. Raises NoModelAnswered where the
    whole chain failed, PlanInvalid where the second plan cannot run either.
    """
    asked, found = [*messages], dict[str, ToolSpec]()
    for searches_left in range(MOST_SEARCHES, -1, -1):
        offered = await catalog.offer(about, beside=tools, found=list(found.values()), searching=searches_left > 0)
        shown = (*offered, *tools)
        reply = await chain.reply(asked, tools=shown, on_text=on_text, on_calls=on_calls, note=note)
        if not (searches_left and any(call.name == FIND_TOOLS.name for call in reply.tool_calls)):
            break
        await _forget(on_text, on_calls)
        answers = [await _searched(call, catalog, found) for call in reply.tool_calls]
        asked += [ChatMessage("assistant", reply.text, tool_calls=reply.tool_calls), *answers]
    try:
        return _understood(reply, read)
    except PlanInvalid as invalid:
        if on_calls:
            await on_calls(())
        asked += _asked_again(reply, invalid)
        return _understood(await chain.reply(asked, tools=shown, on_calls=on_calls, note=note), read)


def _understood(reply: ModelReply, read: Callable[[ModelReply], T]) -> T:
    """What `read` makes of it. Raises PlanInvalid, which is put down."""
    try:
        return read(reply)
    except PlanInvalid as invalid:
        happened("plan_invalid", problems=len(invalid.problems))
        raise


async def _forget(on_text: OnText | None, on_calls: OnCalls | None) -> None:
    """Take back what was heard of a reply that only looks for tools."""
    if on_text:
        await on_text("")
    if on_calls:
        await on_calls(())


async def _searched(call: ToolCall, catalog: Catalog, found: dict[str, ToolSpec]) -> ChatMessage:
    """The answer to a call of a reply that looks for tools; what is found is put into `found`."""
    if call.name != FIND_TOOLS.name:
        return ChatMessage("tool", "Not made yet: call it once you see all tools that you need.", tool_call_id=call.id)
    try:
        matches = await catalog.search(capability(call.arguments))
    except BadInput as problem:
        return ChatMessage("tool", str(problem), tool_call_id=call.id)
    found.update((tool.name, tool) for tool in matches)
    return ChatMessage("tool", listed(matches), tool_call_id=call.id)


def _asked_again(reply: ModelReply, invalid: PlanInvalid) -> list[ChatMessage]:
    problems = "This cannot run:\n" + "\n".join(f"- {problem}" for problem in invalid.problems)
    answers = [ChatMessage("tool", problems, tool_call_id=call.id) for call in reply.tool_calls]
    return [ChatMessage("assistant", reply.text, tool_calls=reply.tool_calls), *answers]


def _unknown_names(template: str, steps: Sequence[Step]) -> Iterator[str]:
    known = {"steps", *(step.id for step in steps)}
    for found in TEMPLATE_NAME.finditer(template):
        if found["id"] not in known:
            yield f"the answer names {found['id']!r}, which is no step of this plan"


def _as_step(number: int, call: ToolCall) -> Step:
    return Step(id=f"s{number}", tool=call.name, arguments=dict(call.arguments))


def text_of(call: ToolCall, name: str) -> str:
    """A text argument that must be there. Raises PlanInvalid."""
    text = call.arguments.get(name)
    if not isinstance(text, str) or not text.strip():
        raise PlanInvalid([f"{call.name} needs {name!r} as text"])
    return text.strip()


def _questions(call: ToolCall) -> tuple[Asked, ...]:
    asked = []
    given = call.arguments.get("questions")
    for question in given if isinstance(given, list) else [given]:
        if isinstance(question, str):
            asked.append(Asked(question))
        elif isinstance(question, Mapping) and isinstance(question.get("text"), str):
            asked.append(Asked(question["text"], _choices(question.get("choices"))))
    if not asked:
        raise PlanInvalid(["ask needs at least one question with a text"])
    return tuple(asked)


def _choices(given: Any) -> tuple[str, ...]:
    return tuple(str(choice) for choice in given) if isinstance(given, list) else ()
