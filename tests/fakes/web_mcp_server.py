"""The fake MCP server as a process of its own behind a port, which stays the same over restarts."""

import asyncio
import os
import socket
import sys
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

ROOT = Path(__file__).parents[2]


class WebMcpServer:
    """Runs tests.fakes.mcp_server over HTTP, or over the older SSE."""

    def __init__(self, calls: Path, kind: Literal["http", "sse"] = "http") -> None:
        self._calls = calls
        self._kind = kind
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self._process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/{'mcp' if self._kind == 'http' else 'sse'}"

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.kill()

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.fakes.mcp_server",
            f"--{self._kind}",
            str(self.port),
            cwd=ROOT,
            env={**os.environ, "ERRAND_TEST_CALLS": str(self._calls)},
            stderr=asyncio.subprocess.DEVNULL,
        )
        async with asyncio.timeout(20):
            while not await self._answers():
                await asyncio.sleep(0.01)

    async def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            await self._process.wait()
            self._process = None

    async def _answers(self) -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return False
        writer.close()
        await writer.wait_closed()
        return True
