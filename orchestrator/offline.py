"""The tier without a model: finds the tool that the words name, reads what it needs, and asks for the rest.

It is good at deciding and poor at filling free text, so whatever it is not sure of becomes a question, or a filled form
to agree to. Words are weighed by how few tools use them (inverse document frequency).
"""

import math
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from orchestrator.filling import Filled, fill
from orchestrator.plan import Decision, Direct, Plan, Planned, Refuse, Step
from orchestrator.policy import SURE_ENOUGH
from orchestrator.slots import Found, kind_of
from orchestrator.tools.paths import file_parameters
from orchestrator.tools.search import words_of
from orchestrator.tools.spec import ToolSpec
from orchestrator.words import say

READ = 2_000  # characters: what is longer is no request that words alone could serve
POSSIBLE = 0.33  # below that a request is out of scope
SURE = 0.5  # from here on a call of sure values may run without asking first
NEAR = 0.75  # tools with this share of the best score compete by how much of them can be filled
GUESSED = 0.55  # the certainty of a call with a guessed value: it is shown, and asks first
EXPLAINED, SUBJECT, GIVEN = 0.5, 0.4, 0.1  # what the score is made of: the request's words, the tool's, its values
UNREAD = 0.3  # share of the request's words that a tool may not know, and its call still be sure
# All chosen on the half of when2call and BFCL that benchmarks/without_a_model.py calls "chosen on", 2026-11.

GREETING = re.compile(r"\W*(hi|hello|hey|hallo|moin|servus|good (morning|afternoon|evening)|guten (tag|morgen))\b")
THANKS = re.compile(r"\W*(thanks|thank you|thx|danke|great|cool|bye|goodbye)\b")
STOP_WORDS = frozenset(
    words_of(
        "a an and are as at be by can could do does for from give get has have how i if in into is it its let like me "
        "my now of on or order our please put s shall show so some tell that the their them then there these they this "
        "to us want was we what what's when where which who will with would you your need also much many both about"
    )
)
VERBS = frozenset(  # words of a tool's name that do not say what it is about
    words_of(
        "a add and api by calc calculate check compute create fetch find for get in list make of retrieve search set "
        "show the to"
    )
)
NAMES = re.compile(r"(?<=[\w,] )[A-Z][\w'-]*|\b\w*\d\w*\b")  # proper nouns and numbers: no tool's text has them
LEFT_OVER = re.compile(r"(?<=[\w,] )[A-Z][\w'-]*|\d|[\"'“][^\"'”]+[\"'”]")  # values that no parameter took

Weight = Callable[[str], float]


@dataclass(frozen=True, slots=True)
class Match:
    """A tool that may be meant: how well the request names it, and the calls that can be made of it.

    `is_sure` says that all of the request was understood, and nothing in the calls is a guess.
    """

    tool: ToolSpec
    score: float
    filled: Filled
    is_sure: bool

    @property
    def confidence(self) -> float:
        """The certainty of a step: policy lets it run without asking only where the match is sure."""
        if not self.is_sure or self.score < SURE:
            return round(min(self.score, GUESSED), 2)
        return round(max(self.score, SURE_ENOUGH), 2)


def no_model() -> str:
    """Why there is no model: none is configured, and what to do about it."""
    return say(
        "No model is configured, so I work by the names of my tools alone. "
        'To add one: ERRAND_ROUTER="openai:MODEL" and its key; `errand doctor` checks it.'
    )


def model_away() -> str:
    """Why there is no model right now."""
    return say("My model does not answer right now, so I work by the names of my tools alone.")


def unserved(refusal: Refuse) -> Refuse:
    """A refusal of this tier in place of a model that is away: a model might have served it."""
    text = " ".join((model_away(), say("None of them fits that, so nobody of my tiers could serve it.")))
    return Refuse(text, reason=refusal.reason, unserved=True)


