"""Results to one answer, without a model."""

import pytest

from orchestrator.plan import Plan, Step, StepResult
from orchestrator.synthesizer import Synthesizer, fill, join, readable

ROME = Step(id="a", tool="weather", title="weather in Rome")
OSLO = Step(id="b", tool="weather", title="weather in Oslo")
PLAN = Plan(steps=(ROME, OSLO))
RESULTS = {"a": StepResult(status="done", text="sunny"), "b": StepResult(status="failed", error="no station")}


@pytest.mark.proves("synthesis.join")
def test_what_worked_and_what_did_not_are_both_told() -> None:
    answer = join(PLAN, RESULTS)
    assert "**weather in Rome**: sunny" in answer
    assert "**weather in Oslo** did not work: no station" in answer


@pytest.mark.proves("synthesis.template")
def test_a_template_takes_results_by_name_or_all_of_them() -> None:
    assert fill("Rome: {{a}}. Oslo: {{ b }}. {{nobody}}", PLAN, RESULTS) == "Rome: sunny. Oslo: no station. {{nobody}}"
    assert "**weather in Rome**: sunny" in fill("All: {{steps}}", PLAN, RESULTS)


@pytest.mark.proves("synthesis.template")
async def test_what_did_not_work_is_told_below_a_template_that_does_not_name_it() -> None:
    plan = Plan(steps=PLAN.steps, template="Rome: {{a}}.")
    answer = await Synthesizer(None).synthesize("", plan, RESULTS, note=lambda call: None, on_text=unheard)
    assert answer == "Rome: sunny.\n\n- **weather in Oslo** did not work: no station"
    everything = Plan(steps=PLAN.steps, template="{{steps}}")
    answer = await Synthesizer(None).synthesize("", everything, RESULTS, note=lambda call: None, on_text=unheard)
    assert answer.count("no station") == 1


async def unheard(text: str) -> None:
    """Nobody listens."""


def test_data_is_told_in_words_without_what_was_asked() -> None:
    step = Step(id="a", tool="clock", arguments={"zone": "Asia/Tokyo"})
    data = {
        "zone": "Asia/Tokyo",
        "datetime": "2026-11-21T07:43:00+09:00",
        "day_of_week": "Saturday",
        "is_dst": False,
        "none": None,
    }
    told = readable(step, StepResult(status="done", data=data))
    assert told == "Saturday, 21 November 2026, 07:43 (UTC+09:00), is dst no"


def test_lists_and_wrapped_values_are_told_plainly() -> None:
    step = Step(id="a", tool="x")
    assert readable(step, StepResult(status="done", data={"result": 42})) == "42"
    assert (
        readable(step, StepResult(status="done", data=[{"name": "tea", "price": 2}, "milk"]))
        == "\n- name tea, price 2\n- milk"
    )
