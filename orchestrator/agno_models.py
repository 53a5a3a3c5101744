"""Models of real providers: agno's model classes behind our protocol, one call at a time, every error typed.

agno is imported when a model is made and not before: the import costs 0.6 s and 60 MB. Its Agent and its tool loop are
never entered (an Agent hides a provider's errors as text), nor is its telemetry, which belongs to them.
"""

import asyncio
import importlib
import json
import logging
import os
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any

from pydantic_core import from_json

from orchestrator.dialects import Dialect
from orchestrator.errors import ModelError, ModelMalformed, ModelTimedOut, SettingsInvalid
from orchestrator.failures import BROKEN_OFF, ENDINGS, SAYINGS, reason_of
from orchestrator.heard import Heard
from orchestrator.models import CallSoFar, ChatMessage, Image, ModelReply, OnCalls, OnText, ToolCall, Written
from orchestrator.providers import Access, Endpoint, Provider
from orchestrator.tools.spec import ToolSpec

logger = logging.getLogger(__name__)

IN_WORDS = "Answer with JSON alone: no word before or after it, no code fence. It must fit this JSON Schema:\n"


class Models:
    """Makes each model once, and closes them all: a client of its own for every call would cost 25 ms.

    `base_urls` and `api_keys` are by provider; what they do not say comes from the environment.
    """

    def __init__(
        self,
        *,
        base_urls: Mapping[str, str] | None = None,
        api_keys: Mapping[str, str] | None = None,
        environ: Mapping[str, str] | None = None,
        temperature: float | None = 0.2,
        http_timeout_seconds: float = 120.0,
    ) -> None:
        environ = os.environ if environ is None else environ
        self._access = Access(base_urls or {}, api_keys or {}, environ, temperature, http_timeout_seconds)
        self._made: dict[str, AgnoModel] = {}

    def named(self, name: str) -> "AgnoModel":
        """The one model of a name such as "openai:gpt-4o", or "openai:gpt-4o?temperature=0" as a chain writes it.

        Imports its provider's packages, and connects to nothing. Raises SettingsInvalid, which names the variable to
        set, or the extra to install.
        """
        if name not in self._made:
            written = Written.read(name)
            endpoint = self._access.endpoint(written.name)
            if written.temperature is not None:
                given = None if written.temperature == "none" else written.temperature
                endpoint = replace(endpoint, temperature=given)
            self._made[name] = AgnoModel(written.name, self._access.provider(written.name), endpoint)
        return self._made[name]

    async def aclose(self) -> None:
        """Close every connection. The models are not to be asked again."""
        for model in self._made.values():
            await model.aclose()


class AgnoModel:
    """One model of one provider. Its connections are kept from call to call, until `aclose`."""

    def __init__(self, name: str, provider: Provider, endpoint: Endpoint) -> None:
        self.name = name
        self._provider_name = name.partition(":")[0]
        self._endpoint = endpoint
        self._dialect = provider.dialect()
        self._agno = _agno_model(name, provider, endpoint, self._dialect)
        self._message_class = importlib.import_module("agno.models.message").Message

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
        """One provider call. What a listener raises goes through unchanged; its time counts as the model's."""
        heard = Heard(as_json=schema is not None)
        streamed = bool(on_text or on_calls)
        try:
            async with (
                asyncio.timeout(timeout_seconds) as limit,
                aclosing(self._pieces(messages, tools, schema, heard, streamed=streamed)) as pieces,
            ):
                await _listen(pieces, heard, on_text, on_calls)
        except TimeoutError:
            if not limit.expired():
                raise
            raise self._failure(ModelTimedOut, f"{timeout_seconds:g} s") from None
        return self._reply(heard, streamed=streamed)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._dialect.aclose(self._agno)
        if self._endpoint.identity:
            await self._endpoint.identity.close()

    async def _pieces(
        self,
        messages: Sequence[ChatMessage],
        tools: Sequence[ToolSpec],
        schema: Mapping[str, Any] | None,
        heard: Heard,
        *,
        streamed: bool,
    ) -> AsyncGenerator[None, None]:
        """Puts each piece of the answer into `heard`. The border: what a provider's client raises ends here."""
        agno, request = self._request(messages, tools, schema)
        try:
            if not streamed:
                heard.add(await agno.ainvoke(**request))
                yield
                return
            async with aclosing(agno.ainvoke_stream(**request)) as pieces:
                async for piece in pieces:
                    heard.add(piece)
                    yield
        except Exception as error:  # noqa: BLE001 - eight clients with a tree of errors each, and agno between them
            logger.debug("model call failed", extra={"model": self.name, "error": self._redacted(repr(error))})
            raise self._failure(*reason_of(error, midway=heard.pieces > 0)) from None

    def _request(
        self, messages: Sequence[ChatMessage], tools: Sequence[ToolSpec], schema: Mapping[str, Any] | None
    ) -> tuple[Any, dict[str, Any]]:
        """Whom of agno's to ask, and what."""
        agno, response_format = self._agno, None
        if schema is not None:
            if native := self._dialect.asking_for(schema, agno, with_tools=bool(tools)):
                agno, response_format = native
            else:
                messages = [*messages, ChatMessage("system", IN_WORDS + json.dumps(schema, ensure_ascii=False))]
        shown: list[dict[str, Any]] = []
        if tools:
            agno, shown = self._dialect.showing(tools, agno)
        return agno, {
            "messages": [self._message_class(**self._dialect.message(fields)) for fields in _prompt(messages)],
            "assistant_message": self._message_class(role="assistant"),
            "tools": shown or None,
            "response_format": response_format,
        }

    def _reply(self, heard: Heard, *, streamed: bool) -> ModelReply:
        if ending := ENDINGS.get(heard.ended):
            raise self._failure(*ending)
        if streamed and not heard.ended:
            raise self._failure(*BROKEN_OFF)
        try:
            calls = heard.tool_calls()
            if heard.as_json and not calls:
                from_json(heard.text)
        except ValueError as error:
            logger.debug("answer unreadable", extra={"model": self.name, "error": self._redacted(str(error))})
            raise self._failure(ModelMalformed, "broken JSON") from None
        if not (calls or heard.text.strip()):
            raise self._failure(ModelMalformed, "it is empty")
        return ModelReply(heard.text, self.name, calls, heard.usage)

    def _failure(self, kind: type[ModelError], detail: str) -> ModelError:
        return kind(f"{self._provider_name} {SAYINGS[kind]} ({detail})")

    def _redacted(self, text: str) -> str:
        for secret in (self._endpoint.api_key, self._endpoint.token):
            if secret:
                text = text.replace(secret, "[redacted]")
        return str(importlib.import_module("agno.exceptions").redact_secrets(text))


