"""The canonical Markdown as Slack's blocks: `markdown` for text, `table` for a table, in messages that Slack takes.

What the author wrote is kept word by word where nothing in it is risky. Images become their words, links to odd places
their text, HTML is text, and nothing in an answer calls a whole channel: only links to slack://user?id=... mention
people.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

from markdown_it.tree import SyntaxTreeNode

from adapters.markdown import cells_of, link_of, parse, words_of_image
from adapters.text import safe

Block = dict[str, Any]

LONGEST = 11_000  # bytes of one message: Slack takes 12,000 characters of Markdown, and counts bytes in some places
MOST_BLOCKS = 45  # of 50: some are left for buttons and notes
MOST_ROWS, MOST_COLUMNS = 100, 20  # of a table block
MOST_CELL = 2_000  # characters
SHORT = 300  # characters of what a notification shows
SPECIAL = re.compile(r"<(?=[!@#])")  # how Slack writes mentions, also of everybody
MARKUP = re.compile(r"<(?=[A-Za-z/?])|([\\`*\[\]]|(?<!\w)_|_(?!\w)|~~)")
BORDERS = (re.compile(r"\n\s*\n"), re.compile(r"\n"), re.compile(r"(?<=[.!?])\s"), re.compile(r"\s"))
FENCE = "```"


@dataclass(frozen=True, slots=True)
class Page:
    """One message: its blocks, the short text that notifications show, and the whole of it as Markdown."""

    text: str
    blocks: tuple[Block, ...]
    source: str = ""

    def with_below(self, *blocks: Block) -> "Page":
        """The same with further blocks below."""
        return replace(self, blocks=(*self.blocks, *blocks))


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of an answer that may stand in a block of its own. `table` is it as a table block, where it can be one."""

    text: str
    table: Block | None = None

    @property
    def bytes(self) -> int:
        return len(self.text.encode())


def pages(text: str, *, limit: int = LONGEST) -> list[Page]:
    """The messages of a text, each of at most `limit` bytes. Nothing but space is lost."""
    made: list[Page] = []
    for pieces in _filled(list(_pieces(safe(text), limit)), limit):
        blocks = tuple(_blocks(pieces))
        source = "\n\n".join(piece.text for piece in pieces)
        made.append(Page(in_short(source), blocks, source))
    return made or [Page("…", (markdown("…"),), "…")]


def markdown(text: str) -> Block:
    return {"type": "markdown", "text": text}


def in_short(text: str) -> str:
    """The beginning of a text in one line, without marks; as mrkdwn, which notifications are."""
    words = (word for node in parse(text[: 4 * SHORT]) for word in _words(node))
    line = " ".join(" ".join(words).split()) or "…"
    return escaped(line if len(line) <= SHORT else f"{line[: SHORT - 1]}…")


