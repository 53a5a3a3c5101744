"""The sandbox: what goes in and comes out, which line is wrong, and that nothing stays behind."""

import asyncio
import os
import signal
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.errors import BadInput, CodeFailed
from orchestrator.tools.code import CodeLimits
from orchestrator.tools.sandbox import Sandbox
from tests.orchestrator.test_sandbox_escapes import children, no_more_than

LONGEST_WAIT = 5.0  # seconds
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
NUMBERS = st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT, lambda part: st.lists(part) | st.dictionaries(TEXT, part), max_leaves=10
)


async def failure(code: str, *, limits: CodeLimits = CodeLimits()) -> CodeFailed:  # noqa: B008 - frozen
    """What is said of code that does not work."""
    async with Sandbox(limits) as sandbox:
        with pytest.raises(CodeFailed) as failed:
            await sandbox.run(code)
    return failed.value


@pytest.mark.proves("code.convention")
@settings(max_examples=30, deadline=None)
@given(JSON)
async def test_any_json_value_goes_in_and_comes_out_as_it_was(value: Any) -> None:
    async with Sandbox() as sandbox:
        assert (await sandbox.run("output = input", value)).output == value


@pytest.mark.proves("code.convention")
@pytest.mark.parametrize(
    ("code", "output"),
    [
        ("import json\noutput = json.loads('[1, {\"a\": null}]')", [1, {"a": None}]),
        ("import re\noutput = re.findall(r'\\d+', '12 of 30')", ["12", "30"]),
        ("import statistics\noutput = [statistics.mean([1, 2, 6]), statistics.median([3, 1, 2])]", [3.0, 2.0]),
        ("from statistics import stdev\noutput = round(stdev([2, 4, 4, 4, 5, 5, 7, 9]), 3)", 2.138),
        ("from datetime import date, timedelta\noutput = str(date(2026, 2, 27) + timedelta(days=2))", "2026-03-01"),
        ("from decimal import Decimal\noutput = str(Decimal('0.1') * 3)", "0.3"),
        ("from collections import Counter\noutput = Counter('receipt').most_common(1)", [["e", 2]]),
        ("import math\noutput = math.isclose(math.sqrt(2) ** 2, 2)", True),
        ("def f(n):\n    return n if n < 2 else f(n - 1) + f(n - 2)\noutput = f(15)", 610),
        ("json = len = 3\noutput = [json]", [3]),
    ],
)
async def test_everyday_computing_works(code: str, output: Any) -> None:
    async with Sandbox() as sandbox:
        assert (await sandbox.run(code)).output == output


@pytest.mark.proves("code.convention")
async def test_what_is_printed_is_kept_also_where_the_code_fails_later() -> None:
    async with Sandbox() as sandbox:
        assert (await sandbox.run("print('so far', 1)\noutput = 2")).printed == "so far 1\n"
    assert (await failure("print('so far', 1)\noutput = 1 / 0")).printed == "so far 1\n"
    flood = await failure("print('x' * 50)\noutput = 2", limits=CodeLimits(printed_characters=20))
    assert flood.printed == "x" * 20
    assert "printed more than 20 characters (setting code_printed_characters)" in str(flood)


@pytest.mark.proves("code.errors")
@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("x = 1\noutput = x +", "line 2: SyntaxError"),
        ("x = 1\n\noutput = x / 0", "line 3: ZeroDivisionError: division by zero"),
        ("def f():\n    return {}['a']\noutput = f()", "line 2: KeyError: a"),
        ("import numpy", "line 1: No module named 'numpy'. There are only json, math"),
        ("output = totl", "line 1: name 'totl' is not defined. It knows `input`"),
        ("output = search('x')", "line 1: there is no function 'search' here"),
        ("def f():\n    yield 1\noutput = list(f())", "line 2: yield expressions are not there. Write it another way"),
        ("output = open('a.txt').read()", "give it in `input` what it needs"),
        ("total = 1", "It leaves nothing in `output`. End it with output = ..."),
        ("output = {1, 2}", "is no JSON (Object of type set is not JSON serializable). Use"),
        ("import statistics\noutput = statistics.mean(range(3))", "line 2: TypeError: statistics takes a list"),
        ("import statistics\noutput = statistics.mean([1] * 10_001)", "takes 10,000 values at most"),
        ("while True:\n    pass", "computed longer than 0.2 s (setting code_seconds)"),
        ("output = 'a' * 10**9", "needed more than 16 MB (setting code_memory_mb)"),
        ("def f():\n    f()\nf()", "go deeper than 50 (setting code_depth). Use a loop"),
        ("output = 'a' * 200", "202 characters as JSON; it may have 100 (setting code_output_characters)"),
    ],
)
async def test_an_error_names_the_line_and_the_fix(code: str, said: str) -> None:
    limits = CodeLimits(seconds=0.2, memory_mb=16, depth=50, output_characters=100)
    assert said in str(await failure(code, limits=limits))


