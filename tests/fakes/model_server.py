"""A local server of models: real HTTP, streaming, tool calls, usage, every way to fail. It counts calls.

    async with ModelServer(lambda request: Say("Hello")) as server:
        ...  # base_url = server.url

It speaks OpenAI's chat format, or the Wire of another provider (the modules beside this one), and refuses what the
real one refuses: a missing key, unknown roles, tool messages that answer no call, tools without a schema. Tokens are
counted as characters / 4, which is near enough for accounting to be checked against itself.
"""

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self

import uvicorn
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

ROLES = {"system", "user", "assistant", "tool"}
SECRET = "SECRET PROVIDER WORDS"


@dataclass(frozen=True)
class Say:
    """Answer with text, a word a chunk where it is streamed; all of it, or until the token limit or a filter."""

    text: str
    until: Literal["end", "limit", "filter"] = "end"


@dataclass(frozen=True)
class Call:
    """Answer with tool calls: (name, arguments); arguments that are text are sent as they are, broken or not.

    `held` holds the stream after the first line of a plan until the event is set. Ids begin with `ids`.
    """

    calls: Sequence[tuple[str, Mapping[str, Any] | str]]
    held: asyncio.Event | None = None
    ids: str = "call"


@dataclass(frozen=True)
class Fail:
    """Answer with a status, and with a word for programs where one is given."""

    status: int
    headers: Mapping[str, str] | None = None
    code: str | None = None


@dataclass(frozen=True)
class Hang:
    """Do not answer, until the client goes away."""


@dataclass(frozen=True)
class Garbage:
    """Answer 200 with a body that is no completion."""


@dataclass(frozen=True)
class Cut:
    """Begin to stream, and break off in the middle: the body ends, or with `abruptly` the connection does."""

    text: str
    abruptly: bool = False


@dataclass(frozen=True)
class Stumble:
    """Begin to stream, and then tell an error in the stream."""

    text: str


@dataclass(frozen=True)
class Pace:
    """How fast a model is: seconds to its first token, tokens a second after it."""

    first_seconds: float
    tokens_a_second: float


CHARACTERS_A_TOKEN = 4
LONGEST_HOLD = 5.0  # seconds
Answer = Say | Call | Cut | Stumble
Behaviour = Answer | Fail | Hang | Garbage
Script = Callable[[dict[str, Any]], Behaviour]


class Wire:
    """One provider's format. `base` is the path that belongs to its address, `paths` are asked below it."""

    base: ClassVar[str]
    paths: ClassVar[Sequence[str]]
    media_type: ClassVar[str] = "text/event-stream"

    def key(self, request: Request) -> str | None:
        """The key that a request shows."""
        return request.headers.get("authorization", "").removeprefix("Bearer ") or None

    def problem(self, request: Request, body: Mapping[str, Any]) -> str:
        """What the real server would refuse with 400."""
        raise NotImplementedError

    def is_streamed(self, request: Request, body: Mapping[str, Any]) -> bool:
        return bool(body.get("stream"))

    def error(self, status: int, message: str) -> dict[str, Any]:
        """The body of a refusal."""
        raise NotImplementedError

    def whole(self, body: Mapping[str, Any], answer: Answer) -> dict[str, Any]:
        raise NotImplementedError

    def pieces(self, body: Mapping[str, Any], answer: Answer) -> Iterator[str]:
        """The stream; it ends too early for Cut, and with an error for Stumble."""
        raise NotImplementedError


class OpenAiWire(Wire):
    """OpenAI's chat completions. With `finely` tool calls are streamed token by token, else in two halves."""

    def __init__(self, *, finely: bool = False) -> None:
        self._finely = finely

    base = "/v1"
    paths = ("/chat/completions",)

    def problem(self, request: Request, body: Mapping[str, Any]) -> str:
        return _problem(body)

    def error(self, status: int, message: str) -> dict[str, Any]:
        return {"error": {"message": message, "type": "error", "code": None}}

    def whole(self, body: Mapping[str, Any], answer: Answer) -> dict[str, Any]:
        return _whole(body, answer)

    def pieces(self, body: Mapping[str, Any], answer: Answer) -> Iterator[str]:
        for delta in _deltas(answer, finely=self._finely):
            yield _event(body, [{"index": 0, "delta": delta, "finish_reason": None}])
        if isinstance(answer, Cut):
            return
        if isinstance(answer, Stumble):
            yield f"data: {json.dumps(self.error(500, SECRET))}\n\n"
            return
        yield _event(body, [{"index": 0, "delta": {}, "finish_reason": _finish_reason(answer)}])
        if (body.get("stream_options") or {}).get("include_usage"):
            yield _event(body, [], usage=_usage(body, answer))
        yield "data: [DONE]\n\n"


