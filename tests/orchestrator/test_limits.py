"""Limits: which ones hold for whom, and what cannot be read is named."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.settings import read_settings
from orchestrator.budgets import percent, tokens_about
from orchestrator.errors import SettingsInvalid
from orchestrator.limits import Limits, Payer
from orchestrator.models import ChatMessage
from storage.records import Allowance, Spent

NOW = datetime(2026, 11, 21, 23, 59, tzinfo=UTC)
ANN = Payer("slack", "U1", "C1")


@pytest.mark.proves("budget.limits")
def test_every_rule_that_fits_holds_and_one_for_a_single_scope_stands_over_its_kind() -> None:
    limits = Limits.read(
        "person:slack:U1 day 7 tokens, person day 5 tokens, person day 0.5 usd, chat month 9 tokens,"
        "channel:telegram day 1 tokens, channel:slack day 2 tokens, team month 1.25 usd"
    )
    assert limits.holding_for(ANN, NOW) == (
        Allowance("person:slack:U1", "2026-11-21", tokens=7, micro_usd=500_000),
        Allowance("chat:slack:C1", "2026-11", tokens=9),
        Allowance("team", "2026-11", micro_usd=1_250_000),
        Allowance("channel:slack", "2026-11-21", tokens=2),
    )
    assert [each.scope for each in limits.holding_for(Payer(), NOW)] == ["team"]


@pytest.mark.proves("budget.limits")
@pytest.mark.parametrize(
    "rule", ["nonsense", "person week 5 usd", "person day 1.5 tokens", "person day -1 usd", "team:x day 1 usd"]
)
def test_a_rule_that_cannot_be_read_stops_the_start_with_its_setting(rule: str) -> None:
    with pytest.raises(SettingsInvalid, match=r"'budgets' .* is no budget. Write WHOSE"):
        read_settings(budgets=f"team day 5 usd, {rule}")


@pytest.mark.proves("budget.limits")
@given(st.integers(0, 10**12), st.integers(0, 10**6), st.integers(1, 10**12))
def test_a_budget_is_spent_as_far_as_the_further_one_of_its_tokens_and_its_money(
    used: int, more: int, limit: int
) -> None:
    spent = Spent("team", "2026-11", tokens=used, more_tokens=more, micro_usd=limit, more_micro_usd=limit)
    allowance = Allowance("team", "2026-11", tokens=limit, micro_usd=limit)
    assert percent(spent, allowance) == max(100 * used / (limit + more), 50)
    assert percent(spent, Allowance("team", "2026-11", tokens=0)) >= 0


@pytest.mark.proves("budget.never_overspent")
@given(st.text(st.characters(codec="utf-8")))
def test_a_prompt_is_never_counted_as_less_than_a_token_for_three_bytes(text: str) -> None:
    assert 3 * tokens_about([ChatMessage("user", text)], [], None) >= len(text.encode())
