"""The HTML of rich messages as a tree: only tags that are known, each one closed, in the words of tdlib's parser."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

from tests.fakes.telegram.refusals import Refused, bad_request

INLINE = frozenset(
    "a b br code del em i ins mark s span strike strong sub sup tg-button tg-emoji tg-math tg-reference tg-spoiler "
    "tg-time u".split()
)
MEDIA = frozenset("audio figcaption figure img tg-collage tg-document tg-map tg-slideshow video".split())
BLOCKS = frozenset(
    "aside blockquote caption cite details footer h1 h2 h3 h4 h5 h6 hr input li ol p pre summary table tbody td "
    "tg-button-row tg-math-block tg-thinking th thead tr ul".split()
)
VOID = frozenset("br hr img input tg-map".split())  # have no end


@dataclass
class Node:
    """A tag with what is in it: text and further tags."""

    tag: str
    attributes: dict[str, str] = field(default_factory=dict)
    inside: "list[Node | str]" = field(default_factory=list)

    def children(self, *tags: str) -> "Iterator[Node]":
        """Those with one of these tags, or all."""
        for each in self.inside:
            if isinstance(each, Node) and (not tags or each.tag in tags):
                yield each


def tree(html: str) -> Node:
    """The root of what is written. Raises Refused."""
    parser = _Strict(html)
    parser.feed(html)
    parser.close()
    return parser.root()


def _broken(words: str) -> Refused:
    return bad_request(f"can't parse entities: {words}")


class _Strict(HTMLParser):
    """Takes nothing that is not closed in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self._open = [Node("")]
        starts = [0]
        for line in html.splitlines(keepends=True):
            starts.append(starts[-1] + len(line.encode()))
        self._starts, self._lines = starts, html.splitlines(keepends=True)

    def root(self) -> Node:
        if len(self._open) > 1:
            raise _broken(f'Can\'t find end tag corresponding to start tag "{self._open[-1].tag}"')
        return self._open[0]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in INLINE | MEDIA | BLOCKS:
            raise _broken(f'Unsupported start tag "{tag}" at byte offset {self._byte}')
        node = Node(tag, {name: value or "" for name, value in attrs})
        self._open[-1].inside.append(node)
        if tag not in VOID:
            self._open.append(node)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:
            return
        if len(self._open) == 1:
            raise _broken(f"Unexpected end tag at byte offset {self._byte}")
        if tag != (expected := self._open[-1].tag):
            words = f'expected "</{expected}>", found "</{tag}>"'
            raise _broken(f"Unmatched end tag at byte offset {self._byte}, {words}")
        self._open.pop()

    def handle_data(self, data: str) -> None:
        self._open[-1].inside.append(data)

    @property
    def _byte(self) -> int:
        line, column = self.getpos()
        return self._starts[line - 1] + len(self._lines[line - 1][:column].encode())
