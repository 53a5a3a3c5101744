"""How the parts fit together: they become commands, and the conductor of turns."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from bot.chains import Chains, MakeModel, about_models, chain_of
from bot.parts import Parts
from bot.settings import Settings, environment, redaction_of
from orchestrator.answer_reader import AnswerReader
from orchestrator.appointing import Appointing
from orchestrator.budgets import Budgets
from orchestrator.carrying_out import CarryingOut
from orchestrator.cases import Cases
from orchestrator.chains import Chain
from orchestrator.code_steps import CodeSteps
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
from orchestrator.workers import WorkerLimits, Workers
from storage.store import Store

if TYPE_CHECKING:
    from orchestrator.proxy import Proxy


def turns_of(parts: Parts) -> Turns:
    """The conductor with all that it conducts. Raises SettingsInvalid."""
    settings, store, catalog = parts.settings, parts.store, parts.catalog
    reader = Reader(catalog, PlanLimits(settings.plan_steps, settings.plan_workers), workers=parts.roster.told)
    planner = Planner(parts.chains.planner, catalog, reader, now=parts.now) if parts.chains.planner else None
    sessions = _sessions(parts)
    raising = Raising(store, limits_of(settings, parts.people), parts.people, now=parts.now)
    deciding = Deciding(
        store,
        catalog,
        sessions=sessions,
        front=_front(parts, reader, planner),
        answers=AnswerReader(parts.chains.router, now=parts.now) if parts.chains.router else None,
        commands=commands_of(parts),
        receipts=Receipts(catalog, parts.files),
        reminding=Reminding(catalog, parts.diary),
        raising=raising,
        approving=parts.approving,
        forgetting=Forgetting(store),
    )
    policy = _policy(settings)
    carrying_out = CarryingOut(
        store,
        catalog,
        reader=reader,
        steps=_steps(parts, policy),
        policy=policy,
        planner=planner,
        synthesizer=Synthesizer(parts.chains.synthesizer),
        steps_at_once=settings.steps_at_once,
        replans=settings.replans,
        approving=parts.approving,
    )
    return Turns(
        store,
        sessions=sessions,
        deciding=deciding,
        carrying_out=carrying_out,
        budgets=parts.budgets,
        complexity=complexity_of(settings),
        cases=parts.cases,
        people=parts.people,
        raising=raising,
        pace=Pace(settings.messages_a_minute),
        message_characters=settings.message_characters,
        find=catalog.find,
        redaction=redaction_of(settings),
        now=parts.now,
    )


def _sessions(parts: Parts) -> Sessions:
    settings = parts.settings
    return Sessions(
        parts.store,
        parts.files,
        images=settings.images == "on",
        last=settings.history_messages,
        language=settings.language,
        verbosity=settings.verbosity,
    )


def _front(parts: Parts, reader: Reader, planner: Planner | None) -> Front | None:
    """The front call; it hands plans over only to a planner with a chain of its own."""
    settings, chains = parts.settings, parts.chains
    if chains.router is None:
        return None
    local = Local(chains.local, settings.local_hand_overs, settings.local_confidence) if chains.local else None
    locality = Locality(chains.router, local=local, complexity=complexity_of(settings))
    return Front(locality, parts.catalog, reader, planner=planner if settings.planner else None, now=parts.now)


def complexity_of(settings: Settings) -> Complexity:
    """Where complex begins."""
    further = tuple(filter(None, map(str.strip, settings.complex_work.split(","))))
    return Complexity(settings.simple_things, settings.simple_characters, further)


def _steps(parts: Parts, policy: Policy) -> Steps:
    settings, store, catalog = parts.settings, parts.store, parts.catalog
    limits = _worker_limits(settings)
    workers = Workers(
        store, catalog, files=parts.files, roster=parts.roster, policy=policy, limits=limits, now=parts.now
    )
    return Steps(
        store,
        catalog,
        files=parts.files,
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


def commands_of(parts: Parts) -> Commands:
    """The slash words of every subject. Raises SettingsInvalid."""
    settings, store, catalog, people, now = parts.settings, parts.store, parts.catalog, parts.people, parts.now
    sessions = _sessions(parts)
    usage = Using(store, now=now).usage
    explaining = Explaining(
        store, catalog, sessions, about=lambda: about_models(settings), usage=usage, workers=parts.roster.status
    )
    proxy = proxy_of(settings)
    others: list[Subject] = [
        Receipts(catalog, parts.files),
        Reminding(catalog, parts.diary),
        Saving(store, catalog, sessions),
        Preferring(store),
        Exporting(store, parts.files, redaction=redaction_of(settings), now=now),
        Forgetting(store),
        Raising(store, limits_of(settings, people), people, proxy=proxy.told if proxy else None, now=now),
        Connecting([each for each in catalog.toolsets if isinstance(each, McpTools)]),
        Linking(store, people, now=now),
        Appointing(store, people),
        parts.cases,
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
