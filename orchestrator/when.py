"""Reads when something is to happen out of words, English and German: "every weekday at 9", "morgen um 8:30"."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict

from orchestrator.words import say

MORNING = time(9)  # where a day is named without a time
PARTS = {
    **dict.fromkeys(("morning", "morgen", "morgens", "früh", "vormittag", "vormittags"), MORNING),
    **dict.fromkeys(("noon", "midday", "mittag", "mittags"), time(12)),
    **dict.fromkeys(("afternoon", "nachmittag", "nachmittags"), time(15)),
    **dict.fromkeys(("evening", "abend", "abends", "night", "tonight"), time(19)),
    **dict.fromkeys(("midnight", "mitternacht"), time(0)),
}
NAMES = (
    ("monday", "mon", "montag"),
    ("tuesday", "tue", "dienstag"),
    ("wednesday", "wed", "mittwoch"),
    ("thursday", "thu", "donnerstag"),
    ("friday", "fri", "freitag"),
    ("saturday", "sat", "samstag", "sonnabend"),
    ("sunday", "sun", "sonntag"),
)
WEEKDAY = {name: number for number, names in enumerate(NAMES) for name in names}
MONTHS = (
    "january januar jan",
    "february februar feb",
    "march märz mar",
    "april apr",
    "may mai",
    "june juni jun",
    "july juli jul",
    "august aug",
    "september sep",
    "october oktober oct okt",
    "november nov",
    "december dezember dec dez",
)
MONTH = {name: number for number, names in enumerate(MONTHS, 1) for name in names.split()}
UNITS = {
    **dict.fromkeys(("second", "seconds", "sec", "sekunde", "sekunden"), timedelta(seconds=1)),
    **dict.fromkeys(("minute", "minutes", "min", "mins", "minuten"), timedelta(minutes=1)),
    **dict.fromkeys(("hour", "hours", "h", "stunde", "stunden"), timedelta(hours=1)),
    **dict.fromkeys(("day", "days", "tag", "tage", "tagen"), timedelta(days=1)),
    **dict.fromkeys(("week", "weeks", "woche", "wochen"), timedelta(weeks=1)),
}
FARTHEST = timedelta(days=3660)

_NAME = "|".join(sorted(WEEKDAY, key=len, reverse=True))
_MONTH = "|".join(sorted(MONTH, key=len, reverse=True))
_UNIT = "|".join(sorted(UNITS, key=len, reverse=True))
_EVERY = r"(?:every|each|jeden|jede|jedes)"
_LIST = rf"(?:{_NAME})s?(?:\s*(?:,|and|und|&)\s*(?:{_EVERY}\s+)?(?:{_NAME})s?)*"


def _words(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w.:])(?:{pattern})(?!\w)", re.IGNORECASE)


DELAY = _words(rf"in\s+(?P<count>\d{{1,5}}|an?|one|eine[rmn]?)\s*(?P<unit>{_UNIT})")
HALF_AN_HOUR = _words(r"in\s+(?:half\s+an\s+hour|einer\s+halben\s+stunde)")
MONTHLY = _words(
    r"(?:every\s+month|monthly|jeden\s+monat|monatlich)(?:\s+(?:on\s+the|am)\s+(?P<day>\d{1,2})(?:st|nd|rd|th|\.)?)?"
    r"|(?:on\s+the|am)\s+(?P<first>\d{1,2})(?:st|nd|rd|th|\.)?\s+(?:of\s+(?:every|each)\s+month|(?:jedes|jeden)\s+monats?)"
)
WORKDAYS = _words(
    rf"{_EVERY}\s+(?:weekday|workday|working\s+day|werktag|wochentag|arbeitstag)"
    r"|(?:on\s+)?(?:weekdays|workdays)|werktags|wochentags|an\s+(?:werk|wochen|arbeits)tagen"
)
DAILY = _words(
    rf"{_EVERY}\s+(?:day|tag)|daily|täglich|{_EVERY}\s+(?P<part>morning|afternoon|evening|night|morgen|abend)"
)
WEEKLY = _words(
    rf"{_EVERY}\s+(?P<some>{_LIST})|(?:on\s+)?(?P<plural>(?:{_NAME})s(?:\s*(?:,|and|und|&)\s*(?:{_NAME})s)*)"
    rf"|(?:every\s+week|weekly|jede\s+woche|wöchentlich)(?:\s+(?:on|am)\s+(?P<day>{_NAME}))?"
)
TONIGHT = _words("tonight")
DAY = _words(
    r"(?P<after>the\s+day\s+after\s+tomorrow|übermorgen)|(?P<tomorrow>tomorrow|morgen)|(?P<today>today|heute)"
    r"|(?:on\s+|am\s+)?(?P<iso>\d{4}-\d{2}-\d{2})"
    r"|(?:on\s+|am\s+)?(?P<d>\d{1,2})\.\s?(?P<m>\d{1,2})\.(?P<y>\d{4})?"
    rf"|(?:on\s+(?:the\s+)?|am\s+)?(?P<d2>\d{{1,2}})(?:st|nd|rd|th|\.)?\s+(?:of\s+)?(?P<m2>{_MONTH})(?:,?\s+(?P<y2>\d{{4}}))?"
    rf"|(?:on\s+)?(?P<m3>{_MONTH})\s+(?P<d3>\d{{1,2}})(?:st|nd|rd|th)?(?:,?\s+(?P<y3>\d{{4}}))?"
    rf"|(?:(?:on|next|am|nächsten|kommenden)\s+)*(?P<name>{_NAME})"
)
CLOCK = _words(
    r"(?P<at>at|um)\s+(?P<h1>\d{1,2})(?:[:.](?P<m1>\d{2}))?(?:\s*(?P<half1>am|pm|uhr|o'clock|h))?"
    r"|(?P<h2>\d{1,2}):(?P<m2>\d{2})(?:\s*(?P<half2>am|pm|uhr))?"
    r"|(?P<h3>\d{1,2})(?:[:.](?P<m3>\d{2}))?\s*(?P<half3>am|pm|uhr|o'clock)"
)
PART = _words(rf"(?:(?:in\s+the|at|am|zu|um)\s+)?(?P<part>{'|'.join(sorted(PARTS, key=len, reverse=True))})")
FILLERS = re.compile(
    r"[\s,.!]*(?:\b(?:please|bitte|on|at|um|am|and|und|the|from|now|ab|jetzt|immer)\b[\s,.!]*)*", re.IGNORECASE
)


class Rule(BaseModel):
    """A time that comes again and again: at `at` of the clock, on these weekdays (0 is Monday), or on a day of each
    month, which is the last one of a month that is too short."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    at: time
    weekdays: tuple[int, ...] = ()
    day: int | None = None

    def next_after(self, moment: datetime, zone: ZoneInfo) -> datetime:
        """The first time after this moment, in UTC. A time that a clock skips in spring is an hour later; of one that
        comes twice in autumn it is the first."""
        day = moment.astimezone(zone).date()
        while not (self._is_on(day) and (at := _moment(day, self.at, zone)) > moment):
            day += timedelta(days=1)
        return at

    def _is_on(self, day: date) -> bool:
        if self.day is None:
            return day.weekday() in self.weekdays
        is_last = (day + timedelta(days=1)).month != day.month
        return day.day == self.day or (is_last and day.day < self.day)

    @property
    def in_words(self) -> str:
        at = f"{self.at:%H:%M}"
        if self.day is not None:
            return say("every month on day {day} at {time}", day=self.day, time=at)
        if self.weekdays == tuple(range(7)):
            return say("every day at {time}", time=at)
        if self.weekdays == tuple(range(5)):
            return say("every weekday at {time}", time=at)
        return say("every {days} at {time}", days=", ".join(_names()[day] for day in self.weekdays), time=at)


