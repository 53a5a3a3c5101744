"""Reads typed values out of words: time zones, clock times, dates, numbers, whatever a JSON Schema asks for."""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any
from zoneinfo import available_timezones

from orchestrator.tools.spec import ToolSpec
from orchestrator.words import say

NUMBER = re.compile(r"(?<![\w.:/-])-?(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:[.,]\d+)?)(?![\w:/-])")
THOUSANDS = re.compile(r",(?=\d{3}(?:,|\.|$))")  # in 1,500 and 12,000.5; in 1,5 it is a point
CLOCK = re.compile(r"\b([01]?\d|2[0-3]):([0-5]\d)\b|\b(1[0-2]|0?[1-9])\s?(am|pm)\b", re.IGNORECASE)
ISO_DATE = re.compile(r"\b\d{4}-\d{2}-\d{2}\b")
EMAIL = re.compile(r"\b[\w.+-]+@[\w-]+\.[\w.-]+\b")
URL = re.compile(r"\bhttps?://[^\s<>\"']+")
EXPRESSION = re.compile(
    r"(?:\d+(?:\.\d+)?\s*% of \d+(?:\.\d+)?)"
    r"|(?:(?:sqrt|round|abs|min|max)?[\d(][\d\s.,()+*/%^-]*[-+*/%^][\d\s.,()+*/%^-]*[\d)]%?)"
)
QUOTED = re.compile(r"(?<!\w)(?:[\"“”]([^\"“”]{1,500})[\"”]|['\u2018](\S(?:[^'\u2019]|'(?=\w)){0,500})['\u2019](?!\w))")
WORD = re.compile(r"[^\s,;:!?()]+")

AREAS = frozenset("Africa America Antarctica Arctic Asia Atlantic Australia Europe Indian Pacific".split())
YES = frozenset("yes y yeah yep ok okay sure ja do go run approve approved".split())
POLITE = frozenset("please it that them ahead again thanks bitte danke gern".split())
NO = frozenset("no n nope nein cancel never decline skip don't dont".split())
LONGEST_NO = 4  # words: "no, leave it" declines, "no idea who that is" does not


@dataclass(frozen=True, slots=True)
class Found:
    """A value in a text, and where: text[start:end]."""

    value: Any
    start: int
    end: int


Reader = Callable[[str], Iterator[Found]]


def kind_of(name: str, schema: Mapping[str, Any]) -> str:
    """The kind of value that a parameter wants, judged by its type, format, name and description."""
    words = f"{name} {schema.get('description', '')}".lower()
    declared = schema.get("type")
    if "enum" in schema:
        return "enum"
    if declared in {"integer", "number", "boolean", "array", "object"}:
        return str(declared)
    if "timezone" in words.replace(" ", "").replace("_", "") or "iana" in words:
        return "timezone"
    if schema.get("format") in {"date", "time", "email", "uri"}:
        return str(schema["format"])
    if re.search(r"\bhh:mm\b|\btime in\b", words) or name == "time":
        return "time"
    if re.search(r"yyyy-mm-dd|iso date|\bdate\b", words.replace("_", " ")):
        return "date"
    if "expression" in name:
        return "expression"
    if "email" in words:
        return "email"
    return "uri" if re.search(r"\burl\b", words) else "text"


def read(kind: str, text: str, schema: Mapping[str, Any]) -> list[Found]:
    """Every value of this kind in the text, in its order. Kind "text" finds only what stands in quotes."""
    if kind == "enum":
        return _enum(text, schema["enum"])
    reader = READERS.get(kind)
    return list(reader(text)) if reader else []


def read_answer(text: str, name: str, schema: Mapping[str, Any], choices: Sequence[str] = ()) -> Any | None:
    """The value that someone means who was asked for exactly this, or None where it cannot be one.

    A number means the choice of that place; any words at all can be free text, but not a question.
    """
    words = text.strip()
    if words.isdecimal() and 1 <= int(words) <= len(choices):
        words = choices[int(words) - 1]
    elif chosen := next((choice for choice in choices if choice.casefold() == words.casefold()), None):
        words = chosen
    kind = kind_of(name, schema)
    if kind == "boolean":
        return yes_or_no(words)
    if kind in {"array", "object"}:
        return _json(words, list if kind == "array" else dict)
    if kind == "text":
        return words if words and not words.endswith("?") else None
    found = read(kind, words, schema)
    return found[0].value if len(found) == 1 else None


