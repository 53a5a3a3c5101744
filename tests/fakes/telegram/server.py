"""The server: /bot<token>/<method> and /file/bot<token>/<path>, over real HTTP on a free port of this machine.

async with telegram() as world:
    mara = world.person("Mara")
    chat = mara.private_chat()
    await chat.says(mara, "Hello")          # a bot that talks to world.api_url gets it
    message = await chat.shows("Hello")     # and what it answers is seen
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from starlette.datastructures import UploadFile
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from tests.fakes.model_server import Loopback
from tests.fakes.telegram import asking, changing, rich, schema, sending
from tests.fakes.telegram.calls import SERVED, Asked, Upload
from tests.fakes.telegram.clock import Clock
from tests.fakes.telegram.flood import FloodLimits, Floods
from tests.fakes.telegram.refusals import METHOD_NOT_FOUND, Refused
from tests.fakes.telegram.state import BOT_ID, TOKEN, Limits, Logged, User, Wire
from tests.fakes.telegram.updates import Updates
from tests.fakes.telegram.webhook import Pace, Webhooks
from tests.fakes.telegram.world import World

NEWEST = "10.3"
SINCE = {"sendRichMessage": (10, 1), "sendRichMessageDraft": (10, 1)}
NEW_PARAMETERS = {"can_stop": (10, 3), "keep_on_stop": (10, 3), "rich_message": (10, 1)}
HERE = frozenset("getUpdates setWebhook deleteWebhook getWebhookInfo".split())
SERVING = (asking, changing, rich, sending)  # they put their methods into SERVED


@asynccontextmanager
async def telegram(
    *,
    clock: Clock = time.time,
    flood: FloodLimits | None = FloodLimits(),  # noqa: B008 - frozen
    limits: Limits = Limits(),  # noqa: B008 - frozen
    webhooks: Pace = Pace(),  # noqa: B008 - frozen
    api_version: str = NEWEST,
    privacy: bool = True,
    private_topics: bool = False,
    name: str = "Errand",
    username: str = "errand_bot",
    port: int = 0,
    checked: bool = True,
) -> AsyncIterator[World]:
    """A Telegram for one bot, empty. `flood=None` lets everything through; a VirtualClock makes time stand still.

    `checked=False` leaves out the checks against the schema, which cost more than most bots: for benchmarks.
    """
    world = World(
        clock=clock,
        flood=Floods(flood),
        limits=limits,
        bot=User(BOT_ID, name, username, is_bot=True),
        privacy=privacy,
        private_topics=private_topics,
        api_version=tuple(map(int, api_version.split("."))),
        checked=checked,
    )
    hooks = Webhooks(world, webhooks)
    async with BotApi(world, hooks, port) as server:
        world.url = server.url
        try:
            yield world
        finally:
            world.updates.close()
            world.faults.release_all()
            await hooks.close()


class BotApi(Loopback):
    """Answers the bot. Every call is checked against the schema, and so is every answer."""

    def __init__(self, world: World, hooks: Webhooks, port: int) -> None:
        self._world = world
        self._hooks = hooks
        super().__init__(
            [
                Route("/file/bot{token}/{path:path}", self._download, methods=["GET"]),
                Route("/bot{token}/{method}", self._call, methods=["GET", "POST"]),
            ],
            port=port,
        )

    async def _download(self, request: Request) -> Response:
        path = request.path_params["path"]
        found = next((each for each in self._world.files.values() if each.path == path), None)
        if request.path_params["token"] != TOKEN or found is None:
            return _refusal(Refused(404, "Not Found"))
        return Response(found.data, media_type=found.mime or "application/octet-stream")

    async def _call(self, request: Request) -> Response:
        if request.path_params["token"] != TOKEN:
            return _refusal(Refused(401, "Unauthorized"))
        try:
            raw, uploads = await _parameters(request)
        except ClientDisconnect:  # it was killed in the middle of a request
            return Response()
        asked = self._read(request.path_params["method"], raw, uploads)
        self._world.calls[asked.method] += 1
        self._world.changes.tell()
        fault = self._world.faults.met_by(asked.method, raw)
        if fault and fault.kind == "drop":
            self._write_down(asked, 0)
            return _broken()
        response = await self._answer(asked, fault.refusal if fault else None, request)
        self._write_down(asked, response.status_code)
        if fault and fault.kind == "hold":
            await fault.until_released()
        return _broken() if fault and fault.kind == "lose the answer" else response

    def _read(self, called: str, raw: Mapping[str, Any], uploads: Mapping[str, Upload]) -> Asked:
        """The call with its parameters, typed and as far as this version knows them."""
        method = schema.METHODS.get(called.lower())
        if method is None:
            return Asked(called, raw, uploads)
        given, problems = schema.read_call(method, raw, set(uploads))
        self._world.problems += problems if self._world.checked else []
        version = self._world.api_version
        known = {name: value for name, value in given.items() if NEW_PARAMETERS.get(name, (0,)) <= version}
        return Asked(method.__api_method__, known, uploads)

    async def _answer(self, asked: Asked, ordered: Refused | None, request: Request) -> Response:
        try:
            if ordered:
                raise ordered
            self._check_there(asked.method)
            result = await self._result(asked, request)
        except Refused as refused:
            return _refusal(refused)
        if self._world.checked:
            self._world.problems += schema.answer_problems(schema.METHODS[asked.method.lower()], result)
        return JSONResponse({"ok": True, "result": result})

    def _check_there(self, method: str) -> None:
        """Raises Refused for what this version does not have."""
        if method.lower() not in schema.METHODS or self._world.api_version < SINCE.get(method, (0,)):
            raise METHOD_NOT_FOUND
        if method not in SERVED and method not in HERE:
            self._world.problems.append(f"{method}: not imitated")
            raise METHOD_NOT_FOUND

    async def _result(self, asked: Asked, request: Request) -> Any:
        now, floods = self._world.clock(), self._world.floods
        cost = len(asked["media"] or ()) if asked.method == "sendMediaGroup" else 1
        floods.check(asked.method, asked.chat, now=now, cost=cost)
        result = await self._served(asked, request)
        floods.count(asked.method, asked.chat, now=now, cost=cost)
        return result

    async def _served(self, asked: Asked, request: Request) -> Any:
        match asked.method:
            case "getUpdates":
                return await _poll(self._world.updates, asked, request)
            case "setWebhook":
                return await self._hooks.put(asked.given)
            case "deleteWebhook":
                return await self._hooks.put({**asked.given, "url": ""})
            case "getWebhookInfo":
                return self._hooks.told()
            case method:
                return SERVED[method](self._world, asked)

    def _write_down(self, asked: Asked, status: int) -> None:
        world = self._world
        world.statuses[status] += 1
        if asked.method != "getUpdates":
            world.log.append(Logged(world.clock(), asked.method, asked.chat, asked.given, status))


async def _poll(updates: Updates, asked: Asked, request: Request) -> Sequence[Wire]:
    """What getUpdates answers; a poll whose client has gone is not held."""
    poll = asyncio.ensure_future(
        updates.poll(
            offset=asked["offset"] or 0,
            limit=asked["limit"] or 100,
            seconds=asked["timeout"] or 0,
            allowed=asked["allowed_updates"],
        )
    )
    gone = asyncio.ensure_future(_gone(request))
    try:
        await asyncio.wait((poll, gone), return_when=asyncio.FIRST_COMPLETED)
        return await poll if poll.done() else []
    finally:
        for task in (poll, gone):
            task.cancel()
        await asyncio.gather(poll, gone, return_exceptions=True)


async def _gone(request: Request) -> None:
    """Returns when the client has closed the connection."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _parameters(request: Request) -> tuple[dict[str, Any], dict[str, Upload]]:
    """Query, form, JSON and multipart all say the same."""
    raw: dict[str, Any] = dict(request.query_params)
    uploads: dict[str, Upload] = {}
    if "json" in request.headers.get("content-type", ""):
        raw |= json.loads(await request.body())
        return raw, uploads
    async with request.form() as form:
        for name, value in form.multi_items():
            if isinstance(value, UploadFile):
                kind = value.content_type or "application/octet-stream"
                uploads[name] = Upload(value.filename or "file", await value.read(), kind)
            else:
                raw[name] = value
    return raw, uploads


def _refusal(refused: Refused) -> Response:
    body: dict[str, Any] = {"ok": False, "error_code": refused.code, "description": refused.description}
    if refused.parameters:
        body["parameters"] = refused.parameters
    return JSONResponse(body, refused.code)


def _broken() -> Response:
    """The connection breaks off where an answer should be."""

    async def nothing() -> AsyncIterator[bytes]:
        yield b"{"
        raise ConnectionAbortedError

    return StreamingResponse(nothing(), headers={"content-length": "100"})
