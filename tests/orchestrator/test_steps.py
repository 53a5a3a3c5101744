"""The size of what a step is given."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.steps import too_long

TEXT = st.text(st.characters(exclude_characters='"\\', exclude_categories=["C"]))  # the same in JSON, but for quotes


@pytest.mark.proves("steps.input_size")
@given(TEXT)
def test_a_text_counts_its_characters_and_in_a_list_its_quotes_too(text: str) -> None:
    for value, length in ((text, len(text)), ([text], len(text) + 4)):
        assert too_long({"a": value}, limit=length) is None
        if length:
            assert f"the argument 'a' has {length:,} characters" in str(too_long({"a": value}, limit=length - 1))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT, lambda part: st.lists(part) | st.dictionaries(TEXT, part)
)


@pytest.mark.slow
@pytest.mark.proves("steps.input_size")
@given(st.dictionaries(TEXT, JSON, min_size=1), st.integers(1, 100))
def test_arguments_are_within_the_limit_as_a_whole_where_each_of_them_is(arguments: dict[str, Any], limit: int) -> None:
    alone = {name: too_long({name: value}, limit=limit) for name, value in arguments.items()}
    problems = [problem for problem in alone.values() if problem]
    assert too_long(arguments, limit=limit) == (problems[0] if problems else None)


@pytest.mark.proves("steps.input_size")
def test_what_is_too_long_comes_with_a_way_out_that_fits_it() -> None:
    assert "sum it up" in str(too_long({"a": "x" * 11}, limit=10))
    assert "${id.part}" in str(too_long({"a": ["x" * 11]}, limit=10))
