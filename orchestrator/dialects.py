"""Where agno's model classes differ: why an answer ended, how a schema is asked for, what a tool message must name.

agno drops the reason for which a provider ended an answer, and then a stream that was cut looks like a short answer. So
each class is extended a little: a dialect reads the reason off the provider's own object and leaves it in the piece.
"""

import base64
import copy
import importlib
import os
from collections import OrderedDict
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from orchestrator.heard import ENDED
from orchestrator.tools.formats import written
from orchestrator.tools.spec import ToolSpec
from orchestrator.unread import chat_client, closing, unread

REMEMBERED_SIGNATURES = 200
NO_SIGNATURE = base64.b64encode(b"skip_thought_signature_validator").decode()  # ai.google.dev, thought signatures


class Dialect:
    """One family of model classes, and one model's memory of it. This one can be asked for no schema natively."""

    def prepare(self) -> None:
        """What must be so before the provider's packages are imported."""

    def extended(self, model_class: Any) -> Any:
        """agno's class, telling more."""
        return type(model_class.__name__, (model_class,), self._methods(model_class))

    def message(self, fields: dict[str, Any]) -> dict[str, Any]:
        """A message of the prompt as agno is given it."""
        return fields

    def asking_for(self, schema: Mapping[str, Any], agno: Any, *, with_tools: bool) -> tuple[Any, Any] | None:
        """The agno object to ask and its `response_format`, for an answer that fits; None: ask in words."""
        return None

    def showing(self, tools: Sequence[ToolSpec], agno: Any) -> tuple[Any, list[dict[str, Any]]]:
        """The agno object to ask, and what it is to be given of these tools."""
        return agno, [written(tool, "openai") for tool in tools]

    async def aclose(self, agno: Any) -> None:
        """Close the connections."""
        if agno.async_client:
            await agno.async_client.close()

    def _methods(self, model_class: Any) -> dict[str, Any]:
        """Both parsers, which a class has for whole answers and for pieces of one."""

        def telling(parse: Any) -> Any:
            def parsed(agno: Any, raw: Any, *args: Any, **options: Any) -> Any:
                piece = parse(agno, raw, *args, **options)
                self._read(raw, piece)
                return piece

            return parsed

        names = ("_parse_provider_response", "_parse_provider_response_delta")
        return {name: telling(getattr(model_class, name)) for name in names}

    def _read(self, raw: Any, piece: Any) -> None:
        """Put into a piece what agno leaves out of it."""
        for choice in raw.choices or ():
            if choice.finish_reason:
                _ended(piece, choice.finish_reason)


class Chat(Dialect):
    """OpenAI's chat format."""

    def asking_for(self, schema: Mapping[str, Any], agno: Any, *, with_tools: bool) -> tuple[Any, Any] | None:
        # "strict" wants every object closed and every property required; else the schema is only a hint there
        wanted = {"name": "answer", "schema": dict(schema), "strict": _is_closed(schema)}
        return agno, {"type": "json_schema", "json_schema": wanted}


class OpenAi(Chat):
    """The same through OpenAI's own client."""

    def _methods(self, model_class: Any) -> dict[str, Any]:
        def get_async_client(agno: Any) -> Any:
            return unread(model_class.get_async_client(agno))

        return {**super()._methods(model_class), "get_async_client": get_async_client}


class Transformers(Dialect):
    """`transformers serve`: OpenAI's chat format; it refuses what it does not use, such as schemas."""

    def _methods(self, model_class: Any) -> dict[str, Any]:
        def get_async_client(agno: Any) -> Any:
            create = model_class.get_async_client(agno).chat.completions.create

            async def create_plainly(*, stream_options: Any = None, **request: Any) -> Any:
                return await create(**request)

            return chat_client(create_plainly)

        return {**super()._methods(model_class), "get_async_client": get_async_client}


