"""The lines of a receipt: goods with their quantities, what was taken off, taxes, the total.

By rules alone, English and German, for text as OCR gives it. A line is judged by the words at its beginning and the
amount at its end. What was read wrong is not guessed away: the sum of the lines is compared with the printed total.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from itertools import permutations

from pydantic import BaseModel, ConfigDict

from orchestrator.errors import BadInput
from orchestrator.tools.builtin.receipts import Item
from orchestrator.tools.functions import tool
from orchestrator.tools.receipts.money import amounts_in, currency_of, to_cents
from orchestrator.words import say

MOST_LINES = 400
LONGEST_LINE = 160  # characters; patterns take their time over more
NOTHING = Decimal(0)

SUBTOTAL = re.compile(r"\b(?:sub\W?total|zwischensumme|netto|net|warenwert)\b", re.IGNORECASE)
TOTAL = re.compile(
    r"\W*(?:grand |order |amount )?(?:total|summe|gesamt(?:summe|betrag)?|zu zahlen(?:der betrag)?|endbetrag|"
    r"rechnungsbetrag|balance due|amount due|total due|to pay)\b"
    r"(?!\s*(?:tax|vat|mwst|steuer|saving|item|artikel|discount|points|punkte))",
    re.IGNORECASE,
)
TAX = re.compile(r"\b(?:tax|vat|mwst|ust|gst|hst|pst|steuer|mehrwertsteuer)\b", re.IGNORECASE)
INCLUDED = re.compile(r"\b(?:vat|mwst|ust|steuer|mehrwertsteuer|inkl|incl\w*|enthalten\w*|gst)\b", re.IGNORECASE)
RATE = re.compile(r"(?P<rate>\d{1,2}(?:[.,]\d{1,3})?)\s?%")
TAX_ROW = re.compile(rf"\W*[A-H0-9]?\W{{0,3}}{RATE.pattern}", re.IGNORECASE)
OFF = re.compile(
    r"\b(?:discount|coupon|voucher|rebate|promo|\w*rabatt|nachlass|gutschein|leergut|pfandr)",
    re.IGNORECASE,
)
PAYMENT = re.compile(
    r"(?:in )?(?:cash|bar(?:geld)?|visa|mastercard|maestro|amex|giro\w*|ec\W?\w*|(?:credit |debit )?card|"
    r"(?:kredit)?karte|change|rückgeld|zurück|gegeben|paid|tendered)(?: (?:tendered|due|paid))?\W*(?:EUR|USD|GBP|CHF)?",
    re.IGNORECASE,
)
TIP = re.compile(r"\W*(?:tip|gratuity|trinkgeld|service charge)\b", re.IGNORECASE)
DATES = (
    (re.compile(r"\b(\d{4})-(\d{2})-(\d{2})\b"), (0, 1, 2)),
    (re.compile(r"\b(\d{1,2})[.-](\d{1,2})[.-](\d{4}|\d{2})\b"), (2, 1, 0)),
    (re.compile(r"\b(\d{1,2})/(\d{1,2})/(\d{4}|\d{2})\b"), (2, 0, 1)),  # month first; day first where that is no month
)
UNITS = r"(?:kg|g|lbs?|oz|ltr|l|m|stk|stck|stück|st|pcs?|ea)"
TIMES = re.compile(
    rf"(?P<count>\d{{1,4}}(?:[.,]\d{{1,3}})?)\W{{0,2}}\s?(?P<unit>{UNITS})?\W{{0,2}}\s*[x×@*]\s*"
    rf"(?P<price>(?:€|\$|£)?\s?\d{{1,5}}[.,]\d{{2}})(?:\s?(?:EUR|€|/\s?{UNITS}\b))*",
    re.IGNORECASE,
)
COUNTED = re.compile(r"(?P<count>[1-9]\d?)\s?[x×]?\s+(?=[^\W\d])", re.IGNORECASE)
CODE = re.compile(r"\W{0,3}(?:EUR|USD|GBP|CHF)?\W{0,3}[A-H\d]{0,2}\W{0,4}$")  # of the tax, behind an amount
RULED = " .:*-_=|~'\""  # what stands around words, or is made of specks
WORD = re.compile(r"[^\W\d_]{2,}")


class Deduction(BaseModel):
    """Something that was taken off, as a positive amount."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    amount: float


