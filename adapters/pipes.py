"""Reads lines from files, pipes and terminals, and writes to them, without holding up the loop.

Descriptors are watched, not switched to non-blocking: that switch would also hit whoever shares the terminal.
"""

import asyncio
import os
import select
from collections.abc import AsyncIterator, Callable
from io import UnsupportedOperation
from typing import Any, TextIO

from adapters.base import DeliveryError

CHUNK = 65_536  # bytes
READY = select.PIPE_BUF  # bytes that a pipe takes without waiting once it is writable (POSIX)


async def read_lines(source: TextIO, *, limit: int) -> AsyncIterator[bytes | None]:
    """Every line without its end; None for one of more than `limit` bytes, which is skipped."""
    line = bytearray()
    while chunk := await _read(source):
        *ends, begun = chunk.split(b"\n")
        for end in ends:
            line += end
            yield bytes(line) if len(line) <= limit else None
            line.clear()
        line += begun
        del line[limit + 1 :]  # enough to know that it is too long
    if line:
        yield bytes(line) if len(line) <= limit else None


class Outlet:
    """Writes to one file, pipe or terminal.

    What one call writes stays together. What a cancelled call leaves goes out with the next one, so a reader never
    sees half of it.
    """

    def __init__(self, target: TextIO) -> None:
        self._target = target
        self._encoding = target.encoding or "utf-8"
        self._waiting = bytearray()
        self._broken = False
        self._turn = asyncio.Lock()  # a descriptor can be watched only once

    @property
    def backlog(self) -> int:
        """Bytes that nobody has read yet, beyond what the pipe itself holds."""
        return len(self._waiting)

    async def write(self, text: str) -> None:
        """Returns once the system has all of it. Raises DeliveryError where nobody reads any more."""
        self._waiting += text.encode(self._encoding, "replace")
        async with self._turn:
            try:
                await self._write_out()
            except (OSError, ValueError):  # a ValueError says that the file was closed on our own side
                self._broken = True
            if self._broken:  # also for those who stood in the line behind
                self._waiting.clear()
                raise DeliveryError("nobody reads any more", gone=True)

    async def _write_out(self) -> None:
        self._target.flush()  # what others have printed before
        descriptor = _descriptor(self._target)
        if descriptor is None:
            self._target.write(self._waiting.decode(self._encoding))
            self._target.flush()
            self._waiting.clear()
            return
        loop = asyncio.get_running_loop()
        while self._waiting:
            await _ready(descriptor, loop.add_writer, loop.remove_writer)
            del self._waiting[: os.write(descriptor, self._waiting[:READY])]


async def _read(source: TextIO) -> bytes:
    descriptor = _descriptor(source)
    if descriptor is None:
        return source.read(CHUNK).encode()
    loop = asyncio.get_running_loop()
    await _ready(descriptor, loop.add_reader, loop.remove_reader)
    return os.read(descriptor, CHUNK)


def _descriptor(stream: TextIO) -> int | None:
    """None for text in memory."""
    try:
        return stream.fileno()
    except UnsupportedOperation:
        return None


async def _ready(descriptor: int, watch: Callable[..., Any], forget: Callable[[int], Any]) -> None:
    ready = asyncio.Event()
    try:
        watch(descriptor, ready.set)
    except PermissionError:  # epoll's word for a regular file, which is always ready
        return
    try:
        await ready.wait()
    finally:
        forget(descriptor)
