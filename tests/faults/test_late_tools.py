"""A plan goes on in a process whose sources of tools are still coming up: it waits for them."""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from bot.settings import read_settings
from bot.sources import mcp_tools
from orchestrator.messages import Answer
from orchestrator.tools.functions import Functions, Registered, tool
from orchestrator.tools.spec import ToolSpec
from storage.errors import StorageError
from storage.records import Pin
from storage.store import Store, open_store
from tests.conversations.program import TESTS_SERVER
from tests.faults.lives import life

pytestmark = pytest.mark.faults


class Late(Functions):
    """Tools that are there as soon as they have `come`. `missed` is set when somebody waits for them."""

    def __init__(self, *tools: Registered) -> None:
        super().__init__(tools)
        self.come, self.missed = asyncio.Event(), asyncio.Event()

    async def settled(self) -> None:
        self.missed.set()
        await self.come.wait()

    def specs(self) -> list[ToolSpec]:
        return super().specs() if self.come.is_set() else []


@pytest.mark.usefixtures("way")
@pytest.mark.proves("faults.late_tools")
async def test_a_plan_that_goes_on_waits_for_tools_that_come_late(tmp_path: Path) -> None:
    begun, dies, called = asyncio.Event(), asyncio.Event(), list[str]()

    @tool(read_only=True)
    async def look(what: str) -> str:
        """Look something up."""
        called.append(what)
        if what == "two" and not dies.is_set():
            begun.set()
            await asyncio.Event().wait()
        return f"seen {what}"

    async with life(tmp_path, toolsets=[Functions([look])]) as talk:
        turn = await talk.send('/plan a: look(what="one")\nb: look(what="two") after a')
        await asyncio.wait_for(begun.wait(), 40)
        dies.set()
    late = Late(look)
    async with life(tmp_path, toolsets=[late]) as talk:
        await asyncio.wait_for(late.missed.wait(), 40)
        late.come.set()
        part = await talk.outcome(turn)
    assert isinstance(part, Answer)
    assert "seen one" in part.text
    assert "seen two" in part.text
    assert called == ["one", "two", "two"]


@pytest.mark.slow
@pytest.mark.proves("faults.late_tools")
async def test_a_server_that_comes_up_while_the_database_is_away_has_not_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pin_first, refusals = Store.pin_first, [StorageError(), StorageError()]

    async def away_at_first(store: Store, server: str, first: Sequence[Pin]) -> None:
        if refusals:
            raise refusals.pop()
        await pin_first(store, server, first)

    monkeypatch.setattr(Store, "pin_first", away_at_first)
    (tmp_path / "mcp.json").write_text(json.dumps(TESTS_SERVER))
    store = await open_store(str(tmp_path / "errand.db"))
    tools = mcp_tools(read_settings(servers=str(tmp_path / "mcp.json")), store)
    await tools.start()
    try:
        await tools.settled()
        assert [(each.state, each.tools > 0) for each in tools.health()] == [("ready", True)]
        assert not refusals
    finally:
        await tools.stop()
        await store.close()
