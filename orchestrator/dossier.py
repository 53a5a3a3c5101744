"""Everything that was decided in a turn, and why: kept as JSON, told as Markdown."""

import json
from typing import Any

from orchestrator.plan import Clarify, Decision, Direct, Plan, Planned, Refuse, StepResult
from storage.records import ModelCall, TurnRecord

OUTCOMES = {
    "direct": "I answered directly",
    "clarify": "I had to ask",
    "plan": "I made a plan and ran it",
    "refuse": "I declined: out of scope",
    "stopped": "You stopped it",
    "failed": "It failed",
    "command": "A command",
}


class Dossier:
    """Collects while a turn runs."""

    def __init__(self) -> None:
        self.calls: list[ModelCall] = []
        self._facts: dict[str, Any] = {}

    def call(self, note: ModelCall) -> None:
        self.calls.append(note)

    def note(self, name: str, fact: str) -> None:
        self._facts[name] = fact

    def decided(self, decision: Decision) -> None:
        match decision:
            case Direct():
                self._facts["decision"] = "direct"
            case Refuse():
                self._facts["decision"] = "refuse"
            case Clarify():
                self._facts["decision"] = "clarify"
            case Planned():
                self._facts["decision"] = "plan"
        self._facts["reason"] = decision.reason

    def ran(self, plan: Plan, results: dict[str, StepResult]) -> None:
        self._facts["mode"] = plan.mode
        self._facts["steps"] = [
            {
                "id": step.id,
                "title": step.label,
                "planned": step.tool,
                "used": result.tool,
                "tried": list(result.tried),
                "status": result.status,
                "error": result.error,
                "seconds": round(result.seconds, 3),
                "approved_by": step.approved_by,
            }
            for step in plan.steps
            if (result := results.get(step.id))
        ]

    def as_json(self) -> str:
        calls = [
            {
                "component": call.component,
                "model": call.model,
                "seconds": round(call.seconds, 3),
                "error": call.error,
            }
            for call in self.calls
        ]
        return json.dumps({**self._facts, "model_calls": calls}, ensure_ascii=False)


def why(record: TurnRecord) -> str:
    """A turn explained to the person who asked for it."""
    facts = json.loads(record.dossier)
    request = record.request if len(record.request) <= 200 else record.request[:200] + " ..."
    lines = [f"**{record.turn}** “{request}”", f"{OUTCOMES.get(record.outcome, record.outcome)}."]
    if reason := facts.get("reason"):
        lines.append(f"Because: {reason}.")
    if one_task := facts.get("one_task"):
        lines.append(f"As one task: {one_task}.")
    if without := facts.get("without_model"):
        lines.append(f"Without a model: {without}.")
    lines += map(_step_line, facts.get("steps", ()))
    lines += map(_call_line, facts.get("model_calls", ()))
    if not facts.get("model_calls"):
        lines.append("- no model was called")
    lines.append(f"It took {(record.finished_at - record.started_at).total_seconds():.2f} s.")
    return "\n".join(lines)


def _step_line(step: dict[str, Any]) -> str:
    used = f"`{step['used'] or step['planned']}`"
    instead = f" after {', '.join(step['tried'])} did not work" if step["tried"] else ""
    approved = ", with your yes" if step["approved_by"] else ""
    error = f" ({step['error']})" if step["error"] else ""
    return f"- {step['title']}: {used}{instead}, {step['status']}{error}{approved}, {step['seconds']} s"


def _call_line(call: dict[str, Any]) -> str:
    return f"- model {call['model']} as {call['component']}: {call['error'] or 'answered'}, {call['seconds']} s"
