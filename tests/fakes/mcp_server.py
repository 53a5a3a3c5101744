"""A real MCP server for tests: `python -m tests.fakes.mcp_server [--http PORT]`. It writes down every call.

A call becomes a line {"tool", "arguments", "pid"} of the file ERRAND_TEST_CALLS, before the call sets to work; one that
is a part of a trace has its ids too, "trace": [trace, span]. A cancelled `slow` adds a line {"tool": "slow",
"cancelled": true, "pid"}. A stubborn server adds {"tool": "stay", "pid"} when its stdin is closed, and again at
SIGTERM.
"""

import argparse
import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

from mcp.server import MCPServer
from mcp.server.mcpserver import Context, Elicit, Resolve
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ImageContent, TextContent, ToolAnnotations
from opentelemetry.trace import get_current_span
from pydantic import BaseModel

READ_ONLY = ToolAnnotations(read_only_hint=True)

server: MCPServer[Any] = MCPServer("fake", log_level="ERROR")
waiting: dict[str, asyncio.Barrier] = {}


class Sum(BaseModel):
    sum: int


def record(tool: str, **what: object) -> None:
    if path := os.environ.get("ERRAND_TEST_CALLS"):
        told = get_current_span().get_span_context()  # mcp has read it from the call's _meta
        if told.is_valid:
            what["trace"] = f"{told.trace_id:032x}", f"{told.span_id:016x}"
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(json.dumps({"tool": tool, **what, "pid": os.getpid()}) + "\n")


def crash_once(marker: str) -> None:
    """Die in mid-call, unless an earlier process has done so."""
    if marker and not Path(marker).exists():
        Path(marker).touch()
        os._exit(7)


@server.tool(annotations=READ_ONLY)
def echo(text: str) -> str:
    """Say the same."""
    record("echo", arguments={"text": text})
    return text


@server.tool(annotations=READ_ONLY)
def add(a: int, b: int) -> Sum:
    """Add two numbers."""
    record("add", arguments={"a": a, "b": b})
    return Sum(sum=a + b)


@server.tool(annotations=READ_ONLY)
async def slow(seconds: float) -> str:
    """Take some time."""
    record("slow", arguments={"seconds": seconds})
    try:
        await asyncio.sleep(seconds)
    except asyncio.CancelledError:
        record("slow", cancelled=True)
        raise
    return "at last"


@server.tool()
async def slow_note(seconds: float) -> str:
    """Take some time, and change something."""
    record("slow_note", arguments={"seconds": seconds})
    await asyncio.sleep(seconds)
    return "noted at last"


@server.tool(annotations=READ_ONLY)
async def meet(parties: int) -> str:
    """Return once so many calls are under way at the same time."""
    record("meet", arguments={"parties": parties})
    await waiting.setdefault("meet", asyncio.Barrier(parties)).wait()
    return "all are here"


@server.tool(annotations=READ_ONLY)
async def weather(place: str, together: int = 1) -> dict[str, Any]:
    """The weather of a place, once so many are asked for at the same time."""
    record("weather", arguments={"place": place})
    await waiting.setdefault("weather", asyncio.Barrier(together)).wait()
    return {"place": place, "sky": "clear" if place < "P" else "cloudy", "degrees": len(place) * 3}


@server.tool()
def send(to: str, text: str) -> str:
    """Send a message to somebody."""
    record("send", arguments={"to": to, "text": text})
    return f"sent to {to}"


@server.tool(annotations=READ_ONLY)
def fail(text: str) -> str:
    """Refuse."""
    record("fail", arguments={"text": text})
    raise ToolError(text)


@server.tool()
def die() -> str:
    """End the process in mid-call."""
    record("die", arguments={})
    os._exit(7)


@server.tool()
def note(text: str, crash_marker: str = "") -> str:
    """Note something. Not read-only."""
    record("note", arguments={"text": text})
    crash_once(crash_marker)
    return f"noted {text}"


