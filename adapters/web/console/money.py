"""Budgets and what was spent: by day and model, by person, and how far each limit is."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from adapters.web.console.charts import Series, bars, meter, stretches
from adapters.web.console.data import BudgetRow, Spending, Used
from adapters.web.console.frame import card, dollars, nothing, whole
from adapters.web.html import Html, tag
from orchestrator.words import say

COLOURS = ("one", "two", "three", "four")  # of the models that cost the most; what is left is one more

Day = tuple[datetime, Mapping[str, Used]]


def spending(seen: Spending) -> list[Html | None]:
    return [
        card(_days(seen.days)),
        card(_budgets(seen.budgets), title=say("Budgets")),
        card(tag("ul", *(tag("li", each) for each in seen.requests)), title=say("Asked for more"))
        if seen.requests
        else None,
        _people(seen.people),
    ]


def _days(days: Sequence[Day]) -> Html:
    """Money, or tokens where no price is known."""
    has_prices = any(used.cost_usd for _, models in days for used in models.values())

    def money_of(used: Used) -> float:
        return used.cost_usd

    def tokens_of(used: Used) -> float:
        return float(used.tokens)

    caption = say("US dollars a day, by model") if has_prices else say("Tokens a day, by model")
    amount, told = (money_of, dollars) if has_prices else (tokens_of, whole)
    return bars(caption, [f"{at:%d.}" for at, _ in days], _series(days, amount), told=told)


def _series(days: Sequence[Day], amount: Callable[[Used], float]) -> list[Series]:
    """One for each of the models that matter, and one for all others."""
    sums: dict[str, float] = {}
    for _, models in days:
        for model, used in models.items():
            sums[model] = sums.get(model, 0.0) + amount(used)
    known = sorted((model for model, amount_of in sums.items() if amount_of), key=lambda model: (-sums[model], model))
    named, others = known[: len(COLOURS)], frozenset(known[len(COLOURS) :])

    def of(which: frozenset[str]) -> list[float]:
        return [sum(amount(used) for model, used in models.items() if model in which) for _, models in days]

    rows = [Series(model, kind, of(frozenset({model}))) for model, kind in zip(named, COLOURS, strict=False)]
    return [*rows, *([Series(say("others"), "quiet", of(others))] if others else [])] or [
        Series(say("nothing"), "quiet", of(frozenset()))
    ]


def _budgets(budgets: Sequence[BudgetRow]) -> Html:
    if not budgets:
        return nothing(say("No budget has been used yet. The setting budgets sets limits."))
    return tag("ul", *(tag("li", _budget(row)) for row in budgets), class_="meters")


def _budget(row: BudgetRow) -> Html:
    label = f"{row.name}, {row.period}: {row.share:.0%}"
    return tag(
        "div",
        tag("span", row.name, class_="name"),
        tag("span", f"{row.period} · {row.used} · {row.share:.0%}", class_="number"),
        meter(row.share, label),
    )


def _people(people: Sequence[tuple[str, Used]]) -> Html | None:
    if not people:
        return None
    by_cost = any(used.cost_usd for _, used in people)
    most = max(used.cost_usd if by_cost else used.tokens for _, used in people)
    rows = [(name, "one", 0.0, float(used.cost_usd if by_cost else used.tokens), _used(used)) for name, used in people]
    return card(stretches(rows, float(most)), title=say("This month, by person"))


def _used(used: Used) -> str:
    cost = say("{cost} and more", cost=dollars(used.cost_usd)) if used.unknown else dollars(used.cost_usd)
    return say("{calls} calls, {tokens} tokens, {cost}", calls=whole(used.calls), tokens=whole(used.tokens), cost=cost)
