"""What is read from the lines of a receipt, and what is made of it."""

import struct
import zlib
from contextlib import suppress
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.errors import BadInput
from orchestrator.tools.builtin.receipts import CategoryTotal, Item, compute_item_statistics
from orchestrator.tools.receipts.categories import category_of
from orchestrator.tools.receipts.chart import spending_chart
from orchestrator.tools.receipts.money import amounts_in, currency_of
from orchestrator.tools.receipts.reading import Receipt, line_item_parser
from orchestrator.tools.receipts.report import check_total, receipt_report
from orchestrator.words import speaking


def read(text: str) -> Receipt:
    parsed = line_item_parser(text)
    assert isinstance(parsed, Receipt)
    return parsed


def goods(text: str) -> list[tuple[str, float, float]]:
    return [(item.name, item.quantity, item.price) for item in read(text).items]


# --- Amounts ------------------------------------------------------------------------------------------


@pytest.mark.proves("receipts.read")
@pytest.mark.parametrize(
    ("line", "amounts"),
    [
        ("Tea 2.50", ["2.50"]),
        ("Tee 2,50 EUR", ["2.50"]),
        ("TOTAL $34.02", ["34.02"]),
        ("Sofa 1.234,56", ["1234.56"]),
        ("Sofa 1,234.56", ["1234.56"]),
        ("Tea 2, 50", ["2.50"]),
        ("Coupon -3.50", ["-3.50"]),
        ("Pfand 0,25-", ["-0.25"]),
        ("Coupon -$3.50", ["-3.50"]),
        ("11.12.2026 12:30 3,5% 0,742 kg v1.25 1.2.34", []),
    ],
)
def test_amounts_are_told_from_dates_rates_and_weights(line: str, amounts: list[str]) -> None:
    assert [amount for amount, _, _ in amounts_in(line)] == [Decimal(amount) for amount in amounts]


@pytest.mark.proves("receipts.read")
@pytest.mark.parametrize(("text", "code"), [("5.00 €", "EUR"), ("$5.00", "USD"), ("CHF 5.00", "CHF"), ("Neuro 5", "")])
def test_the_currency_is_the_first_that_is_named(text: str, code: str) -> None:
    assert currency_of(text) == code


# --- Lines --------------------------------------------------------------------------------------------


@pytest.mark.proves("receipts.read")
@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("2 Lemonade  7.00", [("Lemonade", 2, 3.5)]),
        ("2x Cola  1.50  3.00", [("Cola", 2, 1.5)]),
        ("7 Up  1.99", [("7 Up", 1, 1.99)]),
        ("JOGHURT 2,36 B\n  4 Stk x 0,59", [("JOGHURT", 4, 0.59)]),
        ("4 x 0,59\nJOGHURT 2,36 B", [("JOGHURT", 4, 0.59)]),
        ("Wood screws\n 3 x 1.25  3.75", [("Wood screws", 3, 1.25)]),
        ("Wood screws\n3.x 1.25 3.75", [("Wood screws", 3, 1.25)]),
        ("Screws 3 @ 1.25  3.75", [("Screws", 3, 1.25)]),
        ("BANANEN 2,22\n 0,742 kg x 2,99 EUR/kg", [("BANANEN (0,742 kg)", 1, 2.22)]),
        ("BANANAS\n1.53 lb @ 0.59/lb  0.90", [("BANANAS (1.53 lb)", 1, 0.9)]),
        ("0.75 l Wine  5.99", [("0.75 l Wine", 1, 5.99)]),
        (
            "Internet cable 9.99\nSt. Agur 3.99\nChocolate bar 1.20",
            [("Internet cable", 1, 9.99), ("St. Agur", 1, 3.99), ("Chocolate bar", 1, 1.2)],
        ),
        ("Tea 2.00\nTOTAL 2.00\nVISA 2.00\nPoints 14.00", [("Tea", 1, 2.0)]),
        ("Tea 2.00\nSUMVE 2.00 x\nGirocard 2.00\nA 7% 1.87 0.13 2.00", [("Tea", 1, 2.0)]),
        ("Soup 9.00\nTotal 9.00\nTip 1.00\nTotal 10.00", [("Soup", 1, 9.0), ("Tip", 1, 1.0)]),
    ],
)
def test_goods_are_read_with_their_quantities(text: str, found: list[tuple[str, float, float]]) -> None:
    assert goods(text) == found