@pytest.mark.proves("code.tools")
async def test_functions_that_the_code_does_not_define_are_answered_by_the_caller() -> None:
    async def call(name: str, given: tuple[Any, ...], named: Mapping[str, Any]) -> Any:
        if name == "price":
            return {"of": given[0], "is": named["was"] + 1}
        raise BadInput(f"{name} is closed today")

    async with Sandbox() as sandbox:
        plain = "output = [price(each, was=1)['is'] for each in input]"
        assert (await sandbox.run(plain, ["tea", "milk"], call=call)).output == [2, 2]
        assert (await sandbox.run("output = await price('tea', was=2)", call=call)).output == {"of": "tea", "is": 3}
        caught = "try:\n    shop()\nexcept RuntimeError as error:\n    output = str(error)"
        assert (await sandbox.run(caught, call=call)).output == "shop is closed today"
        with pytest.raises(CodeFailed, match="line 2: shop is closed today"):
            await sandbox.run("x = 1\nshop()", call=call)


@pytest.mark.proves("code.limits")
async def test_waiting_for_a_tool_is_not_computing() -> None:
    answered = asyncio.Event()

    async def call(name: str, given: tuple[Any, ...], named: Mapping[str, Any]) -> Any:
        await asyncio.sleep(0.3)  # more than the limit, which only the wait must exceed
        answered.set()
        return 1

    async with Sandbox(CodeLimits(seconds=0.1)) as sandbox:
        assert (await sandbox.run("output = slow()", call=call)).output == 1
    assert answered.is_set()


@pytest.mark.proves("code.contained")
async def test_code_that_is_not_waited_for_any_longer_is_ended_at_once() -> None:
    before = children()
    async with Sandbox(CodeLimits(seconds=60)) as sandbox:
        endless = asyncio.ensure_future(sandbox.run("while True:\n    pass"))
        async with asyncio.timeout(LONGEST_WAIT):
            while children() <= before:
                await asyncio.sleep(0.01)
            endless.cancel()
            with pytest.raises(asyncio.CancelledError):
                await endless
            assert (await sandbox.run("output = 1")).output == 1
    await no_more_than(before)


@pytest.mark.proves("code.contained")
@pytest.mark.parametrize(
    ("ending", "said"), [(signal.SIGKILL, "its sandbox has died"), (signal.SIGSTOP, "computed longer than 0.1 s")]
)
async def test_a_sandbox_that_dies_or_hangs_fails_its_own_run_only(ending: signal.Signals, said: str) -> None:
    before = children()

    async def call(name: str, given: tuple[Any, ...], named: Mapping[str, Any]) -> Any:
        for process in children() - before:
            os.kill(int(process), ending)

    async with Sandbox(CodeLimits(seconds=0.1)) as sandbox:
        with pytest.raises(CodeFailed, match=said):
            await sandbox.run("output = end()", call=call)
        assert (await sandbox.run("output = 1")).output == 1


@pytest.mark.proves("code.contained")
async def test_a_bug_in_what_it_calls_leaves_no_process() -> None:
    async def call(name: str, given: tuple[Any, ...], named: Mapping[str, Any]) -> Any:
        raise ZeroDivisionError

    before = children()
    async with Sandbox() as sandbox:
        with pytest.raises(ZeroDivisionError):
            await sandbox.run("output = buggy()", call=call)
        assert (await sandbox.run("output = 1")).output == 1
    await no_more_than(before)


@pytest.mark.proves("code.contained")
async def test_each_run_has_a_process_of_its_own() -> None:
    before = children()
    processes = []

    async def call(name: str, given: tuple[Any, ...], named: Mapping[str, Any]) -> Any:
        processes.append(children() - before)

    async with Sandbox() as sandbox:
        await sandbox.run("output = look()", call=call)
        await sandbox.run("output = look()", call=call)
    first, second = processes
    assert first
    assert second - first


@pytest.mark.proves("code.contained")
async def test_many_run_side_by_side_and_each_has_its_own_variables() -> None:
    async with Sandbox() as sandbox:
        runs = [sandbox.run("x = input\noutput = [x for _ in range(1000)][-1]", number) for number in range(20)]
        assert [ran.output for ran in await asyncio.gather(*runs)] == list(range(20))