def escaped(text: str) -> str:
    """Text as mrkdwn that shows it: for short labels."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def streamable(text: str) -> str:
    """What may be shown of an answer that still grows: up to where nothing that follows should change it."""
    whole = safe(text)
    lines, nodes = whole.split("\n"), parse(whole)
    is_whole = not nodes or whole.endswith("\n\n")
    parts = [_source(node, lines) for node in (nodes if is_whole else nodes[:-1])]
    if not is_whole:
        parts.append(_begun(nodes[-1], lines))
    return "\n\n".join(filter(None, parts))


def _begun(node: SyntaxTreeNode, lines: Sequence[str]) -> str:
    """The last block of a text, as far as it is sure."""
    source = _source(node, lines)
    if node.type == "table" or source.startswith("|"):
        return ""
    if node.type in {"fence", "code_block"}:
        first, end = node.map or (0, 0)
        closing = lines[end - 1].strip()
        is_closed = end - first > 1 and closing.startswith(node.markup) and set(closing) <= {"`", "~"}
        return source if is_closed else source.rpartition("\n")[0].rpartition("\n")[0]
    last = source.rfind("\n") + 1
    line = source[last:]
    opened = min((at for mark in "[<`|*_~#->" if (at := line.find(mark)) >= 0), default=len(line))
    return (source[:last] + line[:opened]).rstrip()


def written(text: str) -> str:
    """A text as the Markdown that is safe to be shown in Slack."""
    text = safe(text)
    return "\n\n".join(_source(node, text.split("\n")) for node in parse(text))


# --- pieces and messages


def _pieces(text: str, limit: int) -> Iterator[Piece]:
    lines = text.split("\n")
    for node in parse(text):
        piece = Piece(_source(node, lines), _table(node) if node.type == "table" else None)
        if piece.bytes <= limit:
            yield piece
        elif node.type in {"fence", "code_block"}:
            yield from (Piece(part) for part in _code_parts(node, limit))
        elif node.type == "table":
            yield from (Piece(part) for part in _table_parts(piece.text, limit))
        else:
            yield from (Piece(part) for part in cut(piece.text, limit))


def _filled(pieces: Sequence[Piece], limit: int) -> Iterator[list[Piece]]:
    """The pieces, as many to a message as go in."""
    page: list[Piece] = []
    for piece in pieces:
        size = sum(each.bytes + 2 for each in page)
        if page and (size + piece.bytes > limit or len(page) >= MOST_BLOCKS):
            yield page
            page = []
        page.append(piece)
    if page:
        yield page


def _blocks(pieces: Sequence[Piece]) -> Iterator[Block]:
    """Text that stands together in one block; the first table of a message in its own, as Slack takes one."""
    texts: list[str] = []
    has_table = False
    for piece in pieces:
        if piece.table and not has_table:
            if texts:
                yield markdown("\n\n".join(texts))
            yield piece.table
            texts, has_table = [], True
        else:
            texts.append(piece.text)
    if texts:
        yield markdown("\n\n".join(texts))


def cut(text: str, limit: int) -> list[str]:
    """A long text in parts of at most `limit` bytes, at the best borders that there are."""
    parts = []
    while len(text.encode()) > limit:
        end = len(text.encode()[:limit].decode(errors="ignore"))
        for border in BORDERS:
            places = [found.end() for found in border.finditer(text, end // 2, end)]
            if places:
                end = places[-1]
                break
        parts.append(text[:end].strip())
        text = text[end:]
    return [part for part in (*parts, text.strip()) if part]


def _code_parts(node: SyntaxTreeNode, limit: int) -> Iterator[str]:
    """Code in parts, each of which is code."""
    language = _language(node)
    room = limit - 2 * len(FENCE) - len(language.encode()) - 20
    part = ""
    for line in node.content.splitlines(keepends=True):
        for bit in [line] if len(line.encode()) <= room else cut(line, room):
            if part and len((part + bit).encode()) > room:
                yield _fenced(part, language)
                part = ""
            part += bit
    yield _fenced(part, language)


def _table_parts(text: str, limit: int) -> Iterator[str]:
    """A long table in several, each with its head."""
    head, rule, *rows = text.split("\n")
    part: list[str] = []
    for row in rows:
        if part and len("\n".join([head, rule, *part, row]).encode()) > limit:
            yield "\n".join([head, rule, *part])
            part = []
        part.append(row)
    whole = "\n".join([head, rule, *part])
    yield from [whole] if len(whole.encode()) <= limit else cut(whole, limit)


# --- one block of the answer as safe Markdown


def _source(node: SyntaxTreeNode, lines: Sequence[str]) -> str:
    """The author's own words where they are safe as they are; else the same written anew."""
    if node.type in {"fence", "code_block"}:
        return _fenced(node.content, _language(node))
    first, end = node.map or (0, 0)
    source = "\n".join(lines[first:end]).rstrip()
    return _written(node) if _is_risky(node, source) else source


def _is_risky(node: SyntaxTreeNode, source: str) -> bool:
    if SPECIAL.search(source):  # wherever it stands: also the title of a link is read by Slack
        return True
    for each in node.walk():
        if each.type in {"image", "html_inline", "html_block"}:
            return True
        if each.type == "link" and (not link_of(each) or str(each.attrs.get("href")) not in source):
            return True
        if each.type == "text" and re.search(r"<[A-Za-z/?!@#]", each.content):
            return True
        if each.type == "link" and link_of(each).startswith(("slack:", "tg:")):
            return True
    return False


