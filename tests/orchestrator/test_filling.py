"""What a request says, in the parameters that it belongs to; and what of it is sure."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest

from orchestrator.filling import fill
from tests.orchestrator.tooling import spec

TEXT = {"type": "string"}
TODAY = date(2026, 11, 21)


def described(text: str) -> dict[str, Any]:
    return {"type": "string", "description": text}


@pytest.mark.proves("offline.plans")
@pytest.mark.parametrize(
    ("text", "properties", "arguments"),
    [
        ("a triangle with base of 10 units and height of 5", {"height": {"type": "number"}, "base": {"type": "number"}},
         {"height": 5, "base": 10}),
        ("trains from Anaheim, CA to Berkeley, CA", {"to": TEXT, "from": TEXT},
         {"to": "Berkeley, CA", "from": "Anaheim, CA"}),
        ("between Paris and Rome", {"origin": TEXT, "destination": TEXT}, {"origin": "Paris", "destination": "Rome"}),
        ("host 'db.local', database 'main', user 'ann'", {"database": TEXT, "user": TEXT, "host": TEXT},
         {"database": "main", "user": "ann", "host": "db.local"}),
        ("the scores 85, 90 and 88 please", {"scores": {"type": "array", "items": {"type": "number"}}},
         {"scores": [85, 90, 88]}),
        ("on April 23rd, 2023 for 2", {"day": {"type": "string", "format": "date"}, "count": {"type": "integer"}},
         {"day": "2023-04-23", "count": 2}),
        ("tomorrow", {"date": described("as MM/DD/YYYY")}, {"date": "11/22/2026"}),
        ("12 March", {"date": described("as DD-MM-YYYY")}, {"date": "12-03-2026"}),
        ("on 31 February 2026", {"date": TEXT}, {}),
        ("details of order A-17", {"order_id": TEXT}, {"order_id": "A-17"}),
        ("Ann wants the weather", {"query": TEXT}, {}),
        ("Weather, please", {"city": TEXT}, {}),
    ],
)  # fmt: skip
def test_values_go_where_the_words_around_them_say(
    text: str, properties: dict[str, Any], arguments: Mapping[str, Any]
) -> None:
    tool = spec("tool", required=list(properties), **properties)
    filled = fill(text, tool, TODAY)
    assert filled.calls == (arguments,)
    assert filled.missing == tuple(name for name in properties if name not in arguments)


@pytest.mark.proves("offline.runs")
@pytest.mark.parametrize(
    ("text", "properties", "sure"),
    [
        ("the weather in Rome", {"city": TEXT}, False),
        ("the weather in the city of Rome", {"city": TEXT}, True),
        ("the weather in the city of Rome", {"city": described("such as 'Rome, Italy'")}, False),
        ("the weather in the city of Rome, Italy", {"city": described("such as 'Rome, Italy'")}, True),
        ("Ann or Bob", {"sender": TEXT, "receiver": TEXT}, False),
        ("a rate of 5%", {"rate": {"type": "number"}}, False),
        ("a rate of 5%", {"rate": {"type": "number", "description": "in percent"}}, True),
        ("values 3 and 4", {"a": {"type": "number"}, "b": {"type": "number"}}, False),
        ("width 3 and depth 4", {"width": {"type": "number"}, "depth": {"type": "number"}}, True),
    ],
)
def test_a_value_that_could_be_meant_otherwise_is_not_sure(text: str, properties: dict[str, Any], sure: bool) -> None:
    assert fill(text, spec("tool", required=list(properties), **properties), TODAY).sure == sure


def test_without_a_day_of_today_a_day_without_its_year_is_none() -> None:
    tool = spec("tool", required=["date"], date=TEXT)
    assert fill("on March 5th or tomorrow", tool, None).missing == ("date",)
    assert fill("on 3/5/2026", tool, None).calls == ({"date": "2026-03-05"},)
