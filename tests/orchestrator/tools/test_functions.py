"""Functions as tools: schema, checked calls, keys, failures."""

import asyncio
import threading
from datetime import date
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field

from orchestrator.errors import BadInput, OutcomeUnknown, SettingsInvalid, ToolTimedOut, ToolUnavailable
from orchestrator.tools.functions import Functions, IdempotencyKey, tool
from orchestrator.tools.spec import ToolResult

Tone = Annotated[Literal["kind", "dry"], Field(description="How it sounds.")]


class Item(BaseModel):
    name: str
    price: float


@tool(read_only=True)
def greet(name: str, times: Annotated[int, Field(ge=1, le=3)] = 1, tone: Tone = "kind") -> str:
    """Greet somebody,
    several times if wanted.

    Why this is so does not concern a model.

    Args:
        name: Who is greeted,
            by first name.
        times (int): How often.

    Returns:
        tone: Words.
    """
    return f"Hello {name}! " * times


@tool
async def order(items: list[Item], on: date, key: IdempotencyKey) -> dict[str, Any]:
    """Order items."""
    return {"total": sum(item.price for item in items), "on": on, "key": key}


@tool(read_only=True)
def refuse() -> str:
    """Say no."""
    raise BadInput("Not on a Sunday.")


@tool(read_only=True)
def crash() -> str:
    """Break."""
    raise RuntimeError("a bug\nwith details")


@tool(read_only=True)
async def time_out_itself() -> str:
    """Break as a socket does."""
    raise TimeoutError("the printer did not answer")


@tool(read_only=True)
def give(what: Literal["object", "infinity", "date", "nothing"]) -> object:
    """Give something back."""
    return {"object": object(), "infinity": float("inf"), "date": date(2026, 11, 20), "nothing": None}[what]


@tool(read_only=True)
async def sleep_long() -> str:
    """Never end."""
    await asyncio.Event().wait()
    return ""


@tool
async def send_slowly() -> str:
    """Never end, and have an effect."""
    await asyncio.Event().wait()
    return ""


FUNCTIONS = Functions([greet, order, refuse, crash, time_out_itself, give, sleep_long, send_slowly])


async def call(tool: str, timeout_seconds: float = 5.0, /, **arguments: object) -> ToolResult:
    return await FUNCTIONS.call(tool, arguments, key="t1/s1", timeout_seconds=timeout_seconds)


@pytest.mark.proves("tools.functions.schema")
def test_a_typed_function_becomes_a_tool_with_its_words_and_types() -> None:
    spec = FUNCTIONS.specs()[0]
    assert (spec.name, spec.description) == ("greet", "Greet somebody, several times if wanted.")
    assert spec.read_only
    assert spec.required == ("name",)
    assert spec.parameters["additionalProperties"] is False
    assert spec.properties == {
        "name": {"type": "string", "description": "Who is greeted, by first name."},
        "times": {"type": "integer", "minimum": 1, "maximum": 3, "default": 1, "description": "How often."},
        "tone": {"type": "string", "enum": ["kind", "dry"], "default": "kind", "description": "How it sounds."},
    }
    assert greet("Ann") == "Hello Ann! ", "it is still a function"


@pytest.mark.proves("tools.functions.schema")
async def test_a_parameter_may_have_any_name() -> None:
    @tool
    def publish(title: str, schema: str, copy: int, model_config: str, _draft: bool = False) -> list[object]:
        """Publish."""
        return [title, schema, copy, model_config, _draft]

    names = ["title", "schema", "copy", "model_config", "_draft"]
    assert list(publish.spec.properties) == names
    assert publish.spec.properties["title"] == {"type": "string"}
    arguments = dict(zip(names, ["a", "b", 1, "c", True], strict=True))
    result = await Functions([publish]).call("publish", arguments, key="t1/s1", timeout_seconds=5)
    assert result.data == ["a", "b", 1, "c", True]


def test_a_parameter_without_a_type_or_a_name_is_refused_when_it_is_registered() -> None:
    def untyped(text) -> str:  # type: ignore[no-untyped-def]  # noqa: ANN001
        return str(text)

    def nameless(*texts: str) -> str:
        return "".join(texts)

    with pytest.raises(SettingsInvalid, match="untyped is no tool: its parameter 'text'"):
        tool(untyped)
    with pytest.raises(SettingsInvalid, match=r"nameless is no tool: its parameter '\*texts"):
        tool(nameless)


