"""How well tools are found by what people say, how long it takes, and how many tokens a prompt's schemas have."""

import asyncio
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from statistics import mean, quantiles
from time import perf_counter
from typing import Any

from benchmarks.figures import Figure
from orchestrator.reading import ASK, PLAN, REFUSE
from orchestrator.tools.catalog import Catalog
from orchestrator.tools.mcp_shapes import outside_name
from orchestrator.tools.spec import ToolSpec
from tests.evaldata import FOLDER, eval_path, records
from tests.fakes.toolset import Given

OURS = (ASK, REFUSE, PLAN)


@dataclass(frozen=True, slots=True)
class Task:
    """A request, the names of the tools that it takes, and what an annotator would do step by step."""

    query: str
    gold: frozenset[str]
    steps: str = ""


def measure() -> Iterator[Figure]:
    if not (FOLDER / "livemcp_tools.json").exists():
        print("(retrieval: the public catalogues are not here, so nothing is measured)")
        return
    catalog, tasks = public("livemcp")
    shares = asyncio.run(found(catalog, tasks))
    yield Figure(f"{_size(catalog, tasks)}: recall at 10", 100 * mean(shares), "%", 42.0, "the aim")
    with_steps = asyncio.run(found(catalog, [replace(task, query=f"{task.query} {task.steps}") for task in tasks]))
    what = f"{_size(catalog, tasks)}: the same, asked with an annotator's steps"
    yield Figure(what, 100 * mean(with_steps), "%", 65.0, "the aim")
    yield from _in_prompts(catalog, tasks)
    catalog, tasks = public("seal")
    shares = asyncio.run(found(catalog, tasks))
    complete = 100 * mean(share == 1 for share in shares)
    yield Figure(f"{_size(catalog, tasks)}: all of them in the first 10", complete, "%", 69.0, "the aim")
    yield from _in_prompts(catalog, tasks)


def _in_prompts(catalog: Catalog, tasks: Sequence[Task]) -> Iterator[Figure]:
    searches, choices, tokens = asyncio.run(prompts(catalog, tasks))
    what = _size(catalog, tasks)
    yield Figure(f"{what}: p95 of a search", 1000 * _p95(searches), "ms", 10.0, "the aim")
    yield Figure(f"{what}: p95 of a prompt's tools, found and fitted", 1000 * _p95(choices), "ms", 10.0, "the aim")
    yield Figure(f"{what}: largest schemas of a prompt", max(tokens), "tokens", 4000.0, "the limit")


def _size(catalog: Catalog, tasks: Sequence[Task]) -> str:
    return f"{'LiveMCP' if catalog.specs()[0].source else 'Seal'}, {len(catalog.specs())} tools, {len(tasks)} tasks"


async def found(catalog: Catalog, tasks: Sequence[Task]) -> list[float]:
    """For each task the share of its tools that is among the first ten."""
    return [
        len(task.gold.intersection(tool.title for tool in await catalog.search(task.query, most=10))) / len(task.gold)
        for task in tasks
    ]


async def prompts(catalog: Catalog, tasks: Sequence[Task]) -> tuple[list[float], list[float], list[int]]:
    """For each task the seconds of a search, those of choosing a prompt's tools, and the tokens of all its schemas."""
    searches, choices, tokens = [], [], []
    for task in tasks:
        begun = perf_counter()
        await catalog.search(task.query)
        found = perf_counter()
        shown = await catalog.offer(task.query, beside=OURS)
        choices.append(perf_counter() - found)
        searches.append(found - begun)
        tokens.append(sum(tool.tokens for tool in (*shown, *OURS)))
    return searches, choices, tokens


@cache
def public(name: str) -> tuple[Catalog, list[Task]]:
    """A public catalogue, and the requests with their tools. Skips a test where there is none."""
    tools = [_spec(tool) for tool in json.loads(eval_path(f"{name}_tools.json").read_text())]
    tasks = {"livemcp": "livemcp_tasks.jsonl", "seal": "seal_retrieval.jsonl"}[name]
    asked = [Task(task["query"], frozenset(task["gold"]), task.get("steps_text", "")) for task in records(tasks)]
    return Catalog([Given(*tools)]), asked


def _spec(tool: Mapping[str, Any]) -> ToolSpec:
    """The tool under the name that it would have here, and as its title the one that gold knows."""
    texts = {name: {"type": "string", "description": text} for name, text in tool.get("params", {}).items()}
    name, server = tool["name"], tool.get("server")
    return ToolSpec(
        name=outside_name(server, name) if server else re.sub(r"[^A-Za-z0-9_-]", "_", name),
        description=tool.get("description") or "",
        parameters=tool.get("inputSchema") or {"type": "object", "properties": texts},
        source=server or "",
        title=name,
    )


def _p95(values: Sequence[float]) -> float:
    return quantiles(values, n=20)[18]
