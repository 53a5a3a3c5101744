"""Markdown as a web page shows it: our own walk over the parsed blocks, of which nothing but safe elements comes."""

from collections.abc import Callable, Iterable, Mapping

from markdown_it.tree import SyntaxTreeNode

from adapters.markdown import TASKS, link_of, parse, words_of_image
from adapters.web.html import Html, joined, tag, words

ALIGNED = {"text-align:right": "right", "text-align:center": "center"}
LINKS = ("http://", "https://", "mailto:")
HIGHEST = 3  # level of the first heading: the page has those above


def render(markdown: str) -> Html:
    """Markdown as HTML. A new line is a new line, as chats mean it."""
    return _blocks(parse(markdown))


def _blocks(nodes: Iterable[SyntaxTreeNode]) -> Html:
    return joined(_block(node) for node in nodes)


def _block(node: SyntaxTreeNode) -> Html:
    make = BLOCKS.get(node.type)
    return make(node) if make else _blocks(node.children)


def _paragraph(node: SyntaxTreeNode) -> Html:
    return tag("p", _inline(node))


def _heading(node: SyntaxTreeNode) -> Html:
    return tag(f"h{min(HIGHEST + int(node.tag[1]) - 1, 6)}", _inline(node))


def _bullets(node: SyntaxTreeNode) -> Html:
    return tag("ul", *(_item(item) for item in node.children))


def _numbered(node: SyntaxTreeNode) -> Html:
    start = int(node.attrs.get("start", 1))
    return tag("ol", *(_item(item) for item in node.children), start=start if start != 1 else None)


def _item(node: SyntaxTreeNode) -> Html:
    """An item; what is one paragraph stands without a paragraph of its own."""
    children = node.children
    if children and children[0].type == "paragraph":
        return tag("li", _inline(children[0]), _blocks(children[1:]))
    return tag("li", _blocks(children))


def _quote(node: SyntaxTreeNode) -> Html:
    return tag("blockquote", _blocks(node.children))


def _code(node: SyntaxTreeNode) -> Html:
    return tag("pre", tag("code", node.content.rstrip("\n")), tabindex=0)


def _table(node: SyntaxTreeNode) -> Html:
    """A table that can be scrolled by itself, also by keyboard."""
    parts = [
        tag(part.type, *(tag("tr", *(_cell(cell) for cell in row.children)) for row in part.children))
        for part in node.children
    ]
    return tag("div", tag("table", *parts), class_="table", tabindex=0)


def _cell(cell: SyntaxTreeNode) -> Html:
    return tag(cell.type, _inline(cell), class_=ALIGNED.get(str(cell.attrs.get("style", ""))))


BLOCKS: Mapping[str, Callable[[SyntaxTreeNode], Html]] = {
    "paragraph": _paragraph,
    "heading": _heading,
    "bullet_list": _bullets,
    "ordered_list": _numbered,
    "blockquote": _quote,
    "fence": _code,
    "code_block": _code,
    "table": _table,
    "hr": lambda node: tag("hr"),
    "inline": lambda node: joined(_span(child) for child in node.children),
}


def _inline(block: SyntaxTreeNode) -> Html:
    return _blocks(block.children)


def _span(node: SyntaxTreeNode) -> Html:
    match node.type:
        case "text":
            return words(_with_boxes(node))
        case "softbreak" | "hardbreak":
            return tag("br")
        case "code_inline":
            return tag("code", node.content)
        case "image":
            return words(words_of_image(node))
        case "strong" | "em" | "s":
            return tag(node.type, *map(_span, node.children))
        case "link" if (address := link_of(node)).casefold().startswith(LINKS):
            inside = map(_span, node.children)
            return tag("a", *inside, href=address, rel="noopener noreferrer nofollow", target="_blank")
        case _:
            return joined(map(_span, node.children)) if node.children else words(node.content)


def _with_boxes(node: SyntaxTreeNode) -> str:
    """The text; at the beginning of an item, `[x]` is a box."""
    for mark, box in TASKS.items():
        if node.content.startswith(mark) and _begins_an_item(node):
            return f"{box}{node.content.removeprefix(mark)}"
    return node.content


def _begins_an_item(node: SyntaxTreeNode) -> bool:
    inline = node.parent
    paragraph = inline.parent if inline else None
    item = paragraph.parent if paragraph else None
    return item is not None and item.type == "list_item" and node.previous_sibling is None
