"""The tool `receipt_ocr`: the text in a picture that was sent, by the first reader whose lines come to the total."""

import asyncio
import logging
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from orchestrator.errors import BadInput, ToolUnavailable
from orchestrator.tools.functions import Registered, tool
from orchestrator.tools.receipts.reading import adds_up
from orchestrator.words import say

log = logging.getLogger(__name__)

LARGEST = 20 * 10**6  # bytes; what Azure takes, Image Analysis 4.0, read 2026-11, and what Telegram brings
PICTURE = re.compile(rb"\x89PNG\r\n|\xff\xd8\xff|RIFF.{4}WEBP|GIF8|BM|II\*\0|MM\0\*", re.DOTALL)


class Reader(Protocol):
    """Reads the text in a picture, a printed line a line. Raises ToolUnavailable."""

    @property
    def name(self) -> str: ...

    async def read(self, picture: bytes) -> str: ...


def ocr(readers: Sequence[Reader], folder: Path) -> Registered:
    """The tool. It opens nothing but files in this folder, which is where those are kept that people send."""

    @tool(read_only=True)
    async def receipt_ocr(path: str) -> str:
        """Read the printed text in a picture of a receipt that was sent, line by line.

        Args:
            path: The path of the picture.
        """
        picture = await asyncio.to_thread(_picture, Path(path), folder)
        first = ""
        for reader in readers:
            text = await _read(reader, picture)
            if adds_up(text):
                return text
            first = first or text
        if not first:
            raise BadInput(
                say("I could read no words in the picture. Send a sharper photo, or the text: /receipt TEXT")
            )
        return first

    return receipt_ocr


async def _read(reader: Reader, picture: bytes) -> str:
    """The text; empty where there is none, or none could be read."""
    try:
        return (await reader.read(picture)).strip()
    except ToolUnavailable as error:
        log.warning("a reader of pictures failed", extra={"tool": reader.name, "reason": str(error)})
        return ""


def _picture(path: Path, folder: Path) -> bytes:
    """The content of a kept picture. Raises BadInput."""
    here = path.resolve()
    if here.parent != folder.resolve() or not here.is_file():
        raise BadInput(say("I read only pictures that were sent to me. Send it with /receipt below it."))
    if here.stat().st_size > LARGEST:
        raise BadInput(say("The picture has more than 20 MB. Send a smaller one."))
    picture = here.read_bytes()
    if not PICTURE.match(picture):
        raise BadInput(say("I read pictures such as JPEG, PNG and WebP, and this is none. Send a photo of it."))
    return picture
