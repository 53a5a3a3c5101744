"""How the parts fit together: settings become chains, models, tools, commands, and the conductor of turns."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from bot.settings import Settings, environment, files_folder, redaction_of
from orchestrator.agno_models import Models
from orchestrator.answer_reader import AnswerReader
from orchestrator.appointing import Appointing
from orchestrator.approving import Approving
from orchestrator.budgets import Budgets, is_thrifty
from orchestrator.carrying_out import CarryingOut
from orchestrator.cases import Cases
from orchestrator.chains import Chain, chain_from
from orchestrator.code_steps import CodeSteps
from orchestrator.coming import Diary
from orchestrator.commands import Commands, Subject
from orchestrator.complexity import Complexity
from orchestrator.connecting import Connecting
from orchestrator.deciding import Deciding
from orchestrator.errors import SettingsInvalid
from orchestrator.explaining import Explaining
from orchestrator.exporting import Exporting
from orchestrator.forgetting import Forgetting
from orchestrator.front import Front
from orchestrator.learning import Learning
from orchestrator.limits import Limits
from orchestrator.linking import Linking
from orchestrator.locality import Local, Locality
from orchestrator.models import Model
from orchestrator.offline import no_model
from orchestrator.pace import Pace
from orchestrator.people import People
from orchestrator.planner import Planner
from orchestrator.policy import Policy
from orchestrator.preferring import Preferring
from orchestrator.providers import Access
from orchestrator.raising import Raising
from orchestrator.reading import PlanLimits, Reader
from orchestrator.receipts import Receipts
from orchestrator.reminding import Reminding
from orchestrator.resources import Resources
from orchestrator.retries import Retries
from orchestrator.roles import read_house_rules
from orchestrator.roster import Roster, Worker, read_workers
from orchestrator.saving import Saving
from orchestrator.sessions import Sessions
from orchestrator.steps import StepLimits, Steps
from orchestrator.synthesizer import Synthesizer
from orchestrator.tools.catalog import Catalog
from orchestrator.tools.code import Code
from orchestrator.tools.mcp import McpTools
from orchestrator.turn import Turns
from orchestrator.using import Using
from orchestrator.words import say
from orchestrator.workers import WorkerLimits, Workers
from storage.files import FileStore
from storage.store import Store

if TYPE_CHECKING:
    from orchestrator.proxy import Proxy

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


def turns_of(
    settings: Settings,
    store: Store,
    catalog: Catalog,
    chains: Chains,
    *,
    files: FileStore,
    budgets: Budgets,
    cases: Cases,
    diary: Diary,
    roster: Roster,
    people: People,
    approving: Approving,
    now: Callable[[], datetime],
) -> Turns:
    """The conductor with all that it conducts."""
    reader = Reader(catalog, PlanLimits(settings.plan_steps, settings.plan_workers), workers=roster.told)
    planner = Planner(chains.planner, catalog, reader, now=now) if chains.planner else None
    sessions = Sessions(
        store,
        files,
        images=settings.images == "on",
        last=settings.history_messages,
        language=settings.language,
        verbosity=settings.verbosity,
    )
    deciding = Deciding(
        store,
        catalog,
        sessions=sessions,
        front=_front(settings, chains, catalog, reader, planner=planner, now=now),
        answers=AnswerReader(chains.router, now=now) if chains.router else None,
        commands=commands_of(
            store, catalog, sessions, settings, cases=cases, diary=diary, roster=roster, people=people, now=now
        ),
        receipts=Receipts(catalog, files),
        reminding=Reminding(catalog, diary),
        raising=(raising := Raising(store, limits_of(settings, people), people, now=now)),
        approving=approving,
        forgetting=Forgetting(store),
    )
    policy = _policy(settings)
    carrying_out = CarryingOut(
        store,
        catalog,
        reader=reader,
        steps=_steps(settings, store, catalog, roster, files=files, policy=policy, now=now),
        policy=policy,
        planner=planner,
        synthesizer=Synthesizer(chains.synthesizer),
        steps_at_once=settings.steps_at_once,
        replans=settings.replans,
        approving=approving,
    )
    return Turns(
        store,
        sessions=sessions,
        deciding=deciding,
        carrying_out=carrying_out,
        budgets=budgets,
        complexity=complexity_of(settings),
        cases=cases,
        people=people,
        raising=raising,
        pace=Pace(settings.messages_a_minute),
        message_characters=settings.message_characters,
        find=catalog.find,
        redaction=redaction_of(settings),
        now=now,
    )


def _front(
    settings: Settings,
    chains: Chains,
    catalog: Catalog,
    reader: Reader,
    *,
    planner: Planner | None,
    now: Callable[[], datetime],
) -> Front | None:
    """The front call; it hands plans over only to a planner with a chain of its own."""
    if chains.router is None:
        return None
    local = Local(chains.local, settings.local_hand_overs, settings.local_confidence) if chains.local else None
    locality = Locality(chains.router, local=local, complexity=complexity_of(settings))
    return Front(locality, catalog, reader, planner=planner if settings.planner else None, now=now)


def complexity_of(settings: Settings) -> Complexity:
    """Where complex begins."""
    further = tuple(filter(None, map(str.strip, settings.complex_work.split(","))))
    return Complexity(settings.simple_things, settings.simple_characters, further)


def _steps(
    settings: Settings,
    store: Store,
    catalog: Catalog,
    roster: Roster,
    *,
    files: FileStore,
    policy: Policy,
    now: Callable[[], datetime],
) -> Steps:
    limits = _worker_limits(settings)
    workers = Workers(store, catalog, files=files, roster=roster, policy=policy, limits=limits, now=now)
    return Steps(
        store,
        catalog,
        files=files,
        workers=workers,
        code=_code_steps(settings, catalog, policy),
        resources=Resources(cpus=settings.cpus, gpu_mb=settings.gpu_mb),
        policy=policy,
        limits=_step_limits(settings),
    )


def _code_steps(settings: Settings, catalog: Catalog, policy: Policy) -> CodeSteps | None:
    code = catalog.source(Code)
    if code is None:
        return None
    seconds, characters = settings.tool_seconds, settings.step_input_characters
    return CodeSteps(code, catalog, policy=policy, seconds=seconds, input_characters=characters)


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


def people_of(settings: Settings, store: Store) -> People:
    """Who people are, by the policy file. Whoever comes to the page from this machine, or with its token, runs this;
    not where a proxy names people, which may call somebody else the same. Raises SettingsInvalid."""
    at_home = [] if settings.web_proxy_header else [f"web:{settings.person or 'local'}"]
    return People(store, read_house_rules(settings.policy_file), at_home=at_home)


def limits_of(settings: Settings, people: People) -> Limits:
    """Raises SettingsInvalid."""
    return Limits.read(settings.budgets, people.rules.budgets)


def budgets_of(
    settings: Settings, store: Store, people: People, *, holder: str | None = None, now: Callable[[], datetime]
) -> Budgets:
    """Raises SettingsInvalid."""
    return Budgets(
        store,
        limits_of(settings, people),
        output_tokens=settings.budget_output_tokens,
        unknown_price_usd=settings.unknown_price_usd,
        holder=holder or "here",
        now=now,
    )


def proxy_of(settings: Settings) -> "Proxy | None":
    """The LiteLLM proxy whose budget is told. Raises SettingsInvalid."""
    if not (name := settings.litellm_proxy):
        return None
    from orchestrator.proxy import Proxy  # noqa: PLC0415 - only who has one needs its packages

    if name not in settings.addresses:
        raise SettingsInvalid(f"litellm_proxy names {name!r}, which is none of the addresses: add {name}=http://...")
    key = Access(settings.addresses, environ=environment()).endpoint(f"{name}:any").api_key
    if not key:
        raise SettingsInvalid(f"litellm_proxy needs the key of {name}, as its models do.")
    return Proxy(name, settings.addresses[name], key)


def roster_of(settings: Settings, chains: Chains, make: MakeModel) -> Roster:
    """The workers. Raises SettingsInvalid, for a file or a chain that cannot be read."""

    def chain(worker: Worker) -> Chain | None:
        return chain_of("worker", worker.chain, settings, make) if worker.chain else chains.worker

    return Roster(read_workers(settings.workers, chain), general=chains.worker)


def cases_of(settings: Settings, store: Store, people: People, *, now: Callable[[], datetime]) -> Cases:
    """The review queue."""
    return Cases(store, people, unanswered_after=timedelta(hours=settings.unanswered_hours), now=now)


def commands_of(
    store: Store,
    catalog: Catalog,
    sessions: Sessions,
    settings: Settings,
    *,
    cases: Cases,
    diary: Diary,
    roster: Roster,
    people: People,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Commands:
    """The slash words of every subject."""
    connecting = Connecting([each for each in catalog.toolsets if isinstance(each, McpTools)])
    usage = Using(store, now=now).usage
    explaining = Explaining(
        store, catalog, sessions, about=lambda: about_models(settings), usage=usage, workers=roster.status
    )
    receipts = Receipts(catalog, FileStore(files_folder(settings)))
    proxy = proxy_of(settings)
    raising = Raising(store, limits_of(settings, people), people, proxy=proxy.told if proxy else None, now=now)
    exporting = Exporting(store, FileStore(files_folder(settings)), redaction=redaction_of(settings), now=now)
    others: list[Subject] = [
        receipts,
        Reminding(catalog, diary),
        Saving(store, catalog, sessions),
        Preferring(store),
        exporting,
        Forgetting(store),
        raising,
        connecting,
        Linking(store, people, now=now),
        Appointing(store, people),
        cases,
        Learning(store, catalog),
    ]
    return Commands(catalog, explaining, others)


def _policy(settings: Settings) -> Policy:
    return Policy(
        sure_enough=settings.sure_enough,
        low_confidence=settings.low_confidence,
        questions_before_review=settings.questions_before_review,
        free_cost_usd=settings.free_cost_usd,
        review=settings.review,
    )


def _step_limits(settings: Settings) -> StepLimits:
    return StepLimits(
        seconds=settings.tool_seconds,
        input_characters=settings.step_input_characters,
        retries=Retries(settings.step_retries, settings.step_retry_seconds),
    )


def _worker_limits(settings: Settings) -> WorkerLimits:
    return WorkerLimits(
        calls=settings.worker_calls,
        tokens=settings.worker_tokens,
        seconds=settings.worker_seconds,
        tool_seconds=settings.tool_seconds,
    )


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
