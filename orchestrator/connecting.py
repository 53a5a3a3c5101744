"""What a person does with MCP servers in the chat: sign in and out, and use the prompts that servers have."""

from collections.abc import Awaitable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from orchestrator.errors import BadInput, NotAllowed, ToolError
from orchestrator.roles import rights
from orchestrator.sessions import Talk
from orchestrator.slash import Said, Slash, Told, pairs_of
from orchestrator.tools.mcp import McpTools
from orchestrator.words import say

if TYPE_CHECKING:
    from orchestrator.tools.mcp_shapes import Template

T = TypeVar("T")

PROMPT_SECONDS = 30.0


class Connecting:
    """The slash words of these servers. Of a prompt, the words become what the person says."""

    def __init__(self, servers: Sequence[McpTools]) -> None:
        self._servers = tuple(servers)

    def words(self) -> Iterator[Slash]:
        if any(each.sign_ins() for each in self._servers):
            yield Slash("signin", self._sign_in, "/signin [SERVER]", say("signs you in to a server of my tools"))
            yield Slash("signout", self._sign_out, "/signout SERVER", say("forgets your account there"))
        if any(each.templates() for each in self._servers):
            yield Slash("prompts", self._prompts, "/prompts", say("lists the requests that servers have ready"))
        for source in self._servers:
            for each in source.templates():
                yield Slash(each.name.lower(), partial(self._prompt, source, each))

    async def _sign_in(self, talk: Talk, rest: str) -> Told:
        server, _, address = rest.strip().partition(" ")
        if not server:
            return Told("\n".join(f"- `/signin {name}`" for each in self._servers for name in each.sign_ins()))
        if not talk.inbound.private:
            raise BadInput(say("A sign-in is for you alone: write to me in private."))
        source = self._source(server)
        _permit_shared(source, server)
        link = await _told(source.end_sign_in(server, address) if address else source.begin_sign_in(server))
        if not link:
            return Told(say("You are signed in to {server}.", server=server))
        shared = say("Everybody here will use this account.") if source.is_shared(server) else ""
        steps = say(
            "Sign in to {server} here: {link}\n\nThe page that you end at need not open. Copy its address and send me "
            "`/signin {server} ADDRESS`.",
            server=server,
            link=link,
        )
        return Told("\n\n".join(filter(None, (steps, shared))))

    async def _sign_out(self, talk: Talk, rest: str) -> Told:
        server = rest.strip()
        source = self._source(server)
        _permit_shared(source, server)
        await _told(source.sign_out(server))
        return Told(say("I have forgotten your account at {server}.", server=server))

    def _source(self, server: str) -> McpTools:
        for each in self._servers:
            if server.casefold() in map(str.casefold, each.sign_ins()):
                return each
        raise BadInput(say("There is no server {server!r} to sign in to; `/signin` lists them.", server=server))

    async def _prompts(self, talk: Talk, rest: str) -> Told:
        lines = []
        for template in (template for each in self._servers for template in each.templates()):
            wanted = "".join(
                f" {name}=..." if name in template.required else f" [{name}=...]" for name in template.parameters
            )
            lines.append(f"- `/{template.name}{wanted}` {template.summary}".rstrip())
        return Told("\n".join(lines))

    async def _prompt(self, source: McpTools, template: "Template", talk: Talk, rest: str) -> Said:
        given = dict(pairs_of(template.name, template.parameters, template.required, rest))
        if missing := [each for each in template.required if each not in given]:
            raise BadInput(say("This wants to know more: {names}.", names=", ".join(f"{each}=..." for each in missing)))
        return Said(await _told(source.fill(template.name, given, timeout_seconds=PROMPT_SECONDS)))


def _permit_shared(source: McpTools, server: str) -> None:
    """Raises NotAllowed for an account that everybody uses, where it is not this person's to change."""
    if source.is_shared(server) and not rights().may_say("signin shared"):
        raise NotAllowed(say("Everybody here uses that account: it is not yours to change."))


async def _told(work: Awaitable[T]) -> T:
    """What the work comes to; a server's trouble is the person's to know."""
    try:
        return await work
    except ToolError as error:
        raise BadInput(str(error)) from error