class TaxLine(BaseModel):
    """A tax as it is printed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rate_percent: float | None
    amount: float


class Receipt(BaseModel):
    """What a receipt says. `goods` is the sum of its items, `discount` that of its deductions, `tax` that of its taxes.

    `tax_on_top` is the part of the tax that is not in the prices. `total` is the printed one, where it was found.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    merchant: str
    date: str
    currency: str
    items: tuple[Item, ...]
    deductions: tuple[Deduction, ...]
    taxes: tuple[TaxLine, ...]
    goods: float
    discount: float
    tax: float
    tax_on_top: float
    total: float | None


@tool(read_only=True)
def line_item_parser(text: str) -> Receipt:
    """Parse a receipt's text into its line items, deductions, taxes and printed total.

    Args:
        text: The receipt as it is printed, line by line.
    """
    lines = _lines(text)
    read = _read(lines)
    if not read.goods:
        raise BadInput(say("I found no line with a price in this. Send a sharper photo, or the text: /receipt TEXT"))
    return _receipt(lines, read)


def adds_up(text: str) -> bool:
    """Whether goods were read, and their lines come to the printed total."""
    read = _read(_lines(text))
    return bool(read.goods) and read.total == read.paid + (read.tax if read.tax_is_on_top else 0)


# --- Reading ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Good:
    """One line of goods: what was paid for it, and for how many at which price where that is printed."""

    name: str
    total: Decimal
    count: Decimal = Decimal(1)
    price: Decimal = NOTHING
    measure: str = ""

    @property
    def item(self) -> Item:
        """As an item whose price times its quantity is what was paid, to the cent: what was weighed is one piece."""
        if self.count == self.count.to_integral() and self.price * self.count == self.total:
            return Item(name=self.name, price=float(self.price), quantity=float(self.count))
        name = f"{self.name} ({self.measure})" if self.measure else self.name
        return Item(name=name, price=float(self.total))

    def times(self, times: "Times") -> "Good":
        return replace(self, count=times.count, price=times.price, measure=times.measure)


@dataclass(frozen=True, slots=True)
class Times:
    """A quantity and the price of one: "0,742 kg x 2,99"."""

    count: Decimal
    price: Decimal
    measure: str = ""

    @property
    def total(self) -> Decimal:
        return to_cents(self.count * self.price)


@dataclass(slots=True)
class Read:
    """What has been read so far. `name` and `times` are of a line of goods that goes on in the next one.

    After the total, or a payment, there are no more goods.
    """

    goods: list[Good] = field(default_factory=list)
    deductions: list[tuple[str, Decimal]] = field(default_factory=list)
    taxes: list[tuple[Decimal | None, Decimal]] = field(default_factory=list)
    included: bool = False
    total: Decimal | None = None
    is_over: bool = False
    name: str = ""
    times: Times | None = None

    @property
    def paid(self) -> Decimal:
        """What the goods cost after what was taken off."""
        return sum((good.total for good in self.goods), NOTHING) - sum((off for _, off in self.deductions), NOTHING)

    @property
    def tax(self) -> Decimal:
        return sum((amount for _, amount in self.taxes), NOTHING)

    @property
    def tax_is_on_top(self) -> bool:
        """As the total says; where that fits neither way, as the words say."""
        if self.total in {self.paid, self.paid + self.tax}:
            return self.total != self.paid
        return not self.included


def _lines(text: str) -> list[str]:
    return [line.strip()[:LONGEST_LINE] for line in text.splitlines()[:MOST_LINES] if line.strip()]


def _read(lines: Sequence[str]) -> Read:
    read = Read()
    for line in lines:
        _take(line, read)
    return read


def _take(line: str, read: Read) -> None:
    """Put what a line says into its place."""
    amounts = [amount for amount, _, _ in amounts_in(line)]
    if (TAX.search(line) and not TOTAL.match(line)) or (TAX_ROW.match(line) and amounts):
        _take_tax(line, amounts, read)
    elif SUBTOTAL.search(line):
        read.name = ""
    elif TOTAL.match(line) or PAYMENT.fullmatch(_name(line)):
        is_total = amounts and TOTAL.match(line)
        read.total = amounts[-1] if is_total else read.total
        read.is_over = read.is_over or bool(amounts)
    elif TIP.match(line) and amounts:
        read.goods.append(Good(_name(line), amounts[-1]))
    elif not read.is_over:
        _take_good(line, amounts, read)


def _take_tax(line: str, amounts: Sequence[Decimal], read: Read) -> None:
    rate = RATE.search(line)
    read.included = read.included or bool(INCLUDED.search(line))
    if amounts:
        percent = Decimal(rate["rate"].replace(",", ".")) if rate else None
        found = (percent, _tax_among(amounts, percent))
        is_the_sum = percent is None and found[1] == read.tax
        if found not in read.taxes and not is_the_sum:
            read.taxes.append(found)


