"""What a model call costs: its tokens times the provider's published price, as genai-prices has it. Works offline.

genai-prices is imported with the first call that is priced, off the way of everything that a person waits for: that
takes about 0.1 s. Its prices are bundled and carry no date; the version of the package names the snapshot.
"""

import asyncio
import importlib
import sys
from dataclasses import replace
from functools import cache
from importlib.metadata import version

from orchestrator.models import Usage
from storage.records import ModelCall

FREE = ":free"  # how OpenRouter and Azure name what they give away
LISTED_AS = {"gemini": "google", "foundry": "azure"}  # our names to theirs, where they are not the same


async def load() -> None:
    """Load the prices while other turns go on."""
    if "genai_prices.data" not in sys.modules:
        await asyncio.to_thread(importlib.import_module, "genai_prices.data")


def cost_usd(model_name: str, usage: Usage) -> float | None:
    """The price in US dollars of one call of a model such as "openai:gpt-4o"; None where nobody knows it.

    Unknown is never 0: that is said only of a model that is given away. A server of one's own (ollama, llama.cpp)
    has no published price. Tokens that a provider took from its cache count as full ones, so it may be a bit less.
    """
    provider, _, model = model_name.partition(":")
    if usage.input_tokens is None or usage.output_tokens is None or not model:
        return None
    import genai_prices  # noqa: PLC0415 - see above

    tokens = genai_prices.Usage(input_tokens=usage.input_tokens, output_tokens=usage.output_tokens)
    try:
        price = genai_prices.calc_price(tokens, model, provider_id=LISTED_AS.get(provider, provider)).total_price
    except LookupError:
        return None
    return float(price) if price or model.endswith(FREE) else None


def priced(call: ModelCall) -> ModelCall:
    """The call with its price."""
    return replace(call, cost_usd=cost_usd(call.model, Usage(call.input_tokens, call.output_tokens)))


@cache
def snapshot() -> str:
    """Where the prices come from: the package and its version."""
    return f"genai-prices {version('genai-prices')}"
