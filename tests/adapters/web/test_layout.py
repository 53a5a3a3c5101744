"""Where the steps of a plan stand in its picture."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from adapters.web.layout import PHONE, Box, Layout, levels, narrow, wide
from orchestrator.messages import StepLine


@some.composite
def plans(draw: some.DrawFn) -> tuple[StepLine, ...]:
    """Steps that wait for earlier ones, at random."""
    count = draw(some.integers(1, 12))
    return tuple(
        StepLine(
            id=f"s{number}",
            title=draw(some.text(max_size=80)),
            state="waiting",
            after=tuple(sorted({f"s{each}" for each in draw(some.lists(some.integers(0, number - 1), max_size=3))}))
            if number
            else (),
        )
        for number in range(count)
    )


def overlap(one: Box, other: Box) -> bool:
    return (
        one.x < other.right and other.x < one.right and one.y < other.y + other.height and other.y < one.y + one.height
    )


def stands_apart(layout: Layout) -> None:
    boxes = layout.boxes
    assert not [1 for at, one in enumerate(boxes) for other in boxes[at + 1 :] if overlap(one, other)]
    assert all(box.x >= 0 and box.right <= layout.width and box.y >= 0 for box in boxes)
    assert all(box.y + box.height <= layout.height + 0.01 for box in boxes)


@pytest.mark.proves("web.picture")
@given(plans())
def test_no_two_steps_overlap_and_all_are_in_the_picture(steps: tuple[StepLine, ...]) -> None:
    for layout in (wide(steps), narrow(steps)):
        assert sorted(box.step.id for box in layout.boxes) == sorted(step.id for step in steps)
        stands_apart(layout)
    assert narrow(steps).width == PHONE


@pytest.mark.proves("web.picture")
@given(plans())
def test_a_step_stands_to_the_right_of_all_that_it_waits_for(steps: tuple[StepLine, ...]) -> None:
    places = {box.step.id: box for box in wide(steps).boxes}
    for step in steps:
        assert all(places[each].right < places[step.id].x for each in step.after)


def test_a_plan_that_is_still_being_written_has_a_picture_too() -> None:
    steps = (
        StepLine(id="a", title="", state="running", after=("not here yet",)),
        StepLine(id="b", title="x" * 500, state="waiting", after=("c",)),
        StepLine(id="c", title="a title that needs two lines", state="waiting", note="so far", after=("b",)),
    )
    assert set(levels(steps)) == {"a", "b", "c"}
    for layout in (wide(steps), narrow(steps)):
        stands_apart(layout)
        assert all(len(box.title) <= 2 for box in layout.boxes)
