"""The compact notation of plans."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.errors import PlanInvalid
from orchestrator.notation import line_of, parse_step, parse_steps, read_plan

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@pytest.mark.proves("plan.notation")
def test_a_line_is_a_step() -> None:
    step = parse_step('a: time__get_current_time(timezone="Asia/Tokyo", n=2) after b, c  # in Tokyo')
    assert (step.id, step.tool) == ("a", "time__get_current_time")
    assert step.arguments == {"timezone": "Asia/Tokyo", "n": 2}
    assert step.after == ("b", "c")
    assert step.title == "in Tokyo"


@pytest.mark.proves("plan.notation")
def test_a_line_names_fallbacks_dependencies_and_doubt() -> None:
    step = parse_step('a: search(q="x") or news, web__search after b sure 0.4')
    assert (step.fallbacks, step.after, step.confidence) == (("news", "web__search"), ("b",), 0.4)


@pytest.mark.proves("plan.notation")
def test_a_line_is_a_task_for_a_worker() -> None:
    step = parse_step('d: @general(task="compare ${b}", tools=["calculate"]) # compare')
    assert (step.tool, step.worker, step.tools) == ("", "general", ("calculate",))
    assert step.arguments == {"task": "compare ${b}"}


@pytest.mark.parametrize("line", ["1. search()", "- a = search()", "a:search( )"])
def test_small_liberties_are_read(line: str) -> None:
    assert parse_step(line).tool == "search"


def test_references_need_no_quotation_marks() -> None:
    step = parse_step("b: send(total=${a.total}, text=step:a)")
    assert step.arguments == {"total": "${a.total}", "text": "step:a"}
    assert step.dependencies == {"a"}


@pytest.mark.proves("plan.notation")
@pytest.mark.parametrize(
    "line",
    [
        'a: search(q="x") or news, old after b, c sure 0.4',
        'd: @general(task="compare ${b}", tools=["calculate"])',
        'e: send(total="${a.total}", text="step:a", parts=[1, {"x": null}])',
    ],
)
def test_a_step_is_written_as_it_is_read(line: str) -> None:
    assert line_of(parse_step(line)) == line


@given(st.dictionaries(st.from_regex(r"[a-z]\w{0,8}", fullmatch=True), json_values, max_size=4))
def test_any_json_value_survives(arguments: dict[str, Any]) -> None:
    written = ", ".join(f"{name}={json.dumps(value)}" for name, value in arguments.items())
    assert parse_step(f"a: tool({written})").arguments == arguments


@pytest.mark.proves("plan.notation")
@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("search the web", "expected `id: tool"),
        ("a: search(q=hello)", "value of 'q' is no JSON"),
        ('a: search(q="x"', "expected `)`"),
        ('a: search(q="x", q="y")', "'q' stands twice"),
        ('a: search(q="x") before b', "expected `or tool`, `after"),
        ("a: @general(tools=[1])", "written as tools="),
        ('a: search("x")', "expected `)` or `, name=value`"),
    ],
)
def test_a_line_that_cannot_be_read_is_named(line: str, named: str) -> None:
    with pytest.raises(PlanInvalid) as refused:
        parse_steps(f"ok: search()\n{line}")
    assert refused.value.problems[0].startswith("line 2: ")
    assert named in refused.value.problems[0]


def test_a_written_plan_may_be_json_with_a_template() -> None:
    steps, template = read_plan('{"steps": [{"id": "a", "tool": "search"}], "template": "Found: {{a}}"}')
    assert steps[0].tool == "search"
    assert template == "Found: {{a}}"


@pytest.mark.parametrize(
    ("written", "named"),
    [('{"steps": [{"tool": "a"}]}', "steps.0.id"), ('{"steps": []', "Invalid JSON"), ("{}", "steps")],
)
def test_a_written_plan_that_is_wrong_names_the_field(written: str, named: str) -> None:
    with pytest.raises(PlanInvalid, match=named):
        read_plan(written)
