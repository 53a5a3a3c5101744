"""The clock jumps by hours, forward and back: nothing is lost, and nothing comes twice."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from orchestrator.limits import Limits, Payer
from orchestrator.messages import Answer, Notice
from orchestrator.tools.functions import Functions, tool
from storage.records import Amount
from tests.conversations.test_budgets import hello
from tests.conversations.test_plans import Models
from tests.faults.lives import Clock, life, shown, texts

pytestmark = pytest.mark.faults

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
JUMPS = [5.0, -5.0, 30.0, -48.0]


@pytest.mark.proves("faults.clock")
@pytest.mark.parametrize("hours", JUMPS)
async def test_a_plan_goes_on_over_a_jump_between_its_steps_and_over_a_restart(tmp_path: Path, hours: float) -> None:
    clock, done = Clock(NOON), list[str]()

    @tool(read_only=True)
    def look(what: str) -> str:
        """Look something up."""
        clock.now += timedelta(hours=hours)
        done.append(what)
        return f"seen {what}"

    @tool
    def note(text: str) -> str:
        """Note."""
        clock.now -= timedelta(hours=2 * hours)
        done.append(text)
        return f"noted {text}"

    given: dict[str, Any] = {"toolsets": [Functions([look, note])], "now": clock}
    async with life(tmp_path, **given) as talk:
        await talk.asked('/plan a: look(what="one")\nb: look(what="two") after a\nc: note(text="three") after b')
    clock.now -= timedelta(hours=3 * hours)
    async with life(tmp_path, **given) as talk:
        assert "noted three" in await talk.answered("yes")
        assert "seen four" in await talk.answered("/look what=four")
        assert [each.turn for each in await talk.app.store.history("fake:1", last=9)] == ["t1", "t2", "t3"]
    assert done == ["one", "two", "three", "four"]


@pytest.mark.proves("faults.clock", "reminders.once")
async def test_a_reminder_that_has_come_does_not_come_again_when_the_clock_goes_back(tmp_path: Path) -> None:
    clock = Clock(NOON)
    async with life(tmp_path, toolsets=None, now=clock) as talk:
        await talk.answered("remind me in 2 hours to eat")
        await talk.answered("remind me every day at 15 to stretch")
        clock.move(talk, hours=5)
        await shown(talk, 4)
        for hours in (-6, 5, -5, 6):
            clock.move(talk, hours=hours)
            assert "stretch" in await talk.told("/reminders")
        await talk.app.idle()
    async with life(tmp_path, toolsets=None, now=clock) as again:
        clock.move(again, hours=22)
        await shown(again, 1)
        assert texts(again) == ["A reminder: stretch"]
    assert [text for text in texts(talk) if "late reminder" in text] == [
        "A late reminder, of 2026-11-21 14:00: eat",
        "A late reminder, of 2026-11-21 15:00: stretch",
    ]


@pytest.mark.proves("faults.clock")
async def test_a_budget_counts_in_the_period_of_the_clock_wherever_it_jumps(tmp_path: Path) -> None:
    clock, rules = Clock(NOON), "person day 5000 tokens"
    given: dict[str, Any] = {"model": Models(one=hello), "router": "one", "now": clock, "budgets": rules}
    async with life(tmp_path, budget_output_tokens=10, **given) as talk:
        today = Limits.read(rules).holding_for(Payer("fake", talk.person.id, "1"), NOON)
        await talk.app.store.reserve("r", Amount(4_950), today)
        assert "has no room" in await talk.told("Hi")
        clock.now += timedelta(hours=24)
        assert await talk.answered("Hi") == "Hello."
        clock.now -= timedelta(hours=24)
        assert "has no room" in await talk.told("Hi")


@pytest.mark.proves("faults.clock")
async def test_a_clock_that_is_set_back_locks_nobody_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(NOON)
    monkeypatch.setattr("storage.inbox.datetime", SimpleNamespace(now=lambda zone: clock.now))
    async with life(tmp_path, messages_a_minute=2) as talk:
        for part in (Answer, Answer, Notice):
            assert isinstance(await talk.say("Hi"), part)
        clock.now -= timedelta(hours=5)
        for part in (Answer, Answer, Notice):
            assert isinstance(await talk.say("Hi"), part)
