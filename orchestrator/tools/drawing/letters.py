"""Letters as lines: a plain sans serif drawn with a pen, so that a picture needs no font and no library for one.

The baseline is y = 0 and y grows upwards; small letters are 10 high, capitals and digits 14. A glyph is its width and
its strokes: points `x,y`, and arcs `@cx,cy,rx,ry,from,to` in degrees against the clock, joined in their order; ` / `
lifts the pen. Accents are set on top of what Unicode takes a letter apart into.
"""

import math
import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache

Point = tuple[float, float]
Line = tuple[Point, ...]

CAPITAL = 14.0  # height of capitals and digits, in the units of GLYPHS
SPACING = 2.2  # between two letters
BOWL = "@5,5,4,5,0,360"
DOTLESS = "\N{LATIN SMALL LETTER DOTLESS I}"  # below an accent
DOT = "2,13.2 2,13.5"
ARC_STEP = 12  # degrees between two points of an arc

GLYPHS = {
    " ": (4.5, ""),
    "a": (10, f"{BOWL} / 9,10 9,0"),
    "b": (10, f"1,14 1,0 / {BOWL}"),
    "c": (8.5, "@5,5,4,5,50,310"),
    "d": (10, f"9,14 9,0 / {BOWL}"),
    "e": (10, "1,5 9,5 @5,5,4,5,0,315"),
    "f": (6, "2,0 2,11 @5,11,3,3,180,75 / 0,9.7 5.4,9.7"),
    "g": (10, f"9,10 9,0 @5,0,4,4.2,0,-145 / {BOWL}"),
    "h": (10, "1,14 1,0 / 1,6 @5,6,4,4,180,0 9,0"),
    "i": (4, f"2,10 2,0 / {DOT}"),
    DOTLESS: (4, "2,10 2,0"),
    "j": (4.5, "3,10 3,-1 @0,-1,3,3.2,0,-80 / 3,13.2 3,13.5"),
    "k": (9, "1,14 1,0 / 8,10 1,4 / 3.6,6.2 8.6,0"),
    "l": (4, "1.5,14 1.5,2.5 @3.8,2.5,2.3,2.5,180,260"),
    "m": (15, "1,0 1,10 / 1,6.5 @4.25,6.5,3.25,3.5,180,0 7.5,0 / 7.5,6.5 @10.75,6.5,3.25,3.5,180,0 14,0"),
    "n": (10, "1,0 1,10 / 1,6 @5,6,4,4,180,0 9,0"),
    "o": (10, BOWL),
    "p": (10, f"1,10 1,-4 / {BOWL}"),
    "q": (10, f"9,10 9,-4 / {BOWL}"),
    "r": (6, "1,10 1,0 / 1,6 @5,6,4,4,180,80"),
    "s": (8.5, "@4.4,7.5,3.2,2.5,30,270 @4.4,2.5,3.6,2.5,90,-150"),
    "t": (6.5, "2.5,13.4 2.5,3 @5.5,3,3,3,180,280 / 0,9.7 5.6,9.7"),
    "u": (10, "1,10 1,4 @5,4,4,4,180,360 / 9,10 9,0"),
    "v": (9, "0.5,10 4.5,0 8.5,10"),
    "w": (14, "0.5,10 4,0 7,9 10,0 13.5,10"),
    "x": (9, "1,10 8,0 / 8,10 1,0"),
    "y": (9, "0.5,10 4.8,0.6 / 8.5,10 3.2,-4"),
    "z": (9, "1,10 8,10 1,0 8.3,0"),
    "ß": (9.5, "1,0 1,10.4 @4.5,10.4,3.5,3.6,180,-90 / 4.5,6.8 @4.9,3.4,3.9,3.4,90,-120"),
    "A": (12, "0.5,0 6,14 11.5,0 / 2.5,5 9.5,5"),
    "B": (10.5, "1,0 1,14 5.5,14 @5.5,10.75,3.25,3.25,90,-90 1,7.5 / 5.5,7.5 @5.8,3.75,3.75,3.75,90,-90 1,0"),
    "C": (12, "@7,7,6,7,48,312"),
    "D": (12, "1,0 1,14 5,14 @5,7,6,7,90,-90 1,0"),
    "E": (9.5, "9,14 1,14 1,0 9,0 / 1,7.3 8,7.3"),
    "F": (9, "9,14 1,14 1,0 / 1,7 8,7"),
    "G": (13.5, "@7,7,6,7,48,360 8,7"),
    "H": (12, "1,0 1,14 / 11,0 11,14 / 1,7.3 11,7.3"),
    "I": (4, "2,0 2,14"),
    "J": (8, "7,14 7,4 @4,4,3,4,0,-165"),
    "K": (10.5, "1,0 1,14 / 10,14 1,5.5 / 4,8.3 10.5,0"),
    "L": (8.5, "1,14 1,0 8.5,0"),
    "M": (14, "1,0 1,14 7,4 13,14 13,0"),
    "N": (12, "1,0 1,14 11,0 11,14"),
    "O": (14, "@7,7,6,7,0,360"),
    "P": (10.5, "1,0 1,14 6,14 @6,10.2,3.8,3.8,90,-90 1,6.4"),
    "Q": (14, "@7,7,6,7,0,360 / 9,4 13,-1"),
    "R": (10.5, "1,0 1,14 6,14 @6,10.2,3.8,3.8,90,-90 1,6.4 / 6,6.4 10,0"),
    "S": (10.5, "@5.3,10.5,4.1,3.5,35,270 @5.3,3.5,4.5,3.5,90,-155"),
    "T": (11, "5.5,0 5.5,14 / 0.5,14 10.5,14"),
    "U": (12, "1,14 1,5 @6,5,5,5,180,360 11,14"),
    "V": (12, "0.5,14 6,0 11.5,14"),
    "W": (17, "0.5,14 4.5,0 8.5,12 12.5,0 16.5,14"),
    "X": (11, "1,14 10,0 / 10,14 1,0"),
    "Y": (11, "0.5,14 5.5,7 10.5,14 / 5.5,7 5.5,0"),
    "Z": (10.5, "1,14 9.5,14 1,0 9.8,0"),
    "0": (10, "@5,7,4,7,0,360"),
    "1": (10, "2,11.2 5.5,14 5.5,0"),
    "2": (10, "@5,10,4,4,160,-35 1,0 9,0"),
    "3": (10, "@4.8,10.6,3.6,3.4,150,-90 @4.8,3.6,4.1,3.6,90,-150"),
    "4": (10, "7,0 7,14 0.8,4 9.5,4"),
    "5": (10, "8.5,14 2,14 1.6,7.6 @4.8,4.6,4.2,4.6,130,-150"),
    "6": (10, "@5,4.5,4,4.5,0,360 / 1,4.5 @8,4.5,7,9.5,180,105"),
    "7": (10, "1,14 9,14 4,0"),
    "8": (10, "@5,10.6,3.4,3.4,0,360 / @5,3.6,4,3.6,0,360"),
    "9": (10, "@5,9.5,4,4.5,0,360 / 9,9.5 @2,9.5,7,9.5,0,-75"),
    ".": (4, "2,0.2 2,0.5"),
    ",": (4, "2.4,0.6 1.3,-2.4"),
    ":": (4, "2,1 2,1.3 / 2,8.7 2,9"),
    ";": (4, "2.4,1 1.3,-2.4 / 2,8.7 2,9"),
    "!": (4, "2,14 2,4.5 / 2,0.2 2,0.5"),
    "?": (8.5, "@4.3,10.4,3.5,3.6,165,-60 4.3,4.8 / 4.3,0.2 4.3,0.5"),
    "'": (3.5, "1.8,14 1.8,10.5"),
    '"': (6, "1.6,14 1.6,10.5 / 4.4,14 4.4,10.5"),
    "-": (6.5, "1,5.5 5.5,5.5"),
    "–": (9, "0.5,5.5 8.5,5.5"),
    "+": (9.5, "4.8,2 4.8,9.5 / 1,5.7 8.5,5.7"),
    "=": (9.5, "1,7.5 8.5,7.5 / 1,3.5 8.5,3.5"),
    "*": (7.5, "3.8,14 3.8,7.5 / 1,12.4 6.6,9.1 / 6.6,12.4 1,9.1"),
    "×": (8.5, "1.5,2.5 7,8.5 / 7,2.5 1.5,8.5"),
    "/": (8, "7,14.5 1,-1"),
    "\\": (8, "1,14.5 7,-1"),
    "|": (4, "2,15 2,-2"),
    "(": (5, "@7,6.5,5.5,9,130,230"),
    ")": (5, "@-2,6.5,5.5,9,50,-50"),
    "[": (5, "4,15 1.5,15 1.5,-2 4,-2"),
    "]": (5, "1,15 3.5,15 3.5,-2 1,-2"),
    "%": (14, "@3.4,10.8,2.4,3.2,0,360 / @10.6,3.2,2.4,3.2,0,360 / 11,14 3,0"),
    "#": (11, "3.5,0 5,14 / 7.5,0 9,14 / 1,4.5 10,4.5 / 1.6,9.5 10.6,9.5"),
    "&": (12, "11,0 3.3,9.4 @5.5,11.3,2.9,2.7,215,-40 2.6,6.2 @4.8,3.4,3.8,3.4,125,300 @5,6,5.8,6,-60,0"),
    "@": (16, "@8,5.5,3.2,3.6,0,360 / 11.2,9 11.2,4.5 @13,4.5,1.8,2.6,180,360 @8,5.5,6.8,7.6,0,310"),
    "_": (9, "0.5,-2 8.5,-2"),
    "°": (6, "@3,11.6,2.2,2.2,0,360"),
    "€": (12, "@7.5,7,5.3,7,50,310 / 0.5,8.7 8.6,8.7 / 0.5,5.3 8,5.3"),
    "$": (10.5, "@5.3,10,4,3,35,270 @5.3,4,4.4,3,90,-155 / 5.3,15.5 5.3,-1.5"),
    "£": (10.5, "@6.2,10.6,3.4,3.4,20,180 2.8,3 @0.8,3,2,3,0,-90 9.5,0 / 0.8,6.8 7.2,6.8"),
    "□": (10, "1,0 1,14 9,14 9,0 1,0"),
}
ACCENTS = {
    "\u0300": "-1.6,3.4 0.6,1.4",
    "\u0301": "1.6,3.4 -0.6,1.4",
    "\u0302": "-2,1.4 0,3.2 2,1.4",
    "\u0303": "-2.4,1.8 -0.8,2.8 0.8,1.8 2.4,2.8",
    "\u0308": "-2,2.6 -2,2.9 / 2,2.6 2,2.9",
    "\u030a": "@0,2.8,1.5,1.5,0,360",
    "\u030c": "-2,3.2 0,1.4 2,3.2",
    "\u0327": "0.4,-10.6 @0,-12.2,1.4,1.4,60,-120",
}


