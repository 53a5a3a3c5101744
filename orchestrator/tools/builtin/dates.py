"""Dates: days from one to another, a date some days on, the day of the week."""

from datetime import date, timedelta

from orchestrator.errors import BadInput
from orchestrator.tools.functions import tool


@tool(read_only=True)
def days_between(start_date: date, end_date: date) -> int:
    """Count the days from one date to another; negative when the end is earlier.

    Args:
        start_date: ISO date (YYYY-MM-DD) to count from.
        end_date: ISO date (YYYY-MM-DD) to count to.
    """
    return (end_date - start_date).days


@tool(read_only=True)
def add_days(start_date: date, days: int) -> date:
    """Add days to a date, or take them away when negative.

    Args:
        start_date: ISO date (YYYY-MM-DD).
        days: How many days.
    """
    try:
        return start_date + timedelta(days=days)
    except OverflowError:
        raise BadInput(f"{days} days from {start_date} is no date between the years 1 and 9999.") from None


@tool(read_only=True)
def weekday(on_date: date) -> str:
    """Tell the weekday of a date, the day of the week such as Monday.

    Args:
        on_date: ISO date (YYYY-MM-DD).
    """
    return f"{on_date:%A}"
