"""The one canonical Markdown: what every channel renders from. Raw HTML in it is text, and images are their words."""

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

from adapters.text import safe

LONGEST = 200_000  # characters that are parsed; what stands behind them is cut off, with a mark
SAFE_LINKS = ("http://", "https://", "mailto:", "tg://user?id=")
TASKS = {"[ ] ": "☐ ", "[x] ": "☑ ", "[X] ": "☑ "}

_parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])


def parse(text: str) -> list[SyntaxTreeNode]:
    """The blocks of a text, as markdown-it-py's nodes, without what moves cursors or turns words around."""
    text = safe(text)
    cut = text if len(text) <= LONGEST else f"{text[:LONGEST]} …"
    return SyntaxTreeNode(_parser.parse(cut)).children


def link_of(node: SyntaxTreeNode) -> str:
    """Where a link leads, if it is a place that may be linked to; empty else."""
    address = str(node.attrs.get("href", ""))
    return address if address.casefold().startswith(SAFE_LINKS) else ""


def words_of_image(node: SyntaxTreeNode) -> str:
    """What stands for an image. Nothing here lets a client fetch it: its address could carry secrets away."""
    return f"[{node.content}]" if node.content else ""


def cells_of(table: SyntaxTreeNode) -> list[list[SyntaxTreeNode]]:
    """The inline content of a table, row by row, the head first."""
    rows = [row for part in table.children for row in part.children]
    return [[cell.children[0] for cell in row.children] for row in rows]
