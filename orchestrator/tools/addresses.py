"""Addresses among the arguments of calls: which lead into private networks, and which nobody has named."""

import asyncio
import ipaddress
import re
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

from orchestrator.errors import ToolError
from orchestrator.json_texts import texts
from orchestrator.tools.spec import Arguments, ToolSpec

ADDRESS = re.compile(r"(?i)\b[a-z][a-z0-9+.-]{1,15}://[^\s\"'<>`]+")
TAKES_ADDRESS = re.compile(r"(?i)(?:^|[_-])(?:url|uri|link|href|host|hostname|endpoint|website|domain|address)s?$")
LOCAL_NAMES = re.compile(r"(?i)(?:^|\.)(?:localhost|local|internal|intranet|lan|home\.arpa)\.?$")
PRIVATE_SCHEMES = frozenset({"file"})
LOOK_UP_SECONDS = 3.0


async def refuse_private(tool: ToolSpec, arguments: Arguments, *, server: str) -> None:
    """Let nothing pass that sends a tool to this machine or into its network. Raises ToolError.

    A name is looked up once here, and once more by the server: what answers differently then is not noticed.
    """
    for address in _taken(tool, arguments):
        if await _is_private(address):
            raise ToolError(
                f"{address[:100]!r} leads to this machine or a private network, and {server} may not go there. "
                'An operator can allow it: "allow_private": true for the server in mcp.json.'
            )


def unnamed(tool: ToolSpec, arguments: Arguments, known: str) -> str:
    """The first address for a tool of the open world that does not stand word for word in what is known; empty where
    there is none. One that a model has put together may carry away what it knows."""
    if not tool.open_world:
        return ""
    return next((address for address in _taken(tool, arguments) if address not in known), "")


def _taken(tool: ToolSpec, arguments: Arguments) -> Iterator[str]:
    """The addresses that a call would be sent to: values that are one, and those of parameters that want one."""
    for name, value in arguments.items():
        schema = tool.properties.get(name, {})
        wanted = bool(TAKES_ADDRESS.search(name)) or schema.get("format") in {"uri", "url", "hostname"}
        for text in texts(value, names=False):
            if wanted or ADDRESS.fullmatch(text.strip()):
                yield text.strip()


async def _is_private(address: str) -> bool:
    try:
        parts = urlsplit(address if "://" in address else f"//{address}")
        host = parts.hostname or ""
    except ValueError:  # brackets that hold no address: nobody can go there
        return False
    if parts.scheme in PRIVATE_SCHEMES or LOCAL_NAMES.search(host):
        return True
    return any(not ipaddress.ip_address(each).is_global for each in await _numbers(host))


async def _numbers(host: str) -> list[str]:
    """What a name leads to, also one in disguise such as 2130706433 or 0x7f.1; nothing where it leads nowhere."""
    if not host:
        return []
    try:
        async with asyncio.timeout(LOOK_UP_SECONDS):
            found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError, TimeoutError):
        return []
    return [str(address[0]).partition("%")[0] for *_, address in found]
