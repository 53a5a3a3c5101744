"""The tier without a model: finds the tool that the words name, reads what it needs, and asks for the rest.

It is good at deciding and poor at filling free text, so it fills typed values only, and whatever it is not sure of
becomes a question. Words are weighed by how few tools use them (inverse document frequency).
"""

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from orchestrator.plan import Decision, Direct, Plan, Planned, Refuse, Step
from orchestrator.slots import Found, kind_of, read
from orchestrator.tools.paths import file_parameters
from orchestrator.tools.search import words_of
from orchestrator.tools.spec import ToolSpec
from orchestrator.words import say

SURE = 0.6  # share of the weight of the words that a tool must explain to be planned without asking first
POSSIBLE = 0.25  # below that it is out of scope: at 0.25, of the odd records of bfcl_irrelevance 57 of 67 are
NEAR = 0.75  # tools with this share of the best score compete by how much of them can be filled
MOST_CALLS = 8  # "in Tokyo, Paris and ..." becomes one call a value, up to here

GREETING = re.compile(r"\W*(hi|hello|hey|hallo|moin|servus|good (morning|afternoon|evening)|guten (tag|morgen))\b")
THANKS = re.compile(r"\W*(thanks|thank you|thx|danke|great|cool|bye|goodbye)\b")
STOP_WORDS = frozenset(
    words_of(
        "a an and are as at be by can could do does for from give get has have how i if in into is it its let like me "
        "my now of on or order our please put s shall show so some tell that the their them then there these they this "
        "to us want was we what what's when where which who will with would you your need also much many both about"
    )
)
NAMES = re.compile(r"(?<=[\w,] )[A-Z][\w'-]*|\b\w*\d\w*\b")  # proper nouns and numbers: no tool's text has them
SOURCES = ("from", "between", "since", "in", "at")
TARGETS = ("to", "into", "until", "till", "and", "for", "in")


@dataclass(frozen=True, slots=True)
class Match:
    """A tool that may be meant: how much of the request it explains, and the calls that can be made of it."""

    tool: ToolSpec
    score: float
    calls: tuple[dict[str, Any], ...]
    missing: tuple[str, ...]


def no_model() -> str:
    """Why there is no model: none is configured, and what to do about it."""
    return say(
        "No model is configured, so I work by the names of my tools alone. "
        'To add one: ERRAND_ROUTER="openai:MODEL" and its key; `errand doctor` checks it.'
    )


def model_away() -> str:
    """Why there is no model right now."""
    return say("My model does not answer right now, so I work by the names of my tools alone.")


def decide(text: str, tools: Sequence[ToolSpec], *, note: str = "") -> Decision:
    """A decision without a model. `note` says why there is none, for those answers that need the explanation."""
    if GREETING.match(text.lower()) and len(text) < 40:
        return Direct(f"{say('Hello!')} {what_i_can(tools)}\n\n{note}".strip(), reason="a greeting")
    if THANKS.match(text.lower()) and len(text) < 40:
        return Direct(say("You are welcome."), reason="a thank-you")
    matches = sorted((match(text, tool, tools) for tool in tools), key=lambda found: -found.score)
    near = [found for found in matches if found.score >= max(POSSIBLE, matches[0].score * NEAR)] if matches else []
    if not near:
        sorry = say("I am sorry, that is not something I can do here.")
        return Refuse(f"{sorry} {what_i_can(tools)}\n\n{note}".strip(), reason="no tool fits the words")
    best = min(near, key=lambda found: (len(found.missing), -found.score))
    steps = tuple(
        Step(
            id=f"s{number}",
            tool=best.tool.name,
            arguments=arguments,
            missing=best.missing,
            title=best.tool.in_words(arguments),
            confidence=round(best.score, 2),
            reason="the words name this tool",
        )
        for number, arguments in enumerate(best.calls, 1)
    )
    return Planned(Plan(steps=steps), reason=f"{best.tool.name} explains {best.score:.0%} of the words")


def of_files_alone(names: Sequence[str], tools: Sequence[ToolSpec], *, note: str = "", word: str = "") -> Direct:
    """What to say to files without a word on what is to be done with them. `word` is the likeliest one."""
    takers = [*filter(None, [word]), *(tool.name for tool in tools if file_parameters(tool))]
    listed = ", ".join(names)
    if takers:
        way_out = say(
            "I have {names}. Send it with a tool's name below it, such as `/{tool}`.", names=listed, tool=takers[0]
        )
    else:
        way_out = say("I have {names}, but none of my tools takes a file.", names=listed)
    return Direct(f"{way_out}\n\n{note}".strip(), reason="files without words")


