"""Markdown as a rich message (Bot API 10.1): headings, nested lists and tables as the client's own.

Only what gains by it goes out so; the rest is a text with entities, which every client shows and lets people copy.
"""

from collections.abc import Iterator, Sequence
from html import escape

from markdown_it.tree import SyntaxTreeNode

from adapters.markdown import TASKS, cells_of, link_of, parse, words_of_image

LONGEST = 32_768  # characters (tdlib, OptionManager.cpp), as are the next two
MOST_BLOCKS = 500
MOST_COLUMNS = 20
INLINE = {"inline", "text", "softbreak", "hardbreak", "code_inline", "strong", "em", "s", "link", "image"}
TAGS = {"strong": "b", "em": "i", "s": "s"}


def rich_html(markdown: str) -> str | None:
    """The HTML of a rich message; None where a plain one shows it as well, or where it is too much for a rich one."""
    nodes = parse(markdown)
    if not any(node.type == "table" for node in _all(nodes)):
        return None
    html = "".join(map(_block, nodes))
    blocks = sum(node.type not in INLINE for node in _all(nodes))
    columns = max((len(row) for node in _all(nodes) if node.type == "table" for row in cells_of(node)), default=0)
    return html if len(html) <= LONGEST and blocks <= MOST_BLOCKS and columns <= MOST_COLUMNS else None


def _all(nodes: Sequence[SyntaxTreeNode]) -> Iterator[SyntaxTreeNode]:
    for node in nodes:
        yield node
        yield from _all(node.children)


def _block(node: SyntaxTreeNode) -> str:
    match node.type:
        case "heading":
            return f"<{node.tag}>{_inline(node.children)}</{node.tag}>"
        case "paragraph":
            return f"<p>{_inline(node.children)}</p>"
        case "fence" | "code_block":
            language = node.info.split()[0] if node.info.split() else ""
            kind = f' class="language-{escape(language)}"' if language else ""
            return f"<pre><code{kind}>{escape(node.content.rstrip(chr(10)))}</code></pre>"
        case "blockquote":
            return f"<blockquote>{''.join(map(_block, node.children))}</blockquote>"
        case "bullet_list" | "ordered_list":
            items = "".join(f"<li>{_item(item)}</li>" for item in node.children)
            return f"<{node.tag}>{items}</{node.tag}>"
        case "table":
            return _table(node)
        case "hr":
            return "<hr/>"
        case _:
            return f"<p>{escape(node.content)}</p>"


def _item(item: SyntaxTreeNode) -> str:
    """An item; where it is one paragraph, without a paragraph's room around it."""
    if len(item.children) == 1 and item.children[0].type == "paragraph":
        return _inline(item.children[0].children)
    return "".join(map(_block, item.children))


def _table(node: SyntaxTreeNode) -> str:
    head, *body = cells_of(node)
    rows = [f"<tr>{''.join(f'<th>{_inline([cell])}</th>' for cell in head)}</tr>"]
    rows += [f"<tr>{''.join(f'<td>{_inline([cell])}</td>' for cell in row)}</tr>" for row in body]
    return f"<table>{''.join(rows)}</table>"


def _inline(nodes: Sequence[SyntaxTreeNode]) -> str:
    return "".join(map(_span, nodes))


def _span(node: SyntaxTreeNode) -> str:
    match node.type:
        case "text" | "html_inline":
            sign = TASKS.get(node.content[:4], "") if _begins_item(node) else ""
            return escape(sign + node.content[4:] if sign else node.content)
        case "softbreak" | "hardbreak":
            return "<br/>"
        case "code_inline":
            return f"<code>{escape(node.content)}</code>"
        case "image":
            return escape(words_of_image(node))
        case "link" if address := link_of(node):
            return f'<a href="{escape(address)}">{_inline(node.children)}</a>'
        case "strong" | "em" | "s":
            return f"<{TAGS[node.type]}>{_inline(node.children)}</{TAGS[node.type]}>"
        case _:
            return _inline(node.children)


def _begins_item(text: SyntaxTreeNode) -> bool:
    inline = text.parent
    paragraph = inline.parent if inline else None
    is_first = inline is not None and inline.children[0] is text
    return is_first and paragraph is not None and paragraph.parent is not None and paragraph.parent.type == "list_item"
