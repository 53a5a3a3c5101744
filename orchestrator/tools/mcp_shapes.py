"""Between the protocol's shapes and ours: its tools as ToolSpec, its answers as ToolResult."""

import base64
import binascii
import hashlib
import json
import mimetypes
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn
from urllib.parse import unquote

from jsonschema import SchemaError
from jsonschema.validators import validator_for
from mcp_types import (
    AudioContent,
    CallToolResult,
    ContentBlock,
    EmbeddedResource,
    GetPromptResult,
    ImageContent,
    Prompt,
    ReadResourceResult,
    Resource,
    ResourceLink,
    TextContent,
    TextResourceContents,
    Tool,
    ToolAnnotations,
)

from orchestrator.tools.hidden import clean, visible, visible_data
from orchestrator.tools.spec import LARGEST_FILE, File, ToolResult, ToolSpec, file_line

NAME_LIMIT = 64  # characters of ^[A-Za-z0-9_-]{1,64}$, what every provider takes (read 2026-11)
SUMMARY_LIMIT = 200  # characters of what stands in a list
CHANGES = re.compile(
    r"(?:send|post|delete|remove|drop|write|create|update|insert|execute|run|pay|buy|order|transfer|upload|publish|"
    r"install|deploy|move|rename|kill)(?: |$)"
)
"""Names that a promise to change nothing contradicts. Between the two we believe the name."""
DESCRIPTION_LIMIT = 4000  # characters; what a tool needs more for is not a description


@dataclass(frozen=True, slots=True)
class Offer:
    """A tool under its own name at the server, and as the rest of Errand knows it."""

    tool: str
    spec: ToolSpec


@dataclass(frozen=True, slots=True)
class Template:
    """A prompt of a server's: its own name, its name as a slash word, what it is for, what it wants to know."""

    prompt: str
    name: str
    summary: str
    parameters: tuple[str, ...] = ()
    required: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Readable:
    """A resource that a server has: where, and what it is."""

    uri: str
    name: str
    summary: str = ""


class Unusable(Exception):
    """A tool that cannot be offered; the message says why."""


def offer(server: str, tool: Tool, *, version: str = "") -> Offer:
    """One tool of a server of this version as we offer it. Raises Unusable."""
    if tool.execution and tool.execution.task_support == "required":
        raise Unusable("works only as a task")
    try:
        validator_for(tool.input_schema).check_schema(tool.input_schema)
    except SchemaError as error:
        raise Unusable(f"its schema is none: {clean(error.message, 100)}") from error
    hints = tool.annotations or ToolAnnotations()
    spec = ToolSpec(
        name=outside_name(server, tool.name),
        description=clean(tool.description or "", DESCRIPTION_LIMIT),
        parameters=_clean_schema(tool.input_schema),
        source=f"mcp:{server}",
        read_only=bool(hints.read_only_hint) and not CHANGES.match(_in_words(tool.name)),
        idempotent=bool(hints.idempotent_hint),
        destructive=bool(hints.destructive_hint and not hints.read_only_hint),
        open_world=hints.open_world_hint is not False,
        title=" ".join(clean(tool.title or hints.title or "", 100).split()),
        version=clean(version, 50),
    )
    return Offer(tool.name, spec)


def definition(tool: Tool) -> dict[str, Any]:
    """All that a tool says of itself, for pinning; without pictures and what servers note for themselves."""
    return tool.model_dump(mode="json", by_alias=True, exclude_none=True, exclude={"icons", "meta"})


def template(server: str, prompt: Prompt) -> Template:
    """A prompt as we offer it."""
    wanted = prompt.arguments or []
    return Template(
        prompt=prompt.name,
        name=outside_name(server, prompt.name),
        summary=clean(prompt.title or prompt.description or "", SUMMARY_LIMIT),
        parameters=tuple(each.name for each in wanted),
        required=tuple(each.name for each in wanted if each.required),
    )


def readable(resource: Resource) -> Readable:
    """A resource as we tell of it."""
    summary = clean(resource.title or resource.description or "", SUMMARY_LIMIT)
    return Readable(resource.uri, clean(resource.name, SUMMARY_LIMIT), summary)