@pytest.mark.proves("tools.functions.key")
async def test_the_idempotency_key_is_given_to_who_takes_it_and_stands_in_no_schema() -> None:
    spec = FUNCTIONS.specs()[1]
    assert spec.takes_key
    assert spec.is_repeatable
    assert spec.is_risky
    assert set(spec.properties) == {"items", "on"}
    result = await call("order", items=[{"name": "tea", "price": 2.5}], on="2026-11-20")
    assert result.data == {"total": 2.5, "on": "2026-11-20", "key": "t1/s1"}


@pytest.mark.proves("tools.functions.validation")
@pytest.mark.parametrize(
    ("name", "arguments", "told"),
    [
        ("greet", {}, "the argument 'name' is missing"),
        ("greet", {"name": "Ann", "mood": 1}, "there is no argument 'mood', only 'name', 'times', 'tone'"),
        ("greet", {"name": "Ann", "times": 9}, "the argument 'times': Input should be less than or equal to 3, not 9"),
        ("greet", {"name": "Ann", "tone": "x" * 500}, "x…"),
        ("order", {"items": [{"name": "tea"}], "on": "2026-11-20"}, "the argument 'items.0.price' is missing"),
        ("order", {"items": [], "on": "2026-11-20", "key": "mine"}, "there is no argument 'key'"),
        ("order", {"items": [], "on": "soon"}, "the argument 'on'"),
    ],
)
async def test_a_wrong_argument_is_told_by_its_name(name: str, arguments: dict[str, object], told: str) -> None:
    result = await call(name, **arguments)
    assert result.is_error
    assert told in result.text
    assert "http" not in result.text
    assert len(result.text) < 200


async def test_what_a_function_gives_back_is_data_and_text() -> None:
    assert await call("greet", name="Ann") == ToolResult("Hello Ann! ")
    assert await call("give", what="date") == ToolResult("2026-11-20")
    assert await call("give", what="infinity") == ToolResult("null")
    assert await call("give", what="nothing") == ToolResult("null")


@pytest.mark.proves("tools.functions.failure")
async def test_a_functions_no_is_a_result_and_no_bug(caplog: pytest.LogCaptureFixture) -> None:
    assert await call("refuse") == ToolResult("Not on a Sunday.", is_error=True)
    assert not caplog.records


@pytest.mark.proves("tools.functions.failure")
@pytest.mark.parametrize(
    ("name", "arguments", "told"),
    [
        ("crash", {}, "a bug"),
        ("time_out_itself", {}, "the printer did not answer"),
        ("give", {"what": "object"}, "Unable to serialize unknown type: <class 'object'>"),
    ],
)
async def test_a_functions_bug_is_a_result_and_is_logged(
    name: str, arguments: dict[str, object], told: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert await call(name, **arguments) == ToolResult(told, is_error=True)
    assert "a registered function failed" in caplog.text
    assert "Traceback" in caplog.text


@pytest.mark.proves("tools.functions.timeout")
async def test_a_function_that_takes_too_long_is_not_waited_for() -> None:
    with pytest.raises(ToolTimedOut, match=r"sleep_long took longer than 0\.01 s"):
        await call("sleep_long", 0.01)
    with pytest.raises(OutcomeUnknown, match=r"send_slowly took longer .* it may have happened"):
        await call("send_slowly", 0.01)


@pytest.mark.proves("tools.functions.timeout")
async def test_a_function_that_blocks_holds_up_nobody() -> None:
    free, entered = threading.Event(), threading.Event()

    @tool(read_only=True)
    def block() -> str:
        """Block."""
        entered.set()
        return "freed" if free.wait(5) else "nobody came"

    async with asyncio.TaskGroup() as group:
        blocked = group.create_task(Functions([block]).call("block", {}, key="t1/s1", timeout_seconds=5))
        await asyncio.to_thread(entered.wait, 5)
        assert not (await call("greet", name="Ann")).is_error
        free.set()
    assert blocked.result() == ToolResult("freed")


async def test_an_unknown_function_is_unavailable() -> None:
    with pytest.raises(ToolUnavailable, match="'dance'"):
        await call("dance")


def test_two_functions_with_one_name_are_refused() -> None:
    with pytest.raises(SettingsInvalid, match="functions are named greet"):
        Functions([greet, refuse, greet])
