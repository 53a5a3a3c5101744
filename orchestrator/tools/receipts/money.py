"""Amounts as receipts print them: 12.50, 1.234,56, $7.00, 2,00-."""

import re
from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal

from orchestrator.words import say

CENT = Decimal("0.01")
CURRENCIES = {"€": "EUR", "EUR": "EUR", "EURO": "EUR", "$": "USD", "USD": "USD", "£": "GBP", "GBP": "GBP", "CHF": "CHF"}
SIGNS = r"(?:€|\$|£|EURO?|USD|GBP|CHF)"
AMOUNT = re.compile(
    rf"(?<![\w.,:/%-])(?P<before>[-−–])?\s?{SIGNS}?\s?(?P<minus>[-−–])?"
    rf"(?P<whole>\d{{1,3}}(?:[.,'\u2019]\d{{3}}){{1,2}}|\d{{1,6}})[.,]\s?(?P<cents>\d{{2}})(?P<behind>[-−–])?(?![\d%]|[.,:/]\d)"
)
CURRENCY = re.compile(r"€|\$|£|\b(?:EURO?|USD|GBP|CHF)\b")


def amounts_in(line: str) -> Iterator[tuple[Decimal, int, int]]:
    """Every amount of a line with its place: what has two digits behind a point or a comma, and is no date or rate."""
    for found in AMOUNT.finditer(line):
        whole = re.sub(r"\D", "", found["whole"])
        amount = Decimal(f"{whole}.{found['cents']}")
        is_negative = found["before"] or found["minus"] or found["behind"]
        yield -amount if is_negative else amount, found.start(), found.end()


def currency_of(text: str) -> str:
    """The code of the first currency that is named; empty where none is."""
    found = CURRENCY.search(text)
    return CURRENCIES[found[0]] if found else ""


def to_cents(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, ROUND_HALF_UP)


def exact(number: float) -> Decimal:
    """The number as it is written: 0.1 is a tenth here."""
    return Decimal(str(number))


def shown(amount: Decimal, currency: str = "") -> str:
    """An amount as the person who reads it writes one: 12.50 EUR, or 12,50 EUR."""
    whole, cents = str(to_cents(amount)).split(".")
    return f"{say('{whole}.{cents}', whole=whole, cents=cents)} {currency}".rstrip()