def width_of(text: str, size: float) -> float:
    """How wide a text is whose capitals are `size` high."""
    letters = _letters(text)
    spaces = max(len(letters) - 1, 0) * SPACING
    return (sum(_glyph(letter)[0] for letter in letters) + spaces) * size / CAPITAL


def lines_of(text: str, size: float, *, advance: float = 0.0) -> Iterator[Line]:
    """The strokes of a text from (0, 0) on, y growing upwards.

    With `advance` each letter takes that much room, as on a typewriter, and a wide one is squeezed into it.
    """
    scale, at = size / CAPITAL, 0.0
    for letter in _letters(text):
        width, strokes = _glyph(letter)
        room = advance / scale or width + SPACING
        squeezed = min((room - SPACING) / width, 1.0)
        left = at + (room - SPACING - width * squeezed) / 2
        for stroke in strokes:
            yield tuple(((left + x * squeezed) * scale, y * scale) for x, y in stroke)
        at += room


def _letters(text: str) -> list[str]:
    """Letters together with the accents that belong to them."""
    return list(unicodedata.normalize("NFC", text))


@cache
def _glyph(letter: str) -> tuple[float, Sequence[Line]]:
    if letter in GLYPHS:
        width, written = GLYPHS[letter]
        return width, tuple(_strokes(written))
    apart = unicodedata.normalize("NFD", letter)
    base, marks = apart[0], apart[1:]
    if base not in GLYPHS or not all(mark in ACCENTS for mark in marks):
        return _glyph("□")
    width, strokes = _glyph(DOTLESS if base == "i" else base)
    top = CAPITAL if base.isupper() else 10.0
    accents = [_moved(stroke, width / 2, top) for mark in marks for stroke in _strokes(ACCENTS[mark])]
    return width, (*strokes, *accents)


def _moved(stroke: Line, right: float, up: float) -> Line:
    return tuple((x + right, y + up) for x, y in stroke)


def _strokes(written: str) -> Iterator[Line]:
    for stroke in filter(None, written.split(" / ")):
        yield tuple(point for part in stroke.split() for point in _points(part))


def _points(part: str) -> Iterator[Point]:
    numbers = [float(number) for number in part.lstrip("@").split(",")]
    if not part.startswith("@"):
        yield numbers[0], numbers[1]
        return
    x, y, wide, high, start, end = numbers
    steps = max(round(abs(end - start) / ARC_STEP), 1)
    for step in range(steps + 1):
        angle = math.radians(start + (end - start) * step / steps)
        yield x + wide * math.cos(angle), y + high * math.sin(angle)