@pytest.mark.proves("receipts.read")
@pytest.mark.parametrize(
    ("text", "tax", "on_top"),
    [
        ("Tea 10.00\nTax 8% 0.80\nTotal 10.80", 0.8, 0.8),
        ("Tea 10.00\nTotal 10.00\nincl. VAT 20% 1.67", 1.67, 0.0),
        ("Tea 10.00\nVAT 20% 2.00\nTotal 12.00", 2.0, 2.0),
        ("Tea 10.70\nSumme 10.70\nA 7,00% 10,00 0,70 10,70", 0.7, 0.0),
        ("Tea 10.70\nSumme 10.70\nMwSt 7% 0,70 aus 10,70", 0.7, 0.0),
        ("Tea 10.70\nSumme 10.70\nA 7% 10,00 0,70\nMwSt gesamt 0,70", 0.7, 0.0),
        ("Tea 10.00\nTax 0.80\nTotal 11.80", 0.8, 0.8),
        ("Tee 10.00\nMwSt 0.65\nSumme 11.00", 0.65, 0.0),
    ],
)
def test_a_tax_is_in_the_prices_or_on_top_as_the_total_says_else_the_words(
    text: str, tax: float, on_top: float
) -> None:
    found = read(text)
    assert (found.tax, found.tax_on_top) == (tax, on_top)


@pytest.mark.proves("receipts.read")
@pytest.mark.parametrize(
    ("text", "total"),
    [
        ("Tea 2.00\nTOTAL 2.00\nTotal savings 0.50\nTotal tax 0.10", 2.0),
        ("Tea 2.00\nZwischensumme 3.00\nzu zahlen EUR 2,00", 2.0),
        ("Tea 2.00\nCash 5.00\nChange 3.00", None),
    ],
)
def test_the_total_is_told_from_what_looks_like_it(text: str, total: float | None) -> None:
    assert read(text).total == total


@pytest.mark.proves("receipts.read")
@pytest.mark.parametrize(
    ("written", "date"),
    [
        ("14.11.2026", "2026-11-14"),
        ("2026-11-14", "2026-11-14"),
        ("11/14/26", "2026-11-14"),
        ("14/11/2026", "2026-11-14"),
        ("99.99.2026", ""),
    ],
)
def test_dates_of_several_countries_are_read(written: str, date: str) -> None:
    assert read(f"Shop\n{written}\nTea 1.00").date == date


@pytest.mark.proves("receipts.read")
def test_a_text_without_prices_is_refused_with_the_fix() -> None:
    with pytest.raises(BadInput, match="Send a sharper photo, or the text"):
        read("Hello")


CENTS = st.integers(1, 99_999).map(lambda cents: Decimal(cents) / 100)
NAMES = st.sampled_from(("Milk", "Brot", "Soap 2in1", "Äpfel rot"))
LINES = st.lists(st.tuples(NAMES, st.integers(1, 9), CENTS), min_size=1)


@pytest.mark.proves("receipts.read", "receipts.exact")
@given(LINES, st.booleans(), CENTS)
def test_whatever_is_printed_adds_up_to_the_cent(
    lines: list[tuple[str, int, Decimal]], commas: bool, off: Decimal
) -> None:
    whole = sum((count * price for _, count, price in lines), Decimal(0))
    off = min(off, whole)
    printed = [f"{name}  {count * price:.2f} A\n  {count} x {price:.2f}" for name, count, price in lines]
    text = "\n".join(["Shop", *printed, f"Rabatt  -{off:.2f}", f"Summe  {whole - off:.2f}"])
    found = read(text.replace(".", ",") if commas else text)
    statistics = compute_item_statistics(found.items)
    assert Decimal(str(found.goods)) == whole == Decimal(str(statistics.total))
    assert statistics.quantity == sum(count for _, count, _ in lines)
    assert check_total(found.goods - found.discount, 0, found.total).difference == 0


