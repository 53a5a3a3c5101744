"""What the terminal shows of each part: plain text, safe to print, with Markdown left in it."""

import re

from orchestrator.messages import Delivery, PlanCard, Question, StepLine, StepState

MARKS: dict[StepState, str] = {
    "waiting": "◌",
    "running": "◐",
    "done": "✓",
    "failed": "✗",
    "skipped": "–",
    "asking": "?",
}
ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
HOW = {"single": "1 step", "parallel": "{} steps side by side", "sequential": "{} steps in order", "graph": "{} steps"}


def safe(text: str) -> str:
    """Text that moves no cursor and hides nothing: tools and models write what they like."""
    return CONTROLS.sub("", ESCAPES.sub("", text.replace("\r\n", "\n")))


def card_lines(card: PlanCard, before: PlanCard | None) -> list[str]:
    """The lines of a plan that are news: all of it at first, later only the steps that changed."""
    old = {line.id: line for line in before.steps} if before else {}
    lines = [] if before else [f"plan {card.plan}: {HOW[card.mode].format(len(card.steps))}"]
    listed = before is not None or len(card.steps) > 1
    return lines + [_step_line(line) for line in card.steps if listed and line != old.get(line.id)]


def delivery_text(delivery: Delivery) -> str:
    """A final part, with its choices numbered, and marked where it may have been seen before."""
    text = safe(delivery.part.text)
    if isinstance(delivery.part, Question):
        text = "\n\n".join([text, *_choices(delivery.part)])
    return f"(you may have seen this already)\n\n{text}" if delivery.repeated else text


def _step_line(line: StepLine) -> str:
    note = f": {safe(line.note)}" if line.note else ""
    return f"  {MARKS[line.state]} {safe(line.title)}{note}".replace("\n", " ")


def _choices(question: Question) -> list[str]:
    several = len(question.fields) > 1
    lines = []
    for field in question.fields:
        if field.choices:
            numbered = "   ".join(f"{number}. {safe(choice)}" for number, choice in enumerate(field.choices, 1))
            lines.append(f"{safe(field.name)}: {numbered}" if several else numbered)
    return lines
