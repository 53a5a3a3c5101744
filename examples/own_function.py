"""A function of your own as a tool, in one file: `.venv/bin/python examples/own_function.py`."""

import asyncio
import io
import tempfile
from pathlib import Path

from adapters.console import Console
from bot.app import build
from bot.settings import read_settings
from orchestrator.tools.functions import Functions, tool

SHELF = {"tea": 4, "coffee": 0}


@tool(read_only=True)
def stock(product: str) -> int:
    """Tell how much of a product is in stock.

    Args:
        product: The product's name.
    """
    return SHELF.get(product, 0)


@tool
def reorder(product: str, count: int) -> str:
    """Reorder a product. Without read_only, Errand asks before it runs this."""
    SHELF[product] = SHELF.get(product, 0) + count
    return f"ordered {count} of {product}"


async def main() -> None:
    said = '/stock tea\n/reorder product=coffee count=5\nyes\n/stock "coffee"\n'
    with tempfile.TemporaryDirectory() as folder:
        settings = read_settings(database=str(Path(folder) / "errand.db"))
        async with build(settings, toolsets=[Functions([stock, reorder])]) as app:
            await app.serve([Console("you", source=io.StringIO(said), echo=True)])


if __name__ == "__main__":
    asyncio.run(main())
