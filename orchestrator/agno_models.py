"""Models of real providers: agno's model classes behind our protocol, one call at a time, every error typed.

The only file that imports agno, and only when a model is made: the import costs 0.6 s and 60 MB. agno's Agent and its
tool loop are never entered (an Agent hides a provider's errors as text), nor is its telemetry, which belongs to them.
"""

import asyncio
import importlib
import json
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, Field, Json, ValidationError

from orchestrator.errors import (
    ModelBusy,
    ModelError,
    ModelMalformed,
    ModelRefused,
    ModelTimedOut,
    ModelUnreachable,
    SettingsInvalid,
)
from orchestrator.models import ChatMessage, ModelReply, OnCalls, OnText, ToolCall, Usage, Written
from orchestrator.tools.spec import ToolSpec

logger = logging.getLogger(__name__)

ENDED = "errand_ended"  # our mark in agno's `provider_data`: the provider said that the answer is complete
SAYINGS: Mapping[type[ModelError], str] = {
    ModelTimedOut: "took too long",
    ModelUnreachable: "cannot be reached",
    ModelBusy: "is busy",
    ModelRefused: "refused the request",
    ModelMalformed: "gave an answer that cannot be read",
}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What a provider's class is made with. `http_timeout_seconds` bounds each wait of the HTTP client."""

    model: str
    base_url: str | None
    api_key: str | None = field(repr=False)
    temperature: float | None
    http_timeout_seconds: float


@dataclass(frozen=True, slots=True)
class Provider:
    """One row of the table: where agno keeps the class, the extra that installs it, and its constructor's arguments.

    `tells_end` is for classes that speak OpenAI's chat format: their streams end with a finish reason.
    """

    module: str
    class_name: str
    extra: str
    arguments: Callable[[Endpoint], dict[str, Any]]
    tells_end: bool = True


def _openai_arguments(endpoint: Endpoint) -> dict[str, Any]:
    return {
        "id": endpoint.model,
        "api_key": endpoint.api_key or "none",  # a local server wants none, the client refuses to go without
        "base_url": endpoint.base_url,
        "temperature": endpoint.temperature,
        "timeout": endpoint.http_timeout_seconds,
        "max_retries": 0,  # the chain asks the next model instead
        "retries": 0,
    }


def _openrouter_arguments(endpoint: Endpoint) -> dict[str, Any]:
    arguments = _openai_arguments(endpoint)
    arguments["base_url"] = endpoint.base_url or "https://openrouter.ai/api/v1"
    return arguments | {"max_tokens": None}  # agno's 1024 would cut long plans


PROVIDERS: Mapping[str, Provider] = {
    # OpenAILike and not OpenAIChat: that one sends the role "developer", which many compatible servers refuse.
    "openai": Provider("agno.models.openai.like", "OpenAILike", "openai", _openai_arguments),
    "openrouter": Provider("agno.models.openrouter", "OpenRouter", "openai", _openrouter_arguments),
}


def model_from(
    name: str,
    *,
    base_url: str | None = None,
    api_key: str | None = None,
    temperature: float | None = 0.2,
    http_timeout_seconds: float = 120.0,
) -> "AgnoModel":
    """The model of a name such as "openai:gpt-4o". Imports its provider's packages, and connects to nothing.

    The key and the address come from PROVIDER_API_KEY and PROVIDER_BASE_URL where they are not given; a server of
    one's own, named by its address, needs no key. A temperature of None is not sent (some models refuse any).
    Raises SettingsInvalid.
    """
    provider_name, _, model = name.partition(":")
    if provider_name not in PROVIDERS or not model:
        raise SettingsInvalid(
            f"{name!r} names no model: write provider:model, such as 'openai:gpt-4o'. "
            f"Known providers: {', '.join(PROVIDERS)}."
        )
    variable = provider_name.upper()
    base_url = base_url or os.environ.get(f"{variable}_BASE_URL")
    api_key = api_key or os.environ.get(f"{variable}_API_KEY")
    if not (api_key or base_url):
        raise SettingsInvalid(f"{name!r} needs a key: set {variable}_API_KEY.")
    endpoint = Endpoint(model, base_url, api_key, temperature, http_timeout_seconds)
    return AgnoModel(name, provider_name, endpoint)


