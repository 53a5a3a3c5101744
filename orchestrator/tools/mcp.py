"""The MCP servers of an mcp.json as one source of tools, named `server__tool`."""

import asyncio
import re
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from orchestrator.errors import ToolError, ToolUnavailable
from orchestrator.tools.calling import calling
from orchestrator.tools.mcp_config import ServerProblem, ServerSettings
from orchestrator.tools.pins import Definition, Held, Pins
from orchestrator.tools.spec import Arguments, ToolResult, ToolsetHealth, ToolSpec

if TYPE_CHECKING:
    from orchestrator.tools.mcp_access import Vault
    from orchestrator.tools.mcp_server import McpServer
    from orchestrator.tools.mcp_shapes import Offer, Readable, Template

READ = "read_resource"
RETURN_TO = "http://127.0.0.1:8765/signed-in"
OWN_IDLE_SECONDS = 900.0  # after which a connection of one person's own is ended
KNOWN_STARTED = 4  # of those who have signed in to a server, at the start
PLAIN_ADDRESS = re.compile(r"[\w.:/-]{1,80}", re.ASCII)
MOST_OWN = 32  # connections of people's own, over all servers


class McpTools:
    """A Toolset over any number of servers. One that is away, slow or broken does not disturb the others.

    People's own connections to the isolated ones are made when they call. With a `vault` there are sign-ins, which end
    at the address `return_to`.
    """

    def __init__(
        self,
        servers: Sequence[ServerSettings],
        problems: Sequence[ServerProblem] = (),
        *,
        connect_timeout_seconds: float = 30.0,
        wait_seconds: float = 3.0,
        result_limit: int = 200_000,
        vault: "Vault | None" = None,
        return_to: str = RETURN_TO,
        pins: Pins | None = None,
    ) -> None:
        self.name = "mcp"
        self._settings = servers
        self._problems = problems
        self._connect_timeout = connect_timeout_seconds
        self._wait = wait_seconds
        self._result_limit = result_limit
        self._vault = vault
        self._return_to = return_to
        self._pins = pins
        self._servers: list[McpServer] = []
        self._own: dict[tuple[str, str], McpServer] = {}
        self._used: dict[tuple[str, str], float] = {}

    async def start(self) -> None:
        """Start all servers side by side; back when each is ready or has failed once, or after `wait_seconds`."""
        wanted = [settings for settings in self._settings if not settings.disabled]
        if not wanted:
            return
        self._servers = [self._server(settings, "") for settings in wanted]
        for server in self._servers:
            server.start()
        await self._start_known_accounts()
        with suppress(TimeoutError):
            async with asyncio.timeout(self._wait):
                await self.settled()

    async def settled(self) -> None:
        """Returns once each server is ready, or has failed once."""
        for server in (*self._servers, *self._own.values()):
            await server.settled()

    async def _start_known_accounts(self) -> None:
        """Connect for some who have signed in before: without them, nobody knows what those servers offer."""
        from orchestrator.tools.mcp_access import secret_name  # noqa: PLC0415 - as in _server

        for settings in self._settings if self._vault else ():
            if settings.may_sign_in and settings.isolation != "shared" and not settings.disabled:
                prefix = secret_name(settings.name, "")
                names = await self._vault.names(prefix) if self._vault else []
                for account in [name.removeprefix(prefix) for name in names if name != prefix][:KNOWN_STARTED]:
                    self._begin_own(settings, account)

    async def stop(self) -> None:
        """End every connection, and every child with its whole process group. Takes at most ten seconds."""
        async with asyncio.TaskGroup() as tasks:
            for server in (*self._servers, *self._own.values()):
                tasks.create_task(server.stop())

    def specs(self) -> list[ToolSpec]:
        tools = [offered.spec for _, offered in self._offers().values()]
        return [*tools, self._reading()] if any(server.stock.readables for server in self._servers) else tools

    async def call(self, tool: str, arguments: Arguments, *, key: str, timeout_seconds: float) -> ToolResult:
        """Call a tool. A timeout in the server's own settings stands before the caller's.

        Raises ToolUnavailable, ToolTimedOut, OutcomeUnknown, and ToolError for what the server itself refuses.
        """
        if tool == READ:
            return await self._read(str(arguments.get("uri", "")), timeout_seconds=timeout_seconds)
        server, offered = await self._find(tool)
        seconds = server.settings.timeout_seconds or timeout_seconds
        return await (await self._for_caller(server)).call(offered, arguments, timeout_seconds=seconds)

    def health(self) -> list[ToolsetHealth]:
        ambiguous = {name for name, count in self._names().items() if count > 1}
        return [
            *(server.health(ambiguous) for server in self._servers),
            *(waiting for server in self._by_name().values() if (waiting := server.stock.waiting())),
            *(ToolsetHealth(problem.server, "failed", str(problem)) for problem in self._problems),
            *(ToolsetHealth(s.name, "disabled", f"it is disabled in {s.file}") for s in self._settings if s.disabled),
        ]

    def definitions(self) -> Mapping[str, Sequence[Definition]]:
        """What the tools of each server that is there say of themselves, those that wait too."""
        return {name: server.stock.definitions for name, server in self._by_name().items()}

    def held(self) -> Mapping[str, Sequence[Held]]:
        """The tools that wait for the operator, by server."""
        return {name: server.stock.held for name, server in self._by_name().items() if server.stock.held}

    async def look_again(self, name: str) -> None:
        """Read anew what a server offers, as its tools may run by now. Raises ToolError."""
        for server in (*self._servers, *self._own.values()):
            if server.settings.name == name:
                await server.look_again()

    def _by_name(self) -> "dict[str, McpServer]":
        """One connection to each server that has told what its tools are."""
        every = (*self._own.values(), *self._servers)
        return {server.settings.name: server for server in every if server.stock.definitions}

    # --- Prompts --------------------------------------------------------------------------------------

    def templates(self) -> "list[Template]":
        """The prompts of all servers."""
        return [each for server in self._servers for each in server.stock.templates]

    async def fill(self, name: str, arguments: Mapping[str, str], *, timeout_seconds: float) -> str:
        """The words of a prompt. Raises ToolUnavailable, ToolTimedOut, ToolError."""
        for server in self._servers:
            for each in server.stock.templates:
                if each.name == name:
                    own = await self._for_caller(server)
                    return await own.fill(each, dict(arguments), timeout_seconds=timeout_seconds)
        raise ToolUnavailable(f"There is no prompt {name!r}.")

    # --- Resources ------------------------------------------------------------------------------------

    def _reading(self) -> ToolSpec:
        """The tool that reads what servers have."""
        uris = (each.uri for server in self._servers for each in server.stock.readables)
        some = [uri for uri in uris if PLAIN_ADDRESS.fullmatch(uri)][:3]  # a model reads them: no sentences
        return ToolSpec(
            name=READ,
            description="Read a document that a connected server has, by its address, such as "
            f"{', '.join(some) or 'file:///notes'}. Without an address: list what there is.",
            parameters={
                "type": "object",
                "properties": {"uri": {"type": "string", "description": "The document's address."}},
            },
            source="mcp",
            read_only=True,
        )

    async def _read(self, uri: str, *, timeout_seconds: float) -> ToolResult:
        if not uri:
            return ToolResult("\n".join(f"{server}: {each.uri} {_about(each)}" for server, each in self._readable()))
        owners = [server for server in self._servers if any(each.uri == uri for each in server.stock.readables)]
        # What a template makes, or a tool has linked to, is in no list: then each server that has such things is asked.
        candidates = owners or [server for server in self._servers if server.stock.readables]
        trouble: ToolError = ToolUnavailable(f"No server has {uri!r}.")
        for server in candidates:
            try:
                return await (await self._for_caller(server)).read(uri, timeout_seconds=timeout_seconds)
            except ToolError as error:
                trouble = error
        raise trouble

    def _readable(self) -> "Iterator[tuple[str, Readable]]":
        for server in self._servers:
            for each in server.stock.readables:
                yield server.settings.name, each

    # --- Signing in -----------------------------------------------------------------------------------

    async def begin_sign_in(self, name: str) -> str:
        """Where whoever calls has to go to sign in; empty where there is no need to. Raises ToolUnavailable."""
        return await (await self._for_caller(self._named(name), signing_in=True)).begin_sign_in()

    async def end_sign_in(self, name: str, address: str) -> str:
        """Take the address at which their sign-in has ended. As `begin_sign_in`; raises BadInput too."""
        return await (await self._for_caller(self._named(name), signing_in=True)).end_sign_in(address)

    async def sign_out(self, name: str) -> None:
        """Forget the account of whoever calls. Raises ToolUnavailable."""
        await (await self._for_caller(self._named(name), signing_in=True)).sign_out()

    def sign_ins(self) -> list[str]:
        """The servers to which people sign in."""
        return [server.settings.name for server in self._servers if server.settings.may_sign_in and self._vault]

    def is_shared(self, name: str) -> bool:
        """Whether one account serves everybody."""
        return self._named(name).settings.isolation == "shared"

    def _named(self, name: str) -> "McpServer":
        for server in self._servers:
            if server.settings.name.casefold() == name.casefold() and server.settings.name in self.sign_ins():
                return server
        raise ToolUnavailable(f"There is no server {name!r} to sign in to.")

    # --- Connections ----------------------------------------------------------------------------------

    def _server(self, settings: ServerSettings, account: str) -> "McpServer":
        # Not at the top: mcp costs half a second and 60 MB, which a run without servers need not pay.
        from orchestrator.tools.mcp_access import Access  # noqa: PLC0415
        from orchestrator.tools.mcp_server import McpServer  # noqa: PLC0415

        access = None
        if settings.may_sign_in and self._vault is not None:
            access = Access(settings, self._vault, account, return_to=self._return_to)
        return McpServer(
            settings.for_account(account),
            connect_timeout_seconds=self._connect_timeout,
            result_limit=self._result_limit,
            access=access,
            pins=self._pins,
        )

    async def _for_caller(self, server: "McpServer", *, signing_in: bool = False) -> "McpServer":
        """The connection for whoever calls: their own, where the server is isolated, or wants them to sign in."""
        account, isolation = calling().account, server.settings.isolation
        own = isolation == "person" or (isolation == "auto" and (signing_in or server.needs_sign_in))
        if not own or not account:
            return server
        key = server.settings.name, account
        await self._make_room(key)
        if key not in self._own:
            self._begin_own(next(each for each in self._settings if each.name == server.settings.name), account)
        self._used[key] = time.monotonic()
        return self._own[key]

    def _begin_own(self, settings: ServerSettings, account: str) -> None:
        key = settings.name, account
        self._own[key], self._used[key] = self._server(settings, account), time.monotonic()
        self._own[key].start()

    async def _make_room(self, wanted: tuple[str, str]) -> None:
        """End connections that nobody has used for long; of too many, those that were used longest ago."""
        now = time.monotonic()
        idle = sorted((used, key) for key, used in self._used.items() if key != wanted and self._own[key].is_idle)
        over = len(self._own) - MOST_OWN + 1
        for number, (used, key) in enumerate(idle):
            if number < over or now - used > OWN_IDLE_SECONDS:
                del self._used[key]
                await self._own.pop(key).stop()

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
            for offered in self._offered(server)
            if names[offered.spec.name] == 1
        }

    def _offered(self, server: "McpServer") -> "Sequence[Offer]":
        """What a server offers; where nobody's connection may look, what it offers to one who has signed in."""
        if server.stock.offers or not server.needs_sign_in:
            return server.stock.offers
        own = (own for (name, _), own in self._own.items() if name == server.settings.name)
        return next((each.stock.offers for each in own if each.stock.offers), ())

    def _names(self) -> Counter[str]:
        return Counter(offered.spec.name for server in self._servers for offered in self._offered(server))


def _about(resource: "Readable") -> str:
    return f"({resource.summary or resource.name})"
