"""Words that more than one channel shows: safe text, plan cards, and how a question is put."""

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from orchestrator.messages import Attachment, PlanCard, Question, QuestionField, StepLine, StepState

SEEN = "(you may have seen this already)"
MARKS: dict[StepState, str] = {
    "waiting": "◌",
    "running": "◐",
    "done": "✓",
    "failed": "✗",
    "skipped": "–",
    "asking": "?",
}
ORDER = {"single": "", "parallel": " side by side", "sequential": " in order", "graph": ", each when it can"}
ENDED: frozenset[StepState] = frozenset({"done", "failed", "skipped"})
ONE_LINE = 72  # characters of choices that still read well on one line

ESCAPES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[\]PX^_][^\x07\x1b\n]*(?:\x07|\x1b\\)|\x1b[ -/]*[0-~]")
CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")  # also those that reverse words


def safe(text: str) -> str:
    """Text that moves no cursor and turns no words around: tools and models write what they like."""
    whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return CONTROLS.sub("", ESCAPES.sub("", whole.replace("\r\n", "\n")))


def one_line(text: str) -> str:
    return " ".join(safe(text).split())


def shortened(text: str, limit: int) -> str:
    """A text of at most so many characters, the last of which says that there is more."""
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def card_title(card: PlanCard) -> str:
    """A plan in a few words, with how far it is."""
    steps = "1 step" if len(card.steps) == 1 else f"{len(card.steps)} steps{ORDER[card.mode]}"
    ended = sum(step.state in ENDED for step in card.steps)
    return f"Plan {one_line(card.plan)}: {steps}" + (f" ({ended} ended)" if 0 < ended < len(card.steps) else "")


def step_text(step: StepLine) -> str:
    return one_line(f"{step.title}: {step.note}" if step.note else step.title)


def file_lines(files: Sequence[Attachment], where: Callable[[str], Path] | None) -> Iterator[str]:
    """A line for each file: what it is, and where, if that is known."""
    for file in files:
        yield f"- {one_line(file.in_words)}" + (f": `{where(file.file)}`" if where else "")


def choice_lines(question: Question) -> Iterator[str]:
    """The choices of each field, numbered as the core counts them."""
    for field in question.fields:
        if not field.choices:
            continue
        if len(question.fields) > 1:
            yield one_line(f"{field.name}:")
        numbered = [f"{number}. {one_line(choice)}" for number, choice in enumerate(field.choices, 1)]
        together = "  ".join(numbered)
        yield from [together] if len(together) <= ONE_LINE else numbered


def how_to_answer(question: Question) -> str:
    """A hint; empty where there is nothing to choose."""
    match [field for field in question.fields if field.choices]:
        case []:
            return ""
        case [QuestionField(closed=closed)] if len(question.fields) == 1:
            return "Type a number." if closed else "Type a number or your own words."
        case _:
            return "For each, give a number or your own words."
