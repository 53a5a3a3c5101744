"""What one MCP server has on offer: its tools, as far as they may run, its prompts and its resources."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from fnmatch import fnmatchcase

from mcp import Client
from mcp_types import Tool
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from orchestrator.tools.hidden import clean
from orchestrator.tools.mcp_calls import every_page
from orchestrator.tools.mcp_config import ServerSettings
from orchestrator.tools.mcp_shapes import Offer, Readable, Template, Unusable, definition, offer, readable, template
from orchestrator.tools.pins import Definition, Held, Pins
from orchestrator.tools.spec import ToolsetHealth


class Stock:
    """What was listed last. `held` are tools that wait for the operator."""

    def __init__(self, settings: ServerSettings, pins: Pins) -> None:
        self.offers: tuple[Offer, ...] = ()
        self.definitions: tuple[Definition, ...] = ()
        self.held: tuple[Held, ...] = ()
        self.templates: tuple[Template, ...] = ()
        self.readables: tuple[Readable, ...] = ()
        self._left_out: tuple[str, ...] = ()
        self._settings = settings
        self._pins = pins

    def clear(self) -> None:
        """Nothing is on offer any more; what was pinned and what waits stays known."""
        self.offers, self.templates, self.readables = (), (), ()

    def usable(self, ambiguous: AbstractSet[str]) -> list[Offer]:
        """The tools on offer. `ambiguous` are names that are there twice, and so of no use."""
        return [offered for offered in self.offers if offered.spec.name not in ambiguous]

    def missing(self, ambiguous: AbstractSet[str]) -> list[str]:
        """The tools that are not on offer, each with the reason."""
        twice = (each for each in self.offers if each.spec.name in ambiguous)
        return [*self._left_out, *(f"{each.tool} (another tool becomes {each.spec.name} too)" for each in twice)]

    def waiting(self) -> ToolsetHealth | None:
        """Which of its tools wait for the operator, and why; None where none does."""
        if not self.held:
            return None
        names = ", ".join(f"{clean(each.tool, 64)} ({each.why})" for each in self.held)
        detail = f"{names}. They run after `errand tools trust {self._settings.name}`"
        return ToolsetHealth(self._settings.name, "waiting", detail, len(self.held))

    async def refresh(self, client: Client) -> None:
        """Read anew what the server offers, as far as it says that it offers such things."""
        offered = client.server_capabilities
        tools = await every_page(client.list_tools) if offered.tools else []
        prompts = await every_page(client.list_prompts) if offered.prompts else []
        resources = await every_page(client.list_resources) if offered.resources else []
        version = client.server_info.version if client.server_info else ""
        await self._take([tool for page in tools for tool in page.tools], version=version)
        self.templates = tuple(template(self._settings.name, each) for page in prompts for each in page.prompts)
        self.readables = tuple(readable(each) for page in resources for each in page.resources)

    async def _take(self, tools: Sequence[Tool], *, version: str) -> None:
        """What may run of this becomes what is on offer; the rest waits for the operator."""
        definitions = tuple(map(definition, tools))
        held = tuple(await self._pins.held(self._settings.name, definitions))
        waiting = {each.tool for each in held}
        offers, left_out = [], []
        for tool in filter(self._is_wanted, tools):
            if tool.name in waiting:
                continue
            try:
                offers.append(offer(self._settings.name, tool, version=version))
            except Unusable as why:
                left_out.append(f"{clean(tool.name, 64)} ({why})")
        self.definitions, self.held = definitions, held
        self.offers, self._left_out = tuple(offers), tuple(left_out)

    def _is_wanted(self, tool: Tool) -> bool:
        allow, deny = self._settings.allow or ("*",), self._settings.deny
        return _matches(tool.name, allow) and not _matches(tool.name, deny)


def tells_of_changes(client: Client) -> bool:
    """Whether changes are told on a stream that the client has to hold open. Older servers just say so."""
    offered = client.server_capabilities
    told = (each and each.list_changed for each in (offered.tools, offered.prompts, offered.resources))
    return client.protocol_version in MODERN_PROTOCOL_VERSIONS and any(told)


def _matches(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
