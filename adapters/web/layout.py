"""Where the steps of a plan stand in a picture: a column for each level, or for a phone a row for each step."""

from collections.abc import Iterator, Mapping, Sequence
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
    height = max(map(_tall, columns)) + 2 * EDGE
    first = EDGE + DOT + BESIDE
    spots: dict[str, Spot] = {}
    for number, column in enumerate(columns):
        top = (height - _tall(column)) / 2
        for stop in column:
            spots[stop.id] = Spot(stop, first + number * (WIDE + BESIDE), top)
            top += stop.height + BELOW
    end, middle = first + len(columns) * (WIDE + BESIDE), height / 2
    return Layout(
        width=end + DOT + EDGE,
        height=height,
        boxes=tuple(_box(each.stop.step, each.x, each.y, WIDE) for each in spots.values() if each.stop.step),
        lines=tuple(_curves(spots, (EDGE + DOT, middle), (end, middle))),
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


@dataclass(frozen=True, slots=True)
class Stop:
    """What has a place in a column: a step, or the way past it of a line that leads further. `after` are the stops that
    lines come from."""

    id: str
    after: tuple[str, ...]
    step: StepLine | None = None

    @property
    def height(self) -> float:
        return TALL if self.step else 0


@dataclass(frozen=True, slots=True)
class Spot:
    """A stop in its place."""

    stop: Stop
    x: float
    y: float

    @property
    def middle(self) -> float:
        return self.y + self.stop.height / 2


def _columns(steps: Sequence[StepLine]) -> list[list[Stop]]:
    """The stops by level, each as near to those before it as its column allows."""
    depth = levels(steps)
    columns: list[list[Stop]] = [[] for _ in range(max(depth.values()) + 1)]
    for step in steps:
        level = depth[step.id]
        waits_for = [each for each in step.after if depth.get(each, level) < level]
        columns[level].append(Stop(step.id, tuple(_passing(each, level - 1, depth) for each in waits_for), step))
    for step in steps:
        last = max((depth[each.id] for each in steps if step.id in each.after), default=0)
        for level in range(depth[step.id] + 1, last):
            columns[level].append(Stop(_passing(step.id, level, depth), (_passing(step.id, level - 1, depth),)))
    place: dict[str, float] = {}
    for column in columns:
        column.sort(key=lambda stop: _mean([place[each] for each in stop.after if each in place]))
        place.update((stop.id, row - (len(column) - 1) / 2) for row, stop in enumerate(column))
    return columns


def _passing(step: str, level: int, depth: Mapping[str, int]) -> str:
    """The stop at which the lines from a step are at a level."""
    return step if depth[step] == level else f"{step}@{level}"


def _tall(column: Sequence[Stop]) -> float:
    return sum(stop.height + BELOW for stop in column) - BELOW


def _mean(numbers: Sequence[float]) -> float:
    return sum(numbers) / len(numbers) if numbers else 0.0


def _curves(
    spots: Mapping[str, Spot], begin: tuple[float, float], end: tuple[float, float]
) -> Iterator[tuple[str, str]]:
    """From the first dot to those that wait for nothing, from stop to stop, and from the last ones to the last dot."""
    for spot in spots.values():
        starts = [(spots[each].x + WIDE, spots[each].middle) for each in spot.stop.after] or [begin]
        to = spot.stop.step.id if spot.stop.step else _target(spot.stop.id, spots)
        yield from ((_curve(start, (spot.x, spot.middle)), to) for start in starts)
        if spot.stop.step is None:
            yield f"M{spot.x:g} {spot.middle:g}h{WIDE}", to
    waited_for = {each for spot in spots.values() for each in spot.stop.after}
    yield from (
        (_curve((spot.x + WIDE, spot.middle), end), "") for spot in spots.values() if spot.stop.id not in waited_for
    )


def _target(stop: str, spots: Mapping[str, Spot]) -> str:
    """The first step that a way past others leads to."""
    following = next(spot.stop for spot in spots.values() if stop in spot.stop.after)
    return following.step.id if following.step else _target(following.id, spots)


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
