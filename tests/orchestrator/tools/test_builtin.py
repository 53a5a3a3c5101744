"""The built-in functions."""

import math
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from orchestrator.errors import BadInput
from orchestrator.tools.builtin import BUILTIN
from orchestrator.tools.builtin.calculator import calculate
from orchestrator.tools.builtin.dates import add_days, days_between
from orchestrator.tools.builtin.receipts import (
    Item,
    apply_discount,
    compute_item_statistics,
    compute_tax,
    filter_items_by_category,
    merge_items,
)
from orchestrator.tools.functions import Functions
from orchestrator.tools.spec import ToolResult

FUNCTIONS = Functions(BUILTIN)


async def call(tool: str, /, **arguments: Any) -> ToolResult:
    return await FUNCTIONS.call(tool, arguments, key="t1/s1", timeout_seconds=5)


# --- The calculator -----------------------------------------------------------------------------------

whole = st.integers(0, 50).map(str)
numbers = whole | st.floats(0, 50).map(lambda number: f"{number:.3f}") | st.sampled_from(["1e3", "2.5e-7", "pi", "e"])


def _larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    operators = st.sampled_from([" + ", "-", " * ", " / ", " // ", " % ", "- -", "/ +"])
    several = st.sampled_from(["min", "max", "sum"])
    return st.one_of(
        st.builds("({}{}{})".format, inner, operators, inner),
        st.builds("{}{}{}".format, inner, operators, inner),
        st.builds("({} ** {})".format, inner, st.integers(-3, 4)),
        st.builds("{}({})".format, st.sampled_from(["-", "+", "abs", "round", "sqrt"]), inner),
        st.builds("round({}, {})".format, inner, st.integers(-3, 6)),
        st.builds("{}({}, {}, {})".format, several, inner, inner, inner),
    )


expressions = st.recursive(numbers, _larger, max_leaves=8)
NAMES = {"sqrt": math.sqrt, "pi": math.pi, "e": math.e, "sum": lambda *numbers: sum(numbers)}


def in_python(expression: str) -> int | float | None:
    """Python's own value, or None where it has no finite one. Only ever asked for the expressions generated above."""
    try:
        value = eval(expression, dict(NAMES))
    except (ZeroDivisionError, OverflowError, ValueError, TypeError):
        return None
    return value if isinstance(value, int | float) and math.isfinite(value) else None


@pytest.mark.proves("tools.builtin.calculator")
@given(expressions)
@example("(0 % -1)")
@example("(7%4)")
def test_the_calculator_agrees_with_python(expression: str) -> None:
    expected = in_python(expression)
    try:
        value = calculate(expression)
    except BadInput:
        assert expected is None or "**" in expression, "only a power may be too large for us and not for Python"
    else:
        assert (value, type(value)) == (expected, type(expected))


@pytest.mark.proves("tools.builtin.calculator")
@given(st.text("0123456789.+-*/%^(),e pisqrtmaxround[]{}'\"\\_\n:=@#", max_size=520))
@example("(" * 250 + ")" * 250)
@example("[" * 190 + "]" * 190)
@example("-" * 499 + "1")
@example("1\0")
def test_any_text_gives_a_finite_number_or_a_sentence(text: str) -> None:
    with suppress(BadInput):
        assert math.isfinite(calculate(text))


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("15% of 80", 12),
        ("200 + 10 % of 200", 220),
        ("7 % 4", 3),
        ("2^10", 1024),
        ("sqrt(16) + max(1, 2, 3)", 7),
        ("round(2.567, 2)", 2.57),
        ("sum(1, 2, 3) * pi", 6 * math.pi),
        ("-(3)", -3),
        ("3 \u00d7 4 \u00f7 2 \u2212 1", 5),
        ("1 ** 99999999", 1),
        ("2 ** -9999", 0),
    ],
)
def test_the_calculator_knows_what_people_write(expression: str, value: float) -> None:
    assert calculate(expression) == pytest.approx(value)


