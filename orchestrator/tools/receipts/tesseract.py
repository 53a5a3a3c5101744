"""Tesseract, where it is installed: a process a picture, which gets the picture and gives back its text."""

import asyncio
import os
import resource
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from orchestrator.errors import ToolUnavailable

LAYOUTS = ("6", "4")  # --psm: one block of text, then one column of lines; askew paper wants the one or the other
MEMORY = 2 * 1024**3  # bytes; a small file can be a picture of a billion pixels
SEEN = ("PATH", "HOME", "TESSDATA_PREFIX", "TMPDIR")  # of the environment


@dataclass(frozen=True, slots=True)
class Tesseract:
    """Reads with those of the wanted languages, such as "eng+deu", that are installed; else with English."""

    program: str
    languages: str
    layout: str

    @classmethod
    def installed(cls, languages: str) -> "list[Tesseract]":
        """One for each layout, the best first; none where there is no Tesseract."""
        program = shutil.which("tesseract")
        return [cls(program, languages, layout) for layout in LAYOUTS] if program else []

    @property
    def name(self) -> str:
        return f"tesseract --psm {self.layout}"

    async def read(self, picture: bytes) -> str:
        """Raises ToolUnavailable."""
        known = (await self._said("--list-langs")).split()
        languages = "+".join(each for each in self.languages.split("+") if each in known) or "eng"
        return await self._said("stdin", "stdout", "--psm", self.layout, "-l", languages, given=picture)

    async def _said(self, *options: str, given: bytes = b"") -> str:
        try:
            process = await asyncio.create_subprocess_exec(
                self.program,
                *options,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env=_environment(),
            )
        except OSError as error:
            raise ToolUnavailable(f"tesseract does not start: {error.strerror}") from error
        try:
            _bound_memory(process.pid)
            said, complaint = await process.communicate(given)
        finally:
            if process.returncode is None:  # whoever waited for it is gone
                process.kill()
                await process.wait()
        if process.returncode:
            raise ToolUnavailable(f"tesseract: {complaint.decode(errors='replace').strip()[-200:]}")
        return said.decode(errors="replace")


def _environment() -> Mapping[str, str]:
    """One thread: with more, several pictures at once take longer than one after the other."""
    return {name: os.environ[name] for name in SEEN if name in os.environ} | {"OMP_THREAD_LIMIT": "1"}


def _bound_memory(process: int) -> None:
    """Before the picture is handed over; only Linux can do that to a process that runs."""
    if hasattr(resource, "prlimit"):
        with suppress(ProcessLookupError):  # it has ended already, and says itself why
            resource.prlimit(process, resource.RLIMIT_AS, (MEMORY, MEMORY))
