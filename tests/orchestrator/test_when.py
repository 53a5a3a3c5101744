"""When something is to happen, read out of words, in both languages."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.when import Rule, in_words, read_when

BERLIN = ZoneInfo("Europe/Berlin")
SATURDAY = datetime(2026, 11, 21, 9, 32, tzinfo=UTC)


@pytest.mark.proves("reminders.plain_words")
@pytest.mark.parametrize(
    ("words", "first"),
    [
        ("in 20 minutes", "2026-11-21, 10:52"),
        ("in einer Stunde", "2026-11-21, 11:32"),
        ("in half an hour", "2026-11-21, 11:02"),
        ("in 2 days at 8", "2026-11-23, 08:00"),
        ("tomorrow at 8:30", "2026-11-22, 08:30"),
        ("morgen um 8:30", "2026-11-22, 08:30"),
        ("morgen früh", "2026-11-22, 09:00"),
        ("übermorgen Mittag", "2026-11-23, 12:00"),
        ("tonight", "2026-11-21, 19:00"),
        ("heute Abend um 8", "2026-11-21, 20:00"),
        ("at 8", "2026-11-22, 08:00"),
        ("um 23:15 Uhr", "2026-11-21, 23:15"),
        ("next friday", "2026-11-27, 09:00"),
        ("monday at noon", "2026-11-23, 12:00"),
        ("saturday at 9", "2026-11-28, 09:00"),
        ("2026-12-24 18:00", "2026-12-24, 18:00"),
        ("am 24.12. um 18 Uhr", "2026-12-24, 18:00"),
        ("on December 24 at 6 pm", "2026-12-24, 18:00"),
        ("am 3. Januar um 10", "2027-01-03, 10:00"),
    ],
)
def test_a_time_is_read_as_a_person_means_it(words: str, first: str) -> None:
    heard = read_when(words, SATURDAY, BERLIN)
    assert heard
    assert heard.is_all
    assert heard.rule is None
    assert in_words(heard.at, BERLIN).endswith(first)


@pytest.mark.proves("reminders.again")
@pytest.mark.parametrize(
    ("words", "rule", "first"),
    [
        ("every weekday at 9", "every weekday at 09:00", "2026-11-23, 09:00"),
        ("jeden Werktag um 9", "every weekday at 09:00", "2026-11-23, 09:00"),
        ("täglich um 7.15 Uhr", "every day at 07:15", "2026-11-22, 07:15"),
        ("jeden Morgen", "every day at 09:00", "2026-11-22, 09:00"),
        ("mondays and thursdays at 7pm", "every Monday, Thursday at 19:00", "2026-11-23, 19:00"),
        ("montags um 10 Uhr", "every Monday at 10:00", "2026-11-23, 10:00"),
        ("weekly on tuesday at 9", "every Tuesday at 09:00", "2026-11-24, 09:00"),
        ("every month on the 1st at 8", "every month on day 1 at 08:00", "2026-12-01, 08:00"),
        ("am 31. jeden Monats um 9", "every month on day 31 at 09:00", "2026-11-30, 09:00"),
    ],
)
def test_what_comes_again_is_read_with_its_first_time(words: str, rule: str, first: str) -> None:
    heard = read_when(words, SATURDAY, BERLIN)
    assert heard
    assert heard.is_all
    assert heard.rule
    assert heard.rule.in_words == rule
    assert in_words(heard.at, BERLIN).endswith(first)


@pytest.mark.proves("reminders.asks")
@pytest.mark.parametrize(
    "words",
    [
        "",
        "soon",
        "every hour",
        "every 2 weeks on monday at 9",
        "25:00",
        "tomorrow at 25",
        "tomorrow at 13 pm",
        "today at 8",
        "June 31 at 8",
        "in 99999 weeks",
        "31.12.9999",
        "every month on the 32nd",
    ],
)
def test_what_is_no_time_to_come_is_not_read_as_one(words: str) -> None:
    heard = read_when(words, SATURDAY, BERLIN)
    assert heard is None or not heard.is_all


@given(st.text(max_size=60))
def test_any_text_is_read_or_not_but_never_breaks(text: str) -> None:
    heard = read_when(text, SATURDAY, BERLIN)
    assert heard is None or heard.at > SATURDAY


@pytest.mark.proves("reminders.clock")
@given(
    moment=st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1)),  # noqa: DTZ001
    at=st.times().map(lambda each: each.replace(second=0, microsecond=0)),
    days=st.sets(st.integers(0, 6), min_size=1),
)
def test_the_next_time_is_the_first_that_a_clock_on_the_wall_shows(moment: datetime, at: time, days: set[int]) -> None:
    moment = moment.replace(tzinfo=UTC)
    following = Rule(at=at, weekdays=tuple(sorted(days))).next_after(moment, BERLIN)
    assert moment < following <= moment + timedelta(days=7, hours=1)
    local = following.astimezone(BERLIN)
    assert local.weekday() in days
    assert local.time() in {at, at.replace(hour=3) if at.hour == 2 else at}


@pytest.mark.proves("reminders.clock")
def test_nine_oclock_stays_nine_oclock_when_the_clocks_change() -> None:
    daily = Rule(at=time(9), weekdays=tuple(range(7)))
    before = datetime(2026, 10, 24, 8, tzinfo=UTC)
    assert daily.next_after(before, BERLIN) == datetime(2026, 10, 25, 8, tzinfo=UTC)
    skipped = Rule(at=time(2, 30), weekdays=tuple(range(7)))
    assert skipped.next_after(datetime(2026, 3, 28, 12, tzinfo=UTC), BERLIN) == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)


@pytest.mark.proves("reminders.again")
def test_the_31st_is_the_last_day_of_a_short_month() -> None:
    rule, moment, days = Rule(at=time(9), day=31), datetime(2027, 1, 1, tzinfo=UTC), []
    for _ in range(4):
        moment = rule.next_after(moment, BERLIN)
        days.append(moment.day)
    assert days == [31, 28, 31, 30]
