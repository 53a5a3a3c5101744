"""Requests as calls: query, form, JSON and multipart all say the same; parts of a form may be JSON in a text."""

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from tests.fakes.slack.refusals import Refused

JSON_PARTS = frozenset(
    "blocks attachments chunks prompts view metadata files loading_messages manifest unfurls dialog entities".split()
)
FLAGS = frozenset(
    "reply_broadcast unfurl_links unfurl_media mrkdwn link_names as_user return_im include_locale inclusive "
    "include_all_metadata include_num_members prevent_creation full".split()
)
NUMBERS = frozenset(("limit", "length"))


async def parameters(request: web.Request) -> dict[str, Any]:
    """All of them, with their types. Raises Refused."""
    form: dict[str, Any] = dict(request.query)
    if "json" in request.content_type:
        return _typed(form) | _json(await request.text())
    if request.can_read_body:
        form |= {name: value for name, value in (await request.post()).items() if isinstance(value, str)}
    return _typed(form)


def token_of(request: web.Request, given: dict[str, Any]) -> str:
    """The token of a call, from the header or its parameters, where it is taken out."""
    inside = str(given.pop("token", "") or "")
    kind, _, value = request.headers.get("Authorization", "").partition(" ")
    return value if kind == "Bearer" else inside


def client_of(request: web.Request) -> dict[str, str]:
    """The client's id and secret, where they stand in the header."""
    kind, _, value = request.headers.get("Authorization", "").partition(" ")
    if kind != "Basic":
        return {}
    try:
        name, _, secret = base64.b64decode(value).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise Refused("invalid_client_id") from None
    return {"client_id": name, "client_secret": secret}


def _json(text: str) -> dict[str, Any]:
    try:
        read = json.loads(text or "{}")
    except json.JSONDecodeError:
        raise Refused("invalid_json") from None
    if not isinstance(read, dict):
        raise Refused("json_not_object")
    parts = {name: _part(name, value) for name, value in read.items() if isinstance(value, str) and name in JSON_PARTS}
    return read | parts


def _typed(form: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _value(name, value) for name, value in form.items()}


def _value(name: str, value: str) -> Any:
    if name in JSON_PARTS:
        return _part(name, value)
    if name in FLAGS:
        return value in ("1", "true", "True")
    return int(value) if name in NUMBERS and value.isdigit() else value


def _part(name: str, value: str) -> Any:
    try:
        return json.loads(value)
    except json.JSONDecodeError:
        raise Refused(f"invalid_{name}_format" if name == "blocks" else "invalid_arguments") from None