def _written(node: SyntaxTreeNode, *, indent: str = "") -> str:
    match node.type:
        case "paragraph":
            return _inline(node)
        case "heading":
            return f"{'#' * int(node.tag[1])} {_inline(node)}"
        case "hr":
            return "---"
        case "fence" | "code_block":
            return _fenced(node.content, _language(node))
        case "blockquote":
            inner = "\n\n".join(_written(child) for child in node.children)
            return "\n".join(f"> {line}".rstrip() for line in inner.split("\n"))
        case "bullet_list" | "ordered_list":
            return "\n".join(_items(node))
        case "table":
            return "\n".join(_rows(node))
        case _:
            return _escaped(node.content or "")


def _items(node: SyntaxTreeNode) -> Iterator[str]:
    start = int(node.attrs.get("start", 1) or 1)
    for number, item in enumerate(node.children, start):
        mark = "- " if node.type == "bullet_list" else f"{number}. "
        inner = "\n".join(_written(child) for child in item.children)
        first, *others = inner.split("\n")
        yield f"{mark}{first}"
        yield from (f"{' ' * len(mark)}{line}" for line in others)


def _rows(table: SyntaxTreeNode) -> Iterator[str]:
    head, *rows = [[_inline_of(cell).replace("|", "\\|") for cell in row] for row in cells_of(table)]
    yield f"| {' | '.join(head)} |"
    yield f"|{'|'.join('---' for _ in head)}|"
    yield from (f"| {' | '.join(row)} |" for row in rows)


def _inline(node: SyntaxTreeNode) -> str:
    return "".join(_inline_of(child) for child in node.children)


def _inline_of(node: SyntaxTreeNode) -> str:
    match node.type:
        case "inline":
            return "".join(map(_inline_of, node.children))
        case "strong":
            return f"**{_inline(node)}**"
        case "em":
            return f"_{_inline(node)}_"
        case "s":
            return f"~~{_inline(node)}~~"
        case "code_inline":
            return f"`{_mentions_nobody(node.content)}`"
        case "link":
            return _link(node)
        case "image":
            return _escaped(words_of_image(node))
        case "softbreak" | "hardbreak":
            return "\n"
        case _:
            return _escaped(node.content or "")


def _link(node: SyntaxTreeNode) -> str:
    href = str(node.attrs.get("href", ""))
    if person := mentioned(href):
        return f"<@{person}>"
    return f"[{_inline(node)}]({link_of(node)})" if link_of(node) else _inline(node)


def mentioned(address: str) -> str:
    """Whom a link mentions: slack://user?id=U123. Empty where it is another link."""
    parts = urlsplit(address)
    person = (parse_qs(parts.query).get("id") or [""])[0]
    is_person = parts.scheme == "slack" and parts.netloc == "user"
    return person if is_person and re.fullmatch(r"[UW][A-Z0-9]{2,20}", person) else ""


def _escaped(text: str) -> str:
    """Text that stays text."""
    return _mentions_nobody(MARKUP.sub(lambda found: f"\\{found[0]}", text))


def _mentions_nobody(text: str) -> str:
    return SPECIAL.sub("<\u200b", text)


def _language(node: SyntaxTreeNode) -> str:
    return re.sub(r"[^\w+#.-]", "", (node.info or "").split(" ")[0])[:30]


def _fenced(code: str, language: str) -> str:
    body = _mentions_nobody(code.rstrip("\n"))
    longest = max((len(run) for run in re.findall(r"`+", body)), default=0)
    fence = "`" * max(len(FENCE), longest + 1)
    return f"{fence}{language}\n{body}\n{fence}"


# --- tables


def _table(node: SyntaxTreeNode) -> Block | None:
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
            words = "".join(_words(child)) or link_of(child)
            yield {"type": "link", "url": link_of(child), "text": words, **({"style": style} if style else {})}
        elif child.type == "link":
            yield from _elements(child, style)
        elif words := "".join(_words(child)):
            code = {"code": True} if child.type == "code_inline" else {}
            whole = {**style, **code}
            yield {"type": "text", "text": words, **({"style": whole} if whole else {})}


def _words(node: SyntaxTreeNode) -> Iterator[str]:
    if node.type == "image":
        yield words_of_image(node)
    elif node.type in {"softbreak", "hardbreak"}:
        yield " "
    elif node.type == "inline":
        yield "".join(word for child in node.children for word in _words(child))
    elif node.children:
        for child in node.children:
            yield from _words(child)
    else:
        yield node.content or ""
