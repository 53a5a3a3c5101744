"""A small picture: lines with round ends, text, and a PNG of it, with nothing but the standard library.

Pillow would bring 22 MB for the one chart that is drawn here (measured 2026-11).
"""

import math
import struct
import zlib
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Literal

from orchestrator.tools.drawing.letters import Line, Point, lines_of, width_of

Colour = tuple[int, int, int]
SIGNATURE = b"\x89PNG\r\n\x1a\n"
LOOK = struct.pack(">BBBBB", 8, 2, 0, 0, 0)  # eight bits, red green blue, deflated, not interlaced
PEN = 0.13  # width of a stroke for letters of the height 1


def colour(written: str) -> Colour:
    """The colour of "#rrggbb"."""
    red, green, blue = bytes.fromhex(written.removeprefix("#"))
    return red, green, blue


class Canvas:
    """So many pixels. Places count from the upper left corner, y growing downwards."""

    def __init__(self, width: int, height: int, background: Colour) -> None:
        self.width = width
        self.height = height
        self._pixels = bytearray(bytes(background) * (width * height))

    def line(self, points: Iterable[Point], *, wide: float, ink: Colour) -> None:
        """A line through these points, smooth, with round ends. One point alone is a dot."""
        through = list(points)
        covered: dict[int, float] = {}
        for start, end in pairwise(through if len(through) > 1 else through * 2):
            for place, share in self._covered(start, end, wide / 2):
                covered[place] = max(share, covered.get(place, 0.0))
        for place, share in covered.items():
            self._blend(place, ink, share)

    def text(
        self,
        at: Point,
        text: str,
        *,
        size: float,
        ink: Colour,
        bold: bool = False,
        align: Literal["left", "right"] = "left",
    ) -> None:
        """A text whose baseline begins, or ends, at this place. `size` is the height of its capitals in pixels."""
        left = at[0] - (width_of(text, size) if align == "right" else 0)
        for stroke in lines_of(text, size):
            self.line(_down(stroke, (left, at[1])), wide=size * PEN * (1.45 if bold else 1), ink=ink)

    def png(self) -> bytes:
        """The picture as a file."""
        row = self.width * 3
        rows = b"".join(b"\0" + self._pixels[start : start + row] for start in range(0, len(self._pixels), row))
        head = struct.pack(">II", self.width, self.height) + LOOK
        parts = ((b"IHDR", head), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
        return SIGNATURE + b"".join(_chunk(kind, data) for kind, data in parts)

    def _covered(self, start: Point, end: Point, radius: float) -> Iterator[tuple[int, float]]:
        """The pixels near a straight line, and how much of each one it covers."""
        (x0, y0), (x1, y1) = start, end
        across, down = x1 - x0, y1 - y0
        length = across * across + down * down or 1.0
        reach = radius + 1
        for y in range(max(int(min(y0, y1) - reach), 0), min(int(max(y0, y1) + reach) + 1, self.height)):
            for x in range(max(int(min(x0, x1) - reach), 0), min(int(max(x0, x1) + reach) + 1, self.width)):
                to_x, to_y = x + 0.5 - x0, y + 0.5 - y0
                along = min(max((to_x * across + to_y * down) / length, 0.0), 1.0)
                away = math.hypot(to_x - along * across, to_y - along * down)
                if away < radius + 0.5:
                    yield (y * self.width + x) * 3, min(radius + 0.5 - away, 1.0)

    def _blend(self, place: int, ink: Colour, share: float) -> None:
        for channel, wanted in enumerate(ink, place):
            self._pixels[channel] += round((wanted - self._pixels[channel]) * share)


def _down(stroke: Line, at: Point) -> Iterator[Point]:
    """A stroke of letters, where y grows upwards, at its place in a picture."""
    return ((at[0] + x, at[1] - y) for x, y in stroke)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
