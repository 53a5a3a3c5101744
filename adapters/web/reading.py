"""What a request brings, no more of it than may come, and no slower."""

import asyncio
from collections.abc import Mapping, Sequence
from urllib.parse import parse_qs

from starlette.requests import Request

FORM_BYTES = 1_000_000  # of a message and its values
FORM_SECONDS = 20.0
MOST_FIELDS = 100


class Refused(Exception):
    """A request that cannot be taken; the message is a sentence for the person."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


def theme_of(request: Request) -> str:
    """What the person has switched to: "light", "dark", or nothing."""
    theme = request.cookies.get("theme", "")
    return theme if theme in {"light", "dark"} else ""


async def body_of(request: Request, *, most: int, seconds: float) -> bytes:
    """What is sent with it. Raises Refused where that is more than `most` bytes, or takes longer."""
    read = bytearray()
    try:
        async with asyncio.timeout(seconds):
            async for chunk in request.stream():
                read += chunk
                if len(read) > most:
                    raise Refused(f"That is too large: {most:,} bytes may come at once.", 413)
    except TimeoutError:
        raise Refused("That came too slowly.", 408) from None
    return bytes(read)


async def form_of(request: Request) -> Mapping[str, Sequence[str]]:
    """The fields of a form. Raises Refused."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise Refused("A form was expected here.", 415)
    body = await body_of(request, most=FORM_BYTES, seconds=FORM_SECONDS)
    try:
        return parse_qs(body.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="strict")
    except ValueError:
        raise Refused("The form cannot be read.") from None
