"""What the architectures are asked to do: the same tasks, tools and oracle for all, so that only they differ.

The model is a local server that knows each task's plan, and says it in the form which an architecture expects: what is
measured is orchestration, the quality of a plan is assumed. Pace and sizes are those of reference measurements of
2026 (a fast hosted model): 0.5 s to the first token, 200 tokens a second, 0.8 s for a tool, 250 tokens for a result.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.fakes.model_server import Behaviour, Call, Pace, Say

SCALE = 0.4  # of all times, so that a run is over in minutes; ratios stay what they are
PACE = Pace(0.5 * SCALE, 200 / SCALE)
TOOL_SECONDS = 0.8 * SCALE
RESULT = "a line of what was found, as search engines give it; " * 20
ANSWER = "Here is what I found for you, in one answer that reads well. " * 12
QUESTION = "Which of the two do you mean?"


@dataclass(frozen=True)
class Task:
    """One request. `stages` are the searches that can run at once, each stage needs the one before it."""

    name: str
    stages: Sequence[int] = ()
    asks: bool = False
    short: bool = False

    @property
    def searches(self) -> list[list[str]]:
        return [[f"{self.name} {stage}.{number}" for number in range(count)] for stage, count in enumerate(self.stages)]


TASKS = {
    task.name: task
    for task in (
        Task("direct"),
        Task("question", asks=True),
        Task("single", (1,)),
        Task("single short", (1,), short=True),
        Task("width 2", (2,)),
        Task("width 3", (3,)),
        Task("width 8", (8,)),
        Task("chain 3", (1, 1, 1)),
        Task("2 then 1", (2, 1)),
        Task("3-3-1", (3, 3, 1)),
    )
}
# The mix of requests that the founding measurements assume, in percent
MIX = {"direct": 40, "single": 20, "single short": 10, "width 3": 8, "chain 3": 5, "2 then 1": 7, "question": 10}


async def search(query: str) -> str:
    """Search the web. Returns what was found."""
    await asyncio.sleep(TOOL_SECONDS)
    return "short and clear" if query.startswith("single short") else RESULT


def _idle(name: str) -> Callable[..., Awaitable[str]]:
    """One of the tools that are there and not needed, with a schema of the usual size (about 200 tokens)."""

    async def idle(text: str, language: str = "en", limit: int = 10, since: str = "", until: str = "") -> str:
        return f"{text} {language} {limit} {since} {until}"

    idle.__name__ = name
    idle.__doc__ = f"{name.replace('_', ' ').capitalize()} for a person, with all that belongs to it. " + IDLE_WORDS
    return idle


IDLE_WORDS = "Use it only where this very thing is asked for, and never in place of a search or of an answer. " * 4
TOOLS = [search, *(_idle(f"keep_{what}") for what in "notes mails dates files tasks lists songs trips pets".split())]


def task_of(request: Mapping[str, Any]) -> Task:
    """The task that a request is about: the person's words name it."""
    said = str([message.get("content") for message in request["messages"]])
    return max((task for task in TASKS.values() if f"[{task.name}]" in said), key=lambda task: len(task.name))


def words_of(task: Task) -> str:
    return f"Please do this for me: [{task.name}]"


def planner(request: dict[str, Any]) -> Behaviour:
    """The oracle for an architecture that plans: one plan in compact notation, and one answer from its results."""
    task = task_of(request)
    if not request.get("tools") or not (task.stages or task.asks):
        return Say(ANSWER)
    if task.asks:
        return Call([("ask", {"questions": [{"text": QUESTION}]})])
    if len(task.stages) == 1 and task.stages[0] == 1:
        return Call([("search", {"query": task.searches[0][0]})])
    return Call([("plan", {"steps": "\n".join(_lines(task))})])


def _lines(task: Task) -> list[str]:
    lines = []
    for stage, searches in enumerate(task.searches):
        before = ", ".join(f"s{stage - 1}_{number}" for number in range(task.stages[stage - 1])) if stage else ""
        after = f" after {before}" if before else ""
        lines += [f's{stage}_{number}: search(query="{query}"){after}' for number, query in enumerate(searches)]
    return lines


def looper(request: dict[str, Any], *, at_once: bool) -> Behaviour:
    """The oracle for a loop: after each result the next calls, a whole stage at once or one by one; then the answer."""
    task = task_of(request)
    if task.asks:
        return Say(QUESTION)
    done = sum(1 for message in request["messages"] if message["role"] == "tool")
    for stage in task.searches:
        if done < len(stage):
            return Call([("search", {"query": query}) for query in (stage if at_once else stage[done : done + 1])])
        done -= len(stage)
    return Say(ANSWER)
