"""Results to one answer: a template, the one result that reads well by itself, a model, or a plain join."""

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

from orchestrator.chains import Chain, Note
from orchestrator.errors import NoModelAnswered
from orchestrator.keeping import without_places
from orchestrator.models import ChatMessage, OnText
from orchestrator.plan import TEMPLATE_NAME, Plan, Step, StepResult, resolve
from orchestrator.prompts import prompt
from orchestrator.quoting import beginning, inside
from orchestrator.words import say

READS_WELL = 600  # characters: a longer result is summed up rather than shown as it came
SHOWN_TO_MODEL = 12_000  # characters of one result that the synthesizer sees, about 3,000 tokens
SAY_THEMSELVES = {"datetime", "date", "time", "result", "text", "value"}  # names that add nothing to their values
ISO_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?([+-]\d{2}:\d{2}|Z)?")


class Synthesizer:
    """Makes the one answer of a plan."""

    def __init__(self, chain: Chain | None) -> None:
        self._chain = chain

    async def synthesize(
        self, request: str, plan: Plan, results: Mapping[str, StepResult], *, note: Note, on_text: OnText
    ) -> str:
        """The answer in Markdown. Every failed or skipped step is named, whoever writes the rest."""
        if _fits(plan, results):
            with suppress(LookupError):
                return "\n\n".join(filter(None, (fill(plan.template, plan, results), _unnamed_troubles(plan, results))))
        done = [step for step in plan.steps if results[step.id].status == "done"]
        if self._chain is None or not done or _reads_well(plan, results):
            return join(plan, results)
        messages = (
            ChatMessage("system", prompt("synthesizer")),
            ChatMessage("user", _material(request, plan, results)),
        )
        try:
            reply = await self._chain.reply(messages, on_text=on_text, note=note)
        except NoModelAnswered:
            return join(plan, results)
        return "\n\n".join(filter(None, (reply.text.strip(), troubles(plan, results))))


def join(plan: Plan, results: Mapping[str, StepResult]) -> str:
    """The answer without a model: what came back, step by step, then what did not work."""
    done = [step for step in plan.steps if results[step.id].status == "done"]
    lines = [(step, readable(step, results[step.id])) for step in done]
    if len(lines) == 1 or any("\n" in text for _, text in lines):
        answer = "\n\n".join(f"**{step.label}**: {text}" for step, text in lines)
    else:
        answer = "\n".join(f"- **{step.label}**: {text}" for step, text in lines)
    return "\n\n".join(filter(None, (answer, troubles(plan, results))))


def troubles(plan: Plan, results: Mapping[str, StepResult]) -> str:
    """What did not work, a line a step. Empty where all did."""
    return "\n".join(
        f"- **{step.label}** {say('was left out') if results[step.id].status == 'skipped' else say('did not work')}: "
        f"{results[step.id].error}"
        for step in plan.steps
        if results[step.id].status in {"failed", "skipped"}
    )


def fill(template: str, plan: Plan, results: Mapping[str, StepResult]) -> str:
    """A template with `{{steps}}` for all results, `{{id}}` for one, or `{{id.part}}` for a part of one.

    Raises LookupError where a result has no such part.
    """

    def value(found: re.Match[str]) -> str:
        if found["path"]:
            return _scalar(resolve(f"${{{found['id']}{found['path']}}}", results))
        if found["id"] in results:
            step = plan.step(found["id"])
            return readable(step, results[step.id]) or results[step.id].error
        return join(plan, results) if found["id"] == "steps" else found[0]

    return TEMPLATE_NAME.sub(value, template)


def readable(step: Step, result: StepResult) -> str:
    """One result for a person's eyes: text as it is, data as `name value` pairs, ISO times in words."""
    value = result.value
    if result.files and (result.data is None or value in result.paths):
        return seen(result)
    if isinstance(value, Mapping):
        known = {str(given).casefold() for given in step.arguments.values()}
        return ", ".join(_pairs(value, known)) or say("done")
    if isinstance(value, list):
        return "\n" + "\n".join(
            f"- {_scalar(part) if not isinstance(part, Mapping) else ', '.join(_pairs(part, set()))}" for part in value
        )
    return _scalar(value)


def seen(result: StepResult) -> str:
    """The text of a result as people see it: its files go out with the answer."""
    return without_places(result.text, result.files, result.paths)


def _pairs(value: Mapping[str, Any], known: set[str], *, inside: str = "") -> list[str]:
    """`name value`, without what is known, nothing, or said a moment ago in a longer value."""
    pairs: list[str] = []
    for name, part in value.items():
        words = f"{inside} {name.replace('_', ' ')}".strip()
        if isinstance(part, Mapping):
            pairs += _pairs(part, known, inside=words)
        elif part is not None and str(part).casefold() not in known and not _was_said(part, pairs):
            pairs.append(_scalar(part) if words in SAY_THEMSELVES else f"{words} {_scalar(part)}")
    return pairs


def _was_said(part: Any, pairs: list[str]) -> bool:
    return isinstance(part, str) and bool(part) and any(part in said for said in pairs[-1:])


def _scalar(value: Any) -> str:
    if isinstance(value, bool):
        return say("yes") if value else say("no")
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, str) and ISO_TIME.fullmatch(value):
        moment = datetime.fromisoformat(value)
        offset = f"{moment:%z}"
        zone = f" (UTC{offset[:3]}:{offset[3:5]})" if offset else ""
        return f"{moment:%A}, {moment.day} {moment:%B %Y, %H:%M}{zone}"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _fits(plan: Plan, results: Mapping[str, StepResult]) -> bool:
    """Whether there is a template, and all that it names by itself is done."""
    named = {found["id"] for found in TEMPLATE_NAME.finditer(plan.template)} & results.keys()
    return bool(plan.template) and all(results[step].status == "done" for step in named)


def _unnamed_troubles(plan: Plan, results: Mapping[str, StepResult]) -> str:
    """What did not work and is nowhere in the template."""
    names = {found["id"] for found in TEMPLATE_NAME.finditer(plan.template)}
    return "" if "steps" in names else troubles(plan, results)


def _reads_well(plan: Plan, results: Mapping[str, StepResult]) -> bool:
    if len(plan.steps) > 1:
        return False
    result = results[plan.steps[0].id]
    return not isinstance(result.value, Mapping | list) and 0 < len(readable(plan.steps[0], result)) <= READS_WELL


def _material(request: str, plan: Plan, results: Mapping[str, StepResult]) -> str:
    parts = [f"Request: {request}", ""]
    for step in plan.steps:
        result = results[step.id]
        body = inside("result", beginning(seen(result) or result.error, SHOWN_TO_MODEL))
        parts += [
            f'<result step="{step.id}" tool="{result.tool or step.tool}" status="{result.status}">',
            body,
            "</result>",
        ]
    return "\n".join(parts)
