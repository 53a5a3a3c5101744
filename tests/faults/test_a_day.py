"""A day with restarts in it: whatever was to come has come once, and at its time."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.conversations.talk import LONGEST_WAIT, Talk
from tests.faults.lives import Clock, life, texts

pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(180), pytest.mark.usefixtures("way")]

MIDNIGHT = datetime(2026, 11, 23, tzinfo=UTC)
STEP_MINUTES = 30
RESTARTS = {hour * 60 for hour in (3, 7, 14, 19, 22)}  # minutes of the day after which it is down for an hour


async def all_that_is_due(talk: Talk, clock: Clock) -> None:
    """Returns once nothing is due, and all that was has been shown."""
    async with asyncio.timeout(LONGEST_WAIT):
        while await talk.app.store.due(["fake"], clock.now):
            await asyncio.sleep(0.01)  # nobody tells of what has come in another process, which a cluster's channel is
        await talk.app.idle()


@pytest.mark.proves("faults.a_day", "reminders.once")
async def test_in_a_day_with_restarts_each_reminder_and_each_request_comes_exactly_once(tmp_path: Path) -> None:
    clock, seen = Clock(MIDNIGHT - timedelta(minutes=1)), Counter[str]()
    async with life(tmp_path, toolsets=None, now=clock) as talk:
        for hour in range(24):
            await talk.answered(f"remind me every day at {hour}:00 of hour {hour}")
            await talk.answered(f'/do_later request="what is 1000+{hour}" when="at {hour}:30"')
        await talk.answered('/do_later request="what is 6*7" when="every day at 12:00"')
        await talk.app.idle()
    minute = 0
    while minute < 24 * 60:
        async with life(tmp_path, toolsets=None, now=clock) as talk:
            while minute < 24 * 60:
                clock.now = MIDNIGHT + timedelta(minutes=minute)
                talk.app.look_at_the_clock()
                await all_that_is_due(talk, clock)
                minute += STEP_MINUTES
                if minute in RESTARTS:
                    minute += 60
                    break
            seen.update(texts(talk))
    for hour in range(24):
        came = [text for text in seen.elements() if text.endswith(f": hour {hour}")]
        assert len(came) == 1, came
        assert came[0].startswith("A late reminder" if hour * 60 in RESTARTS else "A reminder")
        assert seen[f"**calculate (1000+{hour})**: {1000 + hour}"] == 1
    assert seen["**calculate (6*7)**: 42"] == 1
