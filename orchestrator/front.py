"""The front call: one native tool-calling turn that answers, asks, declines or plans."""

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from orchestrator.chains import Chain, Note
from orchestrator.errors import PlanInvalid
from orchestrator.models import ChatMessage, ModelReply, OnText, ToolCall
from orchestrator.notation import parse_steps
from orchestrator.plan import Asked, Clarify, Decision, Direct, Plan, Planned, Refuse, Step
from orchestrator.prompts import prompt
from orchestrator.sessions import Talk
from orchestrator.tools.catalog import Catalog
from orchestrator.tools.spec import ToolSpec

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
    description='Steps where later ones use earlier results. One line a step: `a: tool(x="text", y=${b.part})`.',
    parameters={"type": "object", "properties": {"steps": {"type": "string"}}, "required": ["steps"]},
    source="front",
)
OWN = {tool.name for tool in (ASK, REFUSE, PLAN)}


class Front:
    """Decides with a model. Two calls at the most: the second repairs a plan that cannot run."""

    def __init__(self, chain: Chain, catalog: Catalog, *, now: Callable[[], datetime]) -> None:
        self._chain = chain
        self._catalog = catalog
        self._now = now

    async def decide(self, talk: Talk, *, note: Note, on_text: OnText) -> Decision:
        """Raises NoModelAnswered where the whole chain failed, PlanInvalid where the repair failed too."""
        tools = (*self._catalog.offer(talk.text), ASK, REFUSE, PLAN)
        messages = [self._system(talk), *talk.as_chat(), ChatMessage("user", talk.text)]
        reply = await self._chain.reply(messages, tools=tools, on_text=on_text, note=note)
        try:
            return self._decision(reply)
        except PlanInvalid as invalid:
            messages += _asked_again(reply, invalid)
            return self._decision(await self._chain.reply(messages, tools=tools, note=note))

    def _system(self, talk: Talk) -> ChatMessage:
        text = f"{prompt('front')}\n\nNow: {self._now():%A %Y-%m-%d %H:%M %Z}."
        if talk.question:
            asked = json.loads(talk.question.payload)["text"]
            text += f"\nThe person was asked this, and has not answered it yet: {asked}"
        return ChatMessage("system", text)

    def _decision(self, reply: ModelReply) -> Decision:
        for call in reply.tool_calls:
            match call.name:
                case "refuse":
                    return Refuse(_text(call, "reason"), reason="the model declined")
                case "ask":
                    return Clarify(_questions(call), reason="the model asked")
                case "plan":
                    steps = parse_steps(_text(call, "steps"))
                    return Planned(self._checked(steps), reason="the model planned steps that build on each other")
        if reply.tool_calls:
            steps = [self._step(number, call) for number, call in enumerate(reply.tool_calls, 1)]
            return Planned(self._checked(steps), reason="the model called tools")
        return Direct(reply.text, reason="the model answered")

    def _step(self, number: int, call: ToolCall) -> Step:
        return Step(id=f"s{number}", tool=call.name, arguments=dict(call.arguments))

    def _checked(self, steps: Sequence[Step]) -> Plan:
        """The plan with its tools' full names. What is required and absent becomes a question, not an error."""
        known = []
        for step in steps:
            if tool := self._catalog.find(step.tool):
                missing = tuple(name for name in tool.required if name not in step.arguments)
                title = step.title or tool.in_words(step.arguments)
                step = step.model_copy(update={"tool": tool.name, "missing": missing, "title": title})  # noqa: PLW2901
            known.append(step)
        return Plan.checked(known, self._catalog.find)


def _asked_again(reply: ModelReply, invalid: PlanInvalid) -> list[ChatMessage]:
    problems = "This cannot run:\n" + "\n".join(f"- {problem}" for problem in invalid.problems)
    answers = [ChatMessage("tool", problems, tool_call_id=call.id) for call in reply.tool_calls]
    return [ChatMessage("assistant", reply.text, tool_calls=reply.tool_calls), *answers]


def _text(call: ToolCall, name: str) -> str:
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
        elif isinstance(question, dict) and isinstance(question.get("text"), str):
            asked.append(Asked(question["text"], _choices(question.get("choices"))))
    if not asked:
        raise PlanInvalid(["ask needs at least one question with a text"])
    return tuple(asked)


def _choices(given: Any) -> tuple[str, ...]:
    return tuple(str(choice) for choice in given) if isinstance(given, list) else ()
