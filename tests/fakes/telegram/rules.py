"""Telegram's own rules for texts, with the words of its refusals (tdlib, MessageEntity.cpp and Client.cpp)."""

from collections.abc import Mapping, Sequence
from html.parser import HTMLParser
from typing import Any

LONGEST_TEXT = 4_096  # code points after parsing
LONGEST_RAW = 32_768  # bytes before parsing
LONGEST_CAPTION = 1_024
MOST_ENTITIES = 100  # more are not shown
LONGEST_RICH = 32_768
MOST_BLOCKS = 500
MOST_COLUMNS = 20
DEEPEST = 16
TAGS = frozenset(
    "h1 h2 h3 h4 h5 h6 p b strong i em u s del code pre a br hr ul ol li blockquote table tr th td caption "
    "details summary footer sub sup mark tg-thinking tg-math tg-math-block tg-spoiler".split()
)
EMPTY = {"br", "hr"}
BLOCKS = {"p", "li", "tr", "pre", "blockquote", "hr", "details", "h1", "h2", "h3", "h4", "h5", "h6"}


class Refused(Exception):
    """What the server says instead of a result."""

    def __init__(self, code: int, description: str, **parameters: int) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.parameters = parameters


def bad(description: str) -> Refused:
    return Refused(400, f"Bad Request: {description}")


def text_of(text: str, entities: Sequence[Mapping[str, Any]]) -> tuple[str, list[dict[str, Any]]]:
    """The text as it is shown, with its entities. Raises Refused."""
    if len(text.encode()) > LONGEST_RAW:
        raise bad("text is too long")
    units = text.encode("utf-16-le")
    for entity in entities:
        start, end = entity["offset"], entity["offset"] + entity["length"]
        if entity["offset"] < 0 or entity["length"] < 0 or 2 * end > len(units):
            raise bad("ENTITY_BOUNDS_INVALID")
        if _is_torn(units, start) or _is_torn(units, end):
            raise bad("entity begins or ends in the middle of a UTF-16 surrogate pair")
    left = len(text) - len(text.lstrip())
    shift = len(text[:left].encode("utf-16-le")) // 2
    shown = text.strip()
    if not shown:
        raise bad("message text is empty")
    if len(shown) > LONGEST_TEXT:
        raise bad("message is too long")
    kept = [{**each, "offset": max(each["offset"] - shift, 0)} for each in entities if each["length"]]
    return shown, kept


def check_rich(rich: Mapping[str, Any], *, is_draft: bool) -> None:
    """Raises Refused for a rich message that Telegram does not take."""
    if sum(name in rich for name in ("html", "markdown", "blocks")) != 1:
        raise bad("exactly one of html, markdown and blocks must be used")
    html = str(rich.get("html", ""))
    if not html.strip():
        raise bad("message text is empty")
    if len(html) > LONGEST_RICH:
        raise bad("message is too long")
    reader = _Html()
    reader.feed(html)
    reader.close()
    if reader.stack:
        raise bad(f"can't parse rich message: Can't find end tag corresponding to start tag \"{reader.stack[-1]}\"")
    if reader.blocks > MOST_BLOCKS or reader.columns > MOST_COLUMNS or reader.deepest > DEEPEST:
        raise bad("RICH_MESSAGE_TOO_COMPLEX")
    if "tg-thinking" in reader.seen and not is_draft:
        raise bad("tg-thinking can be used only in drafts")
    if "img" in reader.seen:
        raise bad("img is fetched from afar")


class _Html(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.stack: list[str] = []
        self.seen: set[str] = set()
        self.blocks = self.columns = self.deepest = self._cells = 0
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in TAGS:
            raise bad(f'can\'t parse rich message: Unsupported start tag "{tag}"')
        self.seen.add(tag)
        self.blocks += tag in BLOCKS
        if tag == "tr":
            self._cells = 0
        if tag in {"td", "th"}:
            self._cells += 1
            self.columns = max(self.columns, self._cells)
        if tag not in EMPTY:
            self.stack.append(tag)
            self.deepest = max(self.deepest, len(self.stack))
        if tag in BLOCKS or tag == "br":
            self.text += "\n"
        if tag in {"td", "th"}:
            self.text += " | "

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in EMPTY:
            self.stack.pop()

    def handle_endtag(self, tag: str) -> None:
        if not self.stack or self.stack[-1] != tag:
            raise bad(f'can\'t parse rich message: Unmatched end tag "{tag}"')
        self.stack.pop()

    def handle_data(self, data: str) -> None:
        self.text += data


def words_of_html(html: str) -> str:
    """What a person reads of a rich message."""
    reader = _Html()
    reader.feed(html)
    return "\n".join(line for line in reader.text.strip().split("\n") if line.strip())


def check_keyboard(markup: Mapping[str, Any] | None) -> None:
    rows = (markup or {}).get("inline_keyboard", [])
    if sum(map(len, rows)) > 100 or any(len(row) > 8 for row in rows):
        raise bad("reply markup is too long")
    for button in (button for row in rows for button in row):
        if not 1 <= len(str(button.get("callback_data", "x")).encode()) <= 64:
            raise bad("BUTTON_DATA_INVALID")
        if not button.get("text"):
            raise bad("inline keyboard button text is empty")


def _is_torn(units: bytes, at: int) -> bool:
    """Whether a place is inside of a surrogate pair."""
    if 2 * at >= len(units):
        return False
    return 0xDC00 <= int.from_bytes(units[2 * at : 2 * at + 2], "little") < 0xE000