def coerce(text: str, schema: Mapping[str, Any]) -> Any:
    """The value of `name=text` as its schema wants it. Text that is none stays text, for the schema to refuse."""
    if schema.get("type") in {"string", None} and "enum" not in schema:
        return text
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def yes_or_no(text: str) -> bool | None:
    """Whether the words agree or decline. None where they do neither, or say more than that.

    A yes sets something going, so it must be nothing but a yes: "ok wait" and "do not" are none.
    """
    words = re.findall(r"[\w']+", text.casefold())
    if not words or "?" in text:
        return None
    if words[0] in YES and all(word in YES | POLITE for word in words):
        return True
    return False if words[0] in NO and len(words) <= LONGEST_NO else None


def parameter_question(tool: ToolSpec, name: str) -> str:
    """What to ask for a parameter: its name, and the first sentence of what its schema says about it."""
    described = str(tool.properties.get(name, {}).get("description", "")).strip()
    first = re.split(r"(?<=[.!?])\s", described, maxsplit=1)[0]
    return say("which **{name}**? {description}", name=name.replace("_", " "), description=first).strip()


def parameter_choices(tool: ToolSpec, name: str) -> tuple[str, ...]:
    schema = tool.properties.get(name, {})
    if schema.get("type") == "boolean":
        return (say("yes"), say("no"))
    return tuple(map(str, schema.get("enum", ())))


# --- the readers --------------------------------------------------------------------------------------


def _enum(text: str, values: Sequence[Any]) -> list[Found]:
    hits = ((value, re.search(rf"\b{re.escape(str(value))}\b", text, re.IGNORECASE)) for value in values)
    found = [Found(value, *hit.span()) for value, hit in hits if hit]
    return sorted(found, key=lambda each: each.start)


def _numbers(text: str) -> Iterator[Found]:
    for hit in NUMBER.finditer(text):
        plain = THOUSANDS.sub("", hit.group()).replace(",", ".")
        yield Found(float(plain) if "." in plain else int(plain), *hit.span())


def _integers(text: str) -> Iterator[Found]:
    return (found for found in _numbers(text) if isinstance(found.value, int))


def _clocks(text: str) -> Iterator[Found]:
    for hit in CLOCK.finditer(text):
        if hit[1]:
            yield Found(f"{int(hit[1]):02}:{hit[2]}", *hit.span())
        else:
            hour = int(hit[3]) % 12 + (12 if hit[4].lower() == "pm" else 0)
            yield Found(f"{hour:02}:00", *hit.span())


def _plain(pattern: re.Pattern[str]) -> Reader:
    """Whole hits; of a pattern with groups the one that has hit."""
    return lambda text: (Found(hit[hit.lastindex or 0].strip(), *hit.span()) for hit in pattern.finditer(text))


def _json(text: str, wanted: type) -> Any | None:
    try:
        value = json.loads(text)
    except json.JSONDecodeError:
        return None
    return value if isinstance(value, wanted) else None


@cache
def _zones() -> dict[str, str]:
    """IANA names by what people write: the city in lower case, or the whole name.

    Cities of the world's areas win over old aliases of the same word. Reading the names costs some 20 ms, once.
    """
    zones = sorted(available_timezones(), key=lambda zone: (zone.split("/")[0] not in AREAS, zone))
    by_words = {zone.lower(): zone for zone in zones}
    for zone in zones:
        by_words.setdefault(zone.rpartition("/")[2].replace("_", " ").lower(), zone)
    return by_words


def _timezones(text: str) -> Iterator[Found]:
    words = list(WORD.finditer(text))
    at = 0
    while at < len(words):
        for count in range(min(4, len(words) - at), 0, -1):
            start, end = words[at].start(), words[at + count - 1].end()
            written = text[start:end].rstrip(".'\"")
            zone = _zones().get(written.lower())
            if zone and (len(written) > 3 or written.isupper()):  # "est" and "met" are words, EST and MET are zones
                yield Found(zone, start, start + len(written))
                at += count - 1
                break
        at += 1


READERS: Mapping[str, Reader] = {
    "timezone": _timezones,
    "time": _clocks,
    "date": _plain(ISO_DATE),
    "number": _numbers,
    "integer": _integers,
    "email": _plain(EMAIL),
    "uri": _plain(URL),
    "expression": _plain(EXPRESSION),
    "text": _plain(QUOTED),
}
