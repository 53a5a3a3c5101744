"""Markdown as Telegram shows it: a text and its entities. No parse mode is ever used: nothing can be "unclosed"."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from markdown_it.tree import SyntaxTreeNode
from wcwidth import wcswidth

from adapters.markdown import TASKS, cells_of, link_of, parse, words_of_image

Kind = Literal["bold", "italic", "strikethrough", "code", "pre", "text_link", "blockquote", "expandable_blockquote"]
WIDEST_TABLE = 56  # columns of a fixed font that a phone still shows; a wider table becomes lines
LONG_QUOTE = 300  # characters: a longer quote is folded
STYLES: dict[str, Kind] = {"strong": "bold", "em": "italic", "s": "strikethrough"}
ALONE: frozenset[Kind] = frozenset({"code", "pre"})  # Telegram takes no other style inside of these, or around them
QUOTES: frozenset[Kind] = frozenset({"blockquote", "expandable_blockquote"})


@dataclass(frozen=True, slots=True)
class Entity:
    """One style of a part of a text. Offset and length count UTF-16 units, as Telegram does."""

    type: Kind
    offset: int
    length: int
    url: str = ""
    language: str = ""

    @property
    def end(self) -> int:
        return self.offset + self.length


@dataclass(frozen=True, slots=True)
class Styled:
    """A text with its entities, in the order of their offsets."""

    text: str
    entities: tuple[Entity, ...] = ()

    def part(self, start: int, end: int) -> "Styled":
        """What stands between two places of the text, without space around it. A style that spans an end is cut."""
        part = self.text[start:end]
        text = part.strip()
        first = units(self.text[:start]) + units(part) - units(part.lstrip())
        last = first + units(text)
        inside = (
            replace(each, offset=max(each.offset, first) - first, length=min(each.end, last) - max(each.offset, first))
            for each in self.entities
            if each.offset < last and each.end > first
        )
        return Styled(text, tuple(inside))


def render(markdown: str) -> Styled:
    """Markdown as a text with entities."""
    writer = _Writer()
    writer.blocks(parse(markdown))
    styled = writer.styled()
    return styled if styled.text else plain(markdown)  # such as an open fence with nothing in it


def plain(text: str, style: Kind | None = None) -> Styled:
    """A text as it is, in one style or none."""
    whole = text.strip()
    return Styled(whole, (Entity(style, 0, units(whole)),) if style and whole else ())


def joined(parts: Sequence[Styled], between: str = "\n\n") -> Styled:
    """Several texts as one."""
    text, entities = "", []
    for part in parts:
        if not part.text:
            continue
        text += between if text else ""
        shift = units(text)
        entities += [replace(each, offset=each.offset + shift) for each in part.entities]
        text += part.text
    return Styled(text, tuple(entities))


def units(text: str) -> int:
    """UTF-16 units of a text."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


