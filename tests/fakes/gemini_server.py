"""The wire of Gemini's generateContent: for ModelServer, see model_server.py."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from starlette.requests import Request

from tests.fakes.model_server import SECRET, Answer, Call, Cut, Say, Stumble, Wire, words

STATUSES = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 404: "NOT_FOUND", 429: "RESOURCE_EXHAUSTED"}


class GeminiWire(Wire):
    """It refuses what the real one refuses: empty parts, a call of a tool without its signature, answers that are not
    as many as the calls before them, JSON together with tools."""

    base = ""
    paths = (
        "/{version}/models/{model}:generateContent",
        "/{version}/models/{model}:streamGenerateContent",
    )

    def key(self, request: Request) -> str | None:
        return request.headers.get("x-goog-api-key")

    def problem(self, request: Request, body: Mapping[str, Any]) -> str:
        for tool in body.get("tools") or ():
            # The client of Google's sends this one name as it is; the API takes both ways to write one.
            if any(each["parameters_json_schema"]["type"] != "object" for each in tool["functionDeclarations"]):
                return "parameters must be of type OBJECT"
        if body.get("tools") and (body.get("generationConfig") or {}).get("responseMimeType"):
            return "Function calling with a response mime type: 'application/json' is unsupported"
        return _problem_of(body["contents"])

    def is_streamed(self, request: Request, body: Mapping[str, Any]) -> bool:
        return request.url.path.endswith(":streamGenerateContent") and request.query_params["alt"] == "sse"

    def error(self, status: int, message: str) -> dict[str, Any]:
        return {"error": {"code": status, "message": message, "status": STATUSES.get(status, "UNAVAILABLE")}}

    def whole(self, body: Mapping[str, Any], answer: Answer) -> dict[str, Any]:
        return _response(body, answer, _parts(answer), _finish_reason(answer))

    def pieces(self, body: Mapping[str, Any], answer: Answer) -> Iterator[str]:
        parts = _parts(answer)
        pieces = [{"text": word} for word in words(parts[0]["text"])] if parts and "text" in parts[0] else parts
        for number, part in enumerate(pieces, 1):
            is_last = number == len(pieces) and not isinstance(answer, Cut | Stumble)
            reason = _finish_reason(answer) if is_last else None
            yield f"data: {json.dumps(_response(body, answer, [part], reason))}\r\n\r\n"
        if not pieces:
            yield f"data: {json.dumps(_response(body, answer, [], _finish_reason(answer)))}\r\n\r\n"
        if isinstance(answer, Stumble):
            yield f"data: {json.dumps(self.error(503, SECRET))}\r\n\r\n"


def _problem_of(contents: list[dict[str, Any]]) -> str:
    calls = 0
    for content in contents:
        parts = content.get("parts")
        if content["role"] not in {"user", "model"} or not parts or {"text": ""} in parts:
            return "must include at least one parts field, and no empty text parameter"
        if sum("functionResponse" in part for part in parts) != calls:
            return "the number of function response parts must equal that of the function call parts before"
        called = [part for part in parts if "functionCall" in part]
        if called and "thoughtSignature" not in called[0]:
            return "Function call is missing a thought_signature in functionCall parts"
        calls = len(called)
    return "" if contents and contents[-1]["role"] == "user" else "the last content must be a user's"


def _parts(answer: Answer) -> list[dict[str, Any]]:
    """Calls come whole and without ids, and only the first of them is signed."""
    if not isinstance(answer, Call):
        return [{"text": answer.text}] if answer.text else []
    parts = [{"functionCall": {"name": name, "args": given}} for name, given in answer.calls]
    return [{**parts[0], "thoughtSignature": "c2lnbmVk"}, *parts[1:]]


def _finish_reason(answer: Answer) -> str:
    until = answer.until if isinstance(answer, Say) else "end"
    return {"limit": "MAX_TOKENS", "filter": "SAFETY", "end": "STOP"}[until]


def _response(
    body: Mapping[str, Any], answer: Answer, parts: list[dict[str, Any]], reason: str | None
) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"parts": parts, "role": "model"}, "index": 0}
    asked, said = len(json.dumps(body)) // 4, max(len(str(answer)) // 4, 1)
    return {
        "candidates": [candidate | ({"finishReason": reason} if reason else {})],
        "usageMetadata": {
            "promptTokenCount": asked,
            "candidatesTokenCount": said,
            "totalTokenCount": asked + said,
        },
        "modelVersion": "some-model",
        "responseId": "fake",
    }
