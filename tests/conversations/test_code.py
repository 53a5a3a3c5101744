"""Steps that compute, as a person sees them: the plan card, the answer, the record, and what code may not do."""

import asyncio
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from orchestrator.errors import BadInput
from orchestrator.tools.code import Code, CodeLimits
from orchestrator.tools.functions import Functions, IdempotencyKey, tool
from orchestrator.tools.spec import Toolset
from tests.conversations.talk import Talk, talking
from tests.conversations.test_workers import heard, script, settings
from tests.fakes.model_server import Behaviour, Call, ModelServer, Say

SECONDS = CodeLimits(seconds=0.3)


class Shop:
    """A harmless `price(item)`, a `send(text)` that asks first, a `quote(item)` that costs; what they were asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.keys: list[str] = []

        @tool(read_only=True)
        def price(item: str, key: IdempotencyKey) -> dict[str, Any]:
            """The price of an item."""
            self.asked.append(item)
            self.keys.append(key)
            if item == "gold":
                raise BadInput("we have no gold")
            return {"item": item, "eur": len(item)}

        @tool
        def send(text: str) -> str:
            """Send."""
            self.asked.append(text)
            return "sent"

        @tool(read_only=True, cost_usd=1.0)
        def quote(item: str) -> str:
            """A quote that costs."""
            self.asked.append(item)
            return "much"

        self.toolsets: list[Toolset] = [Functions([price, send, quote]), Code(SECONDS)]


def code(*lines: str, **arguments: Any) -> str:
    """A step of a plan that computes."""
    given = {"code": "\n".join(lines), **arguments}
    return f"c: run_code({', '.join(f'{name}={json.dumps(value)}' for name, value in given.items())})"


async def record(talk: Talk, turn: str) -> Any:
    """What is stored of the only plan's step `c`."""
    stored = await talk.app.store.turn(turn)
    assert stored is not None
    return next(step for step in json.loads(stored.dossier)["steps"] if step["id"] == "c")


@pytest.mark.proves("code.step")
async def test_a_plan_computes_with_earlier_results_and_with_the_tools_that_it_lists(tmp_path: Path) -> None:
    shop = Shop()
    lines = (
        "dear = max((price(each)['eur'] for each in input['more']), default=0)",
        "output = {'sum': dear + input['tea']}",
    )
    plan = [
        'a: price(item="tea")',
        code(*lines, input={"tea": "${a.eur}", "more": ["milk", "bread"]}, tools=["price"]),
        'b: price(item="${c.sum} cups") after c',
    ]
    async with talking(tmp_path, toolsets=shop.toolsets) as talk:
        assert "8 cups" in await talk.answered("/plan " + "\n".join(plan))
    assert shop.asked == ["tea", "milk", "bread", "8 cups"]
    assert shop.keys == ["t1/a", "t1/c/1", "t1/c/2", "t1/b"]


@pytest.mark.proves("code.step")
async def test_code_is_taken_as_it_is_written(tmp_path: Path) -> None:
    async with talking(tmp_path, toolsets=Shop().toolsets) as talk:
        line = code("price = 3", 'output = {"result": f"${price} is no reference, step:a neither"}')
        answer = await talk.answered(f'/plan {line}\nd: price(item="${{c.result}}")')
    assert "$3 is no reference, step:a neither" in answer


@pytest.mark.proves("code.step", "code.told")
async def test_the_card_shows_code_in_short_and_the_record_all_of_it(tmp_path: Path) -> None:
    lines = ["print('counting', len(input))", *(f"x{number} = {number}" for number in range(30)), "output = sum(input)"]
    async with talking(tmp_path, toolsets=Shop().toolsets) as talk:
        assert "6" in await talk.answered(f"/plan {code(*lines, input=[1, 2, 3])}")
        title = talk.cards("t1")[-1].steps[0].title
        assert title.startswith("compute: print('counting', len(input)) x0 = 0")
        assert len(title) < 80
        step = await record(talk, "t1")
        assert (step["code"], step["printed"]) == ("\n".join(lines), "counting 3\n")
        why = await talk.told("/why")
    assert "x29 = 29\noutput = sum(input)\n```" in why
    assert "counting 3" in why


