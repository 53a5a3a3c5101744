"""Plans: what may exist, what is refused and how it is named, and what references stand for."""

import pytest

from orchestrator.errors import PlanInvalid
from orchestrator.plan import Plan, Step, StepResult, resolve
from tests.orchestrator.tooling import finder, spec

TEXT = {"type": "string"}
FETCH = spec("fetch", required=["url"], url=TEXT)
SEND = spec("send", read_only=False, required=["to", "count"], to=TEXT, count={"type": "integer", "maximum": 5})
FIND = finder(FETCH, SEND)


def problems(*steps: Step) -> str:
    with pytest.raises(PlanInvalid) as refused:
        Plan.checked(steps, FIND)
    return "\n".join(refused.value.problems)


@pytest.mark.proves("plan.checked")
@pytest.mark.parametrize(
    ("steps", "named"),
    [
        ([], "at least one step"),
        ([Step(id="a b", tool="fetch", arguments={"url": "x"})], "'a b'"),
        ([Step(id="a", tool="fetch", arguments={"url": "x"})] * 2, "'a' is used 2 times"),
        ([Step(id="a", tool="fetch", arguments={"url": "x"}, after=("z",))], "'a' depends on 'z'"),
        ([Step(id="a", tool="fetch", arguments={"url": "${z.url}"})], "'a' depends on 'z'"),
        ([Step(id="a", tool="fetch", arguments={"url": "x"}, after=("a",))], "'a' depends on itself"),
        ([Step(id="a")], "'a' must name a tool or a worker"),
        ([Step(id="a", tool="fetch", worker="general")], "only one of them"),
        ([Step(id="a", worker="general", tools=("gone",))], "'gone', which does not exist"),
        ([Step(id="a", tool="gone")], "'gone', which does not exist"),
        ([Step(id="a", tool="fetch", arguments={"url": "x"}, fallbacks=("gone",))], "'gone', which does not exist"),
        ([Step(id="a", tool="fetch")], "'url' is missing"),
        ([Step(id="a", tool="fetch", arguments={"url": "x", "speed": 1})], "no argument 'speed', only 'url'"),
        ([Step(id="a", tool="fetch", arguments={"url": 7})], "'url': 7 is not of type 'string'"),
        ([Step(id="a", tool="send", arguments={"to": "x", "count": 9})], "'count': 9 is greater"),
    ],
)
def test_a_plan_that_cannot_run_is_refused_with_each_defect_named(steps: list[Step], named: str) -> None:
    assert named in problems(*steps)


@pytest.mark.proves("plan.checked")
def test_a_circle_of_steps_is_named_with_its_members() -> None:
    circle = problems(
        Step(id="a", tool="fetch", arguments={"url": "${b}"}), Step(id="b", tool="fetch", arguments={"url": "${a}"})
    )
    assert "circle" in circle
    assert "a -> " in circle
    assert "b -> " in circle


def test_all_defects_are_told_at_once() -> None:
    told = problems(Step(id="a", tool="gone"), Step(id="b", tool="fetch"))
    assert "'gone'" in told
    assert "'url' is missing" in told


def test_an_argument_that_the_person_will_give_is_not_missing() -> None:
    plan = Plan.checked([Step(id="a", tool="fetch", missing=("url",))], FIND)
    assert plan.steps[0].missing == ("url",)


def test_a_reference_is_a_dependency_and_is_let_through_any_type() -> None:
    plan = Plan.checked(
        [
            Step(id="a", tool="fetch", arguments={"url": "x"}),
            Step(id="b", tool="send", arguments={"to": "mail ${a.name}", "count": "${a.count}"}),
        ],
        FIND,
    )
    assert plan.step("b").dependencies == {"a"}


@pytest.mark.proves("plan.mode")
@pytest.mark.parametrize(
    ("needs", "mode"),
    [
        ({"a": ()}, "single"),
        ({"a": (), "b": ()}, "parallel"),
        ({"a": (), "b": ("a",), "c": ("b",)}, "sequential"),
        ({"a": (), "b": (), "c": ("a", "b")}, "graph"),
        ({"a": (), "b": ("a",), "c": ("a",)}, "graph"),
    ],
)
def test_the_mode_is_read_off_the_graph(needs: dict[str, tuple[str, ...]], mode: str) -> None:
    steps = tuple(Step(id=name, tool="fetch", after=after) for name, after in needs.items())
    assert Plan(steps=steps).mode == mode


RESULTS = {
    "a": StepResult(status="done", data={"price": 9.5, "legs": [{"city": "Rome"}]}, text="ignored"),
    "b": StepResult(status="done", text="plain words"),
    "c": StepResult(status="done", data={"result": [1, 2]}),
}


@pytest.mark.proves("plan.references")
@pytest.mark.parametrize(
    ("written", "stands_for"),
    [
        ("${a.price}", 9.5),
        ("${a.legs.0.city}", "Rome"),
        ("to ${a.legs.0.city} for ${a.price}", "to Rome for 9.5"),
        ("${b}", "plain words"),
        ("step:b", "plain words"),
        ("${c}", [1, 2]),
        ("${c.1}", 2),
        ({"deep": ["${b}", {"x": "${a.price}"}]}, {"deep": ["plain words", {"x": 9.5}]}),
        ("a price of $5 {b}", "a price of $5 {b}"),
    ],
)
def test_a_reference_stands_for_the_earlier_result(written: object, stands_for: object) -> None:
    assert resolve(written, RESULTS) == stands_for


@pytest.mark.parametrize("written", ["${a.cost}", "${a.legs.3.city}", "${b.name}"])
def test_a_reference_to_nothing_names_what_there_is(written: str) -> None:
    with pytest.raises(LookupError, match="result of") as missing:
        resolve(written, RESULTS)
    assert written in str(missing.value)


def test_a_plan_survives_storage() -> None:
    plan = Plan.checked([Step(id="a", tool="fetch", arguments={"url": "x"}, fallbacks=("send",))], FIND)
    assert Plan.model_validate_json(plan.model_dump_json()) == plan


@pytest.mark.proves("plan.continued")
def test_further_steps_keep_clear_of_the_ids_that_were_there() -> None:
    old = Plan(steps=(Step(id="a", tool="fetch", arguments={"url": "x"}), Step(id="b", tool="send")))
    again = Step(id="a", tool="fetch", arguments={"url": "x"})
    further = Step(id="b", tool="send", arguments={"to": "${a.name}", "count": 1})
    last = Step(id="c", tool="send", arguments={"to": "step:b", "count": "${b.n} of step:b"}, after=("b",))
    steps, template = old.continued([again, further, last], "{{b.n}} and {{a}}", kept=["a"])
    assert [step.id for step in steps] == ["a", "b_2", "c"]
    assert steps[1].arguments["to"] == "${a.name}"
    assert steps[2].arguments == {"to": "step:b_2", "count": "${b_2.n} of step:b"}
    assert steps[2].after == ("b_2",)
    assert template == "{{b_2.n}} and {{a}}"
