"""What a person's terminal shows of each part, as text with colours."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TextIO

from markdown_it import MarkdownIt
from markdown_it.token import Token
from rich.console import Console as Rich
from rich.console import ConsoleOptions, RenderableType
from rich.markdown import CodeBlock, Markdown
from rich.segment import Segment
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text
from rich.theme import Theme

from adapters.text import (
    ENDED,
    MARKS,
    SEEN,
    card_title,
    choice_lines,
    how_to_answer,
    one_line,
    safe,
    step_text,
)
from orchestrator.messages import Delivery, PlanCard, Question, StepLine, StepState

STYLES: dict[StepState, str] = {
    "waiting": "dim",
    "running": "cyan",
    "done": "green",
    "failed": "red",
    "skipped": "dim",
    "asking": "yellow",
}
THEME = Theme({"markdown.code": "cyan", "markdown.block_quote": "dim", "markdown.item.number": "none"})
PARSER = MarkdownIt("commonmark", {"html": False})  # with HTML, `List<T>` would lose its `<T>`
PARSER.enable(["table", "strikethrough"])
DRAFT_TAIL = 4_000  # characters: more than any screen shows of a growing answer


class View:
    """Renders parts for one terminal, at the width given in each call."""

    def __init__(self, target: TextIO) -> None:
        self._rich = Rich(file=target, theme=THEME, highlight=False, markup=False, emoji=False)

    def delivery(self, delivery: Delivery, card: PlanCard | None, *, width: int) -> str:
        """A final part below the plan that led to it."""
        above: list[RenderableType] = [self._card(card, card.steps), ""] if card else []
        if delivery.repeated:
            above.append(Text(SEEN, "dim"))
        below: list[RenderableType] = []
        if isinstance(delivery.part, Question):
            below += [Text(f"  {line}") for line in choice_lines(delivery.part)]
            below += [Text(f"  {hint}", "dim") for hint in [how_to_answer(delivery.part)] if hint]
        words = self._rendered([_Safe(_markdown(delivery.part.text))], width).strip("\n")  # a list has some around it
        return f"{self._rendered(above, width)}{words}\n{self._rendered(below, width)}\n"

    def moment(self, card: PlanCard | None, draft: str, status: str, *, width: int, height: int) -> str:
        """What goes on right now, in at most `height` lines: the plan, and the end of the growing answer or a word."""
        shown: list[RenderableType] = []
        room = height
        if card:
            steps = _most_telling(card.steps, height - 1)
            shown.append(self._card(card, steps, no_wrap=True))
            room -= len(steps) + 1
        if draft:
            shown += Text(safe(draft[-DRAFT_TAIL:]), "dim").wrap(self._rich, width)[-max(room, 1) :]
        if status:
            shown.append(Text(one_line(status), "dim italic", no_wrap=True, overflow="ellipsis"))
        return self._rendered(shown, width)

    def aside(self, text: str, *, width: int) -> str:
        """A word of the console's own."""
        return self._rendered([Text(safe(text), "dim")], width)

    def _card(self, card: PlanCard, steps: Sequence[StepLine], *, no_wrap: bool = False) -> RenderableType:
        lines = Table.grid(padding=(0, 1))
        lines.add_column(no_wrap=True)
        lines.add_column(no_wrap=no_wrap, overflow="ellipsis" if no_wrap else "fold")
        for step in steps:
            lines.add_row(f"  {MARKS[step.state]}", step_text(step), style=STYLES[step.state])
        whole = Table.grid()
        whole.add_row(Text(card_title(card), "bold", no_wrap=True, overflow="ellipsis"))
        whole.add_row(lines)
        return whole

    def _rendered(self, shown: Sequence[RenderableType], width: int) -> str:
        self._rich.width = width
        with self._rich.capture() as captured:
            for each in shown:
                self._rich.print(each)
        return "".join(f"{line.rstrip()}\n" for line in captured.get().splitlines())


def _most_telling(steps: Sequence[StepLine], count: int) -> Sequence[StepLine]:
    """All steps where there is room, else first of all those that have not ended."""
    if len(steps) <= count:
        return steps
    return [step for step in steps if step.state not in ENDED][: max(count, 1)]


@dataclass(frozen=True, slots=True)
class _Safe:
    """What comes out is looked at: Markdown spells control characters that its source has not, as `%1b` in a link."""

    inner: RenderableType

    def __rich_console__(self, console: Rich, options: ConsoleOptions) -> Iterator[Segment]:
        for segment in console.render(self.inner, options):
            yield Segment(safe(segment.text), segment.style)


class _Code(CodeBlock):
    """Code without the empty lines that rich puts around it."""

    def __rich_console__(self, console: Rich, options: ConsoleOptions) -> Iterator[Syntax]:
        code = self.text.plain.rstrip()
        yield Syntax(code, self.lexer_name, theme=self.theme, word_wrap=True, padding=(0, 2))


class _Chat(Markdown):
    elements = {**Markdown.elements, "fence": _Code, "code_block": _Code}  # noqa: RUF012 - as rich has it


def _markdown(text: str) -> Markdown:
    """Markdown as chats mean it: a new line is a new line. Links show where they lead."""
    shown = _Chat("", code_theme="ansi_dark", hyperlinks=False)
    shown.parsed = PARSER.parse(safe(text))
    for token in shown.parsed:
        _keep_lines(token)
    return shown


def _keep_lines(token: Token) -> None:
    for child in token.children or ():
        if child.type == "softbreak":
            child.type = "hardbreak"
