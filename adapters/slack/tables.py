"""Tables as Slack's table blocks."""

from collections.abc import Iterator
from typing import Any

from markdown_it.tree import SyntaxTreeNode

from adapters.markdown import cells_of, link_of
from adapters.slack.writing import words_of

Block = dict[str, Any]

MOST_ROWS, MOST_COLUMNS = 100, 20  # of a table block
MOST_CELL = 2_000  # characters


def table_block(node: SyntaxTreeNode) -> Block | None:
    """A table block; None where it is too large for one."""
    rows = cells_of(node)
    if len(rows) > MOST_ROWS or len(rows[0]) > MOST_COLUMNS:
        return None
    cells = [[_cell(cell, bold=number == 0) for cell in row] for number, row in enumerate(rows)]
    if any(len(str(cell)) > MOST_CELL for row in cells for cell in row):
        return None
    head = node.children[0].children[0].children
    settings = [{"align": _align(cell), "is_wrapped": True} for cell in head]
    return {"type": "table", "column_settings": settings, "rows": cells}


def _align(cell: SyntaxTreeNode) -> str:
    style = str(cell.attrs.get("style", ""))
    return next((way for way in ("right", "center") if way in style), "left")


def _cell(inline: SyntaxTreeNode, *, bold: bool) -> Block:
    elements = list(_elements(inline, {"bold": True} if bold else {}))
    if not elements:
        return {"type": "raw_text", "text": " "}
    if len(elements) == 1 and elements[0]["type"] == "text" and "style" not in elements[0]:
        return {"type": "raw_text", "text": elements[0]["text"]}
    return {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": elements}]}


def _elements(node: SyntaxTreeNode, style: dict[str, bool]) -> Iterator[Block]:
    marks = {"strong": "bold", "em": "italic", "s": "strike"}
    for child in node.children:
        if child.type in marks:
            yield from _elements(child, {**style, marks[child.type]: True})
        elif child.type == "link" and link_of(child):
            words = "".join(words_of(child)) or link_of(child)
            yield {"type": "link", "url": link_of(child), "text": words, **({"style": style} if style else {})}
        elif child.type == "link":
            yield from _elements(child, style)
        elif words := "".join(words_of(child)):
            code = {"code": True} if child.type == "code_inline" else {}
            whole = {**style, **code}
            yield {"type": "text", "text": words, **({"style": whole} if whole else {})}
