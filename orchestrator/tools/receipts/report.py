"""What is said about a receipt: its goods as a table, what was taken off, taxes, and whether the total is right."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from orchestrator.tools.builtin.receipts import Item, Statistics
from orchestrator.tools.functions import tool
from orchestrator.tools.receipts.categories import shown
from orchestrator.tools.receipts.money import exact, to_cents
from orchestrator.tools.receipts.money import shown as money
from orchestrator.tools.receipts.reading import Receipt
from orchestrator.words import say

RESULT = WithJsonSchema({"type": "object"})  # of another tool: to spell it out would cost each prompt 700 tokens
RESULTS = WithJsonSchema({"type": "array"})
Amount = Annotated[float, Field(ge=-1e9, le=1e9, allow_inf_nan=False)]


class Check(BaseModel):
    """What a receipt must come to. `difference` is how much more is printed; None where no total is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    total: float
    printed: float | None
    difference: float | None


@tool(read_only=True)
def check_total(amount: Amount, tax: Amount = 0, printed: Amount | None = None) -> Check:
    """Check the printed total of a receipt against the sum of its lines, exactly.

    Args:
        amount: What the goods come to after what was taken off.
        tax: Tax that is not in the prices.
        printed: The total as it is printed.
    """
    total = to_cents(exact(amount) + exact(tax))
    difference = None if printed is None else float(to_cents(exact(printed) - total))
    return Check(total=float(total), printed=printed, difference=difference)


@tool(read_only=True)
def receipt_report(
    receipt: Annotated[Receipt, RESULT],
    items: Annotated[Sequence[Item], RESULTS],
    statistics: Annotated[Statistics, RESULT],
    check: Annotated[Check, RESULT],
) -> str:
    """Write the report on a receipt: a table of its items, deductions, taxes, and whether the printed total is right.

    Args:
        receipt: The result of line_item_parser.
        items: The result of expense_categorizer.
        statistics: The result of compute_item_statistics.
        check: The result of check_total.
    """
    head = " · ".join(filter(None, (f"**{_plain(receipt.merchant)}**" if receipt.merchant else "", receipt.date)))
    table = "\n".join(_table(items))
    sums = "\n".join(f"- {line}" for line in (*_sums(receipt, statistics), _verdict(receipt, check)))
    return "\n\n".join(filter(None, (head, table, sums)))


def _table(items: Sequence[Item]) -> Iterator[str]:
    yield f"| {say('Item')} | {say('Category')} | {say('Price')} |"
    yield "|---|---|---:|"
    for item in items:
        price, quantity = exact(item.price), exact(item.quantity)
        times = "" if quantity == 1 else f" ({quantity.normalize():f} × {money(price)})"
        yield f"| {_plain(item.name)}{times} | {shown(item.category)} | {money(price * quantity)} |"


def _sums(receipt: Receipt, statistics: Statistics) -> Iterator[str]:
    """What the goods come to, and what was taken off or is put on top."""
    currency = receipt.currency
    yield say(
        "Pieces: {count}, together {sum}; the dearest: {name}",
        count=f"{exact(statistics.quantity).normalize():f}",
        sum=money(exact(statistics.total), currency),
        name=_plain(statistics.dearest or ""),
    )
    for each in receipt.deductions:
        yield f"{_plain(each.name)}: −{money(exact(each.amount), currency)}"
    for tax in receipt.taxes:
        rate = "" if tax.rate_percent is None else f" {exact(tax.rate_percent).normalize():f} %"
        amount = money(exact(tax.amount), currency)
        if receipt.tax_on_top:
            yield say("Tax{rate}: {amount}", rate=rate, amount=amount)
        else:
            yield say("Tax{rate} in it: {amount}", rate=rate, amount=amount)


def _verdict(receipt: Receipt, check: Check) -> str:
    """The total, and whether it is the printed one."""
    total = money(exact(check.total), receipt.currency)
    if check.printed is None or check.difference is None:
        return say("**Total: {total}**; I found no printed total to compare it with.", total=total)
    if check.difference == 0:
        return say("**Total: {total}**, as it is printed.", total=total)
    values = {
        "total": total,
        "printed": money(exact(check.printed), receipt.currency),
        "difference": money(abs(Decimal(str(check.difference))), receipt.currency),
    }
    if check.difference > 0:
        return say(
            "**Total: {printed}** is printed, but the lines come to {total}: {difference} less. "
            "Either a line was not read, or the receipt is wrong.",
            **values,
        )
    return say(
        "**Total: {printed}** is printed, but the lines come to {total}: {difference} more. "
        "Either a line was read wrong, or the receipt is.",
        **values,
    )


def _plain(text: str) -> str:
    """Printed words without what Markdown would take for itself: they are a stranger's."""
    return "".join(f"\\{letter}" if letter in "\\`*_[]<>|" else letter for letter in text)
