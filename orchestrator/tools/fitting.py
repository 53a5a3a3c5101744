"""Tool schemas in the space that a prompt has for them: the longest are shortened first, what is required stays."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from orchestrator.tools.spec import ToolSpec

SCHEMA_TOKENS = 4_000  # of all schemas in one prompt: 10 tools of the common size, and what a cheap prompt still bears
LONG = 300  # characters of a tool's description, and half of that of a parameter's, once space is short
LONGEST_ENUM = 12  # values of a parameter that need not be given, once space is short
SENTENCE = re.compile(r"(?<=[.!?])\s|\n")
PROSE = frozenset({"description", "title", "examples", "$comment", "$schema"})

Shorten = Callable[[ToolSpec], ToolSpec]


def fitted(
    tools: Sequence[ToolSpec], *, beside: Sequence[ToolSpec] = (), limit: float = SCHEMA_TOKENS
) -> list[ToolSpec]:
    """The tools, best first, in at most `limit` tokens together with those that stand `beside` them untouched.

    Where they are too long, one thing after another is done, each to the longest tool first and only until all fit:
    1. what optional parameters say of themselves goes;
    2. descriptions are cut to their first sentences;
    3. optional parameters keep only their type;
    4. descriptions are cut to a line;
    5. optional parameters go;
    6. required parameters keep only their type;
    7. the tools go that fit the request least.
    The shortened ones are for a model's eyes: arguments are checked against the whole schema.
    """
    shown = list(tools)
    sizes = [tool.tokens for tool in shown]
    space = limit - sum(tool.tokens for tool in beside)
    for shorten in STAGES:
        for at in sorted(range(len(shown)), key=lambda at: -sizes[at]):
            if sum(sizes) <= space:
                return shown
            shown[at] = shorten(shown[at])
            sizes[at] = shown[at].tokens
    while shown and sum(sizes) > space:
        shown.pop()
        sizes.pop()
    return shown


# --- the stages ---------------------------------------------------------------------------------------


def _without_optional_prose(tool: ToolSpec) -> ToolSpec:
    return _with_parameters(tool, lambda schema, required: schema if required else _without_prose(schema))


def _in_short(tool: ToolSpec) -> ToolSpec:
    short = _with_parameters(tool, lambda schema, _: _cut(schema, LONG // 2))
    return replace(short, description=_sentences(tool.description, LONG))


def _optional_as_types(tool: ToolSpec) -> ToolSpec:
    return _with_parameters(tool, lambda schema, required: schema if required else _kind(schema))


def _in_a_line(tool: ToolSpec) -> ToolSpec:
    short = _with_parameters(tool, lambda schema, required: _cut(_without_inner_prose(schema), LONG // 5))
    return replace(short, description=_sentences(tool.description, LONG // 3))


def _required_alone(tool: ToolSpec) -> ToolSpec:
    kept = {name: schema for name, schema in _declared(tool).items() if name in tool.required}
    return replace(tool, parameters={**tool.parameters, "properties": kept})


def _types_alone(tool: ToolSpec) -> ToolSpec:
    """No $defs any more either: nothing is left that could refer to them."""
    kept = {name: _kind(schema) for name, schema in _declared(tool).items()}
    return replace(tool, parameters={"type": "object", "properties": kept, "required": list(tool.required)})


STAGES: Sequence[Shorten] = (
    _without_optional_prose,
    _in_short,
    _optional_as_types,
    _in_a_line,
    _required_alone,
    _types_alone,
)


# --- their parts --------------------------------------------------------------------------------------


def _declared(tool: ToolSpec) -> Mapping[str, Any]:
    return tool.parameters.get("properties") or {}


def _with_parameters(tool: ToolSpec, shorten: Callable[[Any, bool], Any]) -> ToolSpec:
    """The tool with every parameter's schema shortened; `shorten` is told whether it is required."""
    kept = {name: shorten(schema, name in tool.required) for name, schema in _declared(tool).items()}
    rest = {name: part for name, part in tool.parameters.items() if name not in PROSE}
    return replace(tool, parameters={**rest, "properties": kept})


def _without_prose(schema: Any) -> Any:
    """The schema without the words in it, at any depth. A parameter that is called "title" is none of them."""
    if isinstance(schema, list):
        return [_without_prose(part) for part in schema]
    if not isinstance(schema, Mapping):
        return schema
    kept = {name: part for name, part in schema.items() if name not in PROSE}
    return {name: _of_each(part) if name == "properties" else _without_prose(part) for name, part in kept.items()}


def _of_each(properties: Any) -> Any:
    return {name: _without_prose(part) for name, part in properties.items()}


def _without_inner_prose(schema: Any) -> Any:
    if not isinstance(schema, Mapping):
        return schema
    return {**_without_prose(schema), **{name: schema[name] for name in ("description",) if name in schema}}


def _cut(schema: Any, length: int) -> Any:
    if not isinstance(schema, Mapping) or not isinstance(schema.get("description"), str):
        return schema
    return {**schema, "description": _sentences(schema["description"], length)}


def _kind(schema: Any) -> Any:
    """Of a parameter that need not be given: its type, and its values where they are few."""
    if not isinstance(schema, Mapping):
        return schema
    kept = {name: schema[name] for name in ("type", "enum", "items", "anyOf") if name in schema}
    if isinstance(kept.get("items"), Mapping):
        kept["items"] = {name: kept["items"][name] for name in ("type",) if name in kept["items"]}
    if "anyOf" in kept:
        kept["anyOf"] = [_kind(each) for each in kept["anyOf"]]
    if len(kept.get("enum", ())) > LONGEST_ENUM:
        del kept["enum"]
    return kept


def _sentences(text: str, length: int) -> str:
    """The first sentences of a text that have room in `length` characters; a first one that has not is cut."""
    kept = ""
    for sentence in SENTENCE.split(text.strip()):
        if kept and len(kept) + 1 + len(sentence) > length:
            break
        kept = f"{kept} {sentence}".strip()
    return kept if len(kept) <= length else kept[: length - 1].rstrip() + "…"
