"""The wire of Ollama's own chat: for ModelServer, see model_server.py."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from starlette.requests import Request

from tests.fakes.model_server import ROLES, SECRET, Answer, Call, Cut, Say, Stumble, Wire, words


class OllamaWire(Wire):
    """It wants arguments as objects, and a tool's answer under the tool's name. A local one wants no key."""

    base = ""
    paths = ("/api/chat",)
    media_type = "application/x-ndjson"

    def key(self, request: Request) -> str | None:
        return super().key(request) or "none"

    def problem(self, request: Request, body: Mapping[str, Any]) -> str:
        called: set[str] = set()
        for message in body["messages"]:
            if message["role"] not in ROLES:
                return f"invalid role {message['role']!r}"
            if message["role"] == "tool" and message.get("tool_name") not in called:
                return "a tool's answer without the name of a tool that was called"
            for call in message.get("tool_calls") or ():
                if not isinstance(call["function"]["arguments"], dict):
                    return "json: cannot unmarshal string into Go struct field"
                called.add(call["function"]["name"])
        return "" if body.get("model") else "model is required"

    def error(self, status: int, message: str) -> dict[str, Any]:
        return {"error": message}

    def whole(self, body: Mapping[str, Any], answer: Answer) -> dict[str, Any]:
        return _line(body, _messages(answer)[0]) | _done(body, answer)

    def pieces(self, body: Mapping[str, Any], answer: Answer) -> Iterator[str]:
        for message in _messages(answer):
            for word in words(message["content"]) if message["content"] else [""]:
                yield json.dumps(_line(body, message | {"content": word})) + "\n"
        if isinstance(answer, Stumble):
            yield json.dumps(self.error(500, SECRET)) + "\n"
        elif not isinstance(answer, Cut):
            yield json.dumps(_line(body, {"role": "assistant", "content": ""}) | _done(body, answer)) + "\n"


def _messages(answer: Answer) -> list[dict[str, Any]]:
    """Calls come whole."""
    if not isinstance(answer, Call):
        return [{"role": "assistant", "content": answer.text}]
    calls = [{"function": {"name": name, "arguments": given}} for name, given in answer.calls]
    return [{"role": "assistant", "content": "", "tool_calls": calls}]


def _line(body: Mapping[str, Any], message: dict[str, Any]) -> dict[str, Any]:
    return {"model": body["model"], "created_at": "2026-11-01T00:00:00Z", "message": message, "done": False}


def _done(body: Mapping[str, Any], answer: Answer) -> dict[str, Any]:
    limited = isinstance(answer, Say) and answer.until == "limit"
    return {
        "done": True,
        "done_reason": "length" if limited else "stop",
        "prompt_eval_count": len(json.dumps(body)) // 4,
        "eval_count": max(len(str(answer)) // 4, 1),
    }
