"""What a rich message reads like, in plain lines."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

Block = dict[str, Any]

TEXTS = frozenset("text summary caption credit expression alternative_text blocks items cells button buttons".split())


def plain(blocks: Sequence[Any]) -> str:
    """All blocks, a line or more each."""
    return "\n".join(line for block in blocks for line in _lines(block))


def words(text: Any) -> str:
    """Rich text without its marks."""
    if isinstance(text, str):
        return text
    if isinstance(text, list):
        return "".join(map(words, text))
    for name in ("text", "expression", "alternative_text"):
        if name in text:
            return words(text[name])
    return f"[{words(text['button']['text'])}]" if "button" in text else ""


def length(blocks: Any) -> int:
    """How many code points of text there are, at any depth."""
    if isinstance(blocks, str):
        return len(blocks)
    if isinstance(blocks, dict):
        return sum(length(value) for name, value in blocks.items() if name in TEXTS)
    return sum(map(length, blocks))


def _lines(block: Block) -> Iterable[str]:
    kind = block["type"]
    return LINES[kind](block) if kind in LINES else [words(block.get("text", ""))]


def _pre(block: Block) -> Iterable[str]:
    return ["```", *words(block["text"]).split("\n"), "```"]


def _list(block: Block) -> Iterable[str]:
    return [line for item in block["items"] for line in _item(item)]


def _item(item: Block) -> Iterator[str]:
    box = f"[{'x' if item.get('is_checked') else ' '}] " if item.get("has_checkbox") else ""
    label = f"{item['value']}." if item.get("value") else "-"
    first, *rest = plain(item["blocks"]).split("\n")
    yield f"{label} {box}{first}"
    yield from (f"  {line}" for line in rest)


def _quotation(block: Block) -> Iterable[str]:
    text = plain(block["blocks"]) if "blocks" in block else words(block["text"])
    credit = [f"> ({words(block['credit'])})"] if "credit" in block else []
    return [*(f"> {line}" for line in text.split("\n")), *credit]


def _details(block: Block) -> Iterable[str]:
    mark = "▾" if block.get("is_open") else "▸"
    return [f"{mark} {words(block['summary'])}", *(f"  {line}" for line in plain(block["blocks"]).split("\n"))]


def _table(block: Block) -> Iterable[str]:
    return [f"| {' | '.join(words(cell.get('text', '')) for cell in row)} |" for row in block["cells"]]


LINES: Mapping[str, Callable[[Block], Iterable[str]]] = {
    "heading": lambda block: [f"{'#' * block['size']} {words(block['text'])}"],
    "divider": lambda block: ["---"],
    "pre": _pre,
    "mathematical_expression": lambda block: [block["expression"]],
    "list": _list,
    "blockquote": _quotation,
    "expandable_blockquote": _quotation,
    "pullquote": _quotation,
    "details": _details,
    "table": _table,
    "thinking": lambda block: [f"({words(block['text'])})"],
    "buttons": lambda block: [],  # told with the buttons of the message
}
