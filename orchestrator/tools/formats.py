"""Tools in the formats of OpenAI, Anthropic and Gemini, and back.

All three take JSON Schema as it is, Gemini since it has `parametersJsonSchema`. agno's own conversions are not used: of
the 527 tools of LiveMCP its Gemini one loses a `type` in 64, a `required` in 14 and all 147 `additionalProperties`; its
Anthropic one closes every object, and both fail at a parameter whose schema is `true` (agno 3.1, 2026-11).
"""

from collections.abc import Mapping
from typing import Any, Literal

from orchestrator.errors import BadInput
from orchestrator.tools.spec import ToolSpec

Format = Literal["openai", "anthropic", "gemini"]
Written = dict[str, Any]

NOT_ON_TOP = frozenset({"$schema", "oneOf", "anyOf", "allOf", "not", "enum"})  # OpenAI and Anthropic refuse these there


def written(tool: ToolSpec, form: Format) -> Written:
    """A tool as a provider's API wants it: OpenAI's chat completions, Anthropic's messages, Gemini's declarations.

    What no provider takes at the top of a schema is left out; arguments are checked against all of it all the same.
    """
    match form:
        case "openai":
            return {"type": "function", "function": {**_words(tool), "parameters": _schema(tool)}}
        case "anthropic":
            return {**_words(tool), "input_schema": _schema(tool)}
        case "gemini":
            return {**_words(tool), "parametersJsonSchema": _schema(tool)}


def read_tool(tool: Mapping[str, Any], source: str) -> ToolSpec:
    """A tool that is written in one of the formats. Raises BadInput."""
    match tool:
        case {"type": "function", "function": {"name": str(name)} as about}:
            return _spec(name, about, about.get("parameters"), source)
        case {"name": str(name), "input_schema": schema}:
            return _spec(name, tool, schema, source)
        case {"name": str(name), "parametersJsonSchema": schema} | {
            "name": str(name),
            "parameters_json_schema": schema,
        }:
            return _spec(name, tool, schema, source)
    raise BadInput("A tool is written as OpenAI's `function`, or with `input_schema`, or with `parametersJsonSchema`.")


def _words(tool: ToolSpec) -> Written:
    return {"name": tool.name, "description": tool.description}


def _schema(tool: ToolSpec) -> Written:
    kept = {name: part for name, part in tool.parameters.items() if name not in NOT_ON_TOP}
    return {"type": "object", "properties": {}, **kept}


def _spec(name: str, about: Mapping[str, Any], schema: Any, source: str) -> ToolSpec:
    if not isinstance(schema, Mapping | None):
        raise BadInput(f"The parameters of {name!r} must be a JSON Schema.")
    return ToolSpec(name, str(about.get("description") or ""), schema or {"type": "object", "properties": {}}, source)
