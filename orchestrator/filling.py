"""Fills a tool's parameters with what a request says, and tells which of the values are sure.

Every value in the words, typed or a name, may belong to every parameter of its kind; the words around it say to which.
A value is sure where its form or its neighbours leave no doubt. A guess fills a form, and never lets a tool run.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Any

from orchestrator.phrases import days, names, without_numbers_of_days
from orchestrator.slots import Found, kind_of, read
from orchestrator.tools.search import STOP_WORDS, words_of
from orchestrator.tools.spec import ToolSpec

MOST_CALLS = 8  # "in Tokyo, Paris and ..." becomes one call a value, up to here
BEFORE, AFTER = 4, 2  # words around a value that may say whose it is
NEARBY = 80  # characters in which they stand
SOURCES = ("from", "between", "since", "in", "at", "of")
TARGETS = ("to", "into", "until", "till", "and", "for", "in")
SOURCE_NAME = re.compile(r"_?(source|from|origin|start|depart)", re.IGNORECASE)
TARGET_NAME = re.compile(r"(target|to|dest|end|arriv|return)(_|[A-Z]|$|ination|al)", re.IGNORECASE)
LIST = re.compile(r"\s*(,|and|or|&|,\s*and|,\s*or)\s+(in\s+|at\s+|to\s+|the\s+)?", re.IGNORECASE)
NEXT_ONE = re.compile(r"[,;.?!]|\band\b")  # beyond it words belong to another value
COMMA = re.compile(r"city, |state, |'[a-z .]+, [a-z]+'|\"[a-z .]+, [a-z]+\"")


@dataclass(frozen=True, slots=True)
class Filled:
    """The calls that a request's values make of a tool, the required names that stay open, and the values used.

    `sure` says that no value of the calls is a guess.
    """

    calls: tuple[dict[str, Any], ...]
    missing: tuple[str, ...]
    used: tuple[Found, ...]
    sure: bool


@dataclass(frozen=True, slots=True)
class _Value:
    """One value that one parameter may have: how well the words around it fit, and whether its form is telling."""

    name: str
    found: Found
    fits: float
    telling: bool
    percent: bool = False


def fill(text: str, tool: ToolSpec, today: date | None) -> Filled:
    """The calls that this request makes of the tool."""
    required = [name for name in tool.required if name in tool.properties]
    values = [value for name in tool.properties for value in _values(text, tool, name, today)]
    if several := _one_call_each(text, tool, required, values):
        calls = tuple({required[0]: value.found.value} for value in several)
        return Filled(calls, (), tuple(value.found for value in several), sure=all(each.telling for each in several))
    chosen = _assigned(values, required)
    ordered = {name: chosen[name].found.value for name in tool.properties if name in chosen}
    missing = tuple(name for name in required if name not in chosen)
    used = tuple(value.found for value in chosen.values())
    return Filled((ordered,), missing, used, sure=_is_sure(chosen, values, tool))


def _values(text: str, tool: ToolSpec, name: str, today: date | None) -> Iterator[_Value]:
    """Everything in the text that this parameter may be."""
    schema = tool.properties[name]
    kind = kind_of(name, schema)
    telling = kind not in {"text", "number", "integer", "boolean"}
    for found in _read(kind, text, schema, today):
        percent = text[found.end : found.end + 2].lstrip().startswith("%")
        yield _Value(name, found, _fits(text, found, name, schema), telling, percent)
    if kind == "text":
        yield from (
            _Value(name, found, _fits(text, found, name, schema) - 0.25, telling=False)  # what is quoted goes first
            for found in names(text, name, schema)
        )


def _read(kind: str, text: str, schema: Mapping[str, Any], today: date | None) -> list[Found]:
    match kind:
        case "date":
            return list(days(text, schema, today))
        case "number" | "integer":
            return list(without_numbers_of_days(text, read(kind, text, schema)))
        case "array":
            return _listed(text, schema)
        case _:
            return read(kind, text, schema)


def _listed(text: str, schema: Mapping[str, Any]) -> list[Found]:
    """Values of a list's kind that stand beside each other, as one list."""
    items = schema.get("items")
    kind = kind_of("", items) if isinstance(items, Mapping) else "text"
    found = read(kind, text, items or {})
    groups: list[list[Found]] = []
    for each in found:
        if groups and LIST.fullmatch(text[groups[-1][-1].end : each.start]):
            groups[-1].append(each)
        else:
            groups.append([each])
    longest = max(groups, key=len, default=[])
    return [Found([each.value for each in longest], longest[0].start, longest[-1].end)] if len(longest) > 1 else []


