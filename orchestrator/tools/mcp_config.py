"""The mcp.json that people already have: as Claude, Cursor and VS Code write it, read into ServerSettings."""

import json
import re
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Literal

from dotenv import dotenv_values
from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from orchestrator.errors import ServersInvalid
from orchestrator.redaction import secrets_in
from orchestrator.tools.located_json import LocatedJson, Where, spell

ROOTS = ("mcpServers", "servers")
Transport = Literal["stdio", "http", "sse"]
TRANSPORTS: Mapping[str, Transport] = {
    "stdio": "stdio",
    "http": "http",
    "sse": "sse",
    "streamable-http": "http",
    "streamableHttp": "http",
}
NAME_LIMIT = 64
MILLISECONDS_FROM = 1000  # "timeout" is in seconds in some programs and in milliseconds in others


SECRET_HEADER = re.compile(r"(?i)authorization|cookie|key|token|secret|password")
PERSON = "${person}"
"""Stands in args, env and headers for the account of the one whom a server of their own serves."""


@dataclass(frozen=True, slots=True)
class OAuth:
    """What a server's sign-in wants beside what it says itself: a client that is registered there, and its scopes.

    The grant "client_credentials" signs us in by ourselves, with a secret or with a key in PEM.
    """

    client_id: str = ""
    client_secret: str = field(default="", repr=False)
    private_key: str = field(default="", repr=False)
    algorithm: str = ""
    scope: str = ""
    grant: Literal["authorization_code", "client_credentials"] = "authorization_code"
    client_metadata_url: str = ""


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """How to reach one MCP server. `place` and `file` say where it is written, for messages to the operator.

    `timeout_seconds` bounds each call of its tools, where given; `concurrency` is how many may be under way. `allow`
    and `deny` are patterns such as `read_*` over the server's own tool names; an empty `allow` means all.
    With the isolation "person" everybody has a connection of their own, and on it their own account; where nothing is
    said, so they have at servers that want a sign-in. Its tools are given addresses of this machine and of private
    networks only with `allow_private`.
    """

    name: str
    command: str | None = None
    args: tuple[str, ...] = field(default=(), repr=False)  # like env and headers: may hold a secret
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    cwd: str | None = None
    url: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    transport: Transport = "stdio"
    protocol: Literal["auto", "legacy"] = "auto"
    timeout_seconds: float | None = None
    concurrency: int = 32
    isolation: Literal["auto", "shared", "person"] = "auto"
    oauth: OAuth | Literal[False] | None = None
    disabled: bool = False
    allow_private: bool = False
    allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()
    place: str = ""
    file: str = ""

    @property
    def may_sign_in(self) -> bool:
        """Whether OAuth is for us to do: at a web address, unless the file brings a key of its own."""
        has_key = any(name.casefold() == "authorization" for name in self.headers)
        return self.transport != "stdio" and self.oauth is not False and (self.oauth is not None or not has_key)

    @property
    def secrets(self) -> list[str]:
        """What is said to this server, or to its process, and must not be said to anybody else."""
        headers = (value.rpartition(" ")[2] for name, value in self.headers.items() if SECRET_HEADER.search(name))
        own = (self.oauth.client_secret, self.oauth.private_key) if self.oauth else ()
        return [each for each in (*secrets_in(self.env), *headers, *own) if each]

    def for_account(self, account: str) -> "ServerSettings":
        """The same for one account alone; the empty one is nobody's."""
        name = re.sub(r"[^\w.-]", "-", account) or "nobody"

        def named(values: Mapping[str, str]) -> dict[str, str]:
            return {key: value.replace(PERSON, name) for key, value in values.items()}

        args = tuple(each.replace(PERSON, name) for each in self.args)
        return replace(self, args=args, env=named(self.env), headers=named(self.headers))


@dataclass(frozen=True, slots=True)
class ServerProblem:
    """Why one server cannot be used: where it is written, what is wrong, how to mend it."""

    server: str
    file: str
    line: int
    field: str
    defect: str
    fix: str

    def __str__(self) -> str:
        return f"{self.file} line {self.line}: {self.field} {self.defect}: {self.fix}"


class Defect(Exception):
    """A defect of one server, at a path inside of the file."""

    def __init__(self, path: Where, defect: str, fix: str) -> None:
        self.path, self.defect, self.fix = path, defect, fix
        super().__init__(defect)


def read_servers(path: Path, environ: Mapping[str, str]) -> tuple[list[ServerSettings], list[ServerProblem]]:
    """The servers of a file, and the problems of those that cannot be used. One bad server does not stop the others.

    Comments and trailing commas are fine. `${VAR}`, `${VAR:-default}`, `${env:VAR}`, `${input:id}` (from
    MCP_INPUT_<ID>), `${userHome}` and `${workspaceFolder}` (the file's) are replaced in a server's command, args, env,
    envFile, cwd, url, headers and oauth.

    Raises ServersInvalid where the file as a whole cannot be used.
    """
    document = _read(path)
    environ = {"workspaceFolder": str(path.parent.resolve()), **environ}
    servers: list[ServerSettings] = []
    problems: list[ServerProblem] = []
    for place, entry in _entries(document, path):
        try:
            _check_name(place, taken={server.name for server in servers})
            servers.append(_server(path, place, entry, environ))
        except Defect as defect:
            line, field = document.line(defect.path), spell(defect.path)
            problems.append(ServerProblem(str(place[-1]), str(path), line, field, defect.defect, defect.fix))
    return servers, problems


