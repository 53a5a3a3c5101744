"""The file of MCP servers as `errand tools add` writes it."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from orchestrator.errors import ServersInvalid
from orchestrator.tools.mcp_config import ROOTS, read_servers


def entry_of(
    command: Sequence[str], *, url: str | None, env: Sequence[str], headers: Sequence[str], kind: str | None
) -> dict[str, Any]:
    """A server as it is written, of a command with its arguments, or of a URL. Raises ServersInvalid."""
    if bool(command) == bool(url):
        raise ServersInvalid("Say either --url, or behind -- the command that starts the server, and not both.")
    entry: dict[str, Any] = {"type": kind} if kind else {}
    entry |= {"url": url} if url else {"command": command[0], "args": list(command[1:])}
    entry |= {"env": _pairs(env, "--env")} if env else {}
    return entry | ({"headers": _pairs(headers, "--header")} if headers else {})


def add(file: Path, name: str, entry: Mapping[str, Any], environ: Mapping[str, str]) -> None:
    """Write a server into the file, which may not be there yet. Raises ServersInvalid, and then nothing is changed."""
    written = _read(file, entry)
    root = next((each for each in ROOTS if each in written), ROOTS[0])
    servers = written.setdefault(root, {})
    if name in servers:
        raise ServersInvalid(f"{file} has a server {name!r} already; change it there.")
    servers[name] = dict(entry)
    new = file.with_name(f".{file.name}.new")
    new.write_text(json.dumps(written, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    _, problems = read_servers(new, environ)
    if problem := next((each for each in problems if each.server == name), None):
        new.unlink()
        raise ServersInvalid(f"{problem.field} {problem.defect}: {problem.fix}")
    new.replace(file)


def _read(file: Path, entry: Mapping[str, Any]) -> dict[str, Any]:
    if not file.exists():
        return {}
    try:
        written = json.loads(file.read_text(encoding="utf-8-sig"))
    except json.JSONDecodeError:  # also one with comments, which a rewriting would lose
        raise ServersInvalid(
            f"{file} holds comments, or is no JSON: write this into it yourself: {json.dumps(entry)}"
        ) from None
    if not isinstance(written, dict):
        raise ServersInvalid(f'{file} must hold {{"mcpServers": {{...}}}}')
    return written


def _pairs(given: Sequence[str], option: str) -> dict[str, str]:
    pairs = [each.partition("=") for each in given]
    if wrong := [name for name, separator, _ in pairs if not separator]:
        raise ServersInvalid(f"{option} wants NAME=VALUE, and is {wrong[0]!r}.")
    return {name: value for name, _, value in pairs}