class Anthropic(Dialect):
    """Claude's messages: a stream of events, arguments of tool calls among them, which agno holds back until whole."""

    def asking_for(self, schema: Mapping[str, Any], agno: Any, *, with_tools: bool) -> tuple[Any, Any] | None:
        if not agno.supports_native_structured_outputs:
            return None
        try:
            closed = importlib.import_module("anthropic").transform_schema(dict(schema))
        except ValueError:  # a schema that says too little
            return None
        return agno, {"type": "json_schema", "schema": closed}

    def showing(self, tools: Sequence[ToolSpec], agno: Any) -> tuple[Any, list[dict[str, Any]]]:
        return agno, [written(tool, "anthropic") for tool in tools]  # agno passes on what is in its own format already

    def _read(self, raw: Any, piece: Any) -> None:
        match raw.type:
            case "message":
                _ended(piece, raw.stop_reason)
            case "message_stop":
                _ended(piece, raw.message.stop_reason)
            case "content_block_start" if raw.content_block.type == "tool_use":
                block = raw.content_block
                piece.tool_calls = [{"index": raw.index, "id": block.id, "function": {"name": block.name}}]
            case "content_block_delta" if raw.delta.type == "input_json_delta":
                piece.tool_calls = [{"index": raw.index, "function": {"arguments": raw.delta.partial_json}}]
            case "content_block_stop":
                piece.tool_calls = []


class Gemini(Dialect):
    """Gemini's contents. From its third generation on it signs its tool calls, and wants the signatures back.

    They are kept here and not in the conversation: another model could not use them, and after a restart, or for a call
    that another model made, Google's own word for "no signature" serves.
    """

    def __init__(self) -> None:
        self._signatures: OrderedDict[str, str] = OrderedDict()

    def message(self, fields: dict[str, Any]) -> dict[str, Any]:
        calls = fields["tool_calls"]
        if calls:  # of several calls side by side only the first is signed
            signature = self._signatures.get(calls[0]["id"], NO_SIGNATURE)
            fields = {**fields, "tool_calls": [{**calls[0], "thought_signature": signature}, *calls[1:]]}
        return fields

    def asking_for(self, schema: Mapping[str, Any], agno: Any, *, with_tools: bool) -> tuple[Any, Any] | None:
        if with_tools:  # models before the third generation refuse both together
            return None
        wanted = {"response_mime_type": "application/json", "response_json_schema": dict(schema)}
        agno.get_client()
        asked = copy.copy(agno)  # with the same client; agno's own way takes pydantic classes only
        asked.generative_model_kwargs = wanted
        return asked, None

    def showing(self, tools: Sequence[ToolSpec], agno: Any) -> tuple[Any, list[dict[str, Any]]]:
        agno.get_client()
        asked = copy.copy(agno)
        declared = [written(tool, "gemini") for tool in tools]
        asked.generative_model_kwargs = {"tools": [{"function_declarations": declared}]}
        return asked, []

    async def aclose(self, agno: Any) -> None:
        await agno.client_params["http_options"]["httpx_async_client"].aclose()
        if agno.client:
            await agno.client.aio.aclose()
            agno.client.close()

    def _read(self, raw: Any, piece: Any) -> None:
        for candidate in raw.candidates or ():
            if candidate.finish_reason:
                _ended(piece, candidate.finish_reason)
        if raw.prompt_feedback and raw.prompt_feedback.block_reason:
            _ended(piece, raw.prompt_feedback.block_reason)
        for call in piece.tool_calls:
            if signature := call.get("thought_signature"):
                self._signatures[call["id"]] = signature
        while len(self._signatures) > REMEMBERED_SIGNATURES:
            self._signatures.popitem(last=False)