class TransformersWire(OpenAiWire):
    """`transformers serve`: it refuses fields that it does not use, and tells no tokens while it streams."""

    def problem(self, request: Request, body: Mapping[str, Any]) -> str:
        unused = {"response_format", "stream_options", "tool_choice", "max_completion_tokens"} & set(body)
        return f"Unsupported fields in the request: {unused}" if unused else super().problem(request, body)


class Loopback:
    """A server of these routes on a loopback port, a free one where it is 0."""

    def __init__(self, routes: Sequence[Route], *, port: int = 0) -> None:
        # With the protocol named, asyncio sends without delay; else each answer waits 40 ms for an acknowledgement.
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(("127.0.0.1", port))
        self._config = uvicorn.Config(Starlette(routes=routes), log_level="critical", lifespan="off")
        self._server = uvicorn.Server(self._config)

    @property
    def url(self) -> str:
        host, port = self._socket.getsockname()
        return f"http://{host}:{port}"

    async def __aenter__(self) -> Self:
        """Started and closed by its parts: uvicorn's own loop and shutdown sleep a tenth of a second each."""
        self._config.load()
        self._server.lifespan = self._config.lifespan_class(self._config)
        await self._server.startup(sockets=[self._socket])
        return self

    async def __aexit__(self, *exc: object) -> None:
        state = self._server.server_state
        for listening in self._server.servers:
            listening.close()
        for connection in list(state.connections):
            connection.transport.close()
        await asyncio.gather(*state.tasks, return_exceptions=True)
        self._socket.close()


class ModelServer(Loopback):
    """The server. `requests` are the bodies that were asked, in their order, `keys` the keys they showed, `tokens`
    those that went in and out, `spans` when each call came and its answer was out, in seconds since 1970, and `log`
    what happened: "asked", "a line", "ended"."""

    def __init__(self, script: Script, wire: Wire | None = None, *, pace: Pace | None = None) -> None:
        self.requests: list[dict[str, Any]] = []
        self.tokens: list[tuple[int, int]] = []
        self.spans: list[tuple[float, float]] = []
        self.log: list[str] = []
        self._pace = pace
        self.keys: list[str] = []
        self.gone = asyncio.Event()
        self._script = script
        self._wire = wire or OpenAiWire()
        paths = [self._wire.base + path for path in self._wire.paths]
        super().__init__([Route(path, self._timed, methods=["POST"]) for path in paths])

    @property
    def url(self) -> str:
        return super().url + self._wire.base

    @property
    def calls(self) -> int:
        return len(self.requests)

    @property
    def is_writing(self) -> bool:
        """Whether an answer is on its way."""
        return bool(self._server.server_state.tasks)

    async def _timed(self, request: Request) -> Response:
        begun = time.time()

        async def out() -> None:
            self.spans.append((begun, time.time()))

        response = await self._completion(request)
        response.background = BackgroundTask(out)
        return response

    async def _completion(self, request: Request) -> Response:
        body = await request.json()
        wire, key = self._wire, self._wire.key(request)
        if not key:
            return JSONResponse(wire.error(401, "a key is missing"), 401)
        if problem := wire.problem(request, body):
            return JSONResponse(wire.error(400, problem), 400)
        self.requests.append(body)
        self.keys.append(key)
        self.log.append("asked")
        behaviour = self._script(body)
        if isinstance(behaviour, Say | Call | Cut | Stumble):
            usage = _usage(body, behaviour)
            self.tokens.append((usage["prompt_tokens"], usage["completion_tokens"]))
        match behaviour:
            case Fail() as failure:
                return _refusal(wire, failure)
            case Hang():
                while not await request.is_disconnected():
                    await asyncio.sleep(0.01)
                self.gone.set()
                return PlainTextResponse("nobody reads this")
            case Garbage():
                return PlainTextResponse("<html>not what you asked for</html>")
            case answer if wire.is_streamed(request, body):
                stream = self._streamed(wire.pieces(body, answer), answer)
                return StreamingResponse(stream, media_type=wire.media_type)
            case answer:
                if self._pace:
                    told = _usage(body, answer)["completion_tokens"]
                    await asyncio.sleep(self._pace.first_seconds + told / self._pace.tokens_a_second)
                return JSONResponse(wire.whole(body, answer))

    async def _streamed(self, pieces: Iterator[str], answer: Answer) -> AsyncIterator[str]:
        if self._pace:
            await asyncio.sleep(self._pace.first_seconds)
        held = answer.held if isinstance(answer, Call) else None
        for piece in pieces:
            yield piece
            if "\\\\n" in piece:
                self.log.append("a line")
                if held:
                    async with asyncio.timeout(LONGEST_HOLD):
                        await held.wait()
            await asyncio.sleep(1 / self._pace.tokens_a_second if self._pace else 0)
        self.log.append("ended")
        if isinstance(answer, Cut) and answer.abruptly:
            raise ConnectionAbortedError  # the body lacks its end: the client sees the connection break


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
    wanted = (body.get("response_format") or {}).get("json_schema") or {}
    if wanted.get("strict") and wanted["schema"].get("additionalProperties") is not False:
        return "additionalProperties is required to be supplied and to be false"
    return "" if body.get("model") and body.get("messages") else "model and messages are required"