def _agno_model(name: str, provider: Provider, endpoint: Endpoint, dialect: Dialect) -> Any:
    """A new model object of agno's. Its records go nowhere: agno would print a provider's whole answer to stdout."""
    dialect.prepare()
    try:
        model_class = getattr(importlib.import_module(provider.module), provider.class_name)
    except ImportError as error:
        raise SettingsInvalid(
            f"{name!r} needs packages that are not installed: pip install '.[{provider.extra}]' in Errand's folder"
        ) from error
    # In no hierarchy, so that no logging configuration wakes it.
    silent = logging.Logger("agno", logging.CRITICAL + 1)  # noqa: LOG001
    importlib.import_module("agno.utils.log").configure_agno_logging(custom_default_logger=silent)
    return dialect.extended(model_class)(**provider.arguments(endpoint))


async def _listen(pieces: AsyncIterator[None], heard: Heard, on_text: OnText | None, on_calls: OnCalls | None) -> None:
    """Tell what has come so far, each time there is more of it."""
    text, calls = "", list[CallSoFar]()
    async for _ in pieces:
        if on_text and heard.text != text:
            text = heard.text
            await on_text(text)
        if on_calls and heard.calls != calls:
            calls = heard.calls
            await on_calls(calls)


def _prompt(messages: Sequence[ChatMessage]) -> list[dict[str, Any]]:
    """The fields of agno's messages. One system message, in front: most models know no other place for it."""
    system = "\n\n".join(message.text for message in messages if message.role == "system")
    names: dict[str, str] = {}
    prompt: list[dict[str, Any]] = [{"role": "system", "content": system, "tool_calls": None}] if system else []
    for message in messages:
        if message.role != "system":
            names |= {call.id: call.name for call in message.tool_calls}
            prompt.append(_message(message, names))
    return prompt


def _message(message: ChatMessage, names: Mapping[str, str]) -> dict[str, Any]:
    """`names` are those of the tools that were called so far: some providers tie an answer to its call by name."""
    return {
        "role": message.role,
        "content": None if message.tool_calls and not message.text else message.text,  # some refuse an empty text
        "tool_calls": [_tool_call(call) for call in message.tool_calls] or None,
        "tool_call_id": message.tool_call_id,
        "tool_name": names.get(message.tool_call_id or ""),
        "images": [_image(image) for image in message.images] or None,
    }


def _image(image: Image) -> Any:
    return importlib.import_module("agno.media").Image(content=image.data, mime_type=image.mime)


def _tool_call(call: ToolCall) -> dict[str, Any]:
    arguments = json.dumps(dict(call.arguments), ensure_ascii=False)  # escapes would cost tokens
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": arguments}}