@pytest.mark.proves("receipts.read")
@given(st.text(max_size=600))
def test_no_text_breaks_it(text: str) -> None:
    with suppress(BadInput):
        read(f"{text}\nTea 1.00")


# --- What is made of it -------------------------------------------------------------------------------


@pytest.mark.proves("receipts.categories")
@pytest.mark.parametrize(
    ("name", "category"),
    [
        ("Apple juice", "drinks"),
        ("Apple pie", "meals"),
        ("ROGGENBROT", "groceries"),
        ("Mineralwasser", "drinks"),
        ("Steak", "meals"),
        ("Schokolade", "groceries"),
        ("Preis", "other"),
        ("Zahnpasta", "care"),
        ("Ballpoint pen", "office"),
        ("Qwertz", "other"),
    ],
)
def test_rules_know_common_goods(name: str, category: str) -> None:
    assert category_of(name) == category


@pytest.mark.proves("receipts.difference")
def test_a_printed_total_is_compared_to_the_cent() -> None:
    assert check_total(0.1 + 0.2, 0, 0.3).difference == 0
    assert check_total(10, 0.8, 10.79).difference == -0.01
    assert check_total(10).difference is None


@pytest.mark.proves("receipts.difference")
@pytest.mark.parametrize(
    ("total", "told"),
    [
        ("Total 2.00", "**Total: 2.00**, as it is printed."),
        ("Total 1.50", "**Total: 1.50** is printed, but the lines come to 2.00: 0.50 more."),
        ("Total 2.50", "**Total: 2.50** is printed, but the lines come to 2.00: 0.50 less."),
        ("", "**Total: 2.00**; I found no printed total to compare it with."),
    ],
)
def test_the_report_says_whether_the_total_is_right(total: str, told: str) -> None:
    found = read(f"The *best* | shop\nTea <b>green</b> 2.00\n{total}")
    report = receipt_report(
        found, found.items, compute_item_statistics(found.items), check_total(found.goods, 0, found.total)
    )
    assert told in report
    assert report.startswith("**The \\*best\\* \\| shop**")
    assert "| Tea \\<b\\>green\\</b\\> |" in report, "printed words are no markup"


def pixels(png: bytes) -> tuple[int, int, bytes]:
    """Width, height and rows of a picture whose every check sum is right."""
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    at, parts = 8, {}
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        kind, data = png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        assert struct.unpack(">I", png[at + 8 + length : at + 12 + length]) == (zlib.crc32(kind + data),)
        parts[kind] = data
        at += length + 12
    width, height = struct.unpack(">II", parts[b"IHDR"][:8])
    rows = zlib.decompress(parts[b"IDAT"])
    assert len(rows) == height * (width * 3 + 1)
    return width, height, rows


@pytest.mark.proves("receipts.chart")
@pytest.mark.parametrize("language", ["en", "de"])
def test_the_chart_is_a_light_picture_with_a_bar_in_its_own_colour_for_each_category(language: str) -> None:
    totals = {"groceries": CategoryTotal(quantity=1, total=7.5), "drinks": CategoryTotal(quantity=1, total=2.5)}
    with speaking(language):
        file = spending_chart(totals, "EUR")
    width, height, rows = pixels(file.data)
    assert (width, height) == (900, 128 + 2 * 68 + 24)
    paper, green, orange = (rows.count(bytes.fromhex(ink)) for ink in ("fdfdfb", "2f7d6d", "d9822b"))
    assert paper > width * height * 0.7
    assert 2.4 < green / orange < 3.6, "three quarters and one, with round ends"


@pytest.mark.slow
@pytest.mark.proves("receipts.chart")
@settings(max_examples=10, deadline=None)  # each takes a fifth of a second
@given(st.dictionaries(st.text(max_size=60), st.floats(0, 1e9), max_size=20), st.text(max_size=5))
def test_whatever_was_spent_can_be_drawn(amounts: dict[str, float], currency: str) -> None:
    totals = {name: CategoryTotal(quantity=1, total=total) for name, total in amounts.items()}
    pixels(spending_chart(totals, currency).data)


def test_an_item_whose_price_is_no_cent_keeps_what_was_paid() -> None:
    (item,) = read("3 Beer  10.00").items
    assert item == Item(name="3 Beer", price=10.0)
