"""The server: /api/<method>, the socket links, files and response URLs, over real HTTP on this machine.

async with slack() as world:
    ann = world.person("Ann")
    dm = ann.direct()
    await ann.says(dm, "Hello")             # an app that talks to world.api_url gets it
    message = await dm.shows("Hello")       # and what it answers is seen
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Literal

from aiohttp import web

from tests.fakes.faults import Fault
from tests.fakes.slack import chatting, filing, installing, looking, schema, sessions, streaming, viewing
from tests.fakes.slack.calls import SCOPES, SERVED, Asked
from tests.fakes.slack.clock import Clock, FastClock
from tests.fakes.slack.events import DEFAULT_EVENTS
from tests.fakes.slack.people import Install, Wire
from tests.fakes.slack.reading import client_of, parameters, token_of
from tests.fakes.slack.refusals import UNKNOWN_METHOD, Refused, explained
from tests.fakes.slack.responses import respond
from tests.fakes.slack.state import APP_TOKEN, Call, Limits
from tests.fakes.slack.tiers import Tiers
from tests.fakes.slack.world import Slack

SERVING = (chatting, filing, installing, looking, sessions, streaming, viewing)  # they put their methods into SERVED
GROUPS = {
    "streams": ("chat.startStream", "chat.appendStream", "chat.stopStream"),
    "agents": ("agents.sessions.setStatus", "agents.sessions.rename"),
    "assistant": tuple(f"assistant.threads.{each}" for each in ("setStatus", "setTitle", "setSuggestedPrompts")),
}
DEFAULT_SCOPES = frozenset(
    "app_mentions:read assistant:write chat:write commands im:history im:read im:write channels:history channels:read "
    "groups:history groups:read mpim:history mpim:read files:read files:write reactions:read reactions:write "
    "users:read team:read".split()
)
OWN_FAULT = ("invalid_blocks", "invalid_attachments", "invalid_chunks", "invalid_arguments", UNKNOWN_METHOD)
WITHOUT_TOKEN = ("oauth.v2.access",)
OF_APP = ("apps.connections.open",)
LOGIN_PAGE = "<!DOCTYPE html><html><head><title>Sign in | Slack</title></head><body>Sign in to Slack</body></html>"


@asynccontextmanager
async def slack(
    *,
    clock: Clock | None = None,
    tiers: Tiers | None = Tiers(),  # noqa: B008 - frozen
    limits: Limits = Limits(),  # noqa: B008 - frozen
    mode: Literal["socket", "http"] = "socket",
    lacking: Iterable[str] = (),
    scopes: Iterable[str] = DEFAULT_SCOPES,
    events: Iterable[str] = DEFAULT_EVENTS,
    agent_view: bool = True,
    name: str = "Errand",
    port: int = 0,
    checked: bool = True,
) -> AsyncIterator[Slack]:
    """A Slack with one workspace that has the app. `tiers=None` lets everything through; a VirtualClock makes time
    stand still; `lacking` names methods (or "streams", "agents", "assistant") that this Slack does not have.

    `checked=False` leaves out the checks against the schemas: for benchmarks.
    """
    reason = await asyncio.to_thread(schema.why_not) if checked else "it was not asked for"
    world = Slack(
        clock=clock or FastClock(),
        tiers=tiers,
        limits=limits,
        mode=mode,
        lacking=frozenset(each for name in lacking for each in GROUPS.get(name, (name,))),
        scopes=frozenset(scopes),
        events=frozenset(events),
        agent_view=agent_view,
        name=name,
        not_validated=reason,
    )
    runner = web.AppRunner(_application(world), shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    world.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield world
    finally:
        world.faults.release_all()
        await world.background.close()
        await world.sockets.close()
        await world.http.close()
        await runner.cleanup()


def _application(world: Slack) -> web.Application:
    server = WebApi(world)
    application = web.Application(client_max_size=100 * 1024 * 1024)
    application.router.add_route("*", "/api/{method}", server.call)
    application.router.add_get("/link/", world.sockets.serve)
    application.router.add_post("/upload/v1/{file}", server.upload)
    application.router.add_get("/files-pri/{file}/{path:.*}", server.download)
    application.router.add_post("/response/{key:.*}", server.respond)
    return application


class WebApi:
    """Answers the app. Every call is checked against Slack's types."""

    def __init__(self, world: Slack) -> None:
        self._world = world

    async def call(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        self._world.calls[method] += 1
        try:
            given = await parameters(request)
        except Refused as refused:
            return self._answer(request, method, {}, refused)
        token = token_of(request, given)
        fault = self._world.faults.met_by(method, given)
        if fault and fault.kind == "drop":
            self._write_down(method, given, None, 0)
            return _broken(request)
        told = self._result(method, given | client_of(request), token, fault)
        if fault and fault.kind == "lose the answer":
            self._write_down(method, given, told, 0)
            return _broken(request)
        if fault and fault.kind == "hold":
            await fault.until_released()
        if fault and fault.kind == "slow":
            await self._world.clock.sleep(fault.seconds)
        return self._answer(request, method, given, told)

    async def upload(self, request: web.Request) -> web.StreamResponse:
        stored = self._world.files.get(request.match_info["file"])
        if stored is None:
            return web.Response(status=404)
        stored.data = await _uploaded(request)
        return web.Response(text=f"OK - {len(stored.data)}")

    async def download(self, request: web.Request) -> web.StreamResponse:
        """With the app's token and the right scope; else the page where people sign in, which looks like success."""
        stored = self._world.files.get(request.match_info["file"].rsplit("-", 1)[-1])
        install = self._world.installs.get(token_of(request, {}))
        if stored is None or stored.data is None:
            return web.Response(status=404)
        if install is None or install.error or "files:read" not in install.scopes:
            return web.Response(text=LOGIN_PAGE, content_type="text/html")
        return web.Response(body=stored.data, content_type=stored.mime)

    async def respond(self, request: web.Request) -> web.StreamResponse:
        try:
            respond(self._world, request.match_info["key"], await parameters(request))
        except Refused as refused:
            return web.json_response(refused.body, status=refused.status)
        return web.Response(text="ok")

    def _result(
        self, method: str, given: Mapping[str, Any], token: str, fault: Fault[Refused] | None
    ) -> Wire | Refused:
        """What the call gives, or why it is refused."""
        world = self._world
        try:
            self._check_there(method, fault)
            if method in OF_APP:
                return self._open_connection(token)
            install = None if method in WITHOUT_TOKEN else self._install(method, token, given)
            if not world.not_validated:
                self._check_types(method, given)
            team, channel = (install.team_id or "") if install else "", str(given.get("channel") or "")
            world.rates.check(method, team=team, channel=channel, now=world.clock())
            return SERVED[method](world, Asked(method, given, install))
        except Refused as refused:
            if refused.error in OWN_FAULT and not fault:
                self._complain(method, refused)
            return refused

    def _check_there(self, method: str, fault: Fault[Refused] | None) -> None:
        """Raises Refused where trouble is ordered, and for what this Slack does not have."""
        if fault and fault.refusal:
            raise fault.refusal
        if method in self._world.lacking or method not in (*SERVED, *OF_APP):
            raise Refused(UNKNOWN_METHOD, req_method=method)

    def _check_types(self, method: str, given: Mapping[str, Any]) -> None:
        """Slack ignores parameters that it does not know; they are written down. Raises Refused for blocks that are
        none, or chunks. (Bolt adds the workspace to every call.)"""
        known = {name: value for name, value in given.items() if name != "team_id"}
        problems = schema.schemas().problems(method, known)
        if problems and schema.schemas().block_problems(known):
            kind = next(name for name in ("view", "chunks", "blocks") if known.get(name))
            raise explained("invalid_arguments" if kind == "view" else f"invalid_{kind}", *problems)
        self._world.problems += [f"{method}: {each}" for each in problems]

    def _complain(self, method: str, refused: Refused) -> None:
        """A refusal that an app should never get. One for a method that is missing on purpose is none of them."""
        if method not in self._world.lacking:
            messages = refused.fields.get("response_metadata", {}).get("messages", [])
            self._world.problems.append(f"{method}: {refused.error} {' '.join(messages)}".strip())

    def _install(self, method: str, token: str, given: Mapping[str, Any]) -> Install:
        """Who calls. Raises Refused."""
        if not token:
            raise Refused("not_authed")
        if token == APP_TOKEN:
            raise Refused("not_allowed_token_type")
        install = self._world.installs.get(token)
        if install is None:
            raise Refused("invalid_auth")
        if install.error:
            raise Refused(install.error)
        needed = SCOPES[method]
        if needed and not set(needed) & install.scopes:
            raise Refused("missing_scope", needed=needed[0], provided=",".join(sorted(install.scopes)))
        return install

    def _open_connection(self, token: str) -> Wire:
        if token != APP_TOKEN:
            raise Refused("not_allowed_token_type" if token.startswith("xoxb-") else "invalid_auth")
        self._world.rates.check(OF_APP[0], team="", channel="", now=self._world.clock())
        return {"url": self._world.sockets.new_link()}

    def _answer(self, request: web.Request, method: str, given: Wire, told: Wire | Refused) -> web.StreamResponse:
        status = told.status if isinstance(told, Refused) else 200
        self._write_down(method, given, told, status)
        if isinstance(told, Refused):
            retry = {"Retry-After": str(told.retry_after)} if told.retry_after else {}
            return web.json_response(told.body, status=status, headers=retry)
        scopes = ",".join(sorted(self._scopes_of(request)))
        return web.json_response({"ok": True, **told}, headers={"x-oauth-scopes": scopes} if scopes else {})

    def _scopes_of(self, request: web.Request) -> frozenset[str]:
        """What the token of a request may do: Slack says so with each answer."""
        install = self._world.installs.get(request.headers.get("Authorization", "").removeprefix("Bearer "))
        return install.scopes if install else frozenset()

    def _write_down(self, method: str, given: Wire, told: Wire | Refused | None, status: int) -> None:
        world = self._world
        error = told.error if isinstance(told, Refused) else ""
        world.statuses[status] += 1
        world.log.append(Call(world.clock(), method, given, told is not None and not error, error, status))
        world.changes.tell()


async def _uploaded(request: web.Request) -> bytes:
    """The file itself, or the one in a form."""
    if "multipart" not in request.content_type:
        return await request.read()
    for part in (await request.post()).values():
        if isinstance(part, web.FileField):
            return part.file.read()
    return b""


def _broken(request: web.Request) -> web.StreamResponse:
    """The connection breaks off where an answer should be."""
    if isinstance(request.transport, asyncio.Transport):
        request.transport.abort()
    return web.Response()