def decide(
    text: str,
    tools: Sequence[ToolSpec],
    *,
    likely: Sequence[ToolSpec] | None = None,
    today: date | None = None,
    note: str = "",
) -> Decision:
    """A decision without a model. `note` says why there is none, for those answers that need the explanation.

    Where there are many tools, `likely` are those to choose from. `today` is needed for days without their year.
    """
    text = text[:READ]
    if GREETING.match(text.lower()) and len(text) < 40:
        return Direct(f"{say('Hello!')} {what_i_can(tools)}\n\n{note}".strip(), reason="a greeting")
    if THANKS.match(text.lower()) and len(text) < 40:
        return Direct(say("You are welcome."), reason="a thank-you")
    likely = tools if likely is None else likely
    weight = _weights(likely)
    matches = sorted((match(text, tool, weight, today) for tool in likely), key=lambda found: -found.score)
    near = [found for found in matches if found.score >= max(POSSIBLE, matches[0].score * NEAR)] if matches else []
    if not near:
        sorry = say("I am sorry, that is not something I can do here.")
        return Refuse(f"{sorry} {what_i_can(tools)}\n\n{note}".strip(), reason="no tool fits the words")
    best = min(near, key=lambda found: (len(found.filled.missing), -found.score))
    steps = tuple(
        Step(
            id=f"s{number}",
            tool=best.tool.name,
            arguments=arguments,
            missing=best.filled.missing,
            title=best.tool.in_words(arguments),
            confidence=best.confidence,
            reason="the words name this tool",
        )
        for number, arguments in enumerate(best.filled.calls, 1)
    )
    return Planned(Plan(steps=steps), reason=f"{best.tool.name} fits the words by {best.score:.0%}")


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


def match(text: str, tool: ToolSpec, weight: Weight, today: date | None = None) -> Match:
    """How well this tool fits the request, and the calls that the request's values make of it."""
    filled = fill(text, tool, today)
    rest = _without(text, filled.used)
    asked = [word for word in words_of(NAMES.sub(" ", rest)) if word not in STOP_WORDS]
    score = _score(text, asked, tool, filled, weight)
    return Match(tool, score, filled, is_sure=filled.sure and _is_understood(rest, asked, tool, filled))


def _score(text: str, asked: Sequence[str], tool: ToolSpec, filled: Filled, weight: Weight) -> float:
    names = set(words_of(tool.name))
    if not asked or not (filled.used or names.intersection(asked)):
        # Values alone mean a tool only where they are telling, a word of its description alone never does.
        return 1.0 if filled.used and not filled.missing and _is_telling(tool) else 0.0
    known = set(words_of(_all_text(tool)))
    explained = sum(weight(word) * (1.0 if word in names else 0.7) for word in asked if word in known)
    subject, said = names - VERBS, set(words_of(text))
    named = sum(map(weight, subject & said)) / (sum(map(weight, subject)) or 1.0)
    given = 1 - len(filled.missing) / max(1, len(tool.required)) if explained or named else 0.0
    return EXPLAINED * explained / sum(map(weight, asked)) + SUBJECT * named + GIVEN * given


def _is_understood(rest: str, asked: Sequence[str], tool: ToolSpec, filled: Filled) -> bool:
    """Whether nothing of the request was left aside: a value, words that the tool does not know, or an optional
    parameter that is spoken of."""
    described = " ".join(str(schema.get("description", "")) for schema in tool.properties.values())
    known = set(words_of(f"{_all_text(tool)} {described}"))
    about = set(words_of(f"{tool.name} {tool.description}")) | VERBS
    given = {name for call in filled.calls for name in call}
    spoken_of = [name for name in tool.properties.keys() - given if (set(words_of(name)) - about).intersection(asked)]
    unread = sum(word not in known for word in asked)
    return not (LEFT_OVER.search(rest) or spoken_of or unread > UNREAD * len(asked))


def what_i_can(tools: Sequence[ToolSpec]) -> str:
    """One sentence on what there is."""
    names = [tool.name.rpartition("__")[2].replace("_", " ") for tool in tools]
    if not names:
        return say("I have no tools yet; connect some in mcp.json.")
    shown = ", ".join(names[:8])
    if len(names) > 8:
        shown = say("{names} and {count} more", names=shown, count=len(names) - 8)
    return say("I can: {names}. /tools lists what each one needs.", names=shown)


def _without(text: str, used: Sequence[Found]) -> str:
    for each in sorted(used, key=lambda found: -found.start):
        text = f"{text[: each.start]} {text[each.end :]}"
    return text


def _all_text(tool: ToolSpec) -> str:
    return " ".join((tool.name, tool.description, *tool.properties))


def _is_telling(tool: ToolSpec) -> bool:
    """Whether a tool's values alone say that it is meant: an expression does, a bare number does not."""
    return any(kind_of(name, tool.properties[name]) == "expression" for name in tool.required)


def _weights(tools: Sequence[ToolSpec]) -> Weight:
    counts = Counter(word for tool in tools for word in set(words_of(_all_text(tool))))
    return lambda word: math.log((1 + len(tools)) / (1 + counts[word])) + 1.0
