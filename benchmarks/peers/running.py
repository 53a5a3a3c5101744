"""A contender as a process with all of its children: started, looked at, killed."""

import asyncio
import os
import re
import signal
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path

import httpx2

from benchmarks.peers.contenders import Contender, Place
from benchmarks.peers.stage import Stage
from tests.fakes.telegram import TOKEN

TICKS = os.sysconf("SC_CLK_TCK")
OPENS_WITHIN = 60.0  # seconds for the port of a webhook


class Running:
    """The process, alone in its session with its children."""

    def __init__(self, process: asyncio.subprocess.Process, begun: float) -> None:
        self.process = process
        self.begun = begun

    def megabytes(self) -> float:
        """Memory of the whole tree, shared pages counted once (PSS)."""
        rollups = (_read(pid, "smaps_rollup") for pid in self._members())
        return sum(int(found[1]) for rollup in rollups if (found := re.search(r"\nPss:\s+(\d+)", rollup))) / 1024

    def cpu_seconds(self) -> float:
        """Processor time of the tree until now."""
        return sum(int(stat[11]) + int(stat[12]) for pid in self._members() if (stat := _stat(pid))) / TICKS

    async def kill(self) -> None:
        """SIGKILL, for all of it."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        await self.process.wait()

    def _members(self) -> Iterator[int]:
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and (stat := _stat(int(entry.name))) and int(stat[3]) == self.process.pid:
                yield int(entry.name)


@asynccontextmanager
async def running(contender: Contender, stage: Stage, place: Place) -> AsyncIterator[Running]:
    """It is started here, and killed in the end; what it writes is in `place.folder`/output."""
    place = replace(place, port=_free_port(), telegram=stage.world.url, model=stage.model.url)
    place.folder.mkdir(exist_ok=True)
    launch = contender.launch(place)
    with (place.folder / "output").open("ab") as output:
        begun = time.time()
        process = await asyncio.create_subprocess_exec(
            *launch.command,
            cwd=place.folder,
            env={**os.environ, **place.environment, **launch.environment},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    found = Running(process, begun)
    try:
        if launch.webhook:
            await _opened(place.port, process)
            await _hooked(stage, launch.webhook)
        yield found
    finally:
        await found.kill()


def last_words(place: Place) -> str:
    """The last line that it has written."""
    lines = (place.folder / "output").read_text(errors="replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "none")


async def _opened(port: int, process: asyncio.subprocess.Process) -> None:
    """Returns once it listens there."""
    async with asyncio.timeout(OPENS_WITHIN):
        while process.returncode is None:
            with suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                return
            await asyncio.sleep(0.01)
    raise RuntimeError(f"it ended with {process.returncode} before it listened")


async def _hooked(stage: Stage, webhook: str) -> None:
    """What its operator does once, tell Telegram where it listens."""
    async with httpx2.AsyncClient(trust_env=False) as client:
        answer = await client.post(f"{stage.world.url}/bot{TOKEN}/setWebhook", data={"url": webhook})
        answer.raise_for_status()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat behind the name, none for a process that has gone."""
    return _read(pid, "stat").rpartition(")")[2].split()


def _read(pid: int, name: str) -> str:
    try:
        return Path(f"/proc/{pid}/{name}").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""
