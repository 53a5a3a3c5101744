"""Grounding: a required argument must be supported by what was said, a default or an enum. Else it is asked for.

Deterministic, and behind every model. Tools that change nothing get only the check for placeholders: a wrong guess
there costs one more message, a needless question costs one each time.
"""

import math
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from orchestrator.plan import FindTool, Plan, Step, references
from orchestrator.tools.addresses import unnamed
from orchestrator.tools.spec import ToolSpec

PLACEHOLDERS = frozenset({"", "?", "...", "tbd", "todo", "unknown", "n/a", "none", "null", "placeholder", "string"})
WORDS = re.compile(r"[^\W_]+")
NUMBER_WORDS = dict(enumerate("zero one two three four five six seven eight nine ten eleven twelve".split()))
DAY_WORDS = re.compile(
    r"\b(today|tonight|tomorrow|yesterday|now|next|last|this|\w+day|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)",
    re.IGNORECASE,
)
NUMBERS = re.compile(
    r"(?P<digits>(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:e[+-]?\d+)?)\s?(?P<unit>k\b|m\b|million|billion|%)?",
    re.IGNORECASE,
)
UNITS = {"k": 1e3, "m": 1e6, "million": 1e6, "billion": 1e9, "%": 0.01}
ISO_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def check(plan: Plan, find: FindTool, said: str) -> Plan:
    """The plan with every unsupported required argument taken out, to be asked for by its name."""
    for step in plan.steps:
        tool = find(step.tool)
        if tool and (names := ungrounded(step, tool, said)):
            kept = {name: value for name, value in step.arguments.items() if name not in names}
            title = tool.in_words(kept) if step.title == tool.in_words(step.arguments) else step.title
            asking = {"arguments": kept, "missing": (*step.missing, *names), "title": title}
            plan = plan.replacing(step.model_copy(update=asking))
    return plan


def doubt_addresses(plan: Plan, find: FindTool, known: str, ended: Collection[str]) -> Plan:
    """The plan with doubt in every step that is led by results to an address which nobody named: it asks first."""
    for step in plan.steps:
        tool = find(step.tool)
        if tool and step.id not in ended and unnamed(tool, step.arguments, known):
            plan = plan.replacing(step.model_copy(update={"confidence": 0.0}))
    return plan


def ungrounded(step: Step, tool: ToolSpec, said: str) -> tuple[str, ...]:
    """The required arguments that nobody said."""
    supported = is_no_placeholder if tool.read_only else is_supported
    return tuple(
        name
        for name in tool.required
        if name in step.arguments
        and not any(references(step.arguments[name]))
        and not supported(step.arguments[name], tool.properties.get(name, {}), said)
    )


def is_no_placeholder(value: Any, schema: Mapping[str, Any], said: str) -> bool:
    return not isinstance(value, str) or value.strip(" <>[]{}").casefold() not in PLACEHOLDERS


def is_supported(value: Any, schema: Mapping[str, Any], said: str) -> bool:
    """Whether what was said holds this value, or it is a default or one of an enum, or part of it was said."""
    if isinstance(value, bool) or value in (schema.get("default"), *schema.get("enum", ())):
        return True
    if isinstance(value, int | float):
        return _number_was_said(value, said)
    if isinstance(value, str):
        return is_no_placeholder(value, schema, said) and _words_were_said(value, said)
    parts = value.values() if isinstance(value, Mapping) else value
    return any(is_supported(part, {}, said) for part in parts) if parts else True


def _number_was_said(value: float, said: str) -> bool:
    """Whether a number was said: in digits of any sign, with a unit such as "1.2M" or "5 %", or as a word.

    Nobody says the zero of "from rest" or the one of "a pizza"; such a guess is nearly always right.
    """
    words = set(WORDS.findall(said.casefold()))
    if value == 0 or (value == 1 and words & {"a", "an", "the"}):
        return True
    whole = abs(int(value)) if math.isfinite(value) and value == int(value) else -1
    return any(math.isclose(abs(value), number) for number in _numbers(said)) or NUMBER_WORDS.get(whole, "-") in words


def _numbers(said: str) -> Iterator[float]:
    for found in NUMBERS.finditer(said):
        number = float(found["digits"].replace(",", ""))
        yield number
        if unit := found["unit"]:
            yield number * UNITS[unit.casefold()]


def _words_were_said(value: str, said: str) -> bool:
    if ISO_DAY.match(value):
        return value[:10] in said or bool(DAY_WORDS.search(said))
    heard = set(WORDS.findall(said.casefold()))
    return any(word in heard for word in WORDS.findall(value.casefold()) if len(word) > 2 or word.isdigit())
