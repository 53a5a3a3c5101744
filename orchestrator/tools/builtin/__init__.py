"""The functions that every Errand has: a calculator, dates, and the arithmetic of receipts."""

from orchestrator.tools.builtin.calculator import calculate
from orchestrator.tools.builtin.dates import add_days, days_between, weekday
from orchestrator.tools.builtin.receipts import (
    apply_discount,
    compute_item_statistics,
    compute_tax,
    filter_items_by_category,
    merge_items,
)

BUILTIN = (
    calculate,
    add_days,
    days_between,
    weekday,
    compute_tax,
    merge_items,
    apply_discount,
    filter_items_by_category,
    compute_item_statistics,
)
