"""What each contender goes through, in a new folder each time: start, direct, tool, load, restart."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.figures import high, middle
from benchmarks.peers.contenders import Contender, Place
from benchmarks.peers.running import last_words, running
from benchmarks.peers.stage import Seen, Stage, staged

ASKS_FOR_TIME = "Please, what time is it in Oslo?"
SETTLED = 2.0  # seconds of rest before memory is read


@dataclass(frozen=True, slots=True)
class Size:
    """How much of everything; the smoke test takes less. `quiet` and `model` are seconds."""

    one_by_one: int = 100
    tool_calls: int = 30
    chats: int = 200
    each: int = 5
    killed_chats: int = 20
    killed_after: int = 30
    model: float = 0.3
    quiet: float = 10.0


class Broken(Exception):
    """A contender did not get through a scenario."""


Figures = dict[str, float]
Scenario = Callable[[Contender, Place, Size], Awaitable[Figures]]


async def direct(contender: Contender, place: Place, size: Size) -> Figures:
    """Start, first answer, memory at rest, then one message after the other in one chat; the model takes no time."""
    async with staged() as stage, running(contender, stage, place) as bot:
        (person, chat), *_ = stage.chats(1)
        first = Seen()
        await stage.asked(first, person, chat)
        stage.look(first, [chat])
        await asyncio.sleep(SETTLED)
        memory, cpu = bot.megabytes(), bot.cpu_seconds()
        added = await _one_by_one(stage, size.one_by_one)
        return {
            "start": min(first.answered.values()) - bot.begun,
            "memory": memory,
            "direct p50": middle(added) * 1000,
            "direct p99": high(added) * 1000,
            "direct cpu": (bot.cpu_seconds() - cpu) / size.one_by_one * 1000,
        }


async def tool(contender: Contender, place: Place, size: Size) -> Figures:
    """One call of a tool that tells the time, and the answer from it."""
    async with staged() as stage, running(contender, stage, place):
        await _one_by_one(stage, 2, words=ASKS_FOR_TIME)
        calls = stage.model.calls
        added = await _one_by_one(stage, size.tool_calls, words=ASKS_FOR_TIME)
        return {"tool p50": middle(added) * 1000, "tool model calls": (stage.model.calls - calls) / size.tool_calls}


async def load(contender: Contender, place: Place, size: Size) -> Figures:
    """Many chats at once, several messages each, none waits for an answer."""
    async with staged(model_seconds=size.model) as stage, running(contender, stage, place) as bot:
        await _ready(stage)
        people = stage.chats(size.chats)
        seen, cpu = Seen(), bot.cpu_seconds()
        for _ in range(size.each):
            for person, chat in people:
                await stage.say(seen, person, chat)
        await stage.answers(seen, [chat for _, chat in people], count=len(seen.said), quiet=size.quiet)
        return {
            "load rate": seen.rate,
            "load cpu": (bot.cpu_seconds() - cpu) / len(seen.said) * 1000,
            "load lost": seen.lost,
            "load twice": seen.twice,
            "load in order": seen.chats_in_order,
            "load memory": bot.megabytes(),
        }


async def restart(contender: Contender, place: Place, size: Size) -> Figures:
    """SIGKILL with some messages answered, and the model at work on others; and a new start."""
    async with staged(holds_after=size.killed_after + 1) as stage:  # the first one is asked to see that it is there
        people = stage.chats(size.killed_chats)
        chats, seen = [chat for _, chat in people], Seen()
        async with running(contender, stage, place) as bot:
            await _ready(stage)
            for _ in range(size.each):
                for person, chat in people:
                    await stage.say(seen, person, chat)
            await stage.answers(seen, chats, count=size.killed_after, quiet=size.quiet)
            await bot.kill()
        stage.oracle.released()
        stage.look(seen, chats)
        before = len(seen.answered)
        async with running(contender, stage, place):
            await _ready(stage)
            await stage.answers(seen, chats, count=len(seen.said), quiet=size.quiet)
            await asyncio.sleep(SETTLED)
            stage.look(seen, chats)
        return {
            "killed after": before,
            "killed answered": len(seen.answered),
            "killed lost": seen.lost,
            "killed twice": seen.twice,
        }


SCENARIOS: tuple[Scenario, ...] = (direct, tool, load, restart)


async def measured(contender: Contender, python: str, size: Size) -> Figures:
    """Every figure of one run. Raises Broken where a bot ends, or does not answer."""
    found: Figures = {}
    for scenario in SCENARIOS:
        with TemporaryDirectory() as folder:
            place = Place(python, Path(folder), has_tool=scenario is tool)
            try:
                found |= await scenario(contender, place, size)
            except (AssertionError, RuntimeError, TimeoutError) as error:
                raise Broken(f"{scenario.__name__}: {error}; its last words: {last_words(place)}") from error
    return found


async def _ready(stage: Stage) -> None:
    """It has answered somebody."""
    (person, chat), *_ = stage.chats(1)
    await stage.asked(Seen(), person, chat)


async def _one_by_one(stage: Stage, count: int, **words: str) -> list[float]:
    """For each message, the seconds from the update to the whole answer without those of the model."""
    (person, chat), *_ = stage.chats(1)
    seen = Seen()
    for _ in range(count):
        await stage.asked(seen, person, chat, **words)
    stage.look(seen, [chat])
    return [at - seen.said[mark] - stage.model_seconds(seen.said[mark], at) for mark, at in seen.answered.items()]