@dataclass(slots=True)
class _Writer:
    """Writes blocks one below the other, and notes where each style begins and ends."""

    parts: list[str] = field(default_factory=list)
    length: int = 0
    entities: list[Entity] = field(default_factory=list)
    quoted: int = 0  # depth; Telegram knows one

    def styled(self) -> Styled:
        """What was written, without space at its ends."""
        styles = sorted(_apart(self.entities), key=lambda each: (each.offset, -each.length))
        text = "".join(self.parts)
        return Styled(text, tuple(styles)).part(0, len(text))

    # --- blocks

    def blocks(self, nodes: Sequence[SyntaxTreeNode], between: str = "\n\n", indent: str = "") -> None:
        for number, node in enumerate(nodes):
            if number:
                self.write(between if node.type not in {"bullet_list", "ordered_list"} else between[:1] or "\n")
                self.write(indent)
            self.block(node, indent)

    def block(self, node: SyntaxTreeNode, indent: str) -> None:
        match node.type:
            case "heading":
                start = self.here
                self.inline(node.children, indent)
                self.mark("bold", start)
            case "paragraph":
                self.inline(node.children, indent)
            case "fence" | "code_block":
                start = self.here
                self.write(node.content.rstrip("\n"))
                self.mark("pre", start, language=node.info.split()[0] if node.info.split() else "")
            case "blockquote":
                self.quote(node, indent)
            case "bullet_list" | "ordered_list":
                self.items(node, indent)
            case "table":
                self.table(node, indent)
            case "hr":
                self.write("———")
            case _:
                self.write(node.content)

    def quote(self, node: SyntaxTreeNode, indent: str) -> None:
        start = self.here
        self.quoted += 1
        if self.quoted > 1:
            self.write("› ")
        self.blocks(node.children, indent=indent)
        self.quoted -= 1
        if not self.quoted:
            self.mark("expandable_blockquote" if self.length - start.offset > LONG_QUOTE else "blockquote", start)

    def items(self, node: SyntaxTreeNode, indent: str) -> None:
        first = int(node.attrs.get("start", 1))
        for number, item in enumerate(node.children):
            if number:
                self.write(f"\n{indent}")
            sign = f"{first + number}. " if node.type == "ordered_list" else "• "
            self.write("" if _is_task(item) else sign)
            self.blocks(item.children, between="\n", indent=indent + "   ")

    def table(self, node: SyntaxTreeNode, indent: str) -> None:
        rows = [[_words(cell) for cell in row] for row in cells_of(node)]
        widths = [max(map(_width, column)) for column in zip(*rows, strict=False)]
        if sum(widths) + 3 * len(widths) <= WIDEST_TABLE:
            lines = [" │ ".join(map(_padded, row, widths)).rstrip() for row in rows]
            lines.insert(1, "─┼─".join("─" * width for width in widths))
            start = self.here
            self.write("\n".join(lines))
            self.mark("pre", start)
            return
        self.as_lines(rows, indent)

    def as_lines(self, rows: Sequence[Sequence[str]], indent: str) -> None:
        """A table that is too wide: each row under its first cell."""
        head, *body = rows
        for number, row in enumerate(body or [head]):
            self.write(f"\n{indent}" if number else "")
            start = self.here
            self.write(row[0] if row else "")
            self.mark("bold", start)
            for name, cell in zip(head[1:], row[1:], strict=False):
                self.write(f"\n{indent}   {name}: {cell}" if name else f"\n{indent}   {cell}")

    # --- inside of a line

    def inline(self, nodes: Sequence[SyntaxTreeNode], indent: str) -> None:
        for node in nodes:
            match node.type:
                case "text" | "html_inline":
                    self.write(_task(node) if node.parent and _begins_task(node) else node.content)
                case "softbreak" | "hardbreak":
                    self.write(f"\n{indent}")
                case "code_inline":
                    start = self.here
                    self.write(node.content)
                    self.mark("code", start)
                case "link":
                    start = self.here
                    self.inline(node.children, indent)
                    if (address := link_of(node)) and address != "".join(_texts(node)):
                        self.mark("text_link", start, url=address)
                case "image":
                    self.write(words_of_image(node))
                case _:
                    start = self.here
                    self.inline(node.children, indent)
                    if node.type in STYLES:
                        self.mark(STYLES[node.type], start)

    def write(self, text: str) -> None:
        self.parts.append(text)
        self.length += units(text)

    @property
    def here(self) -> "_Mark":
        return _Mark(len(self.parts), self.length)

    def mark(self, kind: Kind, start: "_Mark", *, url: str = "", language: str = "") -> None:
        """A style from `start` to here. But for code, it has no space at its ends: Telegram would move them."""
        marked = "".join(self.parts[start.part :])
        if kind in ALONE:
            offset, length = start.offset, units(marked)
        else:
            offset = start.offset + units(marked) - units(marked.lstrip())
            length = units(marked.strip())
        if marked.strip():
            self.entities.append(Entity(kind, offset, length, url, language))


@dataclass(frozen=True, slots=True)
class _Mark:
    """A place in what is written."""

    part: int
    offset: int


def _apart(entities: Sequence[Entity]) -> Iterator[Entity]:
    """The entities with every style cut around code, which stands alone."""
    alone = sorted((each for each in entities if each.type in ALONE), key=lambda each: each.offset)
    yield from alone
    for entity in entities:
        if entity.type in ALONE:
            continue
        if entity.type in QUOTES:
            yield entity
            continue
        start = entity.offset
        for code in alone:
            if start < code.end and code.offset < entity.end:
                if code.offset > start:
                    yield replace(entity, offset=start, length=code.offset - start)
                start = code.end
        if start < entity.end:
            yield replace(entity, offset=start, length=entity.end - start)


def _texts(node: SyntaxTreeNode) -> Iterator[str]:
    """All words inside of a node."""
    if node.type == "image":
        yield words_of_image(node)
    elif node.children:
        for child in node.children:
            yield from _texts(child)
    else:
        yield " " if node.type in {"softbreak", "hardbreak"} else node.content


def _words(node: SyntaxTreeNode) -> str:
    return "".join(_texts(node)).strip()


def _width(text: str) -> int:
    return max(wcswidth(text), 0) or len(text)


def _padded(text: str, width: int) -> str:
    return text + " " * max(width - _width(text), 0)


def _is_task(item: SyntaxTreeNode) -> bool:
    first = item.children[0] if item.children else None
    return first is not None and first.type == "paragraph" and "".join(_texts(first)).startswith(tuple(TASKS))


def _begins_task(text: SyntaxTreeNode) -> bool:
    """Whether these are the first words of a list's item, and say that it is a task."""
    inline = text.parent
    paragraph = inline.parent if inline else None
    item = paragraph.parent if paragraph else None
    is_first = inline is not None and inline.children[0] is text
    return is_first and item is not None and item.type == "list_item" and text.content.startswith(tuple(TASKS))


def _task(text: SyntaxTreeNode) -> str:
    return TASKS[text.content[:4]] + text.content[4:]