@pytest.mark.proves("code.policy")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"tools": ["send"]}, "its code cannot call 'send'; make that a step of its own"),
        ({"tools": ["run_code"]}, "its code cannot call 'run_code'"),
        ({"tools": ["nothing"]}, "wants the tool 'nothing', which does not exist"),
        ({"tools": "${a.item}"}, 'the tools of its code are written as tools=["name", "name"]'),
        ({"tools": ["price", 1]}, 'the tools of its code are written as tools=["name", "name"]'),
    ],
)
async def test_a_plan_whose_code_may_not_call_its_tools_is_refused_before_anything_runs(
    tmp_path: Path, arguments: dict[str, Any], said: str
) -> None:
    shop = Shop()
    async with talking(tmp_path, toolsets=shop.toolsets) as talk:
        assert said in await talk.told(f'/plan a: price(item="tea")\n{code("output = 1", **arguments)}')
    assert shop.asked == []


@pytest.mark.proves("code.policy")
@pytest.mark.parametrize(
    ("lines", "tools", "said", "refused"),
    [
        (
            ["output = send(text='hi')"],
            ["price"],
            "send is not among the tools of this step: list it in tools",
            ["send"],
        ),
        (["output = price('tea')"], [], "price is not among the tools of this step", ["price"]),
        (["output = quote('tea')"], ["quote"], "quote must be a step of its own, so that a person can be", ["quote"]),
        (
            ["output = stock('tea')"],
            ["price"],
            "there is no function 'stock' here; the tools of this step are: price",
            [],
        ),
    ],
)
async def test_code_calls_nothing_that_is_not_listed_or_that_a_person_is_asked_for(
    tmp_path: Path, lines: list[str], tools: list[str], said: str, refused: list[str]
) -> None:
    shop = Shop()
    async with talking(tmp_path, toolsets=shop.toolsets) as talk:
        assert f"line 1: {said}" in await talk.answered(f"/plan {code(*lines, tools=tools)}")
        assert (await record(talk, "t1")).get("refused", []) == refused
        why = await talk.told("/why")
    assert all(f"the code wanted `{name}`, which its step does not allow" in why for name in refused)
    assert shop.asked == []


@pytest.mark.proves("code.policy")
@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["output = price('gold')"], "line 1: price did not work: we have no gold"),
        (["output = price(name='tea')"], "line 1: price: the argument 'item' is missing; there is no argument 'name'"),
        (["output = price('tea', 'milk')"], "line 1: price takes 1 arguments, not 2"),
        (["output = price('tea', item='milk')"], "line 1: price: the argument 'item' is given twice"),
        (["class A:", "    pass", "output = price(A())"], "line 3: price takes JSON values only"),
        (["output = price(3)"], "line 1: price: the argument 'item': 3 is not of type 'string'"),
        (["output = price('x' * 60)"], "line 1: price: more than 50 characters (setting step_input_characters)"),
        (["output = [price('tea') for _ in range(4)]"], "line 1: code may call tools 3 times (setting code_calls)"),
    ],
)
async def test_a_call_that_does_not_work_names_its_line_and_what_is_wrong(
    tmp_path: Path, lines: list[str], said: str
) -> None:
    functions, _ = Shop().toolsets
    toolsets: list[Toolset] = [functions, Code(CodeLimits(calls=3))]
    async with talking(tmp_path, toolsets=toolsets, step_input_characters=50) as talk:
        assert said in await talk.answered(f"/plan {code(*lines, tools=['price'])}")


@pytest.mark.proves("code.policy")
async def test_code_as_a_fallback_lends_no_tools(tmp_path: Path) -> None:
    shop = Shop()

    @tool(read_only=True)
    def broken(code: str, tools: list[str]) -> str:
        """Never works."""
        raise BadInput("broken")

    plan = """c: broken(code="output = price('tea')", tools=["price"]) or run_code"""
    async with talking(tmp_path, toolsets=[Functions([broken]), *shop.toolsets]) as talk:
        assert "only a step of a plan can name tools for its code" in await talk.answered(f"/plan {plan}")
    assert shop.asked == []


@pytest.mark.proves("code.policy")
async def test_code_can_go_on_after_a_call_that_did_not_work(tmp_path: Path) -> None:
    lines = ["try:", "    output = price('gold')", "except RuntimeError as error:", "    output = f'none: {error}'"]
    async with talking(tmp_path, toolsets=Shop().toolsets) as talk:
        assert "none: price did not work: we have no gold" in await talk.answered(
            f"/plan {code(*lines, tools=['price'])}"
        )


