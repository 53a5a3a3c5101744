"""The canonical Markdown as Markdown that is safe to be shown in Slack.

What the author wrote is kept word by word where nothing in it is risky. Images become their words, links to odd places
their text, HTML is text, and nothing in an answer calls a whole channel: only links to slack://user?id=... mention
people.
"""

import re
from collections.abc import Iterator, Sequence
from urllib.parse import parse_qs, urlsplit

from markdown_it.tree import SyntaxTreeNode

from adapters.markdown import cells_of, link_of, parse, words_of_image
from adapters.text import safe, shortened

SHORT = 300  # characters of what a notification shows
SPECIAL = re.compile(r"<(?=[!@#])")  # how Slack writes mentions, also of everybody
MARKUP = re.compile(r"<(?=[A-Za-z/?])|([\\`*\[\]]|(?<!\w)_|_(?!\w)|~~)")
FENCE = "```"


def streamable(text: str) -> str:
    """What may be shown of an answer that still grows: up to where nothing that follows should change it."""
    whole = safe(text)
    lines, nodes = whole.split("\n"), parse(whole)
    is_whole = not nodes or whole.endswith("\n\n")
    parts = [source_of(node, lines) for node in (nodes if is_whole else nodes[:-1])]
    if not is_whole:
        parts.append(_begun(nodes[-1], lines))
    return "\n\n".join(filter(None, parts))


def _begun(node: SyntaxTreeNode, lines: Sequence[str]) -> str:
    """The last block of a text, as far as it is sure."""
    source = source_of(node, lines)
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
    return "\n\n".join(source_of(node, text.split("\n")) for node in parse(text))


def in_short(text: str) -> str:
    """The beginning of a text in one line, without marks; as mrkdwn, which notifications are."""
    words = (word for node in parse(text[: 4 * SHORT]) for word in words_of(node))
    line = " ".join(" ".join(words).split()) or "…"
    return escaped(shortened(line, SHORT))


def escaped(text: str) -> str:
    """Text as mrkdwn that shows it: for short labels."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def source_of(node: SyntaxTreeNode, lines: Sequence[str]) -> str:
    """The author's own words where they are safe as they are; else the same written anew."""
    if node.type in {"fence", "code_block"}:
        return fenced(node.content, language_of(node))
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
            return fenced(node.content, language_of(node))
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
            return f"`{calling_nobody(node.content)}`"
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
    return calling_nobody(MARKUP.sub(lambda found: f"\\{found[0]}", text))


def calling_nobody(text: str) -> str:
    """A text in which nothing looks like a mention to Slack."""
    return SPECIAL.sub("<\u200b", text)


def language_of(node: SyntaxTreeNode) -> str:
    """The language that a block of code names; empty where it names none."""
    return re.sub(r"[^\w+#.-]", "", (node.info or "").split(" ")[0])[:30]


def fenced(code: str, language: str) -> str:
    """Code between fences that nothing in it can close."""
    body = calling_nobody(code.rstrip("\n"))
    longest = max((len(run) for run in re.findall(r"`+", body)), default=0)
    fence = "`" * max(len(FENCE), longest + 1)
    return f"{fence}{language}\n{body}\n{fence}"


def words_of(node: SyntaxTreeNode) -> Iterator[str]:
    """The words of a part, without marks."""
    if node.type == "image":
        yield words_of_image(node)
    elif node.type in {"softbreak", "hardbreak"}:
        yield " "
    elif node.type == "inline":
        yield "".join(word for child in node.children for word in words_of(child))
    elif node.children:
        for child in node.children:
            yield from words_of(child)
    else:
        yield node.content or ""
