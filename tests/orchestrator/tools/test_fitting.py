"""Schemas in the space of a prompt: whatever the catalogue, they fit, and what is required stays longest."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.tools.fitting import fitted
from orchestrator.tools.spec import ToolSpec

PROSE = "Finds something. " + "It does so in a way that would take long to tell. " * 20


def wordy(name: str = "search", *, optional: int = 3) -> ToolSpec:
    """A tool that says too much."""
    properties: dict[str, Any] = {"query": {"type": "string", "description": PROSE}}
    for number in range(optional):
        properties[f"option_{number}"] = {"type": "string", "description": PROSE, "enum": ["a", "b"], "title": "Option"}
    return ToolSpec(name, PROSE, {"type": "object", "properties": properties, "required": ["query"]}, "tests")


def size(tools: list[ToolSpec]) -> int:
    return sum(tool.tokens for tool in tools)


@pytest.mark.proves("tools.fitting")
def test_what_fits_is_shown_as_it_is() -> None:
    assert fitted([wordy()], limit=10_000) == [wordy()]


@pytest.mark.proves("tools.fitting")
def test_words_of_optional_parameters_go_before_those_of_required_ones() -> None:
    (shown,) = fitted([wordy()], limit=wordy().tokens - 1)
    assert shown.properties["query"]["description"] == PROSE
    assert shown.properties["option_0"] == {"type": "string", "enum": ["a", "b"]}
    assert shown.description == PROSE


@pytest.mark.proves("tools.fitting")
def test_with_less_and_less_room_the_first_sentence_the_required_names_and_at_last_fewer_tools_stay() -> None:
    sizes = [(limit, fitted([wordy("best"), wordy("least")], limit=limit)) for limit in (400, 200, 140, 80)]
    assert all(size(shown) <= limit for limit, shown in sizes)
    assert [len(shown) for _, shown in sizes] == [2, 2, 2, 1]
    assert sizes[-1][1][0].name == "best"
    assert all(tool.description.startswith("Finds something.") for _, shown in sizes for tool in shown)
    assert all("query" in tool.properties for _, shown in sizes for tool in shown)
    assert sizes[0][1][0].properties.keys() == wordy().properties.keys()


@pytest.mark.proves("tools.fitting")
def test_only_the_longest_are_shortened_while_that_is_enough() -> None:
    short = ToolSpec("short", "Says little.", {"type": "object", "properties": {}}, "tests")
    first, second = fitted([short, wordy()], limit=short.tokens + wordy().tokens - 10)
    assert first == short
    assert second != wordy()


@pytest.mark.proves("tools.fitting")
def test_a_parameter_that_is_called_like_a_keyword_stays() -> None:
    inner = {"type": "object", "properties": {"title": {"type": "string", "description": PROSE}}}
    tool = ToolSpec("note", PROSE, {"type": "object", "properties": {"about": inner}}, "tests")
    (shown,) = fitted([tool], limit=tool.tokens - 1)
    assert shown.properties["about"]["properties"] == {"title": {"type": "string"}}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda part: st.lists(part, max_size=3) | st.dictionaries(st.sampled_from(["type", "description", "x"]), part),
    max_leaves=8,
)


@given(
    st.lists(st.tuples(st.text(max_size=400), st.dictionaries(st.text(max_size=8), JSON, max_size=4)), max_size=6),
    st.integers(0, 400),
)
def test_whatever_the_schemas_are_they_fit(tools: list[tuple[str, dict[str, Any]]], limit: int) -> None:
    specs = [
        ToolSpec(f"tool_{number}", text, {"type": "object", "properties": properties}, "tests")
        for number, (text, properties) in enumerate(tools)
    ]
    shown = fitted(specs, limit=limit)
    assert size(shown) <= limit
    assert [tool.name for tool in shown] == [spec.name for spec in specs][: len(shown)]