@pytest.mark.proves("tools.builtin.calculator")
@pytest.mark.parametrize(
    ("expression", "told"),
    [
        ("9**9**9", "The power is too large."),
        ("9" * 400 + "**99", "The power is too large."),
        ("*".join(["9**999"] * 2), "The result is too large."),
        ("round(5, -999999999)", "I round to 300 digits at most."),
        ("round(5, 1.5)", "I cannot take round of these numbers."),
        ("round(1, 2, 3)", "I cannot take round of these numbers."),
        ("sqrt(-1)", "I cannot take sqrt of these numbers."),
        ("max()", "I cannot take max of these numbers."),
        ("1e308 * 10 ** 10 ** 2", "The result is too large."),
        ("1e999", "The result is too large."),
        ("(-8) ** 0.5", "The result is no real number."),
        ("1 / 0", "This is a division by zero."),
        ("200 + 10%", "does not say what the percent are of"),
        ("200 + 10% - 5", "does not say what the percent are of"),
        ("__import__('os')", "I do not know '__import__', only sqrt, round,"),
        ("open", "I do not know 'open'"),
        ("().__class__", "I calculate with plain numbers"),
        ("'a' * 10**9", "I calculate with plain numbers"),
        ("[1] * 10**9", "I calculate with plain numbers"),
        ("1,000 + 2", "I calculate with plain numbers such as 1000"),
        ("True + 1", "I calculate with plain numbers"),
        ("max(1, key=2)", "I calculate with plain numbers"),
        ("1 +", "'1 +' is no arithmetic expression."),
        ("", "is no arithmetic expression"),
        ("(" * 240 + "1" + ")" * 240, "is no arithmetic expression"),
        ("-" * 400 + "1", "more than 50 operations inside of each other"),
        ("1" + "+1" * 100, "more than 50 operations inside of each other"),
        ("1" + "+1" * 250, "longer than 500 characters"),
    ],
)
async def test_what_is_no_calculation_is_refused_with_the_reason(
    expression: str, told: str, caplog: pytest.LogCaptureFixture
) -> None:
    result = await call("calculate", expression=expression)
    assert result.is_error
    assert told in result.text
    assert not caplog.records, "a wrong expression is no bug"


# --- Dates --------------------------------------------------------------------------------------------


@pytest.mark.proves("tools.builtin.dates")
@pytest.mark.parametrize(
    ("name", "arguments", "text"),
    [
        ("days_between", {"start_date": "2026-01-01", "end_date": "2026-11-20"}, "323"),
        ("days_between", {"start_date": "2026-11-20", "end_date": "2026-11-19"}, "-1"),
        ("add_days", {"start_date": "2024-02-27", "days": 2}, "2024-02-29"),
        ("add_days", {"start_date": "2026-03-01", "days": -1}, "2026-02-28"),
        ("weekday", {"on_date": "2026-11-20"}, "Friday"),
    ],
)
async def test_dates_are_counted_shifted_and_named(name: str, arguments: dict[str, Any], text: str) -> None:
    assert (await call(name, **arguments)).text == text


@pytest.mark.proves("tools.builtin.dates")
@given(st.dates(), st.integers(-400_000, 400_000))
def test_a_date_that_was_shifted_is_that_many_days_away_or_refused(start: Any, days: int) -> None:
    try:
        end = add_days(start, days)
    except BadInput:
        assert not 1 <= start.toordinal() + days <= 3_652_059  # the last day of the year 9999
    else:
        assert days_between(start, end) == days


async def test_a_date_that_is_none_is_refused_by_the_arguments_name() -> None:
    assert "no date between" in (await call("add_days", start_date="2026-02-27", days=10**9)).text
    for wrong in ("yesterday", "2026-02-30", ""):
        assert "the argument 'on_date'" in (await call("weekday", on_date=wrong)).text


# --- Receipts -----------------------------------------------------------------------------------------

