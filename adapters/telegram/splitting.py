"""Long texts in pieces that Telegram takes: 4,096 characters, 100 entities, 32 kB. Nothing but space is lost."""

import re
import unicodedata
from dataclasses import replace

from adapters.telegram.entities import Styled, units

LONGEST = 4_096  # UTF-16 units; Telegram counts code points, of which there are never more
MOST_ENTITIES = 100
MOST_BYTES = 32_000
BORDERS = (re.compile(r"\n\s*\n"), re.compile(r"\n"), re.compile(r"(?<=[.!?])\s"), re.compile(r"\s"))
JOINERS = {"\u200d", "\ufe0f", "\u20e3"}
SKIN = range(0x1F3FB, 0x1F400)


def split(styled: Styled, limit: int = LONGEST) -> list[Styled]:
    """The text in pieces of at most `limit` UTF-16 units. A style that spans a border goes on behind it."""
    pieces, start, text = [], 0, styled.text
    while start < len(text):
        end = _end(styled, start, limit)
        if (piece := styled.part(start, end)).text:
            pieces.append(piece)
        start = end
    return pieces or [Styled("")]


def tail(styled: Styled, limit: int = LONGEST) -> Styled:
    """The end of a text that grows, where it is too long to be shown whole."""
    if _fits(styled, 0, len(styled.text), limit):
        return styled
    start = max(len(styled.text) - limit // 2, 0)
    while not _fits(styled, start, len(styled.text), limit - 2):
        start += max((len(styled.text) - start) // 4, 1)
    break_ = styled.text.find("\n", start, start + 200)
    start = _between_clusters(styled.text, break_ + 1 if break_ >= 0 else start)
    piece = styled.part(start, len(styled.text))
    return Styled(f"… {piece.text}", tuple(replace(each, offset=each.offset + 2) for each in piece.entities))


def _end(styled: Styled, start: int, limit: int) -> int:
    """Where the piece that begins here ends: as far as it can go, and there at the best border."""
    text = styled.text
    low, high = start + 1, min(len(text), start + limit)
    if _fits(styled, start, high, limit):
        end = high
    else:
        while low < high - 1:
            middle = (low + high) // 2
            low, high = (middle, high) if _fits(styled, start, middle, limit) else (low, middle)
        end = low
    if end == len(text):
        return end
    for border in BORDERS:
        places = [found.end() for found in border.finditer(text, start + (end - start) // 2, end + 1)]
        places = [place for place in places if place <= end]
        if places:
            return places[-1]
    within = _between_clusters(text, end)
    return within if within > start else end


def _fits(styled: Styled, start: int, end: int, limit: int) -> bool:
    piece = styled.text[start:end]
    if units(piece) > limit or len(piece.encode()) > MOST_BYTES:
        return False
    first, last = units(styled.text[:start]), units(styled.text[:end])
    return sum(each.offset < last and each.end > first for each in styled.entities) <= MOST_ENTITIES


def _between_clusters(text: str, place: int) -> int:
    """The nearest place before this one that tears nothing apart which is seen as one character."""
    at = place
    while 0 < at < len(text) and place - at < 64 and _is_inside(text, at):
        at -= 1
    return at if place - at < 64 else place


def _is_inside(text: str, at: int) -> bool:
    after, before = text[at], text[at - 1]
    return after in JOINERS or before == "\u200d" or ord(after) in SKIN or unicodedata.combining(after) != 0
