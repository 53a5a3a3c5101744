"""Reads what has no form of its own out of words: names, and days as people write them."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from orchestrator.slots import Found
from orchestrator.tools.search import words_of

MONTHS = "january february march april may june july august september october november december".split()
MONTH = "|".join(rf"{month[:3]}(?:{month[3:]})?" for month in MONTHS)
DAY = re.compile(
    rf"\b(?P<month>{MONTH})\.?\s+(?:the\s+)?(?P<day>\d{{1,2}})(?:st|nd|rd|th)?\b(?:,?\s+(?:of\s+)?(?P<year>\d{{4}}))?"
    rf"|\b(?P<day2>\d{{1,2}})(?:st|nd|rd|th)?\s+(?:of\s+)?(?P<month2>{MONTH})\b\.?(?:,?\s+(?P<year2>\d{{4}}))?"
    r"|\b(?P<iso>\d{4}-\d{1,2}-\d{1,2})\b"
    r"|\b(?P<slashed>\d{1,2}/\d{1,2}/\d{4})\b"
    r"|\b(?P<near>today|tonight|tomorrow|yesterday)\b",
    re.IGNORECASE,
)
NEAR = {"today": 0, "tonight": 0, "tomorrow": 1, "yesterday": -1}
FORMS = {"mm/dd/yyyy": "%m/%d/%Y", "dd/mm/yyyy": "%d/%m/%Y", "dd-mm-yyyy": "%d-%m-%Y", "yyyy/mm/dd": "%Y/%m/%d"}
NAME = re.compile(r"\b[A-Z][\w'\u2019.-]*(?:(?:,?\s+|\s+(?:of|the|de|la|von)\s+)(?:[A-Z][\w'\u2019.-]*|\d+(?!\w)))*")
CODE = re.compile(r"(?<![\w./-])[A-Za-z][\w-]*\d[\w-]*(?![\w./-]*\w)")
BEGINNING = re.compile(r"(^|[.!?:\n]\s*|[\"'“]\s*)$")
IDS = frozenset("id ids uuid identifier code key number sku".split())
FREE = frozenset(  # what takes whole sentences, or has a form that is not a name's
    "query question content text message prompt description body note comment instruction command host path url "
    "password expression formula equation function code sql format type topic input data context".split()
)
NO_NAMES = frozenset(  # words that begin sentences, and so are written large without being names
    "a also an and are as at book buy calculate can check compute convert could create delete determine did do does "
    "estimate fetch find for friday from generate get give had has have he hello help her hey hi his how how's i i'd "
    "i'll i'm i've if in is it it's let let's list looking make monday my need of on or order our play please provide "
    "remove reserve retrieve saturday search send set she show sunday tell that the their there these they this those "
    "thursday to today tomorrow tuesday update use using want we wednesday what what's when where where's which who "
    "who's whose why will with would you your".split()
)


def days(text: str, schema: Mapping[str, Any], today: date | None) -> Iterator[Found]:
    """Days as people write them, in the form that the parameter's description asks for, else as 2026-11-20.

    A day without its year is this year's; without `today` it is none.
    """
    described = str(schema.get("description", "")).lower()
    form = next((form for written, form in FORMS.items() if written in described), "%Y-%m-%d")
    for hit in DAY.finditer(text):
        if day := _day(hit, today):
            yield Found(day.strftime(form), *hit.span())


def without_numbers_of_days(text: str, found: Sequence[Found]) -> list[Found]:
    """The numbers that are no part of a day."""
    return [each for each in found if not _is_day(text, each.start)]


def names(text: str, name: str, schema: Mapping[str, Any]) -> Iterator[Found]:
    """Names and codes, which some parameter of kind text may want: "New York", "Taika Waititi", "order-17"."""
    wants = set(words_of(name))
    if wants & IDS:
        yield from (Found(hit[0], *hit.span()) for hit in CODE.finditer(text))
    if wants & (IDS | FREE):
        return
    for hit in NAME.finditer(text):
        start, end = _without_first_words(text, *hit.span())
        if start < end and not _is_day(text, start) and not _only_opens_a_sentence(text, start, end):
            yield Found(text[start:end], start, end)


def _is_day(text: str, at: int) -> bool:
    return any(hit.start() <= at < hit.end() for hit in DAY.finditer(text))


def _only_opens_a_sentence(text: str, start: int, end: int) -> bool:
    """Whether this is one word at the beginning of a sentence, which is written large whatever it is."""
    return " " not in text[start:end] and BEGINNING.search(text[:start]) is not None


def _without_first_words(text: str, start: int, end: int) -> tuple[int, int]:
    """Where a name really begins and ends: a sentence's first word is written large too."""
    while start < end:
        word = re.match(r"[\w'\u2019-]+[\s,.]*", text[start:end])
        if word is None or word[0].strip(" ,.\n").lower() not in NO_NAMES:
            break
        start += word.end()
    return start, start + len(text[start:end].rstrip(" .,'\u2019-"))


def _day(hit: re.Match[str], today: date | None) -> date | None:
    try:
        if hit["near"]:
            return today + timedelta(days=NEAR[hit["near"].lower()]) if today else None
        if hit["iso"]:
            year, month, day = map(int, hit["iso"].split("-"))
        elif hit["slashed"]:
            month, day, year = map(int, hit["slashed"].split("/"))
        else:
            written = (hit["month"] or hit["month2"])[:3].lower()
            month = next(number for number, name in enumerate(MONTHS, 1) if name.startswith(written))
            day = int(hit["day"] or hit["day2"])
            if (said := hit["year"] or hit["year2"]) is None and today is None:
                return None
            year = int(said) if said else today.year if today else 0
        return date(year, month, day)
    except ValueError:  # no day of any month
        return None
