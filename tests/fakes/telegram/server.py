"""The fake Bot API server: a real HTTP server on a loopback port, for a real client."""

import asyncio
import json
import traceback
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import aiogram.types
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.fakes.model_server import Loopback
from tests.fakes.telegram.methods import Methods
from tests.fakes.telegram.rules import Refused
from tests.fakes.telegram.schema import Upload, decoded, problems
from tests.fakes.telegram.world import TOKEN, Json, World

LONGEST_POLL = 50.0
MESSAGES = {"sendMessage", "sendRichMessage", "sendDocument", "sendPhoto", "editMessageText"}
OTHER_POLL = "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"
HAS_WEBHOOK = (
    "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"
)


@dataclass(slots=True)
class Fault:
    """What goes wrong with the next `times` requests of a method, "*" is any.

    "refuse" answers with the code; "drop" closes the connection before anything is done; "lose" does the work and
    then closes the connection; "hang" answers nothing until `held` is set.
    """

    method: str
    kind: str = "refuse"
    code: int = 500
    description: str = "Internal Server Error"
    retry_after: int = 0
    times: int = 1
    held: asyncio.Event | None = None


class TelegramServer(Loopback):
    """The server of one world. `api` is the address that a bot is given."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.faults: list[Fault] = []
        self._methods = Methods(world)
        self._poll: asyncio.Event | None = None
        self._allowed: list[str] | None = None
        super().__init__(
            [
                Route("/bot{token}/{method}", self._request, methods=["GET", "POST"]),
                Route("/file/bot{token}/{path:path}", self._file),
            ]
        )

    @property
    def api(self) -> str:
        return self.url

    async def _request(self, request: Request) -> Response:
        try:
            return await self._answer(request)
        except ClientDisconnect:  # it was killed in the middle of a request
            return Response()
        except Exception:
            self.world.problems.append(f"the fake broke: {traceback.format_exc()}")
            raise

    async def _answer(self, request: Request) -> Response:
        method = request.path_params["method"]
        if request.path_params["token"] != TOKEN:
            return _refusal(Refused(401, "Unauthorized"))
        given = decoded(method, await _parameters(request))
        fault = self._fault(method)
        self.world.calls[method] += 1
        self.world.log.append((method, given))
        await self.world.tell()
        if self.world.checks and (method.lower() != "sendrichmessage" or self.world.api_version >= "10.1"):
            self.world.problems += problems(method, given)
        if fault and fault.kind == "hang":
            assert fault.held
            await fault.held.wait()
        if fault and fault.kind in {"refuse", "drop"}:
            return _broken(fault)
        try:
            if method.lower() == "getupdates":
                return JSONResponse({"ok": True, "result": await self._updates(request, **given)})
            result = self._methods.named(method)(**given)
        except Refused as refused:
            return _refusal(refused)
        if self.world.checks and method in MESSAGES:
            aiogram.types.Message.model_validate(result)  # what no client could read would be our own defect
        await self.world.tell()
        return _broken(fault) if fault and fault.kind == "lose" else JSONResponse({"ok": True, "result": result})

    def _fault(self, method: str) -> Fault | None:
        for fault in self.faults:
            if fault.method in {"*", method} and (fault.method != "*" or method != "getUpdates"):
                fault.times -= 1
                if fault.times <= 0:
                    self.faults.remove(fault)
                return fault
        return None

    async def _updates(
        self, request: Request, offset: int = 0, limit: int = 100, timeout: int = 0, allowed_updates: Any = None
    ) -> list[Json]:
        """What waits for the bot. An offset confirms what was before it; a second poll ends the first one."""
        world = self.world
        if world.webhook:
            raise Refused(409, HAS_WEBHOOK)
        if self._poll:
            self._poll.set()
            await world.tell()
        mine = self._poll = asyncio.Event()
        if allowed_updates is not None:
            self._allowed = allowed_updates or None
        for number in [each for each in world.waiting if each < offset]:
            world.confirmed.append(world.waiting.pop(number))
        deadline = asyncio.get_running_loop().time() + min(timeout, LONGEST_POLL)
        while not (found := self._wanted(limit)) and not mine.is_set():
            left = deadline - asyncio.get_running_loop().time()
            if left <= 0 or await request.is_disconnected():
                break
            async with world.changed:
                with suppress(TimeoutError):
                    async with asyncio.timeout(min(left, 0.2)):
                        await world.changed.wait_for(lambda: mine.is_set() or self._wanted(1))
        if mine.is_set():
            raise Refused(409, OTHER_POLL)
        if self._poll is mine:
            self._poll = None
        return found

    def _wanted(self, limit: int) -> list[Json]:
        """The oldest updates of the kinds that the bot wants."""

        def is_wanted(update: Json) -> bool:
            (kind,) = set(update) - {"update_id"}
            return self._allowed is None or kind in self._allowed

        return [each for _, each in sorted(self.world.waiting.items()) if is_wanted(each)][:limit]

    async def _file(self, request: Request) -> Response:
        if request.path_params["token"] != TOKEN:
            return Response(status_code=401)
        name = request.path_params["path"].removeprefix("files/")
        content = next((content for known, content in self.world.files.values() if known == name), None)
        return Response(status_code=404) if content is None else Response(content)


async def _parameters(request: Request) -> dict[str, Any]:
    """What was sent in the address, as a form, as JSON or in parts: all mean the same."""
    given: dict[str, Any] = dict(request.query_params)
    kind = request.headers.get("content-type", "")
    if kind.startswith("application/json"):
        return given | dict(json.loads(await request.body() or b"{}"))
    async with request.form(max_part_size=100_000_000) as form:
        for name, value in form.items():
            given[name] = (
                value
                if isinstance(value, str)
                else Upload(value.filename or "", await value.read(), value.content_type or "application/octet-stream")
            )
    for name, value in list(given.items()):  # attach://NAME stands for the part of that name
        if isinstance(value, str) and value.startswith("attach://"):
            given[name] = given.pop(value.removeprefix("attach://"))
    return given


def _refusal(refused: Refused) -> JSONResponse:
    body: Json = {"ok": False, "error_code": refused.code, "description": refused.description}
    if refused.parameters:
        body["parameters"] = refused.parameters
    return JSONResponse(body, refused.code)


def _broken(fault: Fault) -> Response:
    if fault.kind == "refuse":
        more = {"retry_after": fault.retry_after} if fault.retry_after else {}
        return _refusal(Refused(fault.code, fault.description, **more))
    return _Dropped()


class _Dropped(Response):
    """No answer: it begins, and the connection is closed."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"100")]})
        await send({"type": "http.response.body", "body": b"{", "more_body": True})
        raise ConnectionAbortedError("closed on purpose")
