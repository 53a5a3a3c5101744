"""The providers of models: which class of agno's each one has, where its server is, and whose key opens it."""

import importlib
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from orchestrator.dialects import Anthropic, Dialect, Foundry, Gemini, LiteLlm, Ollama, OpenAi, Transformers
from orchestrator.errors import SettingsInvalid

AZURE_SCOPE = "https://cognitiveservices.azure.com/.default"  # what a token of Entra ID is for


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What a provider's class is made with. `http_timeout_seconds` bounds each wait of the HTTP client.

    `token` and `identity` are Entra ID's, where Azure is asked without a key: a token that the operator has made, or
    an azure-identity credential that makes them.
    """

    model: str
    base_url: str | None
    api_key: str | None = field(repr=False)
    temperature: float | None
    http_timeout_seconds: float
    token: str | None = field(default=None, repr=False)
    identity: Any = None


@dataclass(frozen=True, slots=True)
class Provider:
    """One row of the table: where agno keeps the class, the extra that installs it, its constructor's arguments.

    `keys`, `tokens` (of Entra ID) and `addresses` are environment variables, the first that is set counts. A provider
    without a `home` must be given an address. One that `needs_key` answers nobody without, at home; where it
    `takes_entra`, the identity of this machine does as well.
    """

    module: str
    class_name: str
    extra: str
    arguments: Callable[[Endpoint], dict[str, Any]]
    dialect: type[Dialect] = OpenAi
    keys: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    home: str | None = None
    tokens: tuple[str, ...] = ()
    needs_key: bool = True
    takes_entra: bool = False


def _openai_arguments(endpoint: Endpoint) -> dict[str, Any]:
    return {
        "id": endpoint.model,
        "api_key": endpoint.api_key or "none",  # a local server wants none, the client refuses to go without
        "base_url": endpoint.base_url,
        "temperature": endpoint.temperature,
        "timeout": endpoint.http_timeout_seconds,
        "max_retries": 0,  # the chain asks again, or asks the next model
        "retries": 0,
    }


def _openrouter_arguments(endpoint: Endpoint) -> dict[str, Any]:
    return _openai_arguments(endpoint) | {"max_tokens": None}  # agno's 1024 would cut long plans


def _azure_arguments(endpoint: Endpoint) -> dict[str, Any]:
    arguments: dict[str, Any] = {
        "id": endpoint.model,
        "api_key": endpoint.api_key,
        "azure_ad_token": endpoint.token,
        "azure_endpoint": endpoint.base_url,
        "azure_deployment": endpoint.model,
        "temperature": endpoint.temperature,
        # agno passes neither of these on from its own fields
        "client_params": {"timeout": endpoint.http_timeout_seconds, "max_retries": 0},
        "retries": 0,
    }
    if version := os.environ.get("OPENAI_API_VERSION"):
        arguments["api_version"] = version
    if endpoint.identity:
        token_provider = importlib.import_module("azure.identity.aio").get_bearer_token_provider
        arguments["azure_ad_token_provider"] = token_provider(endpoint.identity, AZURE_SCOPE)
    return arguments


def _foundry_arguments(endpoint: Endpoint) -> dict[str, Any]:
    seconds = endpoint.http_timeout_seconds
    return {
        "id": endpoint.model,
        "api_key": endpoint.api_key,
        "azure_endpoint": endpoint.base_url,
        "temperature": endpoint.temperature,
        "client_params": {"retry_total": 0, "connection_timeout": seconds, "read_timeout": seconds},
        "retries": 0,
    }


def _anthropic_arguments(endpoint: Endpoint) -> dict[str, Any]:
    return {
        "id": endpoint.model,
        "api_key": endpoint.api_key or "none",
        "temperature": endpoint.temperature,
        "timeout": endpoint.http_timeout_seconds,
        "client_params": {"base_url": endpoint.base_url, "max_retries": 0},
        "retries": 0,
    }


def _gemini_arguments(endpoint: Endpoint) -> dict[str, Any]:
    http: dict[str, Any] = {
        "timeout": int(endpoint.http_timeout_seconds * 1000),
        # Where aiohttp is installed the client prefers it, and then sleeps and asks a second time by itself.
        "httpx_async_client": importlib.import_module("httpx2").AsyncClient(),
    }
    if endpoint.base_url:
        http["base_url"] = endpoint.base_url
    return {
        "id": endpoint.model,
        "api_key": endpoint.api_key or "none",
        "temperature": endpoint.temperature,
        "client_params": {"http_options": http},
        "retries": 0,
    }


def _ollama_arguments(endpoint: Endpoint) -> dict[str, Any]:
    return {
        "id": endpoint.model,
        "api_key": endpoint.api_key,
        "host": endpoint.base_url,
        "options": None if endpoint.temperature is None else {"temperature": endpoint.temperature},
        "timeout": endpoint.http_timeout_seconds,
        "retries": 0,
    }


def _litellm_arguments(endpoint: Endpoint) -> dict[str, Any]:
    return {
        "id": endpoint.model,
        "api_key": endpoint.api_key,
        "api_base": endpoint.base_url,
        "temperature": endpoint.temperature,
        "top_p": None,
        "request_params": {"timeout": endpoint.http_timeout_seconds, "max_retries": 0, "num_retries": 0},
        "retries": 0,
    }


def _compatible(name: str, home: str | None = None, dialect: type[Dialect] = OpenAi) -> Provider:
    """A server of one's own that speaks OpenAI's chat format, by the name that it has in settings.

    OpenAILike and not OpenAIChat: that one sends the role "developer", which many of these servers refuse.
    """
    variable = re.sub(r"\W", "_", name.upper())
    return Provider(
        "agno.models.openai.like",
        "OpenAILike",
        "openai",
        _openai_arguments,
        dialect,
        keys=(f"{variable}_API_KEY",),
        addresses=(f"{variable}_BASE_URL",),
        home=home,
        needs_key=False,
    )


PROVIDERS: Mapping[str, Provider] = {
    "openai": Provider(
        "agno.models.openai.like",
        "OpenAILike",
        "openai",
        _openai_arguments,
        keys=("OPENAI_API_KEY",),
        addresses=("OPENAI_BASE_URL",),
        home="https://api.openai.com/v1",
    ),
    "azure": Provider(
        "agno.models.azure.openai_chat",
        "AzureOpenAI",
        "azure",
        _azure_arguments,
        keys=("AZURE_OPENAI_API_KEY",),
        tokens=("AZURE_OPENAI_AD_TOKEN",),
        addresses=("AZURE_OPENAI_ENDPOINT",),
        takes_entra=True,
    ),
    "anthropic": Provider(
        "agno.models.anthropic",
        "Claude",
        "anthropic",
        _anthropic_arguments,
        Anthropic,
        keys=("ANTHROPIC_API_KEY",),
        addresses=("ANTHROPIC_BASE_URL",),
        home="https://api.anthropic.com",
    ),
    "gemini": Provider(
        "agno.models.google",
        "Gemini",
        "gemini",
        _gemini_arguments,
        Gemini,
        keys=("GEMINI_API_KEY", "GOOGLE_API_KEY"),
        addresses=("GEMINI_BASE_URL",),
        home="https://generativelanguage.googleapis.com",
    ),
    "openrouter": Provider(
        "agno.models.openrouter",
        "OpenRouter",
        "openai",
        _openrouter_arguments,
        keys=("OPENROUTER_API_KEY",),
        addresses=("OPENROUTER_BASE_URL",),
        home="https://openrouter.ai/api/v1",
    ),
    "foundry": Provider(
        "agno.models.azure.ai_foundry",
        "AzureAIFoundry",
        "foundry",
        _foundry_arguments,
        Foundry,
        keys=("AZURE_INFERENCE_CREDENTIAL", "AZURE_API_KEY"),
        addresses=("AZURE_INFERENCE_ENDPOINT", "AZURE_ENDPOINT"),
    ),
    "ollama": Provider(
        "agno.models.ollama",
        "Ollama",
        "ollama",
        _ollama_arguments,
        Ollama,
        keys=("OLLAMA_API_KEY",),
        addresses=("OLLAMA_HOST",),
        home="http://127.0.0.1:11434",
        needs_key=False,
    ),
    "litellm": Provider(
        "agno.models.litellm",
        "LiteLLM",
        "litellm",
        _litellm_arguments,
        LiteLlm,
        keys=("LITELLM_API_KEY",),
        addresses=("LITELLM_BASE_URL",),
        home="",  # each of LiteLLM's own providers has one, and a key variable that LiteLLM reads
        needs_key=False,
    ),
    "llamacpp": _compatible("llamacpp", "http://127.0.0.1:8080/v1"),
    "vllm": _compatible("vllm", "http://127.0.0.1:8000/v1"),
    "transformers": _compatible("transformers", "http://127.0.0.1:8000/v1", Transformers),
}


@dataclass(frozen=True, slots=True)
class Access:
    """What the operator has given: addresses and keys by provider, and the environment for what is not given.

    A provider among the addresses that the table does not know is an OpenAI-compatible server of one's own.
    """

    base_urls: Mapping[str, str] = field(default_factory=dict)
    api_keys: Mapping[str, str] = field(default_factory=dict, repr=False)
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)
    temperature: float | None = 0.2
    http_timeout_seconds: float = 120.0

    def provider(self, name: str) -> Provider:
        """The provider of a name such as "openai:gpt-4o". Raises SettingsInvalid for a name that names no model."""
        provider_name, _, model = name.partition(":")
        if model and provider_name in PROVIDERS:
            return PROVIDERS[provider_name]
        if model and provider_name in self.base_urls:
            return _compatible(provider_name)
        raise SettingsInvalid(
            f"{name!r} names no model: write provider:model, such as 'openai:gpt-4o'. Known providers: "
            f"{', '.join(PROVIDERS)}; and each server of your own that the setting 'addresses' names."
        )

    def endpoint(self, name: str) -> Endpoint:
        """Where a model is asked, and as whom. Raises SettingsInvalid, which names the variable that is missing."""
        provider = self.provider(name)
        provider_name, _, model = name.partition(":")
        base_url = self.base_urls.get(provider_name) or self._first(provider.addresses)
        if not base_url and provider.home is None:
            raise SettingsInvalid(f"{name!r} needs an address: set {' or '.join(provider.addresses)}.")
        key = self.api_keys.get(provider_name) or self._first(provider.keys)
        token = None if key else self._first(provider.tokens)
        identity = _identity(name, provider) if provider.takes_entra and not (key or token) else None
        is_own = base_url and provider.home is not None
        if provider.needs_key and not (key or token or identity or is_own):
            raise SettingsInvalid(f"{name!r} needs a key: set {' or '.join(provider.keys)}.")
        return Endpoint(
            model, base_url or provider.home, key, self.temperature, self.http_timeout_seconds, token, identity
        )

    def _first(self, variables: Sequence[str]) -> str | None:
        return next((value for variable in variables if (value := self.environ.get(variable))), None)


def _identity(name: str, provider: Provider) -> Any:
    """Whoever this machine is for Entra ID: a managed identity, a workload's, or the one that `az login` left."""
    try:
        return importlib.import_module("azure.identity.aio").DefaultAzureCredential()
    except ImportError as error:
        raise SettingsInvalid(
            f"{name!r} needs a key: set {' or '.join((*provider.keys, *provider.tokens))}; "
            f"or to sign in with Entra ID: pip install '.[{provider.extra}]' in Errand's folder"
        ) from error
