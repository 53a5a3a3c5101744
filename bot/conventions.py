"""Names that telemetry shares with the world: how OpenTelemetry calls our providers and their models.

Its conventions for generative AI (github.com/open-telemetry/semantic-conventions-genai, read 2026-11) have moved out of
opentelemetry-semantic-conventions, which calls its own constants for them deprecated: so we write their names as text.
"""

from importlib.metadata import PackageNotFoundError, version

PROVIDERS = {"azure": "azure.ai.openai", "gemini": "gcp.gemini", "foundry": "azure.ai.inference"}
"""What the conventions call a provider, where it is not the word of our settings."""


def model_names(written: str) -> tuple[str, str]:
    """Provider and model of a name as settings write it, "openai:gpt-4o"."""
    provider, _, model = written.partition(":")
    return PROVIDERS.get(provider, provider), model.partition("?")[0] or provider


def version_of_errand() -> str:
    try:
        return version("errand")
    except PackageNotFoundError:  # a checkout that is not installed
        return "checkout"
