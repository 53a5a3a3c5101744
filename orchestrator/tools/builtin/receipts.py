"""The arithmetic of receipts: money is computed exactly, and rounded half up to cents at the end."""

from collections import defaultdict
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from orchestrator.tools.functions import tool

CENT = Decimal("0.01")
# Bounded so that no sum outgrows the 28 digits that Decimal keeps.
Amount = Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)]
Quantity = Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)]
Percent = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]


class Item(BaseModel):
    """One line of a receipt; the price is for one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    price: Amount
    quantity: Quantity = 1
    category: str = ""


class Tax(BaseModel):
    """A tax on an amount; `total` is with it."""

    amount: float
    tax: float
    total: float


class Discount(BaseModel):
    """A discount from an amount; `total` is what remains."""

    amount: float
    discount: float
    total: float


class CategoryTotal(BaseModel):
    """What one category comes to."""

    quantity: float
    total: float


class Statistics(BaseModel):
    """What items come to. `mean_price` is for one piece; without items there is no cheapest and no dearest."""

    quantity: float
    total: float
    mean_price: float
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
    net = _to_cents(_exact(amount))
    tax = _to_cents(net * _exact(rate_percent) / 100)
    return Tax(amount=float(net), tax=float(tax), total=float(net + tax))


@tool(read_only=True)
def apply_discount(amount: Amount, percent: Percent = 0, fixed: Amount = 0) -> Discount:
    """Apply a discount to an amount or price of money: a percentage, a fixed sum, or both; never below zero.

    Args:
        amount: The amount before the discount.
        percent: Percent off, taken first.
        fixed: A sum off, taken after the percentage.
    """
    before = _to_cents(_exact(amount))
    discount = min(_to_cents(before * _exact(percent) / 100 + _exact(fixed)), before)
    return Discount(amount=float(before), discount=float(discount), total=float(before - discount))


@tool(read_only=True)
def merge_items(lists: Sequence[Sequence[Item]]) -> list[Item]:
    """Merge several lists of receipt items into one: equal items become one line with their quantities added.

    Args:
        lists: The lists of items.
    """
    merged: dict[Item, Decimal] = defaultdict(Decimal)
    for item in (item for items in lists for item in items):
        merged[item.model_copy(update={"quantity": 1})] += _exact(item.quantity)
    return [item.model_copy(update={"quantity": float(quantity)}) for item, quantity in merged.items()]


@tool(read_only=True)
def filter_items_by_category(items: Sequence[Item], category: str) -> list[Item]:
    """Keep only the receipt items of one category, in upper or lower case.

    Args:
        items: The items.
        category: The category to keep.
    """
    wanted = category.strip().casefold()
    return [item for item in items if item.category.strip().casefold() == wanted]


@tool(read_only=True)
def compute_item_statistics(items: Sequence[Item]) -> Statistics:
    """Compute statistics of receipt items: how many, total, mean price, cheapest and dearest, totals by category.

    Args:
        items: The items.
    """
    by_category: dict[str, list[Item]] = defaultdict(list)
    for item in items:
        by_category[item.category or "other"].append(item)
    quantity, total = _quantity(items), _total(items)
    return Statistics(
        quantity=float(quantity),
        total=_cents(total),
        mean_price=_cents(total / quantity) if quantity else 0.0,
        cheapest=min(items, key=lambda item: item.price).name if items else None,
        dearest=max(items, key=lambda item: item.price).name if items else None,
        categories={
            name: CategoryTotal(quantity=float(_quantity(own)), total=_cents(_total(own)))
            for name, own in sorted(by_category.items())
        },
    )


def _quantity(items: Sequence[Item]) -> Decimal:
    return sum((_exact(item.quantity) for item in items), Decimal(0))


def _total(items: Sequence[Item]) -> Decimal:
    return sum((_exact(item.price) * _exact(item.quantity) for item in items), Decimal(0))


def _exact(number: float) -> Decimal:
    """The number as it is written: 0.1 is a tenth here."""
    return Decimal(str(number))


def _to_cents(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, ROUND_HALF_UP)


def _cents(amount: Decimal) -> float:
    return float(_to_cents(amount))