def _read(path: Path) -> LocatedJson:
    try:
        return LocatedJson(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        raise ServersInvalid(f"{path} cannot be read: {error}") from error
    except json.JSONDecodeError as error:
        place = f"{path} line {error.lineno}, column {error.colno}"
        raise ServersInvalid(f"{place}: this is not JSON: {error.msg}") from error


def _entries(document: LocatedJson, file: Path) -> Iterator[tuple[Where, Any]]:
    root = document.root
    if not isinstance(root, dict):
        raise ServersInvalid(f'{file} must hold {{"mcpServers": {{...}}}}, and holds {_kind(root)}')
    roots = [name for name in ROOTS if name in root]
    if not roots:
        raise ServersInvalid(f'{file} has no "mcpServers": write {{"mcpServers": {{...}}}} around the servers')
    for name in roots:
        if not isinstance(root[name], dict):
            raise ServersInvalid(
                f"{file} line {document.line((name,))}: {name} must hold servers by name, and holds {_kind(root[name])}"
            )
        for server, entry in root[name].items():
            yield (name, server), entry


# --- One server ---------------------------------------------------------------------------------------


def _as_text(value: object) -> object:
    """Numbers and booleans are welcome as values of variables; people write `"PORT": 8080`."""
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
        case _:
            return value


Text = Annotated[str, BeforeValidator(_as_text)]


class _OAuth(BaseModel):
    """A server's sign-in as it is written."""

    model_config = ConfigDict(strict=True, extra="ignore")

    client_id: str = Field("", validation_alias=AliasChoices("clientId", "client_id"))
    client_secret: str = Field("", validation_alias=AliasChoices("clientSecret", "client_secret"))
    private_key: str = Field("", validation_alias=AliasChoices("privateKey", "private_key"))
    algorithm: str = ""
    scope: str | list[str] = Field("", validation_alias=AliasChoices("scope", "scopes"))
    grant: Literal["authorization_code", "client_credentials"] = "authorization_code"
    client_metadata_url: str = Field("", validation_alias=AliasChoices("clientMetadataUrl", "client_metadata_url"))

    def as_settings(self) -> OAuth:
        scope = self.scope if isinstance(self.scope, str) else " ".join(self.scope)
        return OAuth(**{**self.model_dump(), "scope": scope})


class _Entry(BaseModel):
    """One server as it is written. What other programs keep there for themselves is passed over."""

    model_config = ConfigDict(strict=True, extra="ignore")

    type: str | None = Field(None, validation_alias=AliasChoices("type", "transport"))
    command: str | None = None
    args: list[Text] = []
    env: dict[str, Text | None] = {}
    envFile: str | None = None  # noqa: N815
    cwd: str | None = None
    url: str | None = None
    headers: dict[str, Text] = {}
    protocol: Literal["auto", "legacy"] = "auto"
    timeout: float | None = Field(None, gt=0)
    timeout_seconds: float | None = Field(None, gt=0)
    concurrency: int = Field(32, gt=0)
    isolation: Literal["auto", "shared", "person"] = "auto"
    oauth: _OAuth | Literal[False] | None = None
    disabled: bool = False
    allow_private: bool = Field(default=False, validation_alias=AliasChoices("allow_private", "allowPrivate"))
    allow: list[str] = Field([], validation_alias=AliasChoices("allow", "includeTools"))
    deny: list[str] = Field([], validation_alias=AliasChoices("deny", "excludeTools"))

    @property
    def seconds(self) -> float | None:
        if self.timeout_seconds is None and self.timeout is not None and self.timeout >= MILLISECONDS_FROM:
            return self.timeout / 1000
        return self.timeout_seconds or self.timeout


def _check_name(place: Where, taken: AbstractSet[str]) -> None:
    name = str(place[-1])
    if not name.strip() or not name.isprintable() or len(name) > NAME_LIMIT:
        raise Defect(place, "is no name for a server", f"use 1 to {NAME_LIMIT} letters, digits, - and _")
    if name in taken:
        raise Defect(place, f"is already in {ROOTS[0]}", "give one of them another name")


def _server(file: Path, place: Where, raw: object, environ: Mapping[str, str]) -> ServerSettings:
    entry = _parse(place, raw)
    where: dict[str, Any] = {"name": place[-1], "place": spell(place), "file": str(file)}
    if entry.disabled:
        return ServerSettings(**where, disabled=True)
    transport = _transport(place, entry)
    entry = _Entry.model_validate(_expanded(place, entry, environ))
    return ServerSettings(
        **where,
        command=entry.command,
        args=tuple(entry.args),
        env=_env(file.parent, place, entry),
        cwd=entry.cwd and str(file.parent / entry.cwd),
        url=entry.url and _url(place, entry.url),
        headers=entry.headers,
        transport=transport,
        protocol=entry.protocol,
        timeout_seconds=entry.seconds,
        concurrency=entry.concurrency,
        isolation=entry.isolation,
        oauth=entry.oauth.as_settings() if isinstance(entry.oauth, _OAuth) else entry.oauth,
        allow_private=entry.allow_private,
        allow=tuple(entry.allow),
        deny=tuple(entry.deny),
    )


def _parse(place: Where, raw: object) -> _Entry:
    if not isinstance(raw, dict):
        raise Defect(place, f"is {_kind(raw)}", 'write {"command": ..., "args": [...]} or {"url": ...}')
    try:
        return _Entry.model_validate(raw)
    except ValidationError as error:
        raise _defect(place, error.errors()[0]) from error


def _defect(place: Where, error: ErrorDetails) -> Defect:
    path = (*place, *error["loc"])
    wanted = {
        "string_type": ("must be text", 'put it in "quotes"'),
        "list_type": ("must be a list", "put it in [brackets]"),
        "dict_type": ("must be an object", 'write {"NAME": "value"}'),
        "bool_type": ("must be true or false", "write it without quotes"),
        "literal_error": (f"must be {error.get('ctx', {}).get('expected')}", "choose one of these"),
        "float_type": ("must be a number", "write it without quotes"),
        "greater_than": ("must be more than 0", "give the time that a call may take"),
    }
    defect, fix = wanted.get(error["type"], ("cannot be used", error["msg"]))
    return Defect(path, f"{defect}, and is {_kind(error['input'])}", fix)


def _transport(place: Where, entry: _Entry) -> Transport:
    """Which way to the server: as `type` says, or as command and url show."""
    kind = entry.type or _inferred(place, entry)
    if kind not in TRANSPORTS:
        raise Defect((*place, "type"), f"{kind!r} is unknown", 'use "stdio", "http" or "sse"')
    transport = TRANSPORTS[kind]
    needed = "command" if transport == "stdio" else "url"
    if not getattr(entry, needed):
        raise Defect((*place, needed), "is missing", f'a server of type "{kind}" needs "{needed}"')
    return transport


def _inferred(place: Where, entry: _Entry) -> str:
    match entry.command, entry.url:
        case None, None:
            raise Defect(place, "has neither a command nor a url", 'add "command" or "url"')
        case _, None:
            return "stdio"
        case None, _:
            return "http"
        case _:
            raise Defect(place, "has both a command and a url", 'say which one with "type": "stdio" or "http"')


def _url(place: Where, url: str) -> str:
    if not re.match(r"https?://[^/]", url):
        raise Defect((*place, "url"), "is no web address", "begin it with https:// or http://")
    return url


def _env(folder: Path, place: Where, entry: _Entry) -> dict[str, str]:
    """The variables of envFile, and over them those of env. A null takes a variable away."""
    variables: dict[str, str | None] = {}
    if entry.envFile is not None:
        file = folder / entry.envFile
        if not file.is_file():
            raise Defect((*place, "envFile"), f"names {str(file)!r}, which is not there", "create it or take it out")
        variables |= dotenv_values(file, interpolate=False)
    variables |= entry.env
    return {name: value for name, value in variables.items() if value is not None}


# --- ${...} -------------------------------------------------------------------------------------------

EXPANDED = {"command", "args", "env", "envFile", "cwd", "url", "headers", "oauth"}


def _expanded(place: Where, entry: _Entry, environ: Mapping[str, str]) -> dict[str, Any]:
    fields = entry.model_dump(exclude_unset=True)
    return {
        name: _expand((*place, name), value, environ) if name in EXPANDED else value for name, value in fields.items()
    }


def _expand(path: Where, value: Any, environ: Mapping[str, str]) -> Any:
    match value:
        case str():
            return re.sub(r"\$\{([^{}]*)\}", lambda found: _lookup(path, found[1], environ), value)
        case list():
            return [_expand((*path, index), item, environ) for index, item in enumerate(value)]
        case dict():
            return {name: _expand((*path, name), item, environ) for name, item in value.items()}
        case _:
            return value


def _lookup(path: Where, inside: str, environ: Mapping[str, str]) -> str:
    """What stands for one `${inside}`. As in a shell, `:-` also steps in for a variable that is empty."""
    name, has_default, default = inside.partition(":-")
    if name == "userHome":
        return str(Path.home())
    if name == PERSON[2:-1]:
        return PERSON  # known only when somebody calls
    if name.startswith("input:"):
        name = "MCP_INPUT_" + re.sub(r"\W", "_", name.removeprefix("input:")).upper()
    name = name.removeprefix("env:")
    if has_default:
        return environ.get(name) or default
    if name not in environ:
        raise Defect(path, f"uses ${{{inside}}}, which is not set", f"set {name} in the environment, or give a default")
    return environ[name]


def _kind(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "text"
        case list():
            return "a list"
        case _:
            return "an object"
