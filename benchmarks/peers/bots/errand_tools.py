"""The tool for Errand, as a function of the operator's own."""

from datetime import UTC, datetime

from orchestrator.tools.functions import tool


@tool(read_only=True)
def time_in(city: str) -> str:
    """The time in a city."""
    return f"It is {datetime.now(UTC):%H:%M} in {city}."