def match(text: str, tool: ToolSpec, tools: Sequence[ToolSpec]) -> Match:
    """How well this tool fits the request, and the calls that the request's typed values make of it."""
    found = {name: read(kind_of(name, schema), text, schema) for name, schema in tool.properties.items()}
    calls, missing, used = _fill(text, tool, found)
    weight = _weights(tools)
    rest = NAMES.sub(" ", _without(text, used))
    asked = [word for word in words_of(rest) if word not in STOP_WORDS]
    names, all_words = set(words_of(tool.name)), set(words_of(_all_text(tool)))
    explained = sum(weight(word) * (1.0 if word in names else 0.7) for word in asked if word in all_words)
    whole = sum(weight(word) for word in asked)
    if asked and (used or names.intersection(asked)):
        score = explained / whole
    else:  # values alone mean a tool only where they are telling, a word of its description alone never does
        score = 1.0 if used and not missing and _is_telling(tool) else 0.0
    return Match(tool, score, calls, missing)


def what_i_can(tools: Sequence[ToolSpec]) -> str:
    """One sentence on what there is."""
    names = [tool.name.rpartition("__")[2].replace("_", " ") for tool in tools]
    if not names:
        return say("I have no tools yet; connect some in mcp.json.")
    shown = ", ".join(names[:8])
    if len(names) > 8:
        shown = say("{names} and {count} more", names=shown, count=len(names) - 8)
    return say("I can: {names}. /tools lists what each one needs.", names=shown)


def _fill(
    text: str, tool: ToolSpec, found: dict[str, list[Found]]
) -> tuple[tuple[dict[str, Any], ...], tuple[str, ...], list[Found]]:
    """The calls that the values make, the required names that stay open, and the values that were used."""
    required = [name for name in tool.required if name in tool.properties]
    if len(required) == 1 and len(values := found[required[0]]) > 1 and tool.read_only:
        return tuple({required[0]: each.value} for each in values[:MOST_CALLS]), (), values[:MOST_CALLS]
    arguments: dict[str, Any] = {}
    used: list[Found] = []
    for name in sorted(found, key=lambda name: (name not in required, not _is_role(name))):
        free = [each for each in found[name] if not any(_overlap(each, taken) for taken in used)]
        if free and (chosen := _by_role(text, name, free, alone=len(required) == 1)):
            arguments[name] = chosen.value
            used.append(chosen)
    ordered = {name: arguments[name] for name in tool.properties if name in arguments}
    return (ordered,), tuple(name for name in required if name not in arguments), used


def _is_role(name: str) -> bool:
    return bool(re.match(r"(source|from|origin|start|target|to|dest|end)", name))


def _by_role(text: str, name: str, free: Sequence[Found], *, alone: bool) -> Found | None:
    """Where two parameters want the same kind of value, the word before a value says whose it is."""
    if alone or not _is_role(name):
        return free[0]
    cues = SOURCES if re.match(r"(source|from|origin|start)", name) else TARGETS
    before = {each: (re.findall(r"[\w']+", text[: each.start].lower()) or [""])[-1] for each in free}
    return next((each for cue in cues for each in free if before[each] == cue), None)


def _overlap(one: Found, other: Found) -> bool:
    return one.start < other.end and other.start < one.end


def _without(text: str, used: Sequence[Found]) -> str:
    for each in sorted(used, key=lambda found: -found.start):
        text = f"{text[: each.start]} {text[each.end :]}"
    return text


def _all_text(tool: ToolSpec) -> str:
    return " ".join((tool.name, tool.description, *tool.properties))


def _is_telling(tool: ToolSpec) -> bool:
    """Whether a tool's values alone say that it is meant: an expression does, a bare number does not."""
    return any(kind_of(name, tool.properties[name]) == "expression" for name in tool.required)


def _weights(tools: Sequence[ToolSpec]) -> Any:
    counts = Counter(word for tool in tools for word in set(words_of(_all_text(tool))))
    return lambda word: math.log((1 + len(tools)) / (1 + counts[word])) + 1.0
