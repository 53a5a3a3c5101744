"""A person in front of a real terminal: types keys, and sees what is on the line to the screen."""

import asyncio
import fcntl
import os
import pty
import re
import struct
import sys
import termios
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

LONGEST_WAIT = 15.0  # seconds; the process must start first
SEQUENCES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[=>]|\r")
ENTER, ALT_ENTER, CTRL_C, CTRL_D, CTRL_U = "\r", "\x1b\r", "\x03", "\x04", "\x15"


def _take_terminal() -> None:
    """Make standard input the process's own terminal, so that Ctrl-C there is a signal, as under a shell."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


class Person:
    """One console in a process of its own, behind a pseudo-terminal of 80 x 24."""

    def __init__(self, terminal: int, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self._terminal = terminal
        self._bytes = b""
        self._changed = asyncio.Event()
        asyncio.get_running_loop().add_reader(terminal, self._read)

    @property
    def raw(self) -> str:
        return self._bytes.decode(errors="replace")

    @property
    def seen(self) -> str:
        """Everything that was ever on the screen, without the movements of the cursor."""
        return SEQUENCES.sub("", self.raw)

    def type(self, keys: str) -> None:
        os.write(self._terminal, keys.encode())

    def paste(self, text: str) -> None:
        self.type(f"\x1b[200~{text}\x1b[201~")

    async def sees(self, text: str, *, times: int = 1) -> None:
        await self._until(lambda: self.seen.count(text) >= times)

    async def sees_prompt_after(self, text: str) -> None:
        """Wait for a prompt below this: while text is printed, the terminal itself reads keys such as Ctrl-D."""
        await self._until(lambda: text in self.seen and "\n>" in self.seen.rpartition(text)[2])

    async def _until(self, done: Callable[[], bool]) -> None:
        async with asyncio.timeout(LONGEST_WAIT):
            while not done():
                self._changed.clear()
                await self._changed.wait()

    async def leaves(self) -> int:
        return await asyncio.wait_for(self.process.wait(), LONGEST_WAIT)

    def has_a_usual_terminal(self) -> bool:
        """Whether what is typed is shown and gathered into lines, as a shell wants it."""
        flags = termios.tcgetattr(self._terminal)[3]
        return bool(flags & termios.ECHO and flags & termios.ICANON)

    def _read(self) -> None:
        try:
            self._bytes += os.read(self._terminal, 65_536)
        except OSError:  # Linux says EIO when the other end is closed
            asyncio.get_running_loop().remove_reader(self._terminal)
        self._changed.set()

    @classmethod
    @asynccontextmanager
    async def at_a_terminal(cls, *command: str, **environment: str) -> AsyncIterator["Person"]:
        ours, theirs = pty.openpty()
        fcntl.ioctl(ours, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        settings = {"TERM": "xterm-256color", "PROMPT_TOOLKIT_NO_CPR": "1"}
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *command,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            preexec_fn=_take_terminal,
            env={**os.environ, **settings, **environment},
        )
        person = cls(ours, process)
        try:
            yield person
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
            asyncio.get_running_loop().remove_reader(ours)
            os.close(theirs)
            os.close(ours)
