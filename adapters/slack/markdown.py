"""An answer as messages that Slack takes: `markdown` blocks for text, a `table` block for a table."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from markdown_it.tree import SyntaxTreeNode

from adapters.markdown import parse
from adapters.slack.tables import Block, table_block
from adapters.slack.writing import FENCE, fenced, in_short, language_of, source_of
from adapters.text import safe

LONGEST = 11_000  # bytes of one message: Slack takes 12,000 characters of Markdown, and counts bytes in some places
MOST_BLOCKS = 45  # of 50: some are left for buttons and notes
BORDERS = (re.compile(r"\n\s*\n"), re.compile(r"\n"), re.compile(r"(?<=[.!?])\s"), re.compile(r"\s"))


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


def _pieces(text: str, limit: int) -> Iterator[Piece]:
    lines = text.split("\n")
    for node in parse(text):
        piece = Piece(source_of(node, lines), table_block(node) if node.type == "table" else None)
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
    language = language_of(node)
    room = limit - 2 * len(FENCE) - len(language.encode()) - 20
    part = ""
    for line in node.content.splitlines(keepends=True):
        for bit in [line] if len(line.encode()) <= room else cut(line, room):
            if part and len((part + bit).encode()) > room:
                yield fenced(part, language)
                part = ""
            part += bit
    yield fenced(part, language)


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
