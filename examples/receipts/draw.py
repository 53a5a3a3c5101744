"""Draws the sample receipts beside this file anew: `.venv/bin/python examples/receipts/draw.py`.

A receipt is its lines, as wide as a printer's; what is left of two or more spaces is set to the left, what is right of
them to the right. The paper of one lay askew on the table and has specks.
"""

import math
import random
from dataclasses import dataclass
from pathlib import Path

from orchestrator.tools.drawing.canvas import PEN, Canvas, colour
from orchestrator.tools.drawing.letters import Point, lines_of

COLUMNS, ADVANCE, PITCH, CAPITALS, MARGIN = 34, 19.0, 42, 22.0, 46
PAPER, INK, SPECK = colour("#fbfaf5"), colour("#26262b"), colour("#b9b5ab")

DINER = """\
         BLUE LANTERN DINER
     214 Harbor Street, Portland
11/14/2026  Table 6

2 Lemonade  7.00
1 Club sandwich  12.50
1 Garden salad  9.25
1 Apple pie  6.25
Coupon 10%  -3.50
----------------------------------
Subtotal  31.50
Tax 8%  2.52
TOTAL  $34.02

VISA  34.02
       Thank you, come again!"""

FRISCHMARKT = """\
       Frischmarkt Lindenhof
   Lindenstraße 12, 04107 Leipzig
 EUR
BIO VOLLMILCH 3,5%  1,29 B
JOGHURT NATUR  2,36 B
   4 Stk x 0,59
BANANEN  2,22 B
   0,742 kg x 2,99 EUR/kg
ROGGENBROT  3,49 B
MINERALWASSER  0,79 A
PFAND  0,25 A
SPÜLMITTEL  1,95 A
ZAHNPASTA  1,49 A
LEERGUT  -0,75 A
----------------------------------
SUMME  EUR 13,09
Girocard  13,09

MwSt   Netto   Steuer  Brutto
A 19%   3,13     0,60  3,73
B  7%   8,75     0,61  9,36
14.11.2026 18:22  Bon 2217
    Vielen Dank für Ihren Einkauf"""

HARDWARE = """\
           OAK & ANVIL
      Tools, paint and garden
        17 Mill Lane, Bath
13-11-2026 16:05  No. 4182

Claw hammer  14.99
Wood screws 50 mm
   3 x 1.25  3.75
Paint roller  6.49
LED bulb 9 W
   2 x 4.20  8.40
Clay flower pot  5.80
Member discount  -2.00
----------------------------------
TOTAL GBP  37.43
incl. VAT 20%  6.24
Cash  40.00
Change  2.57"""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A receipt on the table: its lines, how far it is turned against the clock in degrees, how many specks it has."""

    text: str
    turned: float = 0.0
    specks: int = 0

    def drawn(self) -> Canvas:
        lines = self.text.splitlines()
        canvas = Canvas(round(COLUMNS * ADVANCE + 2 * MARGIN), len(lines) * PITCH + 2 * MARGIN, PAPER)
        chance = random.Random(2026)  # noqa: S311 - the same specks each time
        for _ in range(self.specks):
            at = (chance.uniform(0, canvas.width), chance.uniform(0, canvas.height))
            canvas.line([at], wide=chance.uniform(0.8, 2.6), ink=SPECK)
        for number, line in enumerate(lines, 1):
            self._line(canvas, line, MARGIN + number * PITCH - 12)
        return canvas

    def _line(self, canvas: Canvas, line: str, y: float) -> None:
        left, _, right = line.rpartition("  ") if line[:1] != " " or "x" in line else (line, "", "")
        for text, column in ((left or right, 0), (right if left else "", COLUMNS - len(right))):
            for stroke in lines_of(text, CAPITALS, advance=ADVANCE):
                points = [self._turned(canvas, (MARGIN + column * ADVANCE + x, y - up)) for x, up in stroke]
                canvas.line(points, wide=CAPITALS * PEN * 1.15, ink=INK)

    def _turned(self, canvas: Canvas, point: Point) -> Point:
        x, y = point[0] - canvas.width / 2, point[1] - canvas.height / 2
        sine, cosine = math.sin(math.radians(self.turned)), math.cos(math.radians(self.turned))
        return canvas.width / 2 + x * cosine + y * sine, canvas.height / 2 - x * sine + y * cosine


SHEETS = {
    "diner": Sheet(DINER),
    "frischmarkt": Sheet(FRISCHMARKT),
    "hardware": Sheet(HARDWARE, turned=1.6, specks=420),
}

if __name__ == "__main__":
    for name, sheet in SHEETS.items():
        Path(__file__).with_name(f"{name}.png").write_bytes(sheet.drawn().png())
