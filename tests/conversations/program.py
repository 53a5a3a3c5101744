"""Talks to `errand serve` as a program would: JSON lines over the pipes of a real process."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
LONGEST_WAIT = 40.0  # seconds; a start takes about two on a busy machine
TESTS_SERVER = {"mcpServers": {"tests": {"command": sys.executable, "args": ["-m", "tests.fakes.mcp_server"]}}}


@dataclass
class Program:
    """One life of the process, and every line that it has written."""

    process: asyncio.subprocess.Process
    lines: list[dict[str, Any]] = field(default_factory=list)

    def send(self, event_id: str, text: str, *, chat: str = "1") -> None:
        line = json.dumps({"event_id": event_id, "chat": chat, "text": text})
        assert self.process.stdin is not None
        self.process.stdin.write(line.encode() + b"\n")

    async def read(self, *, within: float = LONGEST_WAIT) -> dict[str, Any] | None:
        """The next line, or None at the end of its life. Raises TimeoutError after so many seconds."""
        assert self.process.stdout is not None
        async with asyncio.timeout(within):
            raw = await self.process.stdout.readline()
        if not raw.endswith(b"\n"):
            await asyncio.wait_for(self.process.wait(), LONGEST_WAIT)
            return None
        self.lines.append(json.loads(raw))
        return self.lines[-1]

    async def delivery(self) -> dict[str, Any]:
        """The next final part."""
        while (line := await self.read()) is not None:
            if "delivery" in line:
                return line
        raise AssertionError(f"it ended without a delivery: {self.lines}")

    async def death(self) -> None:
        """Read to the end of its life."""
        while await self.read() is not None:
            pass
        await asyncio.wait_for(self.process.wait(), LONGEST_WAIT)

    async def end_of_input(self) -> None:
        """Close its input; it answers what it has, and ends."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        await self.death()

    @property
    def deliveries(self) -> list[dict[str, Any]]:
        return [line for line in self.lines if "delivery" in line]


@asynccontextmanager
async def serving(folder: Path, *dies_at: str, database: str | None = None, part: str = "") -> AsyncIterator[Program]:
    """A life of `errand serve` in this folder, also as a `part` ("channels") of a cluster; with `dies_at` it is killed
    there (see dying_serve)."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *_command(dies_at, part),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=folder,
        env=_environment(folder, database),
        limit=8 * 2**20,
    )
    program = Program(process)
    try:
        while await program.read() != {"event": "ready"}:
            assert process.returncode is None, "it ended before it was ready"  # what was left to show comes before
        yield program
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        process._transport.close()  # type: ignore[attr-defined]


@asynccontextmanager
async def working(
    folder: Path, *dies_at: str, database: str, on: Sequence[str] = ()
) -> AsyncIterator[asyncio.subprocess.Process]:
    """A worker of the cluster on this database; with `dies_at` it is killed there. `on` is a command that runs another
    one, on another host."""
    process = await asyncio.create_subprocess_exec(
        *on,
        sys.executable,
        *_command(dies_at, "work"),
        stdin=asyncio.subprocess.DEVNULL,
        cwd=folder,
        env=_environment(folder, database),
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), LONGEST_WAIT)
        finally:
            if process.returncode is None:  # it does not end, which fails the test, and must not fail the next one
                process.kill()


def _command(dies_at: Sequence[str], part: str) -> list[str]:
    if dies_at:
        return ["-m", "tests.conversations.dying_serve", *dies_at, *([part] if part else [])]
    spoken = [] if part == "work" else ["--lines", "--no-live"]
    return ["-m", "bot", "serve", *spoken, *(["--cluster", "--only", part] if part else [])]


def _environment(folder: Path, database: str | None) -> dict[str, str]:
    """The settings of a process in this folder, with the tests' MCP server."""
    servers = folder / "mcp.json"
    environment = {
        **os.environ,
        "ERRAND_DATABASE": database or str(folder / "errand.db"),
        "ERRAND_SERVERS": str(servers),
        "ERRAND_TEST_CALLS": str(folder / "calls"),
        "ERRAND_WEB": "false",
        "PYTHONPATH": str(ROOT),
    }
    servers.write_text(json.dumps(_with_environment(environment)))
    return environment


def _with_environment(environment: dict[str, str]) -> dict[str, Any]:
    names = ("ERRAND_TEST_CALLS", "PYTHONPATH")
    server = {**TESTS_SERVER["mcpServers"]["tests"], "env": {name: environment[name] for name in names}}
    return {"mcpServers": {"tests": server}}


def calls_made(folder: Path) -> list[tuple[str, dict[str, Any]]]:
    """Every tool call that reached the tests' MCP server, over all of its lives."""
    log = folder / "calls"
    lines = log.read_text().splitlines() if log.exists() else []
    return [(call["tool"], call["arguments"]) for call in map(json.loads, lines) if "arguments" in call]


@asynccontextmanager
async def serving_platform(folder: Path, **settings: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """`errand serve` as a process of its own, on a database in this folder, in the channels of these settings."""
    given = {
        "database": str(folder / "errand.db"),
        "servers": str(folder / "none.json"),
        "files": str(folder / "files"),
        "web": "false",
        "drain_seconds": "1",
        **settings,
    }
    environment = {**os.environ, **{f"ERRAND_{name.upper()}": value for name, value in given.items()}}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "serve", cwd=ROOT, env=environment, stdin=asyncio.subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
