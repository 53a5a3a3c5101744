"""The composition root: real parts are made here and nowhere else. Tests call the same build()."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime

from pydantic import ValidationError

from adapters.base import Adapter
from bot.delivery import Post
from bot.dispatch import Dispatcher, Work
from bot.settings import Settings, WhileBusy, environment, redaction_of
from orchestrator.agno_models import Models
from orchestrator.answer_reader import AnswerReader
from orchestrator.carrying_out import CarryingOut
from orchestrator.chains import Chain, chain_from
from orchestrator.commands import Commands
from orchestrator.deciding import Deciding
from orchestrator.explaining import Explaining
from orchestrator.front import Front
from orchestrator.intake import Intake, edited
from orchestrator.messages import INBOUND, Edit, Inbound, Live, Receipt, Status
from orchestrator.models import Model
from orchestrator.offline import no_model
from orchestrator.planner import Planner
from orchestrator.policy import Policy
from orchestrator.preferring import Preferring
from orchestrator.reading import PlanLimits, Reader
from orchestrator.resources import Resources
from orchestrator.retries import Retries
from orchestrator.saving import Saving
from orchestrator.sessions import Sessions
from orchestrator.steering import Steering
from orchestrator.steps import StepLimits, Steps
from orchestrator.summarizing import Summarizing
from orchestrator.synthesizer import Synthesizer
from orchestrator.tools.builtin import BUILTIN
from orchestrator.tools.catalog import Catalog
from orchestrator.tools.functions import Functions
from orchestrator.tools.mcp import McpTools
from orchestrator.tools.mcp_config import read_servers
from orchestrator.tools.spec import Toolset
from orchestrator.turn import Turns
from orchestrator.words import say, speaking
from orchestrator.workers import WorkerLimits, Workers
from storage.errors import StorageError, StorageTextUnstorable
from storage.records import Arrived, Parcel
from storage.store import Store, open_store

log = logging.getLogger(__name__)

MOST_DEATHS = 3  # processes that may die over one message; then it is the message, and it is answered as failed
MakeModel = Callable[[str], Model]

LONGEST_PAUSE = 30.0  # seconds between two tries of a turn that the database refused


class App:
    """Everything that is running: made by build(), used by serve()."""

    def __init__(
        self,
        store: Store,
        catalog: Catalog,
        turns: Turns,
        summarizing: Summarizing,
        *,
        while_busy: WhileBusy,
        drain_seconds: float,
    ) -> None:
        self.store = store
        self.catalog = catalog
        self._intake = Intake(store)
        self._turns = turns
        self._summarizing = summarizing
        self._steers = while_busy == "steer"
        self._steering: dict[str, Steering] = {}
        self._adapters: dict[str, Adapter] = {}
        self._post = Post(store, self._adapters)
        self._dispatcher = Dispatcher(
            self._work,
            self._stop,
            self._post.deliver,
            amend=self._amend,
            waits=self._tell_place,
            afterwards=self._sum_up,
            interrupts=while_busy == "interrupt",
            drain_seconds=drain_seconds,
        )

    async def serve(self, adapters: Sequence[Adapter]) -> None:
        """Take up what an earlier process left, then listen until every channel has ended, or until cancelled."""
        self._adapters.update((adapter.name, adapter) for adapter in adapters)
        async with self._dispatcher:
            await self._take_up()
            async with asyncio.TaskGroup() as listening:
                for adapter in adapters:
                    listening.create_task(adapter.run(self.accept), name=f"channel {adapter.name}")
            await self._dispatcher.idle()

    async def idle(self) -> None:
        """Returns once no turn runs and none waits."""
        await self._dispatcher.idle()

    async def accept(self, inbound: Inbound) -> Receipt:
        """Make an Inbound durable and queue it. Raises StorageError: then it was not taken."""
        taken = await self._intake.accept(inbound)
        if taken is None:
            return Receipt(new=False)
        self._dispatcher.put(*taken)
        if steering := self._steering.get(taken[0].session):
            steering.offer(*taken)
        return Receipt(new=True, turn=taken[0].turn)

    async def _take_up(self) -> None:
        """Show what was finished and perhaps not shown, and queue what was not finished."""
        await self._post.deliver(await self.store.undelivered(), repeated=True)
        for arrived in await self.store.unfinished(channels=list(self._adapters)):
            try:
                inbound = INBOUND.validate_json(arrived.payload)
            except ValidationError:  # of another version: it stays, and must not keep the others from their answers
                log.exception("an unfinished event cannot be read", extra={"turn": arrived.turn})
            else:
                self._dispatcher.put(arrived, inbound)

    async def _work(self, arrived: Arrived, inbound: Inbound) -> list[Parcel]:
        """One turn to its end."""
        return await self._concluded(arrived, inbound, self._once_more if arrived.left_over else self._take_turn)

    async def _once_more(self, arrived: Arrived, inbound: Inbound) -> list[Parcel]:
        """A turn that an earlier process left. One over which too many have died is not tried again."""
        attempts = await self.store.count_attempt(arrived.turn)
        if attempts >= MOST_DEATHS:
            return await self._turns.fail_turn(arrived, inbound)
        return await self._take_turn(replace(arrived, attempts=attempts), inbound)

    async def _amend(self, arrived: Arrived, inbound: Inbound, edited_by: Arrived, edit: Edit) -> Inbound | None:
        """Give a turn the words of an edit, unless it has answered or acted. What comes of the edit is that turn's."""
        pause = 1.0
        while True:
            try:
                if await self.store.turn(arrived.turn) or await self._turns.has_acted(arrived):
                    return None
                new = edited(inbound, edit)
                await self.store.amend(arrived.turn, INBOUND.dump_json(new).decode(), amended_by=edited_by.turn)
            except StorageError as error:
                log.warning("an edit cannot be stored yet", extra={"turn": arrived.turn, "reason": str(error)})
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)
            else:
                return new

    async def _tell_place(self, arrived: Arrived, inbound: Inbound, before: int) -> None:
        """Tell somebody that their message waits, and for how many."""
        with speaking(await self._turns.language_of(arrived, inbound)):
            waits = say("I am still at work. Before this: {count}.", count=before)
        await self._post.show(inbound.address, arrived.turn, Status(text=waits))

    async def _sum_up(self, session: str) -> None:
        """What an idle session needs: its old turns summed up. What fails is tried again after the next turn."""
        try:
            await self._summarizing.sum_up(session)
        except StorageError as error:
            log.warning("a summary cannot be stored", extra={"session": session, "reason": str(error)})

    async def _stop(self, arrived: Arrived, inbound: Inbound) -> list[Parcel]:
        """The end of a turn that a person has stopped."""
        return await self._concluded(arrived, inbound, self._turns.stop_turn)

    async def _take_turn(self, arrived: Arrived, inbound: Inbound) -> list[Parcel]:
        async def emit(part: Live) -> None:
            await self._post.show(inbound.address, arrived.turn, part)

        if not self._steers:
            return await self._turns.take_turn(arrived, inbound, emit)
        steering = self._steering[arrived.session] = Steering(inbound.person.id)
        try:
            return await self._turns.take_turn(arrived, inbound, emit, steering=steering)
        finally:
            del self._steering[arrived.session]

    async def _concluded(self, arrived: Arrived, inbound: Inbound, conclude: Work) -> list[Parcel]:
        """What a turn ends with. A database that refuses is asked again, later, and the person is told."""
        pause = 1.0
        while True:
            try:
                return await conclude(arrived, inbound)
            except StorageTextUnstorable:  # trying again would not help, and a left-over turn would come back for ever
                log.exception("turn cannot be stored", extra={"turn": arrived.turn})
                if conclude == self._turns.fail_turn:
                    raise
                conclude = self._turns.fail_turn
            except StorageError as error:
                log.warning("turn cannot be stored yet", extra={"turn": arrived.turn, "reason": str(error)})
                told = Status(text=f"{say('I cannot save my work just now, and keep trying.')} {error}")
                await self._post.show(inbound.address, arrived.turn, told)
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)
                arrived = replace(arrived, attempts=max(arrived.attempts, 1))  # a plan may be stored already
            except Exception:  # an edge: one broken turn must not take the others down
                if conclude == self._turns.fail_turn:
                    raise
                log.exception("turn failed", extra={"turn": arrived.turn})
                conclude = self._turns.fail_turn