class Models:
    """Makes each model once, and closes them all: a client of its own for every call would cost 25 ms.

    `base_urls` and `api_keys` are by provider.
    """

    def __init__(
        self,
        *,
        base_urls: Mapping[str, str] | None = None,
        api_keys: Mapping[str, str] | None = None,
        temperature: float | None = 0.2,
        http_timeout_seconds: float = 120.0,
    ) -> None:
        self._base_urls = dict(base_urls or {})
        self._api_keys = dict(api_keys or {})
        self._temperature = temperature
        self._http_timeout_seconds = http_timeout_seconds
        self._made: dict[str, AgnoModel] = {}

    def named(self, name: str) -> "AgnoModel":
        """The one model of this name, as a chain's setting writes it. Raises SettingsInvalid as `model_from` does."""
        if name not in self._made:
            written = Written.read(name)
            provider = written.name.partition(":")[0]
            self._made[name] = model_from(
                written.name,
                base_url=self._base_urls.get(provider),
                api_key=self._api_keys.get(provider),
                temperature=self._temperature if written.temperature is None else written.temperature,
                http_timeout_seconds=self._http_timeout_seconds,
            )
        return self._made[name]

    async def aclose(self) -> None:
        """Close every connection. A model that is asked later opens new ones."""
        for model in self._made.values():
            await model.aclose()


class AgnoModel:
    """One model of one provider. Its connections are kept from call to call, until `aclose`."""

    def __init__(self, name: str, provider_name: str, endpoint: Endpoint) -> None:
        self.name = name
        self._provider_name = provider_name
        self._api_key = endpoint.api_key
        self._tells_end = PROVIDERS[provider_name].tells_end
        self._agno = _agno_model(name, PROVIDERS[provider_name], endpoint)
        self._message_class = importlib.import_module("agno.models.message").Message
        self._errors = importlib.import_module("agno.exceptions")

    async def reply(
        self,
        messages: Sequence[ChatMessage],
        *,
        tools: Sequence[ToolSpec] = (),
        schema: Mapping[str, Any] | None = None,
        on_text: OnText | None = None,
        on_calls: OnCalls | None = None,
        timeout_seconds: float,
    ) -> ModelReply:
        """One provider call. What `on_text` raises goes through unchanged; its time counts as the model's."""
        heard = _Heard()
        request = {
            "messages": [self._message_class(**_message(message)) for message in messages],
            "assistant_message": self._message_class(role="assistant"),
            "tools": [_tool(tool) for tool in tools] or None,
        }
        try:
            async with asyncio.timeout(timeout_seconds) as limit:
                if on_text:
                    await self._stream(request, heard, on_text)
                else:
                    heard.add(await self._agno.ainvoke(**request))
        except TimeoutError:
            if not limit.expired():
                raise
            raise self._failure(ModelTimedOut, f"{timeout_seconds:g} s") from None
        except self._errors.AgnoError as error:
            logger.debug("model call failed", extra={"model": self.name, "error": self._redacted(str(error))})
            raise self._failure(*_kind(error, midway=heard.pieces > 0)) from None
        return self._reply(heard, streamed=on_text is not None)

    async def aclose(self) -> None:
        """Close the connections."""
        if self._agno.async_client:
            await self._agno.async_client.close()

    async def _stream(self, request: Mapping[str, Any], heard: "_Heard", on_text: OnText) -> None:
        shown = ""
        async with aclosing(self._agno.ainvoke_stream(**request)) as pieces:
            async for piece in pieces:
                heard.add(piece)
                if (text := heard.text) != shown:
                    shown = text
                    await on_text(text)

    def _reply(self, heard: "_Heard", *, streamed: bool) -> ModelReply:
        if streamed and self._tells_end and not heard.ended:
            raise self._failure(ModelMalformed, "it breaks off")
        raw_calls = self._agno.parse_tool_calls(heard.tool_calls) if streamed else heard.tool_calls
        try:
            calls = tuple(_WireCall.model_validate(call).read(number) for number, call in enumerate(raw_calls, 1))
        except ValidationError as error:
            logger.debug("tool call unreadable", extra={"model": self.name, "error": self._redacted(str(error))})
            raise self._failure(ModelMalformed, "a tool call is broken") from None
        if not (calls or heard.text.strip()):
            raise self._failure(ModelMalformed, "it is empty")
        return ModelReply(heard.text, self.name, calls, heard.usage)

    def _failure(self, kind: type[ModelError], detail: object) -> ModelError:
        return kind(f"{self._provider_name} {SAYINGS[kind]} ({detail})")

    def _redacted(self, text: str) -> str:
        if self._api_key:
            text = text.replace(self._api_key, "[redacted]")
        return str(self._errors.redact_secrets(text))


def _agno_model(name: str, provider: Provider, endpoint: Endpoint) -> Any:
    """A new model object of agno's. Its records go nowhere: agno would print a provider's whole answer to stdout."""
    try:
        model_class = getattr(importlib.import_module(provider.module), provider.class_name)
    except ImportError as error:
        raise SettingsInvalid(
            f"{name!r} needs packages that are not installed: pip install 'errand[{provider.extra}]'"
        ) from error
    # In no hierarchy, so that no logging configuration wakes it.
    silent = logging.Logger("agno", logging.CRITICAL + 1)  # noqa: LOG001
    importlib.import_module("agno.utils.log").configure_agno_logging(custom_default_logger=silent)
    if provider.tells_end:
        model_class = _telling_the_end(model_class)
    return model_class(**provider.arguments(endpoint))