def prefix(server: str) -> str:
    """What the names of a server's tools begin with."""
    return _plain(server) + "__"


def outside_name(server: str, tool: str) -> str:
    """`server__tool` in the characters and the length that providers take. A long one ends in a hash of the whole:
    cut at the end, two long names would become one."""
    name = prefix(server) + _plain(tool)
    if len(name) <= NAME_LIMIT:
        return name
    digest = hashlib.sha256(f"{server}__{tool}".encode()).hexdigest()[:8]
    return f"{name[: NAME_LIMIT - 9]}_{digest}"


def _in_words(name: str) -> str:
    """The words of names such as sendMail and send_mail."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])|[^A-Za-z0-9]+", " ", name).strip().lower()


def _plain(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]", "_", name)


def _clean_schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _clean_part(key, value) for key, value in schema.items()}


def _clean_part(key: str, value: Any) -> Any:
    match value:
        case str() if key in ("title", "description"):
            return clean(value, DESCRIPTION_LIMIT)
        case dict():
            return _clean_schema(value)
        case list():
            return [_clean_part("", item) for item in value]
        case _:
            return value


# --- Answers ------------------------------------------------------------------------------------------


def to_result(answer: CallToolResult, limit: int) -> ToolResult:
    """An answer as text, and as data where it is structured or one JSON document. Both at most `limit` characters."""
    parts = [_part(block) for block in answer.content]
    files = tuple(part for part in parts if isinstance(part, File))
    text = "\n".join(file_line(part) if isinstance(part, File) else part for part in parts)
    data = visible_data(answer.structured_content)
    if data is None:
        data = _document(text) if len(text) <= limit else None
    elif len(written := json.dumps(data, ensure_ascii=False)) > limit:
        text, data = text or written, None
    elif not text:
        text = written
    return ToolResult(_cut(text, limit), data, is_error=answer.is_error, files=files)


def to_contents(answer: ReadResourceResult, limit: int) -> ToolResult:
    """A resource's contents, as a tool would give them back."""
    blocks: list[ContentBlock] = [EmbeddedResource(resource=each) for each in answer.contents]
    return to_result(CallToolResult(content=blocks), limit)


def to_words(answer: GetPromptResult, limit: int) -> str:
    """What a prompt says, as one text; pictures in it are left out."""
    parts = (_part(message.content) for message in answer.messages)
    return _cut("\n\n".join(part for part in parts if isinstance(part, str)), limit)


def _part(block: ContentBlock) -> str | File:
    match block:
        case TextContent():
            return visible(block.text)
        case ImageContent() | AudioContent():
            return _file(f"{block.type}{mimetypes.guess_extension(block.mime_type) or ''}", block.mime_type, block.data)
        case ResourceLink():
            return f"[link {clean(block.name, SUMMARY_LIMIT)}: {clean(str(block.uri), SUMMARY_LIMIT)}]"
        case EmbeddedResource(resource=resource):
            if isinstance(resource, TextResourceContents):
                return visible(resource.text)
            name = clean(unquote(str(resource.uri).rstrip("/").rpartition("/")[2]), 200)
            return _file(name or "file", resource.mime_type or "application/octet-stream", resource.blob)


def _file(name: str, mime: str, encoded: str) -> str | File:
    """The file; where it is too large or broken, a word on that."""
    if len(encoded) * 3 // 4 > LARGEST_FILE:
        return f"[{name} has {len(encoded) * 3 / 4 / 10**6:.0f} MB, and {LARGEST_FILE // 10**6} MB are taken]"
    try:
        return File(name, clean(mime, 100), base64.b64decode(encoded))
    except binascii.Error:
        return f"[{name} cannot be read: its Base64 is broken]"


def _document(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_not_json)
    except ValueError:
        return None


def _not_json(constant: str) -> NoReturn:
    raise ValueError(constant)


def _cut(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    return f"{text[:limit]}\n[cut: this is the beginning, {limit} of {len(text)} characters]"
