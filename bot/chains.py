"""Who thinks here: the models of each component, as the settings name them."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from bot.settings import Settings, environment
from orchestrator.agno_models import Models
from orchestrator.budgets import is_thrifty
from orchestrator.chains import Chain, chain_from
from orchestrator.models import Model
from orchestrator.offline import no_model
from orchestrator.retries import Retries
from orchestrator.words import say

MakeModel = Callable[[str], Model]


@dataclass(frozen=True, slots=True)
class Chains:
    """The models of each component; None where none is set. Behind the planner's own stand the router's; a `local` one
    alone is the router's."""

    router: Chain | None
    planner: Chain | None
    worker: Chain | None
    synthesizer: Chain | None
    local: Chain | None = None

    @classmethod
    def of(cls, settings: Settings, make: MakeModel) -> "Chains":
        """Raises SettingsInvalid for a model that cannot be made."""
        first = settings.router or settings.planner or settings.local
        planner = ", ".join(filter(None, (settings.planner, settings.router))) or first
        return cls(
            router=_frugal("router", first, settings.cheap, settings, make),
            planner=chain_of("planner", planner, settings, make),
            worker=chain_of("worker", settings.worker or first, settings, make),
            synthesizer=_frugal(
                "synthesizer", settings.synthesizer or first, settings.cheap or settings.local, settings, make
            ),
            local=chain_of("local", settings.local, settings, make) if settings.local != first else None,
        )


@asynccontextmanager
async def models_of(settings: Settings) -> AsyncIterator[MakeModel]:
    """Makes the models of the settings' providers by name, each once; closes them all."""
    keys = {"openai": settings.openai_api_key.get_secret_value()} if settings.openai_api_key else {}
    openai = {"openai": settings.openai_base_url} if settings.openai_base_url else {}
    models = Models(base_urls={**settings.addresses, **openai}, api_keys=keys, environ=environment())
    try:
        yield models.named
    finally:
        await models.aclose()


def _frugal(component: str, text: str, cheap: str, settings: Settings, make: MakeModel) -> Chain | None:
    """A chain in whose place the cheap one is asked where a budget is nearly spent."""
    if not (cheap and text):
        return chain_of(component, text, settings, make)
    frugal = chain_of(component, f"{cheap}, {text}", settings, make)
    return chain_of(component, text, settings, make, instead=lambda: frugal if is_thrifty() else None)


def chain_of(
    component: str,
    text: str,
    settings: Settings,
    model: MakeModel,
    *,
    instead: Callable[[], Chain | None] | None = None,
) -> Chain | None:
    return chain_from(
        component,
        text,
        model,
        first_timeout_seconds=settings.first_model_seconds,
        next_timeout_seconds=settings.next_model_seconds,
        retries=Retries(settings.model_retries, settings.retry_seconds),
        instead=instead,
    )


def about_models(settings: Settings) -> str:
    """What thinks here, in a sentence for /status and the first screen."""
    names = ", ".join(filter(None, (settings.local, settings.router)))
    return say("Model: {names}.", names=names) if names else no_model()