class Ollama(Dialect):
    """Ollama's own chat format: it ties a tool's answer to its call by the tool's name, and agno leaves that out."""

    def asking_for(self, schema: Mapping[str, Any], agno: Any, *, with_tools: bool) -> tuple[Any, Any] | None:
        if with_tools:  # the grammar of the schema would leave no room for a tool call
            return None
        agno.get_async_client()
        asked = copy.copy(agno)  # with the same client; agno forgets a response format where it streams
        asked.format = dict(schema)
        return asked, None

    def _methods(self, model_class: Any) -> dict[str, Any]:
        def format_message(agno: Any, message: Any, *args: Any, **options: Any) -> Any:
            formatted = model_class._format_message(agno, message, *args, **options)  # noqa: SLF001
            return formatted | {"tool_name": message.tool_name} if message.tool_name else formatted

        return {**super()._methods(model_class), "_format_message": format_message}

    def _read(self, raw: Any, piece: Any) -> None:
        if raw.get("done"):
            _ended(piece, raw.get("done_reason") or "stop")


class Foundry(Dialect):
    """Azure's inference client: OpenAI's chat format, with whichever model behind it."""

    async def aclose(self, agno: Any) -> None:
        await agno.aclose()

    def _methods(self, model_class: Any) -> dict[str, Any]:
        def get_async_client(agno: Any) -> Any:
            return _ClosingClient(model_class.get_async_client(agno))

        return {**super()._methods(model_class), "get_async_client": get_async_client}


class _ClosingClient:
    """Azure's client; it leaves a stream open when it has read its end."""

    def __init__(self, client: Any) -> None:
        self._client = client

    async def complete(self, **request: Any) -> Any:
        answer = await self._client.complete(**request)
        return closing(answer) if request.get("stream") else answer


class LiteLlm(Chat):
    """LiteLLM's functions, OpenAI's chat format whatever the provider: this object stands in for its module."""

    _litellm: Any

    def prepare(self) -> None:
        os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # else its import asks the internet for prices
        os.environ.setdefault("LITELLM_MODE", "PRODUCTION")  # else its import reads the folder's .env

    def extended(self, model_class: Any) -> Any:
        self._litellm = importlib.import_module("litellm")
        self._litellm.suppress_debug_info = True  # it would print to stdout
        return super().extended(model_class)

    def asking_for(self, schema: Mapping[str, Any], agno: Any, *, with_tools: bool) -> tuple[Any, Any] | None:
        if not self._litellm.supports_response_schema(model=agno.id):
            return None
        asked = copy.copy(agno)
        asked.supports_json_schema_outputs = True
        return super().asking_for(schema, asked, with_tools=with_tools)

    async def aclose(self, agno: Any) -> None:
        """LiteLLM keeps its connections and its records for the whole process, not for one model."""
        records = importlib.import_module("litellm.litellm_core_utils.logging_worker").GLOBAL_LOGGING_WORKER
        await records.flush()
        await records.stop()
        await self._litellm.close_litellm_async_clients()
        self._litellm.in_memory_llm_clients_cache.flush_cache()

    async def acompletion(self, **request: Any) -> Any:
        """LiteLLM's own, whose streams end with a reason of its invention where the provider gave none."""
        answer = await self._litellm.acompletion(**request)
        return _without_inventions(answer) if request.get("stream") else answer

    def _methods(self, model_class: Any) -> dict[str, Any]:
        return {**super()._methods(model_class), "get_client": lambda agno: self}


async def _without_inventions(stream: Any) -> AsyncIterator[Any]:
    async for chunk in stream:
        if stream.received_finish_reason is None:
            for choice in chunk.choices:
                choice.finish_reason = None
        yield chunk


def _ended(piece: Any, reason: Any) -> None:
    word = str(getattr(reason, "value", reason)).lower()
    piece.provider_data = {**(piece.provider_data or {}), ENDED: word}


def _is_closed(schema: Any) -> bool:
    """Whether every object of a schema names all that it may hold, and requires it."""
    if isinstance(schema, list):
        return all(_is_closed(each) for each in schema)
    if not isinstance(schema, Mapping):
        return True
    if schema.get("type") == "object":
        properties = schema.get("properties") or {}
        if schema.get("additionalProperties") is not False or set(schema.get("required") or ()) != set(properties):
            return False
    return all(_is_closed(each) for each in schema.values())