@asynccontextmanager
async def build(
    settings: Settings,
    *,
    toolsets: Sequence[Toolset] | None = None,
    model: MakeModel | None = None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> AsyncIterator[App]:
    """An App whose database is open and whose tools are connected, as far as they can be.

    `toolsets` and `model` replace those of the settings. Raises SettingsInvalid, StorageError.
    """
    async with AsyncExitStack() as parts:
        store = await open_store(settings.database)
        parts.push_async_callback(store.close)
        catalog = Catalog(default_toolsets(settings) if toolsets is None else toolsets)
        parts.push_async_callback(catalog.stop)
        await catalog.start()
        make = model if model is not None else await parts.enter_async_context(models_of(settings))
        router = chain_of("router", settings.router or settings.planner, settings, make)
        planner = chain_of("planner", after_own(settings.planner, settings.router), settings, make)
        synthesizer = chain_of("synthesizer", settings.synthesizer or settings.router, settings, make)
        reader = Reader(catalog, PlanLimits(settings.plan_steps, settings.plan_workers))
        plans = Planner(planner, catalog, reader, now=now) if planner else None
        hands_over_to = plans if settings.planner else None
        resources = Resources(cpus=settings.cpus, gpu_mb=settings.gpu_mb)
        policy = _policy(settings)
        worker = chain_of("worker", settings.worker or settings.router, settings, make)
        workers = Workers(store, catalog, chain=worker, policy=policy, limits=_worker_limits(settings))
        sessions = Sessions(
            store,
            last=settings.history_messages,
            language=settings.language,
            verbosity=settings.verbosity,
        )
        turns = Turns(
            store,
            sessions=sessions,
            deciding=Deciding(
                store,
                catalog,
                sessions=sessions,
                front=Front(router, catalog, reader, planner=hands_over_to, now=now) if router else None,
                answers=AnswerReader(router, now=now) if router else None,
                commands=commands_of(store, catalog, sessions, settings),
            ),
            carrying_out=CarryingOut(
                store,
                catalog,
                reader=reader,
                steps=Steps(
                    store, catalog, workers=workers, resources=resources, policy=policy, limits=_step_limits(settings)
                ),
                policy=policy,
                planner=plans,
                synthesizer=Synthesizer(synthesizer),
                steps_at_once=settings.steps_at_once,
                replans=settings.replans,
            ),
            message_characters=settings.message_characters,
            find=catalog.find,
            redaction=redaction_of(settings),
            now=now,
        )
        summarizing = Summarizing(store, synthesizer, last=settings.history_messages)
        yield App(
            store,
            catalog,
            turns,
            summarizing,
            while_busy=settings.while_busy,
            drain_seconds=settings.drain_seconds,
        )


def default_toolsets(settings: Settings) -> list[Toolset]:
    """The built-in functions, and the MCP servers of the settings' file."""
    servers, problems = read_servers(settings.servers, os.environ) if settings.servers.exists() else ([], [])
    return [Functions(BUILTIN), McpTools(servers, problems, connect_timeout_seconds=settings.connect_seconds)]


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


def commands_of(store: Store, catalog: Catalog, sessions: Sessions, settings: Settings) -> Commands:
    """The slash words of every subject."""
    explaining = Explaining(store, catalog, sessions, about=lambda: about_models(settings))
    return Commands(catalog, explaining, [Saving(store, catalog, sessions), Preferring(store)])


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


def after_own(own: str, behind: str) -> str:
    """The chain of a component: its own models, and behind them those of another one."""
    return ", ".join(filter(None, (own, behind)))


def chain_of(component: str, text: str, settings: Settings, model: MakeModel) -> Chain | None:
    return chain_from(
        component,
        text,
        model,
        first_timeout_seconds=settings.first_model_seconds,
        next_timeout_seconds=settings.next_model_seconds,
        retries=Retries(settings.model_retries, settings.retry_seconds),
    )


def about_models(settings: Settings) -> str:
    """What thinks here, in a sentence for /status and the first screen."""
    return say("Model: {names}.", names=settings.router) if settings.router else no_model()