def _fits(text: str, found: Found, name: str, schema: Mapping[str, Any]) -> float:
    """How well the words around a value fit a parameter: 1 for a word of its name, less for one of its description."""
    left, right = text[max(0, found.start - NEARBY) : found.start], text[found.end : found.end + NEARBY]
    before = words_of(NEXT_ONE.split(left)[-1])[-BEFORE:]
    after = words_of(NEXT_ONE.split(right)[0])[:AFTER]
    mine = set(words_of(name)) - STOP_WORDS
    around = set(before + after) - STOP_WORDS
    fits = len(mine & around) / (len(mine) or 1)
    if not fits and set(words_of(str(schema.get("description", "")))) & around:
        fits = 0.3
    return fits + _role((words_of(left) or [""])[-1], name)


def _role(word: str, name: str) -> float:
    """Of two parameters of a kind, the word before a value says whose it is."""
    if SOURCE_NAME.match(name):
        return _place(word, SOURCES)
    return _place(word, TARGETS) if TARGET_NAME.match(name) else 0.0


def _place(word: str, cues: Sequence[str]) -> float:
    return 1.5 - 0.1 * cues.index(word) if word in cues else -1.0


def _assigned(values: Sequence[_Value], required: Sequence[str]) -> dict[str, _Value]:
    """Each value to the parameter that it fits best; those that must be given go first."""
    chosen: dict[str, _Value] = {}
    order = sorted(
        values,
        key=lambda value: (not value.telling, -(value.fits + 0.3 * (value.name in required)), value.found.start),
    )
    for value in order:
        free = value.name not in chosen and not any(_overlap(value.found, each.found) for each in chosen.values())
        wanted = value.name in required or value.fits >= 0.5 or value.telling
        if free and wanted and value.fits > -0.9:
            chosen[value.name] = value
    return chosen


def _one_call_each(text: str, tool: ToolSpec, required: Sequence[str], values: Sequence[_Value]) -> list[_Value]:
    """Several values of the one thing that is wanted, where they stand in a list and the tool changes nothing."""
    if len(required) != 1 or not tool.read_only:
        return []
    mine = sorted((each for each in values if each.name == required[0]), key=lambda value: value.found.start)
    between = [text[one.found.end : other.found.start] for one, other in pairwise(mine)]
    return mine[:MOST_CALLS] if between and all(map(LIST.fullmatch, between)) else []


def _is_sure(chosen: Mapping[str, _Value], values: Sequence[_Value], tool: ToolSpec) -> bool:
    """Whether none of the chosen values could as well be another parameter's."""
    return all(
        (value.telling or _is_alone(value, values, tool)) and _is_formed(value, tool) for value in chosen.values()
    )


def _is_formed(value: _Value, tool: ToolSpec) -> bool:
    """Whether the value has the form that the parameter asks for: a place with its country, or without; a share."""
    described = f"{value.name} {tool.properties[value.name].get('description', '')}".lower()
    if isinstance(value.found.value, int | float):
        return not value.percent or "percent" in described
    if isinstance(value.found.value, str) and kind_of(value.name, tool.properties[value.name]) == "text":
        return ("," in value.found.value) == bool(COMMA.search(described))
    return True


def _is_alone(value: _Value, values: Sequence[_Value], tool: ToolSpec) -> bool:
    """Whether the parameter is the only one that may have the value, and the value the only one that it may have."""
    if value.fits < 0 or (value.name not in tool.required and value.fits < 0.75):
        return False
    rivals = [each for each in values if (each.name == value.name) != _overlap(each.found, value.found)]
    return all(each.fits <= value.fits - 0.5 for each in rivals)


def _overlap(one: Found, other: Found) -> bool:
    return one.start < other.end and other.start < one.end