@pytest.mark.proves("code.contained")
async def test_endless_code_ends_its_step_and_the_bot_goes_on(tmp_path: Path) -> None:
    async with talking(tmp_path, toolsets=Shop().toolsets) as talk:
        answer = await talk.answered(f"/plan {code('while True: pass')}")
        assert "computed longer than 0.3 s (setting code_seconds)" in answer
        assert "2" in await talk.answered('/run_code code="output = 1 + 1"')


@pytest.mark.proves("code.contained")
async def test_code_that_waits_for_its_tools_too_long_is_ended(tmp_path: Path) -> None:
    @tool(read_only=True)
    async def never() -> str:
        """Takes for ever."""
        await asyncio.Event().wait()
        return ""

    toolsets: list[Toolset] = [Functions([never]), Code(SECONDS)]
    async with talking(tmp_path, toolsets=toolsets, tool_seconds=0.3) as talk:
        answer = await talk.answered(f"/plan {code('output = never()', tools=['never'])}")
    assert "never did not work" in answer or "it took longer than 0.3 s (setting tool_seconds)" in answer


def planned(*replies: Call) -> Callable[[dict[str, Any]], Behaviour]:
    """A model that says these one after the other, and then sums up."""
    left = list(replies)
    return lambda request: left.pop(0) if left else Say("it came to 12")


@pytest.mark.proves("code.step")
async def test_a_model_computes_by_a_call_or_by_a_plan_and_mends_what_cannot_run(tmp_path: Path) -> None:
    risky = Call([("run_code", {"code": "output = send(text='hi')", "tools": ["send"]})])
    mended = Call([("run_code", {"code": "output = sum(input)", "input": [3, 4, 5]})])
    plan = Call([("plan", {"steps": 'a: price(item="tea")\nc: run_code(code="output = input * 4", input=${a.eur})'})])
    async with ModelServer(planned(risky, mended)) as server:
        async with talking(tmp_path, toolsets=Shop().toolsets, **settings(server)) as talk:
            assert "12" in await talk.answered("add 3, 4 and 5")
        assert "make that a step of its own" in str(server.requests[1]["messages"][-1]["content"])
    async with ModelServer(planned(plan)) as server:
        async with talking(tmp_path, toolsets=Shop().toolsets, **settings(server)) as talk:
            assert "12" in await talk.answered("four times the price of tea")
        assert "12" in str(server.requests[-1]["messages"][-1]["content"])


@pytest.mark.proves("code.policy")
async def test_a_worker_can_compute_but_lends_no_tools_to_its_code(tmp_path: Path) -> None:
    def worker(messages: list[dict[str, Any]]) -> Behaviour:
        match heard(messages):
            case []:
                return Call([("run_code", {"code": "output = price('tea')", "tools": ["price"]})])
            case [_]:
                return Call([("run_code", {"code": "print('so')\noutput = {'sum': 6 * 7}"})])
            case told:
                return Say(f"heard: {told}")

    shop = Shop()
    plan = 'w: @general(task="compute", tools=["run_code"])'
    async with (
        ModelServer(script(worker, plan=plan)) as server,
        talking(tmp_path, toolsets=shop.toolsets, **settings(server)) as talk,
    ):
        answer = await talk.answered("compute")
    assert "only a step of a plan can name tools for its code" in answer
    assert '{"sum":42}' in answer
    assert "Printed:" in answer
    assert shop.asked == []


@pytest.mark.proves("code.step")
async def test_without_a_model_nobodys_words_become_code(tmp_path: Path) -> None:
    async with talking(tmp_path, toolsets=Shop().toolsets) as talk:
        assert "not something I can do" in await talk.answered("run some code")
        question = await talk.asked("/run_code")
        assert "which **code**" in question.text
        assert "42" in await talk.answered("output = 6 * 7")


@pytest.mark.proves("code.optional")
async def test_without_its_engine_there_is_no_such_tool_and_the_status_says_how_to_add_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pydantic_monty", None)
    async with talking(tmp_path, toolsets=Shop().toolsets) as talk:
        assert "which does not exist" in await talk.told(f"/plan {code('output = 1')}")
        assert "pip install '.[sandbox]'" in await talk.told("/status")