@server.tool(annotations=READ_ONLY)
def lookup(key: str, crash_marker: str = "") -> str:
    """Look something up."""
    record("lookup", arguments={"key": key})
    crash_once(crash_marker)
    return f"value of {key}"


@server.tool(annotations=READ_ONLY, structured_output=False)
def picture() -> list[TextContent | ImageContent]:
    """A picture with a caption."""
    return [TextContent(text="a cat"), ImageContent(data="A" * 4000, mime_type="image/png")]


@server.tool(annotations=READ_ONLY)
async def learn(name: str, ctx: Context[Any, Any]) -> str:
    """Have one more tool from now on."""
    server.add_tool(lambda: "new", name=name, description="Learnt.")
    await ctx.notify_tools_changed()
    return name


@server.tool(annotations=READ_ONLY)
def variables() -> dict[str, str]:
    """What the server sees of the environment."""
    return dict(os.environ)


@server.tool(annotations=READ_ONLY)
def header(name: str, ctx: Context[Any, Any]) -> str:
    """What came in an HTTP header."""
    return (ctx.headers or {}).get(name, "")


class Seat(BaseModel):
    seat: Literal["window", "aisle"]
    meal: str = "none"


def which_seat() -> Elicit[Seat]:
    return Elicit("Where do you want to sit?", Seat)


@server.tool()
def book(train: str, seat: Annotated[Seat, Resolve(which_seat)]) -> str:
    """Book a seat in a train. Asks for the seat."""
    record("book", arguments={"train": train, "seat": seat.seat, "meal": seat.meal})
    return f"booked {seat.seat} in {train}, meal: {seat.meal}"


@server.tool(annotations=READ_ONLY)
def seat_price(train: str, seat: Annotated[Seat, Resolve(which_seat)]) -> str:
    """The price of a seat. Asks for the seat."""
    return f"{seat.seat} in {train}: 12 EUR"


@server.tool(annotations=READ_ONLY)
async def visit(ctx: Context[Any, Any]) -> str:
    """Send the person to a page. Works with an older protocol."""
    answer = await ctx.elicit_url("Please sign the form.", "https://forms.example/42", "f42")
    return f"visit: {answer.action}"


@server.tool(annotations=READ_ONLY)
async def count(to: int, ctx: Context[Any, Any]) -> str:
    """Count, and tell how far it is."""
    for number in range(1, to + 1):
        await ctx.report_progress(number, to, f"at {number}")
        await asyncio.sleep(0)
    await waiting.setdefault("count", asyncio.Barrier(2)).wait()
    return f"counted to {to}"


@server.tool(annotations=READ_ONLY)
async def go_on() -> str:
    """Let a count end."""
    await waiting.setdefault("count", asyncio.Barrier(2)).wait()
    return "it ends"


@server.prompt()
def summary(topic: str) -> str:
    """Ask for a summary."""
    return f"Sum up what you know of {topic}."


@server.resource("notes://shopping")
def shopping() -> str:
    """What to buy."""
    return "milk and bread"


@server.tool(annotations=READ_ONLY)
def spawn() -> int:
    """Start a process that stays in the server's group and holds none of its pipes."""
    none = subprocess.DEVNULL
    return subprocess.Popen(["sleep", "600"], stdin=none, stdout=none, stderr=none).pid


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--http", type=int, metavar="PORT")
    parser.add_argument("--sse", type=int, metavar="PORT")
    parser.add_argument("--stubborn", action="store_true", help="stay, whatever is said")
    options = parser.parse_args()
    print("the fake server has something to say", file=sys.stderr)
    if options.stubborn:
        signal.signal(signal.SIGTERM, lambda number, frame: record("stay"))
    if options.http:
        server.run("streamable-http", host="127.0.0.1", port=options.http)
    elif options.sse:
        server.run("sse", host="127.0.0.1", port=options.sse)
    else:
        server.run("stdio")
    if options.stubborn:
        record("stay")
    while options.stubborn:
        signal.pause()


if __name__ == "__main__":
    main()
