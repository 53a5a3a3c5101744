"""The tier without a model: it finds the tool that the words name, fills what it can read, and asks for the rest."""

from datetime import date
from statistics import mean
from typing import Any

import pytest

from benchmarks.without_a_model import IRRELEVANT, RELEVANT, decisions, judged, macro_f1
from orchestrator.offline import decide
from orchestrator.plan import Direct, Plan, Planned, Refuse
from orchestrator.policy import SURE_ENOUGH
from orchestrator.tools.builtin import BUILTIN
from orchestrator.tools.spec import ToolSpec
from tests.orchestrator.tooling import spec

ZONE = {"type": "string", "description": "IANA timezone name"}
TIME = [
    ToolSpec(
        "time__get_current_time",
        "Get current time in a specific timezone",
        {"type": "object", "properties": {"timezone": ZONE}, "required": ["timezone"]},
        "mcp:time",
        read_only=True,
    ),
    ToolSpec(
        "time__convert_time",
        "Convert time between timezones",
        {
            "type": "object",
            "properties": {
                "source_timezone": ZONE,
                "time": {"type": "string", "description": "Time to convert in 24-hour format (HH:MM)"},
                "target_timezone": ZONE,
            },
            "required": ["source_timezone", "time", "target_timezone"],
        },
        "mcp:time",
        read_only=True,
    ),
]
TOOLS = [*(function.spec for function in BUILTIN), *TIME]


def planned(text: str) -> Plan:
    decision = decide(text, TOOLS)
    assert isinstance(decision, Planned), decision
    return decision.plan


@pytest.mark.proves("offline.plans")
@pytest.mark.parametrize(
    ("text", "tool", "arguments", "missing"),
    [
        ("Convert 14:30 from Tokyo", "time__convert_time", {"source_timezone": "Asia/Tokyo", "time": "14:30"}, 1),
        (
            "convert 9am from London to New York",
            "time__convert_time",
            {"source_timezone": "Europe/London", "time": "09:00", "target_timezone": "America/New_York"},
            0,
        ),
        ("what time is it?", "time__get_current_time", {}, 1),
        ("what is 12 * (3 + 4)?", "calculate", {"expression": "12 * (3 + 4)"}, 0),
        ("15% of 80", "calculate", {"expression": "15% of 80"}, 0),
        (
            "how many days between 2026-01-01 and 2026-11-20?",
            "days_between",
            {"start_date": "2026-01-01", "end_date": "2026-11-20"},
            0,
        ),
        ("which weekday is 2026-11-20", "weekday", {"on_date": "2026-11-20"}, 0),
    ],
)
def test_a_request_becomes_a_call_with_what_could_be_read(
    text: str, tool: str, arguments: dict[str, Any], missing: int
) -> None:
    (step,) = planned(text).steps
    assert step.tool == tool
    assert step.arguments == arguments
    assert len(step.missing) == missing


@pytest.mark.proves("offline.plans", "first.parallel_plan")
def test_several_values_of_the_one_thing_that_is_wanted_become_a_call_each() -> None:
    plan = planned("What time is it in Tokyo, Paris and New York?")
    assert [step.arguments["timezone"] for step in plan.steps] == ["Asia/Tokyo", "Europe/Paris", "America/New_York"]
    assert plan.mode == "parallel"


@pytest.mark.proves("offline.refuses")
@pytest.mark.parametrize(
    "text",
    ["order me a pizza", "what's the capital of France?", "write a poem about the sea", "who are you", "asdf qwer"],
)
def test_what_no_tool_is_for_is_declined_with_what_there_is(text: str) -> None:
    decision = decide(text, TOOLS, note="(no model)")
    assert isinstance(decision, Refuse)
    assert "I can: " in decision.text
    assert decision.text.endswith("(no model)")


@pytest.mark.parametrize("text", ["Hi", "hello there!", "Guten Tag", "thanks!"])
def test_small_talk_is_answered(text: str) -> None:
    assert isinstance(decide(text, TOOLS), Direct)


def test_a_tool_that_may_change_something_is_called_once_not_once_a_value() -> None:
    turn_off = spec("turn_off_light", read_only=False, required=["zone"], zone=ZONE)
    decision = decide("turn off the light zone Tokyo and Paris", [turn_off])
    assert isinstance(decision, Planned)
    assert len(decision.plan.steps) == 1


def test_without_any_tool_it_says_so() -> None:
    decision = decide("what time is it in Tokyo", [])
    assert isinstance(decision, Refuse)
    assert "no tools yet" in decision.text


@pytest.mark.proves("offline.plans")
@pytest.mark.parametrize(
    ("text", "arguments", "runs"),
    [
        ("Which films of the genre Comedy are directed by Taika Waititi?", {"genre": "Comedy"}, False),
        ("films of the genre Drama in the city Rome", {"genre": "Drama", "city": "Rome"}, True),
        ("films in the city 'New York' on March 5th", {"city": "New York", "day": "2026-03-05"}, True),
        ("films in the city Rome for 5 people", {"city": "Rome"}, False),
    ],
)
def test_a_call_runs_by_itself_only_where_all_of_the_request_was_understood(
    text: str, arguments: dict[str, Any], runs: bool
) -> None:
    films = spec(
        "find_films",
        required=[],
        genre={"type": "string", "enum": ["Comedy", "Drama"]},
        city={"type": "string"},
        day={"type": "string", "format": "date"},
    )
    decision = decide(text, [films], today=date(2026, 11, 21))
    assert isinstance(decision, Planned)
    (step,) = decision.plan.steps
    assert step.arguments == arguments
    assert (step.confidence >= SURE_ENOUGH) == runs


@pytest.mark.proves("offline.irrelevance")
@pytest.mark.parametrize("name", IRRELEVANT)
def test_irrelevant_requests_are_refused_or_asked_about_never_run(name: str) -> None:
    found = judged(name, "held out")
    assert mean(each.outcome != "call" for each in found) >= 0.9  # 100 % and 94.7 % measured, 2026-11
    assert mean(each.runs for each in found) <= 0.02


@pytest.mark.proves("offline.decides")
def test_it_calls_asks_and_refuses_as_people_would_have_it() -> None:
    assert macro_f1(decisions("held out")) >= 0.55  # 56.6 % measured over 77 records, 2026-11


@pytest.mark.proves("offline.runs")
def test_what_runs_without_asking_is_right() -> None:
    run = [each for name in RELEVANT for each in judged(name, "held out") if each.runs]
    assert len(run) >= 15
    assert mean(each.right for each in run) >= 0.8  # 18 of 19 measured, 2026-11