@dataclass(frozen=True, slots=True)
class Heard:
    """When it is to happen first, in UTC, and the rule where it comes again. `words` are those that said so, `rest` is
    what was said besides."""

    at: datetime
    rule: Rule | None
    words: str
    rest: str

    @property
    def is_all(self) -> bool:
        """Whether nothing else was said."""
        return FILLERS.fullmatch(self.rest) is not None


def read_when(text: str, now: datetime, zone: ZoneInfo) -> Heard | None:
    """When these words say; None where they do not, or say a time that is over."""
    reading = _Reading(text)
    at, rule = _read(reading, now, zone)
    if at is None or not now < at < now + FARTHEST:
        return None
    return Heard(at, rule, reading.words, " ".join(reading.rest.split()))


def in_words(at: datetime, zone: ZoneInfo) -> str:
    """A time for a person, in their zone."""
    local = at.astimezone(zone)
    return f"{_names()[local.weekday()]}, {local:%Y-%m-%d, %H:%M}"


class _Reading:
    """A text out of which words are taken as they are understood."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._taken: list[tuple[int, int]] = []

    def take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """The first hit, which nothing else can hit again."""
        if hit := pattern.search(self.rest):
            self._taken.append(hit.span())
        return hit

    @property
    def rest(self) -> str:
        """The text with blanks in place of what was taken."""
        text = self._text
        for start, end in self._taken:
            text = f"{text[:start]}{' ' * (end - start)}{text[end:]}"
        return text

    @property
    def words(self) -> str:
        return " ".join(self._text[start:end] for start, end in sorted(self._taken))


def _read(reading: _Reading, now: datetime, zone: ZoneInfo) -> tuple[datetime | None, Rule | None]:
    if at := _delayed(reading, now, zone):
        return at, None
    today = now.astimezone(zone).date()
    try:
        if found := _repeated(reading, today):
            weekdays, day, part = found
            rule = Rule(at=_clock(reading) or part or MORNING, weekdays=weekdays, day=day)
            return rule.next_after(now, zone), rule
        return _once(reading, now, zone), None
    except (ValueError, OverflowError):  # a 31st of June, 25 o'clock, the end of the year 9999
        return None, None


def _delayed(reading: _Reading, now: datetime, zone: ZoneInfo) -> datetime | None:
    if reading.take(HALF_AN_HOUR):
        return now + timedelta(minutes=30)
    if (hit := reading.take(DELAY)) is None:
        return None
    count, unit = hit["count"], UNITS[hit["unit"].casefold()]
    delay = unit * (int(count) if count.isdecimal() else 1)
    if unit < timedelta(days=1):
        return now + delay
    local = now.astimezone(zone)
    return _moment(local.date() + delay, _clock(reading) or local.time(), zone)


def _repeated(reading: _Reading, today: date) -> tuple[tuple[int, ...], int | None, time | None] | None:
    """The weekdays, or the day of the month, and the part of the day, if words say that it comes again."""
    if hit := reading.take(MONTHLY):
        day = int(hit["day"] or hit["first"] or today.day)
        if not 1 <= day <= 31:
            raise ValueError(day)
        return (), day, None
    if reading.take(WORKDAYS):
        return tuple(range(5)), None, None
    if hit := reading.take(DAILY):
        return tuple(range(7)), None, PARTS[hit["part"].casefold()] if hit["part"] else None
    if hit := reading.take(WEEKLY):
        named = re.findall(_NAME, hit["some"] or hit["plural"] or hit["day"] or "", re.IGNORECASE)
        return tuple(sorted({WEEKDAY[name.casefold()] for name in named})) or (today.weekday(),), None, None
    return None


def _once(reading: _Reading, now: datetime, zone: ZoneInfo) -> datetime | None:
    tonight = reading.take(TONIGHT)
    hit = None if tonight else reading.take(DAY)
    clock = _clock(reading)
    if not (hit or clock or tonight):
        return None
    at = clock or (PARTS["tonight"] if tonight else MORNING)
    days = _days(hit, now.astimezone(zone).date()) if hit else iter([now.astimezone(zone).date()])
    moments = [_moment(day, at, zone) for day in days]
    if hit is None and not tonight:
        moments.append(_moment(now.astimezone(zone).date() + timedelta(days=1), at, zone))
    return next((moment for moment in moments if moment > now), None)


def _days(hit: re.Match[str], today: date) -> Iterator[date]:
    """The days that the words may mean, the likeliest first."""
    if hit["after"] or hit["tomorrow"] or hit["today"]:
        yield today + timedelta(days=2 if hit["after"] else 1 if hit["tomorrow"] else 0)
    elif hit["iso"]:
        yield date.fromisoformat(hit["iso"])
    elif hit["name"]:
        ahead = (WEEKDAY[hit["name"].casefold()] - today.weekday()) % 7
        yield from (today + timedelta(days=ahead), today + timedelta(days=ahead + 7))
    else:
        day = int(hit["d"] or hit["d2"] or hit["d3"])
        month = int(hit["m"]) if hit["m"] else MONTH[(hit["m2"] or hit["m3"]).casefold()]
        year = hit["y"] or hit["y2"] or hit["y3"]
        yield from (date(each, month, day) for each in ([int(year)] if year else [today.year, today.year + 1]))


def _clock(reading: _Reading) -> time | None:
    """A time of day, by the clock or by its part. Raises ValueError for one that no clock shows."""
    hit = reading.take(CLOCK)
    part = reading.take(PART)
    named = PARTS[part["part"].casefold()] if part else None
    if hit is None:
        return named
    hour = int(hit["h1"] or hit["h2"] or hit["h3"])
    minute = int(hit["m1"] or hit["m2"] or hit["m3"] or 0)
    half = (hit["half1"] or hit["half2"] or hit["half3"] or "").casefold()
    if half in {"am", "pm"}:
        if not 1 <= hour <= 12:
            raise ValueError(hour)
        hour = hour % 12 + (12 if half == "pm" else 0)
    elif named and named.hour >= 15 and hour < 12:
        hour += 12
    return time(hour, minute)


def _moment(day: date, at: time, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, at.replace(tzinfo=None), tzinfo=zone).astimezone(UTC)


def _names() -> tuple[str, ...]:
    return (
        say("Monday"),
        say("Tuesday"),
        say("Wednesday"),
        say("Thursday"),
        say("Friday"),
        say("Saturday"),
        say("Sunday"),
    )