def _refusal(wire: Wire, failure: Fail) -> JSONResponse:
    told = wire.error(failure.status, f"{SECRET} {failure.status}")
    if failure.code:
        told["error"]["code"] = failure.code
    return JSONResponse(told, failure.status, headers=dict(failure.headers or {}))


def _finish_reason(answer: Answer) -> str:
    if isinstance(answer, Call):
        return "tool_calls"
    return {"limit": "length", "filter": "content_filter"}.get(getattr(answer, "until", "end"), "stop")


def _usage(body: Mapping[str, Any], answer: Answer) -> dict[str, int]:
    asked, said = len(json.dumps(body)) // 4, max(len(str(answer)) // 4, 1)
    return {"prompt_tokens": asked, "completion_tokens": said, "total_tokens": asked + said}


def _wire_calls(answer: Call) -> list[dict[str, Any]]:
    return [
        {
            "id": f"{answer.ids}_{number}",
            "type": "function",
            "function": {"name": name, "arguments": given if isinstance(given, str) else json.dumps(given)},
        }
        for number, (name, given) in enumerate(answer.calls)
    ]


def _whole(body: Mapping[str, Any], answer: Answer) -> dict[str, Any]:
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
            {"index": 0, "message": message, "finish_reason": _finish_reason(answer)},
        ],
        "usage": _usage(body, answer),
    }


def _deltas(answer: Answer, *, finely: bool = False) -> list[dict[str, Any]]:
    """Pieces of the answer: text word by word, each call's arguments in two halves, or finely in tokens."""
    if not isinstance(answer, Call):
        return [{"role": "assistant", "content": word} for word in words(answer.text)]
    pieces: list[dict[str, Any]] = []
    for index, call in enumerate(_wire_calls(answer)):
        arguments = call["function"]["arguments"]
        size = CHARACTERS_A_TOKEN if finely else len(arguments) // 2 or 1
        first = {**call, "index": index, "function": {"name": call["function"]["name"], "arguments": arguments[:size]}}
        pieces.append({"role": "assistant", "content": None, "tool_calls": [first]})
        rest = [arguments[at : at + size] for at in range(size, len(arguments), size)]
        pieces += [{"tool_calls": [{"index": index, "function": {"arguments": part}}]} for part in rest]
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


def words(text: str) -> list[str]:
    """A text in pieces: each word with the space that follows it."""
    return [f"{word} " for word in text.split(" ")]


def asked_for(request: Mapping[str, Any]) -> str:
    """The last words of the person in a request."""
    said = [str(message["content"]) for message in request["messages"] if message["role"] == "user"]
    return said[-1] if said else ""