cents = st.integers(0, 10_000_00).map(lambda amount: amount / 100)
percents = st.integers(0, 100) | st.floats(0, 100)
items = st.builds(
    Item,
    name=st.sampled_from(["tea", "milk", "bread"]),
    price=cents,
    quantity=st.integers(1, 9_000).map(lambda quantity: quantity / 1000),
    category=st.sampled_from(["food", "drink", ""]),
)


@pytest.mark.proves("tools.builtin.receipts")
async def test_money_is_exact_and_rounded_half_up() -> None:
    assert compute_tax(0.25, 10).tax == 0.03
    assert compute_tax(0.35, 10).tax == 0.04
    assert compute_tax(80, 19).total == 95.2
    assert apply_discount(19.99, percent=10, fixed=2).total == 15.99
    assert apply_discount(5, fixed=9).total == 0
    statistics = compute_item_statistics([Item(name="tea", price=0.1, quantity=3, category="drink")] * 2)
    assert statistics.model_dump() == {
        "quantity": 6.0,
        "total": 0.6,
        "mean_price": 0.1,
        "cheapest": "tea",
        "dearest": "tea",
        "categories": {"drink": {"quantity": 6.0, "total": 0.6}},
    }


async def test_receipts_come_and_go_as_json() -> None:
    tea = {"name": "tea", "price": 2.5, "quantity": 2, "category": "Drink"}
    soap = {"name": "soap", "price": 1}
    merged = await call("merge_items", lists=[[tea, soap], [tea]])
    assert merged.data == [tea | {"quantity": 4.0}, soap | {"quantity": 1.0, "category": ""}]
    assert (await call("filter_items_by_category", items=merged.data, category=" drink ")).data == merged.data[:1]
    assert (await call("compute_item_statistics", items=merged.data)).data["categories"]["other"]["total"] == 1.0
    assert (await call("compute_tax", amount=-1, rate_percent=19)).is_error
    assert "'items.0.price' is missing" in (await call("compute_item_statistics", items=[{"name": "tea"}])).text


def test_statistics_of_nothing_are_zero() -> None:
    nothing = compute_item_statistics([])
    assert (nothing.quantity, nothing.total, nothing.mean_price, nothing.dearest) == (0, 0, 0, None)


def test_the_largest_receipt_is_still_added_up() -> None:
    huge = Item(name="planet", price=1e9, quantity=1e6)
    assert compute_item_statistics(merge_items([[huge] * 1000])).total == 1e18


@pytest.mark.proves("tools.builtin.receipts")
@given(st.lists(st.lists(items, max_size=5), max_size=4))
def test_merging_changes_no_statistics(lists: list[list[Item]]) -> None:
    every = [item for some in lists for item in some]
    merged = merge_items(lists)
    assert compute_item_statistics(merged) == compute_item_statistics(every)
    assert len(merged) == len({(item.name, item.price, item.category) for item in every})


@given(st.lists(items, max_size=8))
def test_a_filtered_list_holds_one_category_and_all_of_it(some: list[Item]) -> None:
    assert filter_items_by_category(some, " FOOD ") == [item for item in some if item.category == "food"]


@pytest.mark.proves("tools.builtin.receipts")
@given(cents, cents, percents, percents)
def test_tax_grows_with_the_amount_and_with_the_rate(amount: float, more: float, rate: float, other: float) -> None:
    low, high = sorted([amount, more])
    assert compute_tax(low, rate).tax <= compute_tax(high, rate).tax
    assert compute_tax(low, min(rate, other)).tax <= compute_tax(low, max(rate, other)).tax


@pytest.mark.proves("tools.builtin.receipts")
@given(cents, percents, cents)
@example(0.05, 10, 0.0)
def test_a_discount_never_goes_below_zero_and_adds_up(amount: float, percent: float, fixed: float) -> None:
    discounted = apply_discount(amount, percent=percent, fixed=fixed)
    assert 0 <= discounted.total <= amount
    assert round(discounted.total * 100) + round(discounted.discount * 100) == round(amount * 100)
