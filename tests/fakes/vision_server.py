"""A local Azure Computer Vision: Image Analysis 4.0 with the feature "read", after its REST reference of 2024-02-01.

It cannot see: it gives the rows that a test has written, each cut into lines where two or more spaces are, as the real
one cuts names from prices, on paper that lies askew.
"""

import math
from collections.abc import Iterator
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.fakes.model_server import Loopback

KEY = "obviously-fake-vision-key"
LETTER, HEIGHT, PITCH = 24, 24, 40  # pixels
LARGEST = 20 * 10**6  # bytes


class VisionServer(Loopback):
    """The resource. `pictures` are those that it was given; with a `status` it refuses everything."""

    def __init__(self, text: str, *, turned: float = 0.0, status: int = 200) -> None:
        self.pictures: list[bytes] = []
        self._text = text
        self._turned = math.radians(turned)
        self._status = status
        super().__init__([Route("/computervision/imageanalysis:analyze", self._analyze, methods=["POST"])])

    async def _analyze(self, request: Request) -> Response:
        picture = await request.body()
        if refusal := self._refusal(request, picture):
            return JSONResponse({"error": {"code": "Refused", "message": refusal[1]}}, refusal[0])
        self.pictures.append(picture)
        lines = list(self._lines())
        size = {"width": 800, "height": 1200}
        answer = {"modelVersion": "2023-10-01", "metadata": size, "readResult": {"blocks": [{"lines": lines}]}}
        return JSONResponse(answer)

    def _refusal(self, request: Request, picture: bytes) -> tuple[int, str] | None:
        if request.headers.get("ocp-apim-subscription-key") != KEY:
            return 401, "Access denied due to invalid subscription key or wrong API endpoint."
        asked = dict(request.query_params)
        if asked != {"api-version": "2024-02-01", "features": "read"}:
            return 400, f"unexpected parameters {asked}"
        if request.headers.get("content-type") != "application/octet-stream" or not 0 < len(picture) <= LARGEST:
            return 400, "InvalidRequest"
        return None if self._status == 200 else (self._status, "not now")

    def _lines(self) -> Iterator[dict[str, Any]]:
        """From the right to the left: the order of lines is no promise."""
        for number, row in enumerate(self._text.splitlines()):
            parts = [part for part in row.split("  ") if part.strip()]
            for part in reversed(parts):
                start = row.index(part) * LETTER
                words = part.strip()
                corners = self._corners(start, number * PITCH, start + len(words) * LETTER)
                yield {"text": words, "boundingPolygon": corners, "words": []}

    def _corners(self, left: float, top: float, right: float) -> list[dict[str, int]]:
        """From the upper left with the clock, in whole pixels."""
        square = [(left, top), (right, top), (right, top + HEIGHT), (left, top + HEIGHT)]
        sine, cosine = math.sin(self._turned), math.cos(self._turned)
        return [{"x": round(x * cosine - y * sine), "y": round(x * sine + y * cosine)} for x, y in square]
