"""Azure's Computer Vision, where it is configured: Image Analysis 4.0, which reads a picture in one call.

It gives words that stand near each other as one line, so that a name and its price are two. They are put together again
by where they stand, also where the paper lies askew.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import httpx2

from orchestrator.errors import ToolUnavailable

PATH = "/computervision/imageanalysis:analyze"  # REST reference, version 2024-02-01, read 2026-11
ASKED = {"api-version": "2024-02-01", "features": "read"}
SAME_ROW = 0.6  # of a line's height, between the middles of two lines


@dataclass(frozen=True, slots=True)
class Line:
    """Words and where they stand, straightened: the left end, the middle from top to bottom, the height."""

    text: str
    left: float
    middle: float
    height: float


@dataclass(frozen=True, slots=True)
class AzureVision:
    """Reads with the resource at this address, such as https://NAME.cognitiveservices.azure.com."""

    endpoint: str
    key: str
    seconds: float
    name: str = "azure"

    async def read(self, picture: bytes) -> str:
        """Raises ToolUnavailable."""
        headers = {"Ocp-Apim-Subscription-Key": self.key, "Content-Type": "application/octet-stream"}
        try:
            async with httpx2.AsyncClient(timeout=self.seconds) as client:
                url = self.endpoint.rstrip("/") + PATH
                answer = await client.post(url, params=ASKED, headers=headers, content=picture)
        except httpx2.HTTPError as error:
            raise ToolUnavailable(f"Azure cannot be reached: {type(error).__name__}") from error
        if answer.status_code != httpx2.codes.OK:
            raise ToolUnavailable(f"Azure refused the picture: {answer.status_code}")
        try:
            return "\n".join(rows(answer.json()))
        except (ValueError, LookupError, TypeError) as error:
            raise ToolUnavailable("Azure's answer cannot be read") from error


def rows(answer: Mapping[str, Any]) -> list[str]:
    """The printed rows from top to bottom. Raises LookupError, TypeError and ValueError for what is no answer."""
    found = [line for block in answer["readResult"]["blocks"] for line in block["lines"]]
    slope = median([_slope(line["boundingPolygon"]) for line in found]) if found else 0.0
    together: list[list[Line]] = []
    for line in sorted((_straight(each, slope) for each in found), key=lambda line: line.middle):
        if together and line.middle - together[-1][0].middle < SAME_ROW * line.height:
            together[-1].append(line)
        else:
            together.append([line])
    return [" ".join(line.text for line in sorted(row, key=lambda line: line.left)) for row in together]


def _slope(corners: Sequence[Mapping[str, float]]) -> float:
    """How far a line is turned, in radians: the corners begin at its upper left, and go with the clock."""
    start, end = corners[0], corners[1]
    return math.atan2(end["y"] - start["y"], end["x"] - start["x"])


def _straight(line: Mapping[str, Any], slope: float) -> Line:
    turned = [_turned(corner, -slope) for corner in line["boundingPolygon"]]
    left, (top, bottom) = min(x for x, _ in turned), _ends(y for _, y in turned)
    return Line(str(line["text"]), left, (top + bottom) / 2, bottom - top)


def _turned(corner: Mapping[str, float], angle: float) -> tuple[float, float]:
    x, y = float(corner["x"]), float(corner["y"])
    return x * math.cos(angle) - y * math.sin(angle), x * math.sin(angle) + y * math.cos(angle)


def _ends(numbers: Iterable[float]) -> tuple[float, float]:
    ordered = sorted(numbers)
    return ordered[0], ordered[-1]
