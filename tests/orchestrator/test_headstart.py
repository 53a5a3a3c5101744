"""Head starts: what begins while the plan is still being written, and what does not."""

import asyncio
import json
from collections.abc import Collection, Mapping, Sequence

import pytest

from orchestrator.headstart import HeadStart
from orchestrator.models import CallSoFar
from orchestrator.plan import Step, StepResult
from orchestrator.policy import Policy
from orchestrator.reading import Reader
from orchestrator.tools.catalog import Catalog
from orchestrator.tools.functions import Functions, tool

PLAN = 'a: look(place="Rome")\nb: look(place=${a.next})\nc: send(text=${b})\nd: look(place="Oslo") sure 0.3'


@tool(read_only=True)
def look(place: str) -> str:
    """Look."""
    return f"seen {place}"


@tool
def send(text: str) -> str:
    """Send."""
    return "sent"


CATALOG = Catalog([Functions([look, send])])
READER = Reader(CATALOG)
OFTEN = Policy()


class Ran:
    """The steps that were begun, in their order; each one ends when it is told to."""

    def __init__(self) -> None:
        self.steps: list[str] = []
        self.inputs: dict[str, Mapping[str, StepResult]] = {}
        self.shown: list[str] = []
        self.may_end = asyncio.Event()

    async def run_ahead(self, step: Step, inputs: Mapping[str, StepResult]) -> StepResult:
        self.steps.append(step.id)
        self.inputs[step.id] = inputs
        await self.may_end.wait()
        return StepResult(status="done", text=f"result of {step.id}")

    async def show(self, steps: Sequence[Step], begun: Collection[str]) -> None:
        self.shown = [f"{step.id}{'*' if step.id in begun else ''}" for step in steps]

    async def settled(self) -> list[str]:
        for _ in range(10):
            await asyncio.sleep(0)
        return self.steps


def head_start(ran: Ran, *, limit: int = 4, policy: Policy = OFTEN) -> HeadStart:
    return HeadStart(
        READER, CATALOG.find, ran.run_ahead, policy=policy, show=ran.show, said="look at Rome", limit=limit
    )


def plan_so_far(text: str) -> Sequence[CallSoFar]:
    return [CallSoFar("plan", json.dumps({"steps": text})[:-2])]


@pytest.mark.proves("headstart.begins")
async def test_a_step_begins_when_its_line_is_complete_and_not_before() -> None:
    ran = Ran()
    async with head_start(ran) as ahead:
        await ahead.heard(plan_so_far('a: look(place="Rome")'))
        assert await ran.settled() == [], "the line may go on"
        await ahead.heard(plan_so_far('a: look(place="Rome")\nb: lo'))
        assert await ran.settled() == ["a"]


@pytest.mark.proves("headstart.begins")
async def test_what_was_begun_is_taken_by_the_finished_plan_and_runs_once() -> None:
    ran = Ran()
    async with head_start(ran) as ahead:
        await ahead.heard(plan_so_far(PLAN + "\n"))
        assert await ran.settled() == ["a"], "b waits for a"
        ran.may_end.set()
        assert await ran.settled() == ["a", "b"]
        assert ran.inputs["b"]["a"].text == "result of a"
        assert ran.shown == ["a*", "b*", "c", "d"]
        step = READER.known(Step(id="a", tool="look", arguments={"place": "Rome"}))
        begun = ahead.take(step)
        assert begun is not None
        assert (await begun).text == "result of a"
        assert ahead.take(step.model_copy(update={"arguments": {"place": "Bonn"}})) is None, "not the same step"


@pytest.mark.proves("headstart.harmless")
async def test_nothing_begins_that_changes_something_is_doubted_or_lacks_an_argument() -> None:
    ran = Ran()
    ran.may_end.set()
    lines = 'a: send(text="x")\nb: look()\nc: look(place="?")\nd: look(place="Oslo") sure 0.3\ne: nothing()\n'
    async with head_start(ran) as ahead:
        await ahead.heard(plan_so_far(lines))
        assert await ran.settled() == []


@pytest.mark.proves("headstart.harmless")
async def test_nothing_begins_where_every_plan_is_reviewed() -> None:
    ran = Ran()
    policy, said = Policy(review="always"), "look at Rome"
    async with HeadStart(
        READER, CATALOG.find, ran.run_ahead, policy=policy, show=ran.show, said=said, limit=4
    ) as ahead:
        await ahead.heard(plan_so_far(PLAN))
        assert await ran.settled() == []


@pytest.mark.proves("headstart.void")
async def test_when_the_model_fails_halfway_what_was_begun_is_ended() -> None:
    ran = Ran()
    async with head_start(ran) as ahead:
        await ahead.heard(plan_so_far(PLAN))
        await ran.settled()
        await ahead.heard(())
        assert ahead.take(READER.known(Step(id="a", tool="look", arguments={"place": "Rome"}))) is None
        await ahead.heard(plan_so_far('a: look(place="Bonn")\n'))
        assert await ran.settled() == ["a", "a"], "the next model's plan gets its own head start"


async def test_of_several_calls_all_but_the_last_have_begun() -> None:
    ran = Ran()
    calls = [CallSoFar("look", '{"place": "Rome"}'), CallSoFar("look", '{"place": "Os')]
    async with head_start(ran) as ahead:
        await ahead.heard(calls)
        assert await ran.settled() == ["s1"]


async def test_at_most_so_many_as_may_run_at_once_are_ahead() -> None:
    ran = Ran()
    async with head_start(ran, limit=2) as ahead:
        await ahead.heard(plan_so_far("".join(f'{name}: look(place="Rome")\n' for name in "abcd")))
        assert await ran.settled() == ["a", "b"]


async def test_lines_that_cannot_be_read_begin_nothing_behind_them() -> None:
    ran = Ran()
    async with head_start(ran) as ahead:
        await ahead.heard(plan_so_far('a: look(place="Rome")\nthis is no step\nb: look(place="Rome")\n'))
        assert await ran.settled() == ["a"]


@pytest.mark.parametrize("arguments", ["[1, 2", "7", "", '{"steps": 7}', '{"steps": null'])
async def test_calls_that_are_no_calls_begin_nothing(arguments: str) -> None:
    ran = Ran()
    async with head_start(ran) as ahead:
        await ahead.heard([CallSoFar("plan", arguments)])
        await ahead.heard([CallSoFar("look", arguments), CallSoFar("look", "")])
        assert await ran.settled() == []


async def test_an_error_inside_goes_on_as_it_is() -> None:
    async def fails() -> None:
        async with head_start(Ran()) as ahead:
            await ahead.heard(plan_so_far(PLAN))
            raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        await fails()
