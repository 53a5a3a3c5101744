"""The catalogue: one door to every source."""

import asyncio
from typing import Any

import pytest

from orchestrator.errors import ToolUnavailable
from orchestrator.tools.catalog import ALL_SHOWN, TOP, Catalog, only
from orchestrator.tools.functions import Functions, Registered, tool
from orchestrator.tools.spec import ToolSpec
from tests.fakes.toolset import Given
from tests.orchestrator.tooling import spec


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
    async with asyncio.timeout(20):
        await catalog.start()
        await catalog.stop()


@pytest.mark.proves("tools.catalog.lifecycle")
async def test_a_source_that_does_not_stop_keeps_nobody_from_stopping(caplog: pytest.LogCaptureFixture) -> None:
    other = asyncio.Barrier(2)
    catalog = Catalog([Unwell([]), Meeting(other)])
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        group.create_task(other.wait())
        await catalog.stop()
    assert "did not stop well" in caplog.text
    assert [record.__dict__["reason"] for record in caplog.records] == ["unwell"]


@pytest.mark.proves("tools.catalog.offer")
async def test_few_tools_are_all_shown_and_many_are_chosen_from() -> None:
    few = Catalog([Functions([function(f"tool_{number}") for number in range(ALL_SHOWN)])])
    assert len(await few.offer("anything")) == ALL_SHOWN
    many = Catalog([Functions([function(f"tool_{number}") for number in range(200)] + [function("weather_report")])])
    offered = [spec.name for spec in await many.offer("What is the weather? tool")]
    assert "weather_report" in offered
    assert offered.pop() == "find_tools"
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
    assert "weather_report" not in [spec.name for spec in await catalog.offer("weather")]
    await source.add(function("weather_report"))
    assert [spec.name for spec in await catalog.offer("weather")] == ["weather_report", "find_tools"]


@pytest.mark.proves("tools.catalog.usable")
@pytest.mark.parametrize(
    ("name", "parameters", "why"),
    [
        ("plan", {}, "the name has a meaning of its own here"),
        ("find_tools", {}, "the name has a meaning of its own here"),
        ("math.sum", {}, "a name has letters, digits, - and _ only, 64 at most"),
        ("x" * 65, {}, "a name has letters, digits, - and _ only, 64 at most"),
        ("a", {"type": "array"}, "its parameters are no JSON Schema of type object"),
        ("a", {"properties": ["x"]}, "the properties of its parameters are no object"),
        ("a", {"required": "x"}, "what its parameters require is no list of names"),
    ],
)
async def test_what_cannot_be_a_tool_is_left_out_and_the_rest_stays(
    name: str, parameters: dict[str, Any], why: str
) -> None:
    catalog = Catalog([Given(spec("good"), ToolSpec(name, "", parameters, "tests")), Functions([function("other")])])
    assert [each.name for each in catalog.specs()] == ["good", "other"]
    left_out = next(each for each in catalog.health() if each.state == "left out")
    assert left_out.detail == f"{name!r} cannot be a tool: {why}"


@pytest.mark.proves("tools.per_request")
async def test_inside_of_a_choice_of_tools_there_are_no_others() -> None:
    catalog = Catalog([Functions([function("git__log"), function("git__push"), function("mail")])])
    with only(["git__*", "mail"]), only(["*__log", "mail"]), only(None):
        assert [each.name for each in catalog.specs()] == ["git__log", "mail"]
        assert [each.name for each in await catalog.offer("push")] == ["git__log", "mail"]
        assert await catalog.search("push") == []
        assert catalog.find("push") is None
        with pytest.raises(ToolUnavailable):
            await catalog.call("git__push", {}, key="t1/s1", timeout_seconds=5)
    assert catalog.find("push") == catalog.find("git__push")


@pytest.mark.proves("tools.fitting")
async def test_tools_that_are_too_long_for_a_prompt_are_shortened_there_and_nowhere_else() -> None:
    long = ToolSpec("long", "Does it. " * 3_000, {"type": "object", "properties": {}}, "tests")
    catalog = Catalog([Given(long, spec("short"))])
    shown = await catalog.offer("it")
    assert [each.name for each in shown] == ["long", "short"], "all that fit in short are shown"
    assert len(shown[0].description) < 400
    assert catalog.find("long") == long


@pytest.mark.proves("tools.find.front")
async def test_a_person_can_look_for_tools_too() -> None:
    catalog = Catalog([Functions([function("weather_report"), function("mail")])])
    answer = await catalog.call("find_tools", {"capability": "weather"}, key="t1/s1", timeout_seconds=5)
    assert answer.text == "You can call these now:\nweather_report: The weather_report of the tests."
