"""Tools in the providers' formats: nothing is lost on the way there and back, and the real clients take them."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import TypeAdapter

from orchestrator.agno_models import Models
from orchestrator.errors import BadInput
from orchestrator.models import ChatMessage
from orchestrator.tools.builtin import BUILTIN
from orchestrator.tools.formats import Format, read_tool, written
from orchestrator.tools.spec import ToolSpec
from tests.evaldata import eval_path
from tests.fakes.anthropic_server import AnthropicWire
from tests.fakes.gemini_server import GeminiWire
from tests.fakes.model_server import ModelServer, OpenAiWire, Say

FORMATS: list[Format] = ["openai", "anthropic", "gemini"]
NESTED = ToolSpec(
    "book__table",
    "Book a table.",
    {
        "type": "object",
        "properties": {
            "guests": {"type": "array", "items": {"$ref": "#/$defs/guest"}, "minItems": 1},
            "when": {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "null"}], "default": None},
            "extras": {"type": "object", "additionalProperties": {"type": "integer"}},
            "kind": {"enum": [1, 2, "terrace"]},
            "note": True,
        },
        "required": ["guests"],
        "$defs": {"guest": {"type": "object", "properties": {"name": {"type": "string", "pattern": "^[A-Z]"}}}},
        "additionalProperties": False,
    },
    "tests",
)
NOTHING = ToolSpec("ping", "Say that you are there.", {"type": "object", "properties": {}}, "tests")
TOOLS = [NESTED, NOTHING, *(function.spec for function in BUILTIN)]


def public() -> Iterator[ToolSpec]:
    for tool in json.loads(eval_path("livemcp_tools.json").read_text()):
        yield ToolSpec(tool["name"], tool["description"] or "", tool["inputSchema"], "tests")


def shown_to_models(tool: ToolSpec) -> tuple[str, str, dict[str, Any]]:
    """What of a tool a provider is told."""
    parameters = {name: part for name, part in tool.parameters.items() if name != "$schema"}
    return tool.name, tool.description, {"type": "object", "properties": {}, **parameters}


@pytest.mark.proves("tools.formats")
@pytest.mark.parametrize("form", FORMATS)
def test_a_tool_comes_back_from_each_format_as_it_was(form: Format) -> None:
    for tool in [*TOOLS, *public()]:
        assert shown_to_models(read_tool(written(tool, form), "tests")) == shown_to_models(tool)


@pytest.mark.proves("tools.formats")
def test_the_types_of_the_real_clients_take_every_tool_and_change_nothing() -> None:
    from anthropic.types import ToolParam
    from google.genai.types import FunctionDeclaration, Tool
    from openai.types.chat import ChatCompletionFunctionToolParam

    for tool in [*TOOLS, *public()]:
        as_openai, as_anthropic, as_gemini = (written(tool, form) for form in FORMATS)
        assert TypeAdapter(ChatCompletionFunctionToolParam).validate_python(as_openai) == as_openai
        assert TypeAdapter(ToolParam).validate_python(as_anthropic) == as_anthropic
        declared = Tool(function_declarations=[FunctionDeclaration.model_validate(as_gemini)])
        (sent,) = declared.model_dump(by_alias=True, exclude_none=True)["functionDeclarations"]
        assert sent == as_gemini


@pytest.mark.proves("tools.formats")
@pytest.mark.parametrize(
    ("name", "wire"), [("openai:x", OpenAiWire), ("anthropic:x", AnthropicWire), ("gemini:x", GeminiWire)]
)
@pytest.mark.parametrize("streamed", [False, True])
async def test_what_the_real_clients_send_is_the_tool_as_it_was(name: str, wire: type, streamed: bool) -> None:
    async def shown(text: str) -> None:
        """Nobody looks."""

    provider = name.partition(":")[0]
    async with ModelServer(lambda _: Say("done"), wire()) as server:
        models = Models(base_urls={provider: server.url}, api_keys={provider: "obviously-fake-key"})
        await models.named(name).reply(
            [ChatMessage("user", "hello")], tools=TOOLS, on_text=shown if streamed else None, timeout_seconds=5
        )
        await models.aclose()
    (request,) = server.requests
    sent = request["tools"][0]["functionDeclarations"] if provider == "gemini" else request["tools"]
    assert [shown_to_models(read_tool(each, "tests")) for each in sent] == [shown_to_models(tool) for tool in TOOLS]


@pytest.mark.proves("tools.formats")
@pytest.mark.parametrize("form", FORMATS)
def test_what_no_provider_takes_at_the_top_of_a_schema_is_left_out(form: Format) -> None:
    either = ToolSpec("either", "", {"type": "object", "anyOf": [{"required": ["a"]}], "$schema": "x"}, "tests")
    assert read_tool(written(either, form), "tests").parameters == {"type": "object", "properties": {}}


@pytest.mark.parametrize(
    "tool", [{}, {"name": "x"}, {"type": "function", "function": {}}, {"name": 1, "input_schema": {}}]
)
def test_what_is_in_no_format_is_refused_with_what_there_is(tool: dict[str, Any]) -> None:
    with pytest.raises(BadInput, match="A tool is written as"):
        read_tool(tool, "tests")
    with pytest.raises(BadInput, match="The parameters of 'x' must be a JSON Schema"):
        read_tool({"name": "x", "input_schema": "none"}, "tests")
