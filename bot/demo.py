"""The whole flow in a minute, played with a scripted model and marked as such."""

import io
import json
import re
import tempfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from adapters.console import Console
from bot.app import build
from bot.settings import read_settings
from orchestrator.errors import SettingsInvalid
from orchestrator.models import ChatMessage, ModelReply, Scripted, ToolCall
from orchestrator.tools.spec import ToolSpec

LINES = (
    "Hi",
    "What time is it in Tokyo and in New York?",
    "Convert 14:30 from Tokyo",
    "New York",
    "What is 19% tax on 80, and the double of it?",
    "Order me a pizza",
    "/why",
)
SERVERS = {"mcpServers": {"time": {"command": "mcp-server-time"}}}
BANNER = "This is a demonstration: the model is scripted, the tools and the database are real."
SCRIPT = "scripted:demo"


def scripted(messages: Sequence[ChatMessage], tools: Sequence[ToolSpec]) -> ModelReply:
    """What the demonstration's model says to each of LINES."""
    if not tools:
        return _text(_summed_up(messages[-1].text))
    match messages[-1].text:
        case "Hi":
            return _text("Hello! Ask me for the time somewhere, or for a calculation.")
        case text if text.startswith("What time"):
            zones = ("Asia/Tokyo", "America/New_York")
            return _calls(*(("time__get_current_time", {"timezone": zone}) for zone in zones))
        case text if text.startswith("Convert"):
            return _calls(("time__convert_time", {"source_timezone": "Asia/Tokyo", "time": "14:30"}))
        case text if text.startswith("What is 19%"):
            steps = 'a: compute_tax(amount=80, rate_percent=19)\nb: calculate(expression="${a.tax} * 2")'
            return _calls(("plan", {"steps": steps}))
        case _:
            return _calls(
                ("refuse", {"reason": "I am sorry, I cannot order anything. I can tell times and calculate."})
            )


def _summed_up(material: str) -> str:
    """An answer as a model might write it, from the results that are really there."""
    if moments := re.findall(r'"timezone":\s*"\w+/([^"]+)",\s*"datetime":\s*"[^T]+T(\d\d:\d\d)', material):
        if '"source"' in material:
            (_, there), (place, here) = moments
            return f"{there} in Tokyo is {here} in {place.replace('_', ' ')}."
        return "It is " + " and ".join(f"{time} in {place.replace('_', ' ')}" for place, time in moments) + "."
    tax = re.search(r'"tax":\s*([\d.]+)', material)
    return f"The tax is {tax[1]}, and its double {float(tax[1]) * 2:g}." if tax else "Done."


async def play() -> None:
    """Play LINES in the terminal, on a database that is gone afterwards."""
    if find_spec("mcp_server_time") is None:
        raise SettingsInvalid(
            'The demonstration asks a real MCP server for the time: pip install ".[time]" in Errand\'s folder'
        )
    with tempfile.TemporaryDirectory() as folder:
        servers = Path(folder) / "mcp.json"
        servers.write_text(json.dumps(SERVERS), encoding="utf-8")
        database = str(Path(folder) / "demo.db")
        settings = read_settings(database=database, servers=str(servers), router=SCRIPT, synthesizer="")
        async with build(settings, model=lambda _: Scripted(scripted, name=SCRIPT)) as app:
            console = Console(settings.person, about=BANNER, source=io.StringIO("\n".join(LINES) + "\n"), echo=True)
            await app.serve([console])


def _text(text: str) -> ModelReply:
    return ModelReply(text=text, model=SCRIPT)


def _calls(*calls: tuple[str, dict[str, str]]) -> ModelReply:
    wanted = tuple(ToolCall(id=f"c{number}", name=name, arguments=given) for number, (name, given) in enumerate(calls))
    return ModelReply(text="", model=SCRIPT, tool_calls=wanted)
