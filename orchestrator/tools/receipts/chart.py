"""The chart of a receipt: what was spent on what, as bars."""

from collections.abc import Mapping
from decimal import Decimal

from orchestrator.tools.builtin.receipts import CategoryTotal
from orchestrator.tools.drawing.canvas import Canvas, Colour, colour
from orchestrator.tools.drawing.letters import width_of
from orchestrator.tools.functions import tool
from orchestrator.tools.receipts import money
from orchestrator.tools.receipts.categories import shown
from orchestrator.tools.spec import File
from orchestrator.words import say

WIDTH, MARGIN, TOP, PITCH, BAR = 900, 48, 128, 68, 30  # pixels
GAP = 24  # between a label and its bar, a bar and its amount
LETTERS, SMALL = 19, 15  # height of capitals
LONGEST_LABEL = 24  # characters
MOST_BARS = 12
PAPER, TEXT, FAINT, TRACK = colour("#fdfdfb"), colour("#24292f"), colour("#68707a"), colour("#eef0f1")
BARS = tuple(map(colour, ("#2f7d6d", "#d9822b", "#4667b1", "#b1485d", "#8a6fb3", "#5d8a3a", "#3794ad", "#9a7a4e")))


@tool(read_only=True)
def spending_chart(categories: Mapping[str, CategoryTotal], currency: str = "") -> File:
    """Draw a chart of what was spent on each category, as a picture.

    Args:
        categories: What each category comes to.
        currency: The currency's code.
    """
    ranked = sorted(categories.items(), key=lambda each: -each[1].total)[:MOST_BARS]
    amounts = {_label(name): money.exact(each.total) for name, each in ranked}
    return File("spending.png", "image/png", _drawn(amounts, currency).png())


def _drawn(amounts: Mapping[str, Decimal], currency: str) -> Canvas:
    whole = sum(amounts.values(), Decimal(0))
    canvas = Canvas(WIDTH, TOP + PITCH * len(amounts) + MARGIN // 2, PAPER)
    canvas.text((MARGIN, 62), say("Goods by category"), size=26, ink=TEXT, bold=True)
    canvas.text((WIDTH - MARGIN, 62), money.shown(whole, currency), size=26, ink=TEXT, bold=True, align="right")
    left = MARGIN + max((width_of(label, LETTERS) for label in amounts), default=0) + GAP
    percents = WIDTH - MARGIN - width_of(money.shown(whole), LETTERS) - GAP
    right = percents - width_of("100 %", SMALL) - GAP
    for number, (label, amount) in enumerate(amounts.items()):
        share = float(amount / whole) if whole else 0.0
        y = TOP + PITCH * number + BAR / 2
        canvas.text((MARGIN, y + LETTERS / 2), label, size=LETTERS, ink=TEXT)
        _bar(canvas, (left, right), y, share=share, ink=BARS[number % len(BARS)])
        canvas.text((WIDTH - MARGIN, y + LETTERS / 2), money.shown(amount), size=LETTERS, ink=TEXT, align="right")
        percent = f"{share:.0%}".replace("%", " %")
        canvas.text((percents, y + SMALL / 2), percent, size=SMALL, ink=FAINT, align="right")
    return canvas


def _bar(canvas: Canvas, ends: tuple[float, float], y: float, *, share: float, ink: Colour) -> None:
    """A bar with round ends on a track that says how long it could be."""
    start, end = ends[0] + BAR / 2, ends[1] - BAR / 2
    canvas.line([(start, y), (end, y)], wide=BAR, ink=TRACK)
    canvas.line([(start, y), (start + (end - start) * share, y)], wide=BAR, ink=ink)


def _label(category: str) -> str:
    name = shown(category)
    return name if len(name) <= LONGEST_LABEL else f"{name[: LONGEST_LABEL - 3]}..."
