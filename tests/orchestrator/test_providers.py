"""Whom a model's name means, where that is, and whose key opens it."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from bot.chains import models_of
from bot.doctor import checks
from bot.settings import read_settings
from orchestrator.agno_models import Models
from orchestrator.errors import ModelRefused, SettingsInvalid
from orchestrator.models import ChatMessage
from orchestrator.providers import PROVIDERS
from tests.conversations.talk import talking
from tests.fakes.anthropic_server import AnthropicWire
from tests.fakes.azure_server import AzureWire, FoundryWire, IdentityServer
from tests.fakes.gemini_server import GeminiWire
from tests.fakes.model_server import ModelServer, OpenAiWire, Say, Wire
from tests.fakes.ollama_server import OllamaWire

HELLO = [ChatMessage("user", "hello")]


async def asked(name: str, environ: Mapping[str, str], *, url: str = "", key: str = "") -> None:
    """A call of the model, with an address and a key from the settings where they are given."""
    provider = name.partition(":")[0]
    models = Models(
        environ=environ, base_urls={provider: url} if url else None, api_keys={provider: key} if key else None
    )
    try:
        await models.named(name).reply(HELLO, timeout_seconds=5)
    finally:
        await models.aclose()


@pytest.mark.proves("models.keys")
@pytest.mark.parametrize(
    ("name", "wire", "address", "key"),
    [
        ("openai:some-model", OpenAiWire, "OPENAI_BASE_URL", "OPENAI_API_KEY"),
        ("openrouter:some-model", OpenAiWire, "OPENROUTER_BASE_URL", "OPENROUTER_API_KEY"),
        ("azure:some-model", AzureWire, "AZURE_OPENAI_ENDPOINT", "AZURE_OPENAI_API_KEY"),
        ("azure:some-model", AzureWire, "AZURE_OPENAI_ENDPOINT", "AZURE_OPENAI_AD_TOKEN"),
        ("anthropic:some-model", AnthropicWire, "ANTHROPIC_BASE_URL", "ANTHROPIC_API_KEY"),
        ("gemini:some-model", GeminiWire, "GEMINI_BASE_URL", "GEMINI_API_KEY"),
        ("gemini:some-model", GeminiWire, "GEMINI_BASE_URL", "GOOGLE_API_KEY"),
        ("ollama:some-model", OllamaWire, "OLLAMA_HOST", "OLLAMA_API_KEY"),
        ("foundry:some-model", FoundryWire, "AZURE_INFERENCE_ENDPOINT", "AZURE_INFERENCE_CREDENTIAL"),
        ("foundry:some-model", FoundryWire, "AZURE_ENDPOINT", "AZURE_API_KEY"),
        ("vllm:some-model", OpenAiWire, "VLLM_BASE_URL", "VLLM_API_KEY"),
    ],
)
async def test_keys_and_addresses_come_from_the_usual_variables(
    name: str, wire: type[Wire], address: str, key: str
) -> None:
    async with ModelServer(lambda _: Say("hello"), wire()) as server:
        await asked(name, {address: server.url, key: "key-of-the-environment"})
        assert server.keys == ["key-of-the-environment"]


@pytest.mark.proves("models.keys")
async def test_what_is_given_comes_before_the_environment() -> None:
    environ = {"OPENAI_BASE_URL": "http://127.0.0.1:9", "OPENAI_API_KEY": "another"}
    async with ModelServer(lambda _: Say("hello")) as server:
        await asked("openai:some-model", environ, url=server.url, key="mine")
        assert server.keys == ["mine"]


@pytest.mark.proves("models.entra")
async def test_without_a_key_azure_is_asked_as_who_this_machine_is(monkeypatch: pytest.MonkeyPatch) -> None:
    async with IdentityServer() as identity, ModelServer(lambda _: Say("hello"), AzureWire()) as server:
        for variable, value in identity.environment.items():
            monkeypatch.setenv(variable, value)
        await asked("azure:some-model", {"AZURE_OPENAI_ENDPOINT": server.url})
        assert server.keys == ["entra-token"]
        assert identity.asked == ["https://cognitiveservices.azure.com"]


@pytest.mark.proves("models.entra")
async def test_a_machine_that_is_nobody_is_refused_without_the_providers_words(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with IdentityServer() as identity, ModelServer(lambda _: Say("hello"), AzureWire()) as server:
        for variable, value in {**identity.environment, "IDENTITY_HEADER": "wrong"}.items():
            monkeypatch.setenv(variable, value)
        with pytest.raises(ModelRefused, match="no sign-in with Entra ID"):
            await asked("azure:some-model", {"AZURE_OPENAI_ENDPOINT": server.url})


@pytest.mark.proves("models.keys")
@pytest.mark.parametrize(
    ("name", "environ", "told"),
    [
        ("openai:x", {}, "OPENAI_API_KEY"),
        ("openrouter:x", {}, "OPENROUTER_API_KEY"),
        ("anthropic:x", {}, "ANTHROPIC_API_KEY"),
        ("gemini:x", {}, "GEMINI_API_KEY or GOOGLE_API_KEY"),
        ("azure:x", {}, "AZURE_OPENAI_ENDPOINT"),
        ("foundry:x", {}, "AZURE_INFERENCE_ENDPOINT or AZURE_ENDPOINT"),
        ("foundry:x", {"AZURE_ENDPOINT": "http://127.0.0.1:9"}, "AZURE_INFERENCE_CREDENTIAL or AZURE_API_KEY"),
    ],
)
def test_what_is_missing_is_named(name: str, environ: Mapping[str, str], told: str) -> None:
    with pytest.raises(SettingsInvalid, match=f"{name}.*{told}"):
        Models(environ=environ).named(name)


@pytest.mark.proves("models.entra", "models.extra")
def test_azure_without_a_key_and_without_azure_identity_names_both(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "azure.identity.aio", None)
    with pytest.raises(SettingsInvalid, match=r"AZURE_OPENAI_API_KEY or AZURE_OPENAI_AD_TOKEN.*'\.\[azure\]'"):
        Models(environ={"AZURE_OPENAI_ENDPOINT": "http://127.0.0.1:9"}).named("azure:x")


@pytest.mark.proves("models.addresses")
@pytest.mark.parametrize("name", ["ollama:x", "llamacpp:x", "vllm:x", "transformers:x"])
async def test_local_servers_need_no_key_and_no_address(name: str) -> None:
    models = Models(environ={})
    assert models.named(name).name == name
    await models.aclose()


@pytest.mark.proves("models.addresses")
@pytest.mark.parametrize("name", ["gpt-4o", "nobody:model", "openai:", ":x"])
def test_a_name_that_is_none_is_told_with_the_form_and_the_providers(name: str) -> None:
    with pytest.raises(SettingsInvalid, match=r"provider:model.*openai, azure.*addresses"):
        Models(environ={}).named(name)


@pytest.mark.proves("models.addresses", "models.doctor")
async def test_models_at_several_addresses_work_at_once_and_the_doctor_asks_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("ANTHROPIC_API_KEY=from-the-file\n")
    script = lambda _: Say("OK")  # noqa: E731
    async with (
        ModelServer(script) as near,
        ModelServer(script) as mine,
        ModelServer(script, AnthropicWire()) as far,
    ):
        given: dict[str, Any] = {
            "addresses": f"llamacpp={near.url}, gpu-2={mine.url}, anthropic={far.url}",
            "router": "llamacpp:small, gpu-2:middle",
            "synthesizer": "anthropic:large",
        }
        settings = read_settings(servers=tmp_path / "none.json", **given)
        async with talking(tmp_path, **given) as talk, models_of(settings) as model:
            found = {check.name: check.ok async for check in checks(settings, talk.app, model)}
        assert found["model: llamacpp:small"]
        assert found["model: gpu-2:middle"]
        assert found["model: anthropic:large"]
        assert [server.requests[0]["model"] for server in (near, mine, far)] == ["small", "middle", "large"]
        assert far.keys == ["from-the-file"]


@pytest.mark.proves("models.addresses")
@pytest.mark.parametrize("addresses", ["http://127.0.0.1:8080", "mine=somewhere", {"my server": "http://x"}])
def test_an_address_that_is_none_is_told_with_its_form(addresses: object) -> None:
    with pytest.raises(SettingsInvalid, match=r"(?s)addresses.*name=http://host:port/path"):
        read_settings(addresses=addresses)


@pytest.mark.slow
@pytest.mark.proves("models.lazy")
def test_nothing_of_a_provider_is_imported_before_its_model_is_made() -> None:
    program = (
        "import sys, bot.app; from orchestrator.agno_models import Models; models = Models(environ={})\n"
        "def loaded(): return {'agno', 'openai', 'anthropic', 'google.genai', 'ollama', 'azure'} & set(sys.modules)\n"
        "assert not loaded(), loaded()\n"
        "models.named('vllm:x')\n"
        "assert loaded() == {'agno', 'openai'}, loaded()"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


@pytest.mark.proves("docs.models")
def test_the_documentation_lists_every_provider_as_the_code_knows_it() -> None:
    page = (Path(__file__).parents[2] / "docs" / "models.md").read_text()
    for name, provider in PROVIDERS.items():
        keys = " or ".join(f"`{key}`" for key in (*provider.keys, *provider.tokens))
        addresses = " or ".join(f"`{address}`" for address in provider.addresses)
        home = f"`{provider.home}`" if provider.home else "each its own" if provider.home == "" else "none"
        assert f"| `{name}:MODEL` | `errand[{provider.extra}]` | {keys} | {addresses} | {home} |" in page
    assert page.count(":MODEL` |") == len(PROVIDERS)
