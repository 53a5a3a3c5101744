"""An independent reading of what a rich message may be: well-formed HTML of known tags, within the limits."""

from html.parser import HTMLParser

LONGEST = 32_768
MOST_BLOCKS = 500
MOST_COLUMNS = 20
DEEPEST = 16
TAGS = frozenset("h1 h2 h3 h4 h5 h6 p b i s code pre a br hr ul ol li blockquote table tr th td".split())
EMPTY = {"br", "hr"}
BLOCKS = {"p", "li", "tr", "pre", "blockquote", "hr", "h1", "h2", "h3", "h4", "h5", "h6"}


class Wrong(Exception):
    """What is wrong with it."""


def check_rich(html: str) -> None:
    """Raises Wrong."""
    reader = _Html()
    reader.feed(html)
    reader.close()
    if reader.stack:
        raise Wrong(f"open: {reader.stack}")
    if reader.blocks > MOST_BLOCKS or reader.columns > MOST_COLUMNS or reader.deepest > DEEPEST or len(html) > LONGEST:
        raise Wrong("too much")


class _Html(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.stack: list[str] = []
        self.blocks = self.columns = self.deepest = self._cells = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in TAGS:
            raise Wrong(f"the tag {tag}")
        self.blocks += tag in BLOCKS
        self._cells = 0 if tag == "tr" else self._cells + (tag in {"td", "th"})
        self.columns = max(self.columns, self._cells)
        if tag not in EMPTY:
            self.stack.append(tag)
            self.deepest = max(self.deepest, len(self.stack))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if not self.stack or self.stack[-1] != tag:
            raise Wrong(f"the end of {tag}")
        self.stack.pop()
