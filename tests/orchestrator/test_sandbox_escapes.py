"""Code does not get out of its sandbox, and takes no more than its limits, whatever it tries."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from orchestrator.errors import CodeFailed
from orchestrator.tools.code import CodeLimits
from orchestrator.tools.sandbox import Sandbox
from tests.orchestrator.escapes import HARMLESS, REFUSED

CANARY = "canary-5f1d7c"
LIMITS = CodeLimits(seconds=0.3, memory_mb=32, depth=100, output_characters=1_000, printed_characters=1_000)
MOST_SAID = 3_000  # characters of an error
LONGEST_WAIT = 5.0  # seconds


@pytest.fixture
def secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file with the canary, which is in the environment too."""
    monkeypatch.setenv("CANARY", CANARY)
    file = tmp_path / "secret.txt"
    file.write_text(CANARY)
    return file


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A port that hears whether anybody has connected."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        yield server


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    """A sandbox in which somebody else's code has run before, and that leaves no process."""
    before = children()
    async with Sandbox(LIMITS) as sandbox:
        await sandbox.run("left_over = input\ndef left_behind():\n    return left_over\noutput = 1", {"secret": CANARY})
        yield sandbox
    await no_more_than(before)


def children() -> set[str]:
    """The processes that this one has started and that still run."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(FileNotFoundError, ProcessLookupError):  # it has ended while we looked
            row = path.read_text()
            if row.rpartition(")")[2].split()[1] == str(os.getpid()):
                found.add(path.parent.name)
    return found


async def no_more_than(before: set[str]) -> None:
    """Back once there are no other processes: they are collected a moment after they have ended."""
    async with asyncio.timeout(LONGEST_WAIT):
        while not children() <= before:
            await asyncio.sleep(0.01)


async def said_by(sandbox: Sandbox, code: str, secret: Path, listener: socket.socket) -> tuple[bool, str]:
    """Whether an attempt came to its end, and all that anybody would see of it."""
    port, process = str(listener.getsockname()[1]), str(os.getpid())
    written = code.replace("PATH", repr(str(secret))).replace("PORT", port).replace("PID", process)
    try:
        ran = await sandbox.run(written, {})
    except CodeFailed as failure:
        return False, f"{failure}\n{failure.printed}"
    return True, f"{ran.text}\n{ran.printed}"


async def is_unharmed(sandbox: Sandbox, said: str, secret: Path, listener: socket.socket) -> bool:
    """Whether nothing got out, nothing was changed, and the next one's code runs as ever."""
    with pytest.raises(BlockingIOError):
        listener.accept()
    assert CANARY not in said
    assert len(said) <= MOST_SAID
    assert secret.read_text() == CANARY
    assert (await sandbox.run("output = input * 7", 6)).output == 42
    return True


@pytest.mark.proves("code.no_escape", "code.limits")
@pytest.mark.parametrize("code", REFUSED.values(), ids=REFUSED)
async def test_it_is_refused(code: str, sandbox: Sandbox, secret: Path, listener: socket.socket) -> None:
    ended, said = await said_by(sandbox, code, secret, listener)
    assert not ended, said
    assert await is_unharmed(sandbox, said, secret, listener)


@pytest.mark.proves("code.no_escape")
@pytest.mark.parametrize("code", HARMLESS.values(), ids=HARMLESS)
async def test_it_learns_nothing(code: str, sandbox: Sandbox, secret: Path, listener: socket.socket) -> None:
    _, said = await said_by(sandbox, code, secret, listener)
    assert await is_unharmed(sandbox, said, secret, listener)
    assert str(Path.cwd()) not in said
    assert str(os.getpid()) not in said
