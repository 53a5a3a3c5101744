"""Retries: how often, and after which pauses."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.retries import Retries


@pytest.mark.proves("steps.retries", "chain.retries")
@given(st.integers(0, 10), st.floats(0.001, 60))
def test_there_are_only_so_many_pauses_and_each_is_about_twice_the_one_before(most: int, first: float) -> None:
    *pauses, last = Retries(most, first).pauses()
    assert last == math.inf
    assert len(pauses) == most
    assert all(0.75 <= pause / (first * 2**number) <= 1.25 + 1e-9 for number, pause in enumerate(pauses))