def _tax_among(amounts: Sequence[Decimal], rate: Decimal | None) -> Decimal:
    """Which of net, tax and gross is the tax, in whatever order they stand; the least, where one was read wrong."""
    for net, tax, gross in permutations(amounts, 3):
        if net + tax == gross and tax <= net:
            return tax
    for base, tax in permutations(amounts, 2):
        if rate and tax in {to_cents(base * rate / 100), to_cents(base * rate / (100 + rate))}:
            return tax
    return min(amounts)


def _take_good(line: str, amounts: Sequence[Decimal], read: Read) -> None:
    if times := _times(line):
        _take_times(line, times, amounts, read)
    elif not amounts or not CODE.match(line, _end_of_last(line)):
        read.name = line if WORD.search(line) and not amounts else ""
    elif amounts[-1] < 0 or OFF.search(line):
        read.deductions.append((_name(line), abs(amounts[-1])))
    elif name := _name(line) or read.name:
        read.goods.append(_good(name, amounts[-1], read.times))
        read.name, read.times = "", None


def _take_times(line: str, times: Times, amounts: Sequence[Decimal], read: Read) -> None:
    """A line with a quantity: goods of its own, or more about the line before it or behind it."""
    rest = TIMES.sub(" ", line)
    own = [amount for amount, _, _ in amounts_in(rest)]
    name = _name(rest) or (read.name if own else "")
    last = read.goods[-1] if read.goods else None
    if name:
        read.goods.append(Good(name, own[-1] if own else times.total).times(times))
        read.name = ""
    elif last and last.total == (own[-1] if own else times.total):
        read.goods[-1] = last.times(times)
    else:
        read.times = times


def _times(line: str) -> Times | None:
    found = TIMES.search(line)
    if found is None:
        return None
    ((price, _, _),) = amounts_in(found["price"])
    unit = found["unit"] or ""
    weighed = unit.lower() in {"kg", "g", "lb", "lbs", "oz", "l", "ltr", "m"}
    count = Decimal(found["count"].replace(",", "."))
    return Times(count, price, f"{found['count']} {unit}" if weighed else "")


def _good(name: str, total: Decimal, times: Times | None) -> Good:
    """Goods by their name and what was paid, with the quantity before the name or in the line before.

    A number before the name is one of pieces only where it divides the total: "7 Up" is a name.
    """
    if times and times.total == total:
        return Good(name, total).times(times)
    counted = COUNTED.match(name)
    if counted and total * 100 % int(counted["count"]) == 0:
        count = Decimal(counted["count"])
        return Good(name[counted.end() :], total, count=count, price=total / count)
    return Good(name, total, price=total)


def _end_of_last(line: str) -> int:
    return max(end for _, _, end in amounts_in(line))


def _name(line: str) -> str:
    """The words before the amounts at the end; empty where there are none."""
    name = line
    for _, start, end in reversed(list(amounts_in(line))):
        if name == line or not line[end : len(name)].strip():
            name = line[:start]
    name = name.strip(RULED)
    return name if WORD.search(name) else ""


# --- The receipt --------------------------------------------------------------------------------------


def _receipt(lines: Sequence[str], read: Read) -> Receipt:
    text = "\n".join(lines)
    currency = currency_of(text)
    goods = sum((good.total for good in read.goods), NOTHING)
    return Receipt(
        merchant=next((line.strip(RULED) for line in lines if WORD.search(line) and not any(amounts_in(line))), ""),
        date=next(_dates(text), ""),
        currency=currency,
        items=tuple(good.item for good in read.goods),
        deductions=tuple(Deduction(name=name, amount=float(amount)) for name, amount in read.deductions),
        taxes=tuple(TaxLine(rate_percent=_number(rate), amount=float(amount)) for rate, amount in read.taxes),
        goods=float(goods),
        discount=float(goods - read.paid),
        tax=float(read.tax),
        tax_on_top=float(read.tax if read.tax_is_on_top else 0),
        total=_number(read.total),
    )


def _number(amount: Decimal | None) -> float | None:
    return None if amount is None else float(amount)


def _dates(text: str) -> Iterator[str]:
    for pattern, (year, month, day) in DATES:
        for found in pattern.finditer(text):
            parts = [int(part) for part in found.groups()]
            full_year = parts[year] + (2000 if parts[year] < 100 else 0)
            for this_month, this_day in ((parts[month], parts[day]), (parts[day], parts[month])):
                with suppress(ValueError):
                    yield date(full_year, this_month, this_day).isoformat()
