"""The catalogue: one door to every source."""

import asyncio

import pytest

from orchestrator.errors import ToolUnavailable
from orchestrator.tools.catalog import ALL_SHOWN, TOP, Catalog
from orchestrator.tools.functions import Functions, Registered, tool


def function(name: str, answer: str = "") -> Registered:
    def run() -> str:
        return answer or name

    run.__name__, run.__doc__ = name, f"The {name} of the tests."
    return tool(read_only=True)(run)


class Unwell(Functions):
    """A source that cannot be stopped."""

    name = "unwell"

    async def stop(self) -> None:
        raise RuntimeError("stuck")


class Meeting(Functions):
    """A source that starts and stops only when all others do so at the same time."""

    def __init__(self, all_there: asyncio.Barrier) -> None:
        super().__init__([])
        self._all_there = all_there

    async def start(self) -> None:
        await self._all_there.wait()

    async def stop(self) -> None:
        await self._all_there.wait()


@pytest.mark.proves("tools.catalog.routing")
async def test_a_call_goes_to_the_source_that_has_the_tool() -> None:
    catalog = Catalog([Functions([function("a")]), Functions([function("git__log")])])
    assert (await catalog.call("git__log", {}, key="t1/s1", timeout_seconds=5)).text == "git__log"
    assert catalog.find("log") == catalog.find("git__log")
    with pytest.raises(ToolUnavailable, match=r"no tool 'git__logs'\. There is 'git__log'"):
        await catalog.call("git__logs", {}, key="t1/s1", timeout_seconds=5)


def test_a_short_name_that_two_tools_have_finds_neither() -> None:
    catalog = Catalog([Functions([function("git__log"), function("svn__log")])])
    assert catalog.find("log") is None


@pytest.mark.proves("tools.catalog.collisions")
async def test_a_name_that_is_taken_stays_with_its_first_source_and_that_is_said() -> None:
    catalog = Catalog([Functions([function("a", "first")]), Functions([function("a", "second")])])
    assert (await catalog.call("a", {}, key="t1/s1", timeout_seconds=5)).text == "first"
    assert len(catalog.specs()) == 1
    left_out = catalog.health()[-1]
    assert (left_out.name, left_out.state) == ("functions", "left out")
    assert left_out.detail == "an earlier source has a tool of this name: a"


@pytest.mark.proves("tools.catalog.lifecycle")
async def test_all_sources_start_and_stop_side_by_side() -> None:
    all_there = asyncio.Barrier(3)
    catalog = Catalog([Meeting(all_there) for _ in range(3)])
    async with asyncio.timeout(5):
        await catalog.start()
        await catalog.stop()


@pytest.mark.proves("tools.catalog.lifecycle")
async def test_a_source_that_does_not_stop_keeps_nobody_from_stopping(caplog: pytest.LogCaptureFixture) -> None:
    other = asyncio.Barrier(2)
    catalog = Catalog([Unwell([]), Meeting(other)])
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        group.create_task(other.wait())
        await catalog.stop()
    assert "did not stop well" in caplog.text
    assert [record.__dict__["reason"] for record in caplog.records] == ["unwell"]


@pytest.mark.proves("tools.catalog.offer")
def test_few_tools_are_all_shown_and_many_are_chosen_from() -> None:
    few = Catalog([Functions([function(f"tool_{number}") for number in range(ALL_SHOWN)])])
    assert len(few.offer("anything")) == ALL_SHOWN
    many = Catalog([Functions([function(f"tool_{number}") for number in range(200)] + [function("weather_report")])])
    offered = [spec.name for spec in many.offer("What is the weather? tool")]
    assert "weather_report" in offered
    assert len(offered) == TOP
    assert offered == [spec.name for spec in many.specs() if spec.name in offered], "in the catalogue's order"


class Changing(Functions):
    """A source whose tools come and go."""

    async def add(self, new: Registered) -> None:
        self._functions[new.spec.name] = new


@pytest.mark.proves("tools.catalog.offer")
async def test_a_tool_that_arrives_later_is_offered_too() -> None:
    source = Changing([function(f"tool_{number}") for number in range(200)])
    catalog = Catalog([source])
    assert "weather_report" not in [spec.name for spec in catalog.offer("weather")]
    await source.add(function("weather_report"))
    assert [spec.name for spec in catalog.offer("weather")] == ["weather_report"]
