"""The plan as a picture: an SVG of steps with their states and what they wait for, for wide screens and phones."""

from adapters.text import ENDED, one_line
from adapters.web.html import Html, joined, tag
from adapters.web.layout import Box, Layout, narrow, wide
from orchestrator.messages import PlanCard, StepLine, StepState
from orchestrator.words import say

LONGEST = 1_000  # pixels: a longer picture is not made smaller, but scrolled
SIGNS: dict[StepState, str] = {
    "waiting": "",
    "running": "M0 -8A8 8 0 0 1 8 0",
    "done": "M-4 0L-1 3.4L4.4 -3.2",
    "failed": "M-3.4 -3.4L3.4 3.4M3.4 -3.4L-3.4 3.4",
    "skipped": "M-4 0H4",
    "asking": "M-2.6 -2.2A2.7 2.7 0 1 1 0 1V2M0 4.6V4.7",
}  # drawn around the middle of a circle


def figure(card: PlanCard) -> Html:
    """The plan that led to an answer. It can be folded; what was only one step is."""
    caption = title(card)
    if not card.steps:
        return Html("")
    pictures = joined([_drawn(wide(card.steps), caption, "wide"), _drawn(narrow(card.steps), caption, "narrow")])
    return tag(
        "details",
        tag("summary", caption),
        tag("div", pictures, class_="picture", tabindex=0, role="group", aria_label=caption),
        class_="plan",
        open=len(card.steps) > 1,
    )


def title(card: PlanCard) -> str:
    """The plan in a few words, with how far it is."""
    count, ended = len(card.steps), sum(step.state in ENDED for step in card.steps)
    if count == 1:
        return say("Plan: 1 step")
    shape = {
        "parallel": say("Plan: {count} steps side by side", count=count),
        "sequential": say("Plan: {count} steps in order", count=count),
    }.get(card.mode, say("Plan: {count} steps, each when it can", count=count))
    return shape if ended == count else f"{shape} ({say('{ended} of {count} done', ended=ended, count=count)})"


def _drawn(layout: Layout, caption: str, kind: str) -> Html:
    lines = (tag("path", d=path, class_=f"way {_state_at(layout, step)}") for path, step in layout.lines)
    dots = (tag("circle", cx=f"{x:g}", cy=f"{y:g}", r=5, class_="dot") for x, y in layout.dots)
    return tag(
        "svg",
        tag("g", *lines, *dots, aria_hidden="true"),
        tag("g", *map(_box, layout.boxes), role="list", aria_label=caption),
        class_=f"{kind} long" if layout.width > LONGEST else kind,
        viewBox=f"0 0 {layout.width:g} {layout.height:g}",
        width=f"{layout.width:g}",
        height=f"{layout.height:g}",
    )


def _state_at(layout: Layout, step: str) -> str:
    """The state that a line leads to: of a step, or of the end."""
    states = [box.step.state for box in layout.boxes if step in {"", box.step.id}]
    return states[0] if step else ("done" if all(each in ENDED for each in states) else "waiting")


def _box(box: Box) -> Html:
    step = box.step
    told = ": ".join(filter(None, (one_line(step.title), _in_words(step), one_line(step.note))))
    lines = [*((line, "title") for line in box.title), *([(box.note, "note")] if box.note else [])]
    first = 21 if len(lines) > 1 else 30
    rows = (tag("text", line, x=36, y=first + 17 * row, class_=kind) for row, (line, kind) in enumerate(lines))
    return tag(
        "g",
        tag("title", told),
        tag("rect", width=f"{box.width:g}", height=f"{box.height:g}", rx=10),
        tag("circle", cx=19, cy=f"{box.height / 2:g}", r=8, class_="state"),
        tag("g", tag("path", d=SIGNS[step.state], class_="sign"), transform=f"translate(19 {box.height / 2:g})"),
        tag("g", *rows, aria_hidden="true"),
        role="listitem",
        aria_label=told,
        class_=f"step {step.state}",
        transform=f"translate({box.x:g} {box.y:g})",
    )


def _in_words(step: StepLine) -> str:
    """What a step is at."""
    known: dict[StepState, str] = {
        "waiting": say("waiting"),
        "running": say("running"),
        "done": say("done"),
        "failed": say("failed"),
        "skipped": say("skipped"),
        "asking": say("asks you"),
    }
    return known[step.state]