def _telling_the_end(model_class: Any) -> Any:
    """The class with one thing more: agno drops the finish reason, and a cut stream then looks like a short answer."""

    def parse_delta(self: Any, response_delta: Any) -> Any:
        piece = model_class._parse_provider_response_delta(self, response_delta)  # noqa: SLF001
        if any(choice.finish_reason for choice in response_delta.choices or ()):
            piece.provider_data = {**(piece.provider_data or {}), ENDED: True}
        return piece

    return type(model_class.__name__, (model_class,), {"_parse_provider_response_delta": parse_delta})


class _Heard:
    """What has come of an answer so far, in one piece or in many."""

    def __init__(self) -> None:
        self.pieces = 0
        self.ended = False
        self.tool_calls: list[Any] = []
        self.usage = Usage()
        self._text = ""

    def add(self, piece: Any) -> None:
        self.pieces += 1
        self._text += piece.content or ""
        self.tool_calls += piece.tool_calls or ()
        self.ended = self.ended or ENDED in (piece.provider_data or {})
        if piece.response_usage:
            self.usage = Usage(piece.response_usage.input_tokens, piece.response_usage.output_tokens)

    @property
    def text(self) -> str:
        """The text that is meant to be read: without a leading <think> block, whole characters only."""
        return _whole_characters(_without_thoughts(self._text))


class _WireFunction(BaseModel):
    name: Annotated[str, Field(min_length=1)]
    arguments: Annotated[Json[dict[str, Any]], BeforeValidator(lambda text: text or "{}")]


class _WireCall(BaseModel):
    """A tool call in OpenAI's form. Some servers leave out the id, or send "" for no arguments."""

    id: str | None = None
    function: _WireFunction

    def read(self, number: int) -> ToolCall:
        return ToolCall(self.id or f"call_{number}", self.function.name, self.function.arguments)


def _message(message: ChatMessage) -> dict[str, Any]:
    return {
        "role": message.role,
        "content": message.text,
        "tool_calls": [_tool_call(call) for call in message.tool_calls] or None,
        "tool_call_id": message.tool_call_id,
    }


def _tool_call(call: ToolCall) -> dict[str, Any]:
    arguments = json.dumps(dict(call.arguments), ensure_ascii=False)  # escapes would cost tokens
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": arguments}}


def _tool(tool: ToolSpec) -> dict[str, Any]:
    function = {"name": tool.name, "description": tool.description, "parameters": dict(tool.parameters)}
    return {"type": "function", "function": function}


def _kind(error: Exception, *, midway: bool) -> tuple[type[ModelError], object]:
    """Which of our errors this is, and its reason in a word.

    Read from the provider's own error, known by its name (its class may not be imported here): agno keeps it as the
    cause, and says status 502 itself where there was none.
    """
    cause = error.__cause__ or error
    if isinstance(error.__cause__, type(error)):
        return ModelUnreachable, "an error instead of an answer"
    names = {kind.__name__ for kind in (*type(error).__mro__, *type(cause).__mro__)}
    if "ContextWindowExceededError" in names:
        return ModelRefused, "the request is too long"
    if "APITimeoutError" in names:
        return ModelTimedOut, "no byte came"
    if "APIConnectionError" in names:
        return (ModelMalformed, "it breaks off") if midway else (ModelUnreachable, "no connection")
    code = str(getattr(cause, "status_code", None) or getattr(cause, "code", None) or "")
    if code.isdecimal() and int(code) >= 400:
        return _kind_of_status(int(code)), code
    if "APIError" in names:
        return ModelUnreachable, "an error instead of an answer"
    return ModelMalformed, "not the expected format"


def _kind_of_status(status: int) -> type[ModelError]:
    if status in {429, 529}:
        return ModelBusy
    if status == 408:
        return ModelTimedOut
    return ModelUnreachable if status >= 500 else ModelRefused


def _without_thoughts(text: str) -> str:
    """Local reasoning models stream their thoughts as text; agno takes them out only of unstreamed answers."""
    start = text.lstrip()
    if start.startswith("<think>"):
        return start.partition("</think>")[2].lstrip()
    return "" if start and "<think>".startswith(start) else text


def _whole_characters(text: str) -> str:
    """An emoji may come in two halves, in two pieces; half a character cannot be stored or sent."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "ignore")
