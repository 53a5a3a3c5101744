"""What is different between two decisions, and what is not."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.differences import differences
from orchestrator.facts import DecisionFacts, PlannedStep


def planned(*steps: PlannedStep) -> DecisionFacts:
    return DecisionFacts(kind="plan", steps=steps)


def step(name: str, tool: str, after: Sequence[str] = (), missing: Sequence[str] = (), **arguments: str) -> PlannedStep:
    return PlannedStep(id=name, tool=tool, arguments=arguments, after=tuple(after), missing=tuple(missing))


def found(old: DecisionFacts, new: DecisionFacts) -> list[tuple[str, str, str]]:
    return [(each.what, each.old, each.new) for each in differences(old, new)]


TAX = step("a", "tax", amount="80")
DOUBLE = step("b", "calculate", ["a"], expression="${a.tax} * 2")


@pytest.mark.proves("replay.differences")
def test_the_same_plan_under_other_names_is_the_same() -> None:
    other = planned(step("s1", "tax", amount="80"), step("s2", "calculate", ["s1"], expression="${s1.tax} * 2"))
    assert found(planned(TAX, DOUBLE), other) == []


@pytest.mark.proves("replay.differences")
def test_another_kind_of_decision_is_all_that_is_told() -> None:
    assert found(planned(TAX), DecisionFacts(kind="direct")) == [("decision", "plan", "direct")]


@pytest.mark.proves("replay.differences")
def test_tools_arguments_order_and_questions_are_told_apart() -> None:
    assert found(planned(TAX, DOUBLE), planned(TAX)) == [("tools", "tax, calculate", "tax")]
    assert found(planned(TAX), planned(step("a", "tax", amount="90"))) == [
        ("arguments", 'tax(amount="80")', 'tax(amount="90")')
    ]
    alone = step("b", "calculate", expression="${a.tax} * 2")
    assert found(planned(TAX, DOUBLE), planned(TAX, alone)) == [("order", "calculate after tax", "side by side")]
    assert found(planned(TAX), planned(step("a", "tax", missing=["rate"], amount="80"))) == [
        ("questions", "", "tax: rate")
    ]
    one, other = (DecisionFacts(kind="clarify", questions=(text,)) for text in ("Which zone?", "which  ZONE?"))
    assert found(one, other) == []


@pytest.mark.proves("replay.differences")
def test_a_reference_to_another_steps_result_is_another_argument() -> None:
    rate = step("r", "rate")
    old = planned(TAX, rate, step("b", "calculate", ["a"], expression="${a}"))
    new = planned(TAX, rate, step("b", "calculate", ["r"], expression="${r}"))
    assert [each.what for each in differences(old, new)] == ["arguments", "order"]


places = st.lists(st.sampled_from(["Rome", "Oslo", "Bern"]), min_size=1, max_size=5)


@pytest.mark.proves("replay.differences")
@given(places.flatmap(lambda drawn: st.tuples(st.just(drawn), st.permutations(drawn))))
def test_the_order_of_independent_steps_is_no_difference(drawn: tuple[list[str], list[str]]) -> None:
    old, new = (
        planned(*(step(f"{side}{at}", "weather", place=place) for at, place in enumerate(order)))
        for side, order in zip("ab", drawn, strict=True)
    )
    assert found(old, new) == []
