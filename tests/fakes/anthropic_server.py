"""The wire of Claude's messages: for ModelServer, see model_server.py."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from starlette.requests import Request

from tests.fakes.model_server import SECRET, Answer, Call, Cut, Stumble, Wire, words

ERRORS = {401: "authentication_error", 404: "not_found_error", 429: "rate_limit_error", 529: "overloaded_error"}


class AnthropicWire(Wire):
    """It refuses what the real one refuses: no max_tokens, empty text, roles that do not alternate, calls without
    results in the next message, schemas with open objects."""

    base = ""
    paths = ("/v1/messages",)

    def key(self, request: Request) -> str | None:
        key = request.headers.get("x-api-key") or super().key(request)
        return key if "anthropic-version" in request.headers else None

    def problem(self, request: Request, body: Mapping[str, Any]) -> str:
        if not (body.get("model") and body.get("max_tokens")):
            return "model and max_tokens are required"
        for tool in body.get("tools") or ():
            if tool["input_schema"].get("type") != "object":
                return "input_schema.type must be object"
        wanted = (body.get("output_config") or {}).get("format")
        if wanted and wanted["schema"].get("additionalProperties") is not False:
            return "For 'object' type, 'additionalProperties' must be explicitly set to false"
        return _problem_of(body["messages"])

    def error(self, status: int, message: str) -> dict[str, Any]:
        return {"type": "error", "error": {"type": ERRORS.get(status, "api_error"), "message": message}}

    def whole(self, body: Mapping[str, Any], answer: Answer) -> dict[str, Any]:
        return {**_message(body, answer), "content": _blocks(answer), "stop_reason": _stop_reason(answer)}

    def pieces(self, body: Mapping[str, Any], answer: Answer) -> Iterator[str]:
        message = _message(body, answer)
        yield _event("message_start", message={**message, "content": [], "stop_reason": None})
        yield _event("ping")
        for index, block in enumerate(_blocks(answer)):
            yield from _block(index, block, answer)
        if isinstance(answer, Cut):
            return
        if isinstance(answer, Stumble):
            yield _event("error", error=self.error(529, SECRET)["error"])
            return
        delta = {"stop_reason": _stop_reason(answer), "stop_sequence": None}
        yield _event("message_delta", delta=delta, usage={"output_tokens": message["usage"]["output_tokens"]})
        yield _event("message_stop")


def _problem_of(messages: list[dict[str, Any]]) -> str:
    role, calls = "", set[str]()
    for message in messages:
        if message["role"] not in {"user", "assistant"} or message["role"] == role:
            return "roles must alternate between user and assistant"
        role = message["role"]
        blocks = message["content"] if isinstance(message["content"], list) else []
        if any(block["type"] == "text" and not block["text"] for block in blocks):
            return "text content blocks must be non-empty"
        if {block["tool_use_id"] for block in blocks if block["type"] == "tool_result"} != calls:
            return "each tool_use block must have a corresponding tool_result block in the next message"
        calls = {block["id"] for block in blocks if block["type"] == "tool_use"}
    return "" if role == "user" else "the conversation must end with a user message"


def _message(body: Mapping[str, Any], answer: Answer) -> dict[str, Any]:
    usage = {"input_tokens": len(json.dumps(body)) // 4, "output_tokens": max(len(str(answer)) // 4, 1)}
    return {
        "id": "msg_fake",
        "type": "message",
        "role": "assistant",
        "model": body["model"],
        "stop_sequence": None,
        "usage": usage,
    }


def _stop_reason(answer: Answer) -> str:
    if isinstance(answer, Call):
        return "tool_use"
    return {"limit": "max_tokens", "filter": "refusal"}.get(getattr(answer, "until", "end"), "end_turn")


def _blocks(answer: Answer) -> list[dict[str, Any]]:
    if not isinstance(answer, Call):
        return [{"type": "text", "text": answer.text}] if answer.text else []
    return [
        {"type": "tool_use", "id": f"toolu_{number}", "name": name, "input": given or {}}
        for number, (name, given) in enumerate(answer.calls)
    ]


def _block(index: int, block: dict[str, Any], answer: Answer) -> Iterator[str]:
    """A block of the stream: text word by word, a call's arguments in two halves."""
    if block["type"] == "text":
        start, deltas = {**block, "text": ""}, [{"type": "text_delta", "text": word} for word in words(block["text"])]
    else:
        given = block["input"]
        arguments = given if isinstance(given, str) else json.dumps(given)
        middle = len(arguments) // 2
        halves = ("", arguments[:middle], arguments[middle:])
        start = {**block, "input": {}}
        deltas = [{"type": "input_json_delta", "partial_json": half} for half in halves]
    yield _event("content_block_start", index=index, content_block=start)
    for delta in deltas:
        yield _event("content_block_delta", index=index, delta=delta)
    yield _event("content_block_stop", index=index)


def _event(kind: str, **fields: Any) -> str:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n"
