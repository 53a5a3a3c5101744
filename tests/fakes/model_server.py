"""A local OpenAI-compatible server: real HTTP, streaming, tool calls, usage, every way to fail. It counts calls.

    async with ModelServer(lambda request: Say("Hello")) as server:
        ...  # base_url = server.url

It refuses with 400 what the real one refuses: unknown roles, tool messages that answer no call, tools without a schema.
Tokens are counted as characters / 4, which is near enough for accounting to be checked against itself.
"""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

ROLES = {"system", "user", "assistant", "tool"}


@dataclass(frozen=True)
class Say:
    """Answer with text, a word a chunk where it is streamed."""

    text: str


@dataclass(frozen=True)
class Call:
    """Answer with tool calls: (name, arguments); arguments that are text are sent as they are, broken or not."""

    calls: Sequence[tuple[str, Mapping[str, Any] | str]]


@dataclass(frozen=True)
class Fail:
    """Answer with a status."""

    status: int
    headers: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Hang:
    """Do not answer, until the client goes away."""


@dataclass(frozen=True)
class Garbage:
    """Answer 200 with a body that is no completion."""


@dataclass(frozen=True)
class Cut:
    """Begin to stream, and break off in the middle."""

    text: str


Behaviour = Say | Call | Fail | Hang | Garbage | Cut
Script = Callable[[dict[str, Any]], Behaviour]


class ModelServer:
    """The server on a free loopback port. `requests` are the bodies that were asked, in their order."""

    def __init__(self, script: Script) -> None:
        self.requests: list[dict[str, Any]] = []
        self.gone = asyncio.Event()
        self._script = script
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        app = Starlette(routes=[Route("/v1/chat/completions", self._completion, methods=["POST"])])
        config = uvicorn.Config(app, log_level="critical", lifespan="off", timeout_graceful_shutdown=1)
        self._server = uvicorn.Server(config)

    @property
    def url(self) -> str:
        host, port = self._socket.getsockname()
        return f"http://{host}:{port}/v1"

    @property
    def calls(self) -> int:
        return len(self.requests)

    async def __aenter__(self) -> Self:
        self._server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
        self._serving = asyncio.ensure_future(self._server.serve(sockets=[self._socket]))
        while not self._server.started:
            await asyncio.sleep(0)
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._server.should_exit = True
        self._server.force_exit = True
        await self._serving
        self._socket.close()

    async def _completion(self, request: Request) -> Response:
        body = await request.json()
        if problem := _problem(body):
            return JSONResponse({"error": {"message": problem, "type": "invalid_request_error"}}, 400)
        self.requests.append(body)
        match self._script(body):
            case Fail(status=status, headers=headers):
                error = {"error": {"message": f"SECRET PROVIDER WORDS {status}", "type": "error", "code": None}}
                return JSONResponse(error, status, headers=dict(headers or {}))
            case Hang():
                while not await request.is_disconnected():
                    await asyncio.sleep(0.01)
                self.gone.set()
                return PlainTextResponse("nobody reads this")
            case Garbage():
                return PlainTextResponse("<html>not what you asked for</html>")
            case Say() | Call() | Cut() as answer if body.get("stream"):
                return StreamingResponse(_stream(body, answer), media_type="text/event-stream")
            case Say() | Call() | Cut() as answer:
                return JSONResponse(_whole(body, answer))


def _problem(body: Mapping[str, Any]) -> str:
    """What the real server would refuse."""
    open_calls: set[str] = set()
    for message in body.get("messages") or ():
        if message["role"] not in ROLES:
            return f"Invalid role {message['role']!r}"
        if message["role"] == "tool" and message.get("tool_call_id") not in open_calls:
            return "messages with role 'tool' must answer a preceding tool call"
        open_calls |= {call["id"] for call in message.get("tool_calls") or ()}
    for tool in body.get("tools") or ():
        if tool.get("type") != "function" or tool["function"].get("parameters", {}).get("type") != "object":
            return "a tool needs type function and parameters of type object"
    return "" if body.get("model") and body.get("messages") else "model and messages are required"


def _usage(body: Mapping[str, Any], answer: Behaviour) -> dict[str, int]:
    asked, said = len(json.dumps(body)) // 4, max(len(str(answer)) // 4, 1)
    return {"prompt_tokens": asked, "completion_tokens": said, "total_tokens": asked + said}


def _wire_calls(answer: Call) -> list[dict[str, Any]]:
    return [
        {
            "id": f"call_{number}",
            "type": "function",
            "function": {"name": name, "arguments": given if isinstance(given, str) else json.dumps(given)},
        }
        for number, (name, given) in enumerate(answer.calls)
    ]


def _whole(body: Mapping[str, Any], answer: Say | Call | Cut) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": None}
    if isinstance(answer, Call):
        message["tool_calls"] = _wire_calls(answer)
    else:
        message["content"] = answer.text
    return {
        "id": "chatcmpl-fake",
        "object": "chat.completion",
        "created": 0,
        "model": body["model"],
        "choices": [
            {"index": 0, "message": message, "finish_reason": "tool_calls" if isinstance(answer, Call) else "stop"}
        ],
        "usage": _usage(body, answer),
    }


async def _stream(body: Mapping[str, Any], answer: Say | Call | Cut) -> AsyncIterator[str]:
    for delta in _deltas(answer):
        yield _event(body, [{"index": 0, "delta": delta, "finish_reason": None}])
        await asyncio.sleep(0)
    if isinstance(answer, Cut):
        return
    reason = "tool_calls" if isinstance(answer, Call) else "stop"
    yield _event(body, [{"index": 0, "delta": {}, "finish_reason": reason}])
    if (body.get("stream_options") or {}).get("include_usage"):
        yield _event(body, [], usage=_usage(body, answer))
    yield "data: [DONE]\n\n"


def _deltas(answer: Say | Call | Cut) -> list[dict[str, Any]]:
    """Pieces of the answer: text word by word, each call's arguments in two halves."""
    if not isinstance(answer, Call):
        return [{"role": "assistant", "content": word} for word in answer.text.split(" ") for word in (f"{word} ",)]
    pieces: list[dict[str, Any]] = []
    for index, call in enumerate(_wire_calls(answer)):
        arguments = call["function"]["arguments"]
        middle = len(arguments) // 2
        first = {
            **call,
            "index": index,
            "function": {"name": call["function"]["name"], "arguments": arguments[:middle]},
        }
        pieces.append({"role": "assistant", "content": None, "tool_calls": [first]})
        pieces.append({"tool_calls": [{"index": index, "function": {"arguments": arguments[middle:]}}]})
    return pieces


def _event(body: Mapping[str, Any], choices: list[dict[str, Any]], usage: dict[str, int] | None = None) -> str:
    chunk = {
        "id": "chatcmpl-fake",
        "object": "chat.completion.chunk",
        "created": 0,
        "model": body["model"],
        "choices": choices,
        "usage": usage,
    }
    return f"data: {json.dumps(chunk)}\n\n"


def asked_for(request: Mapping[str, Any]) -> str:
    """The last words of the person in a request."""
    said = [str(message["content"]) for message in request["messages"] if message["role"] == "user"]
    return said[-1] if said else ""
