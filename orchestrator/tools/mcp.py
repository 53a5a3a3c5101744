"""The MCP servers of an mcp.json as one source of tools, named `server__tool`."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from orchestrator.errors import ToolUnavailable
from orchestrator.tools.mcp_config import ServerProblem, ServerSettings
from orchestrator.tools.spec import Arguments, ToolResult, ToolsetHealth, ToolSpec

if TYPE_CHECKING:
    from orchestrator.tools.mcp_server import McpServer
    from orchestrator.tools.mcp_shapes import Offer


class McpTools:
    """A Toolset over any number of servers. One that is away, slow or broken does not disturb the others."""

    def __init__(
        self,
        servers: Sequence[ServerSettings],
        problems: Sequence[ServerProblem] = (),
        *,
        connect_timeout_seconds: float = 30.0,
        wait_seconds: float = 3.0,
        result_limit: int = 200_000,
    ) -> None:
        self.name = "mcp"
        self._settings = servers
        self._problems = problems
        self._connect_timeout = connect_timeout_seconds
        self._wait = wait_seconds
        self._result_limit = result_limit
        self._servers: list[McpServer] = []

    async def start(self) -> None:
        """Start all servers side by side; back when each is ready or has failed once, or after `wait_seconds`."""
        wanted = [settings for settings in self._settings if not settings.disabled]
        if not wanted:
            return
        # Not at the top: mcp costs half a second and 60 MB, which a run without servers need not pay.
        from orchestrator.tools.mcp_server import McpServer  # noqa: PLC0415

        self._servers = [
            McpServer(settings, connect_timeout_seconds=self._connect_timeout, result_limit=self._result_limit)
            for settings in wanted
        ]
        for server in self._servers:
            server.start()
        with suppress(TimeoutError):
            async with asyncio.timeout(self._wait):
                for server in self._servers:
                    await server.settled()

    async def stop(self) -> None:
        """End every connection, and every child with its whole process group. Takes at most ten seconds."""
        async with asyncio.TaskGroup() as tasks:
            for server in self._servers:
                tasks.create_task(server.stop())

    def specs(self) -> list[ToolSpec]:
        return [offered.spec for _, offered in self._offers().values()]

    async def call(self, tool: str, arguments: Arguments, *, key: str, timeout_seconds: float) -> ToolResult:
        """Call a tool. A timeout in the server's own settings stands before the caller's.

        Raises ToolUnavailable, ToolTimedOut, OutcomeUnknown, and ToolError for what the server itself refuses.
        """
        server, offered = await self._find(tool)
        seconds = server.settings.timeout_seconds or timeout_seconds
        return await server.call(offered, arguments, timeout_seconds=seconds)

    def health(self) -> list[ToolsetHealth]:
        ambiguous = {name for name, count in self._names().items() if count > 1}
        return [
            *(server.health(ambiguous) for server in self._servers),
            *(ToolsetHealth(problem.server, "failed", str(problem)) for problem in self._problems),
            *(ToolsetHealth(s.name, "disabled", f"it is disabled in {s.file}") for s in self._settings if s.disabled),
        ]

    async def _find(self, tool: str) -> "tuple[McpServer, Offer]":
        if (found := self._offers().get(tool)) is not None:
            return found
        for server in self._servers:
            if tool.startswith(server.prefix):
                await server.connected()
        if (found := self._offers().get(tool)) is not None:
            return found
        raise ToolUnavailable(f"There is no tool {tool!r}.")

    def _offers(self) -> "dict[str, tuple[McpServer, Offer]]":
        """The tools by name, without those whose name is there twice: which of two it means is not ours to guess."""
        names = self._names()
        return {
            offered.spec.name: (server, offered)
            for server in self._servers
            for offered in server.offers
            if names[offered.spec.name] == 1
        }

    def _names(self) -> Counter[str]:
        return Counter(offered.spec.name for server in self._servers for offered in server.offers)
