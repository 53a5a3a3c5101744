"""A worker's loop by itself, in one life and the next."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from orchestrator.chains import Chain, Member
from orchestrator.models import ChatMessage, ModelReply, Script, Scripted, ToolCall
from orchestrator.plan import Plan, Step, StepResult
from orchestrator.policy import Policy
from orchestrator.roster import Roster
from orchestrator.sessions import Run
from orchestrator.tools.catalog import Catalog
from orchestrator.tools.functions import Functions, tool
from orchestrator.tools.spec import ToolSpec
from orchestrator.workers import WorkerLimits, Workers
from storage.files import FileStore
from storage.records import StoredPlan
from storage.store import Store, open_store

STEP = Step(id="w", worker="general", arguments={"task": "pay ann"}, tools=("price", "pay", "price"), agreed=("1.1",))
RUN = Run(id="t1", request="pay ann", plan=Plan(steps=(STEP,)))


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    """A store in which the run is begun."""
    opened = await open_store(str(tmp_path / "errand.db"))
    await opened.remember(channel="c", event_id="e", session="c:1", address="{}", payload="{}")
    await opened.save_plan(StoredPlan(id=RUN.id, session="c:1", turn="t1", body="{}"))
    yield opened
    await opened.close()


async def work(store: Store, functions: Functions | None, script: Script) -> StepResult:
    """What comes of the step with these tools and this model."""
    chain = Chain("worker", [Member(Scripted(script), timeout_seconds=5)])
    catalog = Catalog([functions] if functions else [])
    files = FileStore(Path("never-made"))
    workers = Workers(
        store,
        catalog,
        files=files,
        roster=Roster((), general=chain),
        policy=Policy(),
        limits=WorkerLimits(),
        now=lambda: datetime.now(UTC),
    )
    return await workers.work(RUN, STEP, {}, note=lambda _: None)


def call(name: str, **arguments: object) -> ModelReply:
    return ModelReply("", model="scripted", tool_calls=(ToolCall("c1", name, arguments),))


@pytest.mark.proves("restart.unknown_outcome")
async def test_a_risky_call_under_way_is_put_to_the_person_also_where_its_tool_has_not_come_back(
    store: Store,
) -> None:
    begun = asyncio.Event()

    @tool
    async def pay(amount: int) -> str:
        """Pay."""
        begun.set()
        await asyncio.Event().wait()
        return ""

    first_life = asyncio.ensure_future(work(store, Functions([pay]), lambda *_: call("pay", amount=5)))
    async with asyncio.timeout(20):
        await begun.wait()
        first_life.cancel()
        await asyncio.wait({first_life})
    assert first_life.cancelled()
    result = await work(store, None, lambda *_: call("pay", amount=5))
    assert (result.waits_for, result.tool, result.data) == ("repeat", "pay", {"amount": 5})


@pytest.mark.proves("worker.policy")
async def test_an_allowed_tool_that_is_gone_is_no_breach_of_the_policy(store: Store) -> None:
    def script(messages: Sequence[ChatMessage], tools: Sequence[ToolSpec]) -> ModelReply:
        if messages[-1].role != "tool":
            return call("price", seller="Ann")
        assert "price cannot be reached right now" in messages[-1].text
        return ModelReply("I could not find out.", model="scripted")

    @tool
    def pay(amount: int) -> str:
        """Pay."""
        return "paid"

    result = await work(store, Functions([pay]), script)
    assert (result.status, result.text, result.refused) == ("done", "I could not find out.", ())


@pytest.mark.proves("worker.loop")
async def test_tools_of_one_reply_run_side_by_side_and_each_tool_is_offered_once(store: Store) -> None:
    together = asyncio.Barrier(2)

    @tool(read_only=True)
    async def price(seller: str) -> str:
        """The price."""
        async with asyncio.timeout(20):
            await together.wait()
        return f"{seller}: 3 EUR"

    def script(messages: Sequence[ChatMessage], tools: Sequence[ToolSpec]) -> ModelReply:
        assert [each.name for each in tools] == ["price"]
        if messages[-1].role == "tool":
            return ModelReply("3 EUR each", model="scripted")
        both = tuple(ToolCall(seller, "price", {"seller": seller}) for seller in ("Ann", "Bob"))
        return ModelReply("", model="scripted", tool_calls=both)

    result = await work(store, Functions([price]), script)
    assert (result.text, result.used) == ("3 EUR each", ("price", "price"))
