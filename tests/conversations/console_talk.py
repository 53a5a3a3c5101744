"""An Errand with a past for its console to show: turns, work, money, cases, and a server whose tool has changed."""

import json
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from adapters.web.channel import Web
from bot.app import App
from bot.settings import read_settings
from bot.sources import mcp_tools
from orchestrator.errors import ModelUnreachable
from orchestrator.messages import Address
from orchestrator.models import ChatMessage, Model, ModelReply, Scripted, Usage
from orchestrator.tools.functions import tool
from orchestrator.tools.spec import ToolSpec
from storage.records import Conclusion, ModelCall, TurnRecord, Work
from storage.store import Store, open_store
from tests.conversations.test_plans import calls
from tests.conversations.web_talk import page_at
from tests.fakes.web_visitor import Visitor

HOME = Path(__file__).parents[2]
SCHEMA = {"type": "object", "properties": {"place": {"type": "string"}}}
TIDES = {"name": "tides", "description": "The tides of a place.", "inputSchema": SCHEMA}
CHANGED = {**TIDES, "description": "The tides of a place, and of the places around it."}
OTHER = {**TIDES, "name": "moon", "description": "The moon over a place."}
TRIP = """/plan a: forecast(city="Lisbon")
b: forecast(city="Porto")
c: fares(city="Lisbon")
d: compare(first="${a}", second="${b}")
e: compare(first="${d}", second="${c}")"""
PAGES = (
    "/console",
    "/console/sessions",
    "/console/turns",
    "/console/turns/t1",
    "/console/review",
    "/console/workers",
    "/console/budgets",
    "/console/insights",
    "/console/servers",
    "/console/settings",
    "/console/log",
)


@tool(read_only=True)
def forecast(city: str) -> str:
    """Tell the weather."""
    return f"{city}: 21 °C, sunny"


@tool(read_only=True)
def fares(city: str) -> str:
    """Compare fares."""
    return f"{city}: from 89 €"


@tool(read_only=True)
def compare(first: str, second: str) -> str:
    """Compare two."""
    return f"{first} | {second}"


def script(messages: Sequence[ChatMessage], tools: Sequence[ToolSpec]) -> ModelReply:
    """A model that greets, declines to order anything, and is away where it is asked to be."""
    said = messages[-1].text
    if "be away" in said:
        raise ModelUnreachable
    if "order" in said.lower():
        return calls(("refuse", {"reason": "I cannot order anything."}))
    return ModelReply("Lisbon is as sunny as Porto, and 89 € away.", "openai:gpt-4o-mini", usage=Usage(900, 60))


def made(name: str) -> Model:
    return Scripted(script, name=name)


@asynccontextmanager
async def console_at(
    folder: Path, *, tides: Sequence[dict[str, Any]] = (), policy: str = "", **settings: Any
) -> AsyncIterator[tuple[App, Web]]:
    """The page of an Errand whose model is scripted. `tides` are the tools of an MCP server, known as TIDES before;
    `policy` is the file of house rules."""
    (folder / "policy.toml").write_text(policy)
    given: dict[str, Any] = {
        "policy_file": str(folder / "policy.toml"),
        "router": "openai:gpt-4o-mini",
        "model_retries": 0,
        "functions": __name__,
        **settings,
    }
    if tides:
        given["servers"] = await _known_as(folder, TIDES)
        _write_servers(Path(given["servers"]), tides)
    async with page_at(folder, toolsets=None, model=made, **given) as running:
        yield running


async def _known_as(folder: Path, definition: dict[str, Any]) -> str:
    """The file of a server that Errand has seen with this one tool."""
    file = folder / "mcp.json"
    _write_servers(file, [definition])
    store = await open_store(str(folder / "errand.db"))
    servers = mcp_tools(read_settings(servers=str(file), database=str(folder / "errand.db")), store)
    try:
        await servers.start()
    finally:
        await servers.stop()
        await store.close()
    return str(file)


def _write_servers(file: Path, definitions: Sequence[dict[str, Any]]) -> None:
    answers = {each["name"]: {"content": [{"type": "text", "text": "high at noon"}]} for each in definitions}
    said = json.dumps({"pages": [list(definitions)], "answers": answers})
    args = ["-m", "tests.fakes.odd_mcp_server", said]
    server = {"command": sys.executable, "args": args, "env": {"PYTHONPATH": str(HOME)}}
    file.write_text(json.dumps({"mcpServers": {"sea": server}}))


async def says(app: App, visitor: Visitor, text: str, *, conversation: str = "first") -> str:
    """Say something on the page, and wait until all is answered: its turn."""
    _, told = await visitor.says(conversation, text)
    await app.idle()
    return str(told["turn"])


async def worked(store: Store, plan: str, *, worker: str = "general", count: int = 24) -> None:
    """Let a worker have done so many pieces of work, each fifth of them in vain."""
    now = datetime.now(UTC)
    for number in range(count):
        at, seconds = now - timedelta(minutes=10 * (count - number)), 1.5 + (number * 7 % 5)
        await store.keep_work(Work(plan, f"s{number}", "general", worker, number % 5 != 2, seconds, at))


async def lived(store: Store, *, days: int = 13) -> None:
    """Let some turns have ended on each of the days before today."""
    now = datetime.now(UTC)
    for ago in range(1, days + 1):
        for number in range(2 + ago * 5 % 7):
            await _ended(store, now - timedelta(days=ago), f"{ago}.{number}", number)


async def _ended(store: Store, at: datetime, name: str, number: int) -> None:
    outcome = ("direct", "plan", "plan", "clarify", "direct", "refuse", "failed")[number % 7]
    person, model = ("ann", "bob")[number % 2], ("openai:gpt-4o-mini", "gemini:gemini-2.5-flash")[number % 2]
    address = Address(channel="slack", chat=person)
    arrived = await store.remember(
        channel="slack",
        event_id=name,
        session=address.session,
        address=address.model_dump_json(),
        payload="{}",
    )
    assert arrived
    record = TurnRecord(
        arrived.turn, address.session, person, f"Request {name}", outcome, "Done.", "{}", at, at + timedelta(seconds=2)
    )
    call = ModelCall("router", model, 1.2, None, 900 + 40 * number, 80, 0.0004 * (number + 1))
    await store.finish(Conclusion(record, "slack", address.model_dump_json(), (), model_calls=(call,)))
