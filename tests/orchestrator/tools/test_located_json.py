"""JSON with comments, and the line of every value in it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.tools.located_json import LocatedJson, spell

documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


def parts(value: object, path: tuple[str | int, ...] = ()) -> list[tuple[tuple[str | int, ...], object]]:
    inside: list[tuple[str | int, object]] = []
    if isinstance(value, dict):
        inside = list(value.items())
    elif isinstance(value, list):
        inside = list(enumerate(value))
    return [(path, value), *(found for key, item in inside for found in parts(item, (*path, key)))]


@given(
    document=documents,
    indent=st.sampled_from([None, 0, 3]),
    comment=st.sampled_from(["", '// a "note", {\n', "/*,\n*/"]),
)
def test_every_value_is_found_on_its_line(document: object, indent: int | None, comment: str) -> None:
    text = comment + json.dumps(document, indent=indent)
    read = LocatedJson(text)
    assert read.root == document, "a comment changes nothing, nor does text that looks like one"
    lines = text.split("\n")
    for path, value in parts(document):
        beginning = json.dumps(value, indent=indent).split("\n")[0]
        assert beginning in lines[read.line(path) - 1], spell(path)


def test_trailing_commas_are_fine_and_other_commas_are_not() -> None:
    assert LocatedJson('{"a": [1, 2, /* more? */ ],\n}').root == {"a": [1, 2]}
    with pytest.raises(json.JSONDecodeError) as caught:
        LocatedJson('{"a": 1, // one\n "b",}')
    assert (caught.value.lineno, caught.value.colno) == (2, 6)


def test_what_is_not_there_has_the_line_of_what_would_hold_it() -> None:
    assert LocatedJson('{\n"a": {\n"b": 1}}').line(("a", "missing", 3)) == 2
