"""The arithmetic of receipts: money is computed exactly, and rounded half up to cents at the end."""

from collections import defaultdict
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from orchestrator.tools.functions import tool

CENT = Decimal("0.01")
Amount = Annotated[float, Field(ge=0, le=1e12, allow_inf_nan=False)]
Percent = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]


class Item(BaseModel):
    """One line of a receipt."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    price: Amount
    quantity: Amount = 1
    category: str = ""

    @property
    def total(self) -> Decimal:
        return _exact(self.price) * _exact(self.quantity)


class Tax(BaseModel):
    """A tax on an amount."""

    amount: float
    tax: float
    total: float


class Discount(BaseModel):
    """A discount from an amount."""

    amount: float
    discount: float
    total: float


class CategoryTotal(BaseModel):
    """What one category comes to."""

    count: int
    total: float


class Statistics(BaseModel):
    """What a list of items comes to."""

    count: int
    total: float
    mean: float
    cheapest: str | None
    dearest: str | None
    categories: dict[str, CategoryTotal]


@tool(read_only=True)
def compute_tax(amount: Amount, rate_percent: Percent) -> Tax:
    """Compute the tax on an amount of money, such as VAT or sales tax, and the total with it.

    Args:
        amount: The net amount.
        rate_percent: The rate in percent, such as 19.
    """
    tax = _exact(amount) * _exact(rate_percent) / 100
    return Tax(amount=amount, tax=_cents(tax), total=_cents(_exact(amount) + tax))


@tool(read_only=True)
def apply_discount(amount: Amount, percent: Percent = 0, fixed: Amount = 0) -> Discount:
    """Apply a discount to an amount of money: a percentage, a fixed sum, or both; never below zero.

    Args:
        amount: The amount before the discount.
        percent: Percent off, taken first.
        fixed: A sum off, taken after the percentage.
    """
    before = _exact(amount)
    after = max(before * (100 - _exact(percent)) / 100 - _exact(fixed), Decimal(0))
    return Discount(amount=amount, discount=_cents(before - after), total=_cents(after))


@tool(read_only=True)
def merge_items(lists: Sequence[Sequence[Item]]) -> list[Item]:
    """Merge several lists of receipt items into one: equal items become one line with their quantities added.

    Args:
        lists: The lists of items.
    """
    merged: dict[tuple[str, float, str], Decimal] = defaultdict(Decimal)
    for item in (item for items in lists for item in items):
        merged[item.name, item.price, item.category] += _exact(item.quantity)
    return [
        Item(name=name, price=price, category=category, quantity=float(quantity))
        for (name, price, category), quantity in merged.items()
    ]


@tool(read_only=True)
def filter_items_by_category(items: Sequence[Item], category: str) -> list[Item]:
    """Keep only the receipt items of one category, in upper or lower case.

    Args:
        items: The items.
        category: The category to keep.
    """
    return [item for item in items if item.category.casefold() == category.strip().casefold()]


@tool(read_only=True)
def compute_item_statistics(items: Sequence[Item]) -> Statistics:
    """Compute statistics of receipt items: count, total, mean price, the cheapest and dearest, totals by category.

    Args:
        items: The items.
    """
    by_category: dict[str, list[Item]] = defaultdict(list)
    for item in items:
        by_category[item.category or "other"].append(item)
    total = _total(items)
    return Statistics(
        count=len(items),
        total=_cents(total),
        mean=_cents(total / len(items)) if items else 0.0,
        cheapest=min(items, key=lambda item: item.price).name if items else None,
        dearest=max(items, key=lambda item: item.price).name if items else None,
        categories={
            name: CategoryTotal(count=len(own), total=_cents(_total(own))) for name, own in sorted(by_category.items())
        },
    )


def _total(items: Sequence[Item]) -> Decimal:
    return sum((item.total for item in items), Decimal(0))


def _exact(number: float) -> Decimal:
    """The number as it is written: 0.1 is a tenth here."""
    return Decimal(str(number))


def _cents(amount: Decimal) -> float:
    return float(amount.quantize(CENT, ROUND_HALF_UP))
