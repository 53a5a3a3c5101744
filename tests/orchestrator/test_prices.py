"""Prices of model calls: known ones are right, and what nobody knows is never 0."""

import subprocess
import sys

import pytest

from orchestrator.models import Usage
from orchestrator.prices import cost_usd, snapshot

THOUSAND = Usage(input_tokens=1000, output_tokens=1000)


@pytest.mark.proves("prices.known")
@pytest.mark.parametrize(
    ("model", "dollars_per_million"),  # input + output, as the providers publish them, read 2026-11
    [
        ("openai:gpt-4o", 2.50 + 10.00),
        ("openai:gpt-4o-mini", 0.15 + 0.60),
        ("openrouter:openai/gpt-4o-mini", 0.15 + 0.60),
        ("gemini:gemini-2.5-flash", 0.30 + 2.50),
        ("anthropic:claude-sonnet-4-5", 3.00 + 15.00),
        ("azure:gpt-4o", 2.50 + 10.00),
        ("foundry:gpt-4o", 2.50 + 10.00),
        ("litellm:openai/gpt-4o", 2.50 + 10.00),
    ],
)
def test_a_call_costs_its_tokens_times_the_published_price(model: str, dollars_per_million: float) -> None:
    assert cost_usd(model, THOUSAND) == pytest.approx(dollars_per_million / 1000, rel=0.01)


@pytest.mark.proves("prices.unknown")
@pytest.mark.parametrize(
    "model", ["openai:my-own-finetune", "ollama:llama3.2", "scripted:demo", "nobody:gpt-4o", "gpt-4o", "openai:"]
)
def test_a_model_without_a_published_price_has_no_price(model: str) -> None:
    assert cost_usd(model, THOUSAND) is None


@pytest.mark.proves("prices.unknown")
def test_tokens_that_were_not_told_have_no_price() -> None:
    assert cost_usd("openai:gpt-4o", Usage(1000, None)) is None
    assert cost_usd("openai:gpt-4o", Usage(None, 1000)) is None


@pytest.mark.proves("prices.unknown")
def test_only_what_is_given_away_costs_nothing() -> None:
    assert cost_usd("openrouter:agentica-org/deepcoder-14b-preview:free", THOUSAND) == 0.0
    assert cost_usd("openai:whisper-1", THOUSAND) is None  # priced by the hour, so tokens tell nothing


@pytest.mark.slow
@pytest.mark.proves("prices.late")
def test_no_start_waits_for_the_prices() -> None:
    loaded = "import bot.cli, bot.app, adapters.console, sys; print('genai_prices' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True, timeout=60)
    assert said.stdout.strip() == "False"
    assert snapshot().startswith("genai-prices 0.")
