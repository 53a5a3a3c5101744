"""Errand beside the loops that people build: an agno Agent with parallel calls, and one tool a turn.

Same server, same tools, same oracle, in one run. Latency is from the request to its whole answer.
"""

import asyncio
import json
import os
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.figures import Figure
from benchmarks.inside import Stopwatch
from benchmarks.tasks import MIX, PACE, TASKS, TOOLS, Task, looper, planner, search, words_of
from bot.app import build
from bot.settings import read_settings
from orchestrator.models import Usage
from orchestrator.prices import cost_usd
from orchestrator.tools.functions import Functions, tool
from tests.fakes.model_server import ModelServer, OpenAiWire

PRICED_AS = "gemini:gemini-2.5-flash"
REPEATS = 3
SHAPES = ("direct", "single", "width 2", "width 8", "chain 3", "3-3-1")
Ask = Callable[[str], Awaitable[float]]
"""Sends one request; the seconds until its answer is there."""


@dataclass(frozen=True)
class Run:
    """What one request took: seconds, model calls, tokens in and out, US dollars at the prices of PRICED_AS."""

    seconds: float
    calls: int
    tokens_in: int
    tokens_out: int

    @property
    def cost(self) -> float:
        cost = cost_usd(PRICED_AS, Usage(self.tokens_in, self.tokens_out))
        assert cost is not None, f"no price is known for {PRICED_AS}"
        return cost


def measure() -> Iterator[Figure]:
    os.environ["AGNO_TELEMETRY"] = "false"
    runs = asyncio.run(_all())
    for shape in SHAPES:
        run = runs["Errand"][shape]
        for other in ("agno Agent, calls at once", "one tool a turn"):
            seconds = runs[other][shape].seconds
            yield Figure(f"{shape}: latency", run.seconds, "s", seconds, f"{other}, n={REPEATS}")
        loop = runs["one tool a turn"][shape]
        yield Figure(f"{shape}: model calls", run.calls, "calls", loop.calls, "one tool a turn")
        yield Figure(f"{shape}: cost per 1,000", run.cost * 1000, "$", loop.cost * 1000, "one tool a turn")
    for other in ("agno Agent, calls at once", "one tool a turn"):
        ours, theirs = runs["Errand"], runs[other]
        yield Figure("mix: model calls", _mixed(_calls, ours), "calls", _mixed(_calls, theirs), other)
        yield Figure("mix: cost per 1,000", _mixed(_price, ours), "$", _mixed(_price, theirs), other)


def _calls(run: Run) -> float:
    return run.calls


def _price(run: Run) -> float:
    return run.cost * 1000


def _mixed(of: Callable[[Run], float], runs: dict[str, Run]) -> float:
    return sum(of(runs[task]) * share / 100 for task, share in MIX.items())


async def _all() -> dict[str, dict[str, Run]]:
    """Each architecture's middle run of each task."""
    with tempfile.TemporaryDirectory() as folder:
        return {
            "Errand": await _measured(partial(_errand, folder), planner),
            "agno Agent, calls at once": await _measured(_agno_agent, partial(looper, at_once=True)),
            "one tool a turn": await _measured(_one_by_one, partial(looper, at_once=False)),
        }


async def _measured(architecture: Any, oracle: Any) -> dict[str, Run]:
    async with ModelServer(oracle, OpenAiWire(finely=True), pace=PACE) as server, architecture(server.url) as ask:
        await ask(words_of(TASKS["direct"]))  # the first call opens connections and loads what is lazy
        return {task.name: await _middle(task, ask, server) for task in TASKS.values()}


async def _middle(task: Task, ask: Ask, server: ModelServer) -> Run:
    runs = []
    for _ in range(REPEATS):
        before = len(server.tokens)
        seconds = await ask(words_of(task))
        tokens = server.tokens[before:]
        runs.append(Run(seconds, len(tokens), sum(t for t, _ in tokens), sum(t for _, t in tokens)))
    return Run(median(run.seconds for run in runs), runs[0].calls, runs[0].tokens_in, runs[0].tokens_out)


@asynccontextmanager
async def _errand(folder: str, url: str) -> AsyncIterator[Ask]:
    """A whole Errand: durable inbox, guard, dossier and outbox all on; each request in a conversation of its own."""
    settings = read_settings(
        database=str(Path(folder) / "errand.db"),
        router="openai:oracle",
        openai_base_url=url,
        openai_api_key="obviously-fake-key",
        steps_at_once=8,
    )
    async with build(settings, toolsets=[Functions([tool(read_only=True)(each) for each in TOOLS])]) as app:
        watch = Stopwatch()
        async with asyncio.TaskGroup() as group:
            group.create_task(app.serve([watch]))
            numbers = iter(range(10_000))

            async def ask(text: str) -> float:
                number = next(numbers)
                return await watch.message(f"c{number}", f"e{number}", text=text)

            yield ask
            watch.close()


@asynccontextmanager
async def _agno_agent(url: str) -> AsyncIterator[Ask]:
    """agno's Agent with its own tool loop, one for all requests, which makes calls of one reply side by side."""
    from agno.agent import Agent  # noqa: PLC0415 - no other benchmark needs it
    from agno.models.openai.like import OpenAILike  # noqa: PLC0415

    model = OpenAILike(id="oracle", api_key="obviously-fake-key", base_url=url, max_retries=0)
    agent = Agent(model=model, tools=list(TOOLS), telemetry=False)

    async def ask(text: str) -> float:
        begun = time.perf_counter()
        await agent.arun(text)
        return time.perf_counter() - begun

    yield ask


@asynccontextmanager
async def _one_by_one(url: str) -> AsyncIterator[Ask]:
    """The loop of a hundred tutorials, on the bare client: one tool call a turn until there is an answer."""
    from openai import AsyncOpenAI  # noqa: PLC0415

    specs = [tool(each).spec for each in TOOLS]
    described: Any = [
        {
            "type": "function",
            "function": {"name": spec.name, "description": spec.description, "parameters": dict(spec.parameters)},
        }
        for spec in specs
    ]

    async with AsyncOpenAI(api_key="obviously-fake-key", base_url=url, max_retries=0) as client:

        async def ask(text: str) -> float:
            begun = time.perf_counter()
            messages: list[Any] = [{"role": "system", "content": "Use tools."}, {"role": "user", "content": text}]
            while True:
                reply = await client.chat.completions.create(model="oracle", messages=messages, tools=described)
                message = reply.choices[0].message
                messages.append(message.model_dump(exclude_none=True))
                if not message.tool_calls:
                    return time.perf_counter() - begun
                for call in message.tool_calls:
                    assert call.type == "function"
                    found = await search(**json.loads(call.function.arguments))
                    messages.append({"role": "tool", "tool_call_id": call.id, "content": found})

        yield ask
