"""Where the steps of a plan stand in a picture: a column for each level, or for a phone a row for each step."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from textwrap import wrap

from adapters.text import safe
from orchestrator.messages import StepLine

EDGE = 4  # around everything
DOT = 18  # the beginning and the end of a wide picture
WIDE, TALL = 188, 50  # a box, in pixels of the unscaled picture
BESIDE, BELOW = 40, 12  # between boxes
PHONE, STAIR, STAIRS = 320, 18, 4  # width of the narrow picture, what a level is moved in, and up to which level
LETTER, MARGIN = 6.8, 46  # width of a letter in a title, on average, and of what is beside the title


@dataclass(frozen=True, slots=True)
class Box:
    """A step in its place."""

    step: StepLine
    x: float
    y: float
    width: float
    title: tuple[str, ...]
    note: str
    height: float = TALL

    @property
    def middle(self) -> float:
        return self.y + self.height / 2

    @property
    def right(self) -> float:
        return self.x + self.width


@dataclass(frozen=True, slots=True)
class Layout:
    """Boxes in the order in which they are read, and the paths of the lines between them, as SVG writes paths.

    `lines` are the paths with the id of the step that each leads to, empty for the end. `dots` are beginning and end.
    """

    width: float
    height: float
    boxes: tuple[Box, ...]
    lines: tuple[tuple[str, str], ...]
    dots: tuple[tuple[float, float], ...] = ()


def levels(steps: Sequence[StepLine]) -> Mapping[str, int]:
    """How many steps must have ended before each, on the longest way to it. What is not here yet counts as nothing."""
    known: dict[str, int] = {}
    waiting = {step.id: step for step in steps}
    while waiting:
        ready = [step for step in waiting.values() if not any(each in waiting for each in step.after)]
        for step in ready or [*waiting.values()]:
            known[step.id] = max((known[each] + 1 for each in step.after if each in known), default=0)
            del waiting[step.id]
    return known


def wide(steps: Sequence[StepLine]) -> Layout:
    """From left to right, from a dot to a dot: what runs side by side stands in one column."""
    columns = _columns(steps)
    tallest = max(map(len, columns))
    height = tallest * (TALL + BELOW) - BELOW + 2 * EDGE
    first = EDGE + DOT + BESIDE
    boxes: dict[str, Box] = {}
    for number, column in enumerate(columns):
        top = (height - (len(column) * (TALL + BELOW) - BELOW)) / 2
        for row, step in enumerate(column):
            x, y = first + number * (WIDE + BESIDE), top + row * (TALL + BELOW)
            boxes[step.id] = _box(step, x, y, WIDE)
    end = first + len(columns) * (WIDE + BESIDE)
    middle = height / 2
    return Layout(
        width=end + DOT + EDGE,
        height=height,
        boxes=tuple(boxes.values()),
        lines=tuple(_curves(boxes, (EDGE + DOT, middle), (end, middle))),
        dots=((EDGE + DOT / 2, middle), (end + DOT / 2, middle)),
    )


def narrow(steps: Sequence[StepLine]) -> Layout:
    """From top to bottom, each step in a row of its own, moved in as far as its level."""
    boxes: dict[str, Box] = {}
    depth = levels(steps)
    for row, step in enumerate(sorted(steps, key=lambda each: depth[each.id])):
        x = EDGE + min(depth[step.id], STAIRS) * STAIR
        width = PHONE - EDGE - x
        boxes[step.id] = _box(step, x, EDGE + row * (TALL + BELOW), width)
    height = len(steps) * (TALL + BELOW) - BELOW + 2 * EDGE
    return Layout(PHONE, height, tuple(boxes.values()), tuple(_elbows(boxes)))


def _columns(steps: Sequence[StepLine]) -> list[list[StepLine]]:
    """The steps by level, each as near to those before it as its column allows."""
    depth = levels(steps)
    columns: list[list[StepLine]] = [[] for _ in range(max(depth.values()) + 1)]
    for step in steps:
        columns[depth[step.id]].append(step)
    place: dict[str, float] = {}
    for column in columns:
        column.sort(key=lambda step: _mean([place[each] for each in step.after if each in place]))
        place.update((step.id, row - (len(column) - 1) / 2) for row, step in enumerate(column))
    return columns


def _mean(numbers: Sequence[float]) -> float:
    return sum(numbers) / len(numbers) if numbers else 0.0


def _curves(
    boxes: Mapping[str, Box], begin: tuple[float, float], end: tuple[float, float]
) -> Sequence[tuple[str, str]]:
    """From the first dot to those that wait for nothing, between steps, and from the last ones to the last dot."""
    made: list[tuple[str, str]] = []
    for box in boxes.values():
        before = [boxes[each] for each in box.step.after if each in boxes]
        starts = [(each.right, each.middle) for each in before] or [begin]
        made += [(_curve(start, (box.x, box.middle)), box.step.id) for start in starts]
    waited_for = {each for box in boxes.values() for each in box.step.after}
    made += [(_curve((box.right, box.middle), end), "") for box in boxes.values() if box.step.id not in waited_for]
    return made


def _curve(start: tuple[float, float], end: tuple[float, float]) -> str:
    (x, y), (to_x, to_y) = start, end
    bend = BESIDE / 2
    return f"M{x:g} {y:g}C{x + bend:g} {y:g} {to_x - bend:g} {to_y:g} {to_x:g} {to_y:g}"


def _elbows(boxes: Mapping[str, Box]) -> Sequence[tuple[str, str]]:
    """Down the left side of what is waited for, and over to what waits."""
    between = [(boxes[each], box) for box in boxes.values() for each in box.step.after if each in boxes]
    return [
        (f"M{before.x + STAIR / 2:g} {before.y + TALL:g}V{box.middle:g}H{box.x:g}", box.step.id)
        for before, box in between
    ]


def _box(step: StepLine, x: float, y: float, width: float) -> Box:
    """The step with its title in one or two lines; where one does, the note has the other."""
    room = int((width - MARGIN) / LETTER)
    title = _lines(step.title, room, most=2) or ("…",)
    note = "".join(_lines(step.note, room + 3, most=1)) if len(title) == 1 else ""
    return Box(step, x, y, width, title, note)


def _lines(text: str, room: int, *, most: int) -> tuple[str, ...]:
    """The text in at most so many lines; what is cut off is marked."""
    return tuple(wrap(safe(text), room, max_lines=most, placeholder="…", break_on_hyphens=False))
