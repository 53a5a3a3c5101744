"""Workers: a bounded loop under the plan's policy, counted by a real server, over questions and restarts."""

import asyncio
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from orchestrator.errors import BadInput
from orchestrator.messages import Question
from orchestrator.tools.functions import Functions, IdempotencyKey, tool
from tests.conversations.talk import Talk, outgoing, talking
from tests.fakes.model_server import Behaviour, Call, Hang, ModelServer, Say

PLAN = 'w: @general(task="find out who sells the cheapest tea", tools=["price"])'
SEND_PLAN = 'w: @general(task="send ann a greeting", tools=["price", "send"])'


class Shop:
    """`price(seller)`, and what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

        @tool(read_only=True)
        def price(seller: str) -> str:
            """The price of tea at a seller."""
            self.asked.append(seller)
            if seller == "closed":
                raise BadInput("the shop is closed")
            return f"{len(seller)} EUR at {seller}"

        self.functions = Functions([price])


def script(worker: Callable[[list[dict[str, Any]]], Behaviour], *, plan: str = PLAN) -> Callable[..., Behaviour]:
    """A model that plans one task, and does it as `worker` says: it sees the messages of its own loop."""

    def behaviour(request: dict[str, Any]) -> Behaviour:
        if request["messages"][0]["content"].startswith("You are a worker"):
            return worker(request["messages"])
        if request.get("tools"):
            return Call([("plan", {"steps": plan, "answer": "{{w}}"})])
        return Say("summed up")

    return behaviour


def heard(messages: list[dict[str, Any]]) -> list[str]:
    """What tools have said in the loop so far."""
    return [str(message["content"]) for message in messages if message["role"] == "tool"]


def settings(server: ModelServer, **more: Any) -> dict[str, Any]:
    return {"router": "openai:one", "openai_base_url": server.url, "openai_api_key": "obviously-fake-key", **more}


@pytest.mark.proves("worker.loop")
async def test_a_worker_calls_its_tools_and_its_result_is_the_steps(tmp_path: Path) -> None:
    shop = Shop()

    def worker(messages: list[dict[str, Any]]) -> Behaviour:
        if not heard(messages):
            return Call([("price", {"seller": seller}) for seller in ("Ann", "Robert")])
        assert "3 EUR at Ann" in heard(messages)[0]
        return Say("Ann, for 3 EUR")

    async with ModelServer(script(worker)) as server:
        async with talking(tmp_path, toolsets=[shop.functions], **settings(server)) as talk:
            assert (await talk.answered("who sells the cheapest tea?")).strip() == "Ann, for 3 EUR"
        assert shop.asked == ["Ann", "Robert"]
        assert server.calls == 3


@pytest.mark.proves("worker.bounded")
async def test_a_worker_that_never_stops_calling_is_ended_at_its_limit_with_what_it_has(tmp_path: Path) -> None:
    shop = Shop()

    def worker(messages: list[dict[str, Any]]) -> Behaviour:
        if "no calls left" in str(messages[-1]["content"]):
            return Say("I only know of Ann.")
        return Call([("price", {"seller": "Ann"})])

    async with ModelServer(script(worker)) as server:
        async with talking(tmp_path, toolsets=[shop.functions], **settings(server, worker_calls=3)) as talk:
            assert (await talk.answered("who sells the cheapest tea?")).strip() == "I only know of Ann."
        assert len(shop.asked) == 3
        assert "tools" not in server.requests[-1], "the last word is asked for without tools"
        assert {message["role"] for message in server.requests[-1]["messages"]} == {"system", "user"}
        assert "3 EUR at Ann" in server.requests[-1]["messages"][-1]["content"]


@pytest.mark.proves("worker.bounded")
async def test_a_worker_that_never_does_anything_but_call_fails_at_its_limit(tmp_path: Path) -> None:
    shop = Shop()
    forever = script(lambda _: Call([("price", {"seller": "Ann"})]))
    async with ModelServer(forever) as server:
        given = settings(server, worker_calls=3, replans=0)
        async with talking(tmp_path, toolsets=[shop.functions], **given) as talk:
            answer = await talk.answered("who sells the cheapest tea?")
            assert "it was ended at its limit of 3 calls" in answer
        asked = [request for request in server.requests if request["messages"][0]["content"].startswith("You are a w")]
        assert len(asked) == 4, "three rounds, and the last word"
        assert len(shop.asked) == 3


@pytest.mark.proves("worker.bounded")
async def test_a_reply_with_more_calls_than_are_left_makes_only_as_many(tmp_path: Path) -> None:
    shop = Shop()

    def worker(messages: list[dict[str, Any]]) -> Behaviour:
        if "no calls left" in str(messages[-1]["content"]):
            return Say("Two will do.")
        return Call([("price", {"seller": str(number)}) for number in range(20)])

    async with ModelServer(script(worker)) as server:
        async with talking(tmp_path, toolsets=[shop.functions], **settings(server, worker_calls=2)) as talk:
            assert (await talk.answered("who sells the cheapest tea?")).strip() == "Two will do."
            assert "it was ended at its limit of 2 calls" in await talk.told("/why")
        assert shop.asked == ["0", "1"]


@pytest.mark.proves("worker.bounded", "restart.unknown_outcome")
async def test_a_risky_call_that_the_limit_of_time_cuts_off_is_put_to_the_person(tmp_path: Path) -> None:
    called: list[int] = []

    @tool
    async def pay(amount: int) -> str:
        """Pay."""
        called.append(amount)
        if len(called) == 1:
            await asyncio.Event().wait()
        return "paid"

    def worker(messages: list[dict[str, Any]]) -> Behaviour:
        return Say("It is paid.") if heard(messages) else Call([("pay", {"amount": 5})])

    async with ModelServer(script(worker, plan='w: @general(task="pay ann", tools=["pay"])')) as server:
        given = settings(server, worker_seconds=0.5)
        async with talking(tmp_path, toolsets=[Functions([pay])], **given) as talk:
            assert "May I run `pay`" in (await talk.asked("pay ann 5")).text
            lost = await talk.asked("yes")
            assert "`pay` was under way when I lost it: amount = `5`" in lost.text
            assert called == [5]
            assert (await talk.answered("run it again")).strip() == "It is paid."
    assert called == [5, 5]


@pytest.mark.proves("input.text_repaired")
async def test_a_worker_whose_model_writes_what_no_database_can_hold_goes_on(tmp_path: Path) -> None:
    shop = Shop()

    def worker(messages: list[dict[str, Any]]) -> Behaviour:
        return Say("It is Ann\0.") if heard(messages) else Call([("price", {"seller": "A\0"})])

    async with (
        ModelServer(script(worker)) as server,
        talking(tmp_path, toolsets=[shop.functions], **settings(server)) as talk,
    ):
        assert "It is Ann\ufffd." in await talk.answered("who sells the cheapest tea?")
    assert shop.asked == ["A\ufffd"]


@pytest.mark.proves("worker.bounded")
async def test_a_worker_ends_at_its_tokens_and_at_its_time(tmp_path: Path) -> None:
    shop = Shop()

    def greedy(messages: list[dict[str, Any]]) -> Behaviour:
        return Say("Enough.") if "no calls left" in str(messages[-1]["content"]) else Call([("price", {"seller": "A"})])

    async with ModelServer(script(greedy)) as server:
        async with talking(tmp_path, toolsets=[shop.functions], **settings(server, worker_tokens=1)) as talk:
            assert (await talk.answered("who sells the cheapest tea?")).strip() == "Enough."
        assert len(shop.asked) == 1

    async with ModelServer(script(lambda _: Hang())) as server:
        limits = settings(server, worker_seconds=0.3, replans=0)
        async with talking(tmp_path, toolsets=[shop.functions], **limits) as talk:
            assert "it took longer than 0.3 s" in await talk.answered("who sells the cheapest tea?")


@pytest.mark.proves("worker.policy", "adherence.told")
async def test_a_tool_that_the_step_does_not_allow_is_refused_and_that_is_on_record(tmp_path: Path) -> None:
    sent, outbox = outgoing()

    def worker(messages: list[dict[str, Any]]) -> Behaviour:
        if not heard(messages):
            return Call([("send", {"text": "hi"}), ("nothing_like_it", {})])
        assert "send is not allowed in this task. Allowed: price." in heard(messages)[0]
        return Say("I may not.")

    async with ModelServer(script(worker)) as server:
        tools = [Shop().functions, outbox]
        async with talking(tmp_path, toolsets=tools, **settings(server)) as talk:
            await talk.answered("who sells the cheapest tea?")
            step = (await talk.app.store.steps("t1"))[-1]
            assert '"refused":["send","nothing_like_it"]' in step.body
            assert "w: the worker wanted `send`, which its step does not allow" in (why := await talk.told("/why"))
            assert "the plan was kept to 0%" in why
    assert sent == []


@pytest.mark.proves("worker.tool_trouble")
async def test_a_tool_that_does_not_work_is_told_to_the_worker_who_goes_on(tmp_path: Path) -> None:
    def worker(messages: list[dict[str, Any]]) -> Behaviour:
        if not heard(messages):
            return Call([("price", {"seller": "closed"}), ("price", {"shop": "Ann"})])
        assert "the shop is closed" in heard(messages)[0]
        assert "This cannot run: the argument 'seller' is missing" in heard(messages)[1]
        return Say("Nobody told me.")

    async with (
        ModelServer(script(worker)) as server,
        talking(tmp_path, toolsets=[Shop().functions], **settings(server)) as talk,
    ):
        assert (await talk.answered("who sells the cheapest tea?")).strip() == "Nobody told me."


@pytest.mark.proves("worker.approval")
async def test_a_risky_call_of_a_worker_waits_for_a_yes_to_exactly_that_call(tmp_path: Path) -> None:
    sent, outbox = outgoing()
    shop = Shop()

    def worker(messages: list[dict[str, Any]]) -> Behaviour:
        match len(heard(messages)):
            case 0:
                return Call([("price", {"seller": "Ann"})])
            case 1:
                return Call([("send", {"text": "hello Ann"})])
            case 2:
                return Call([("send", {"text": "and goodbye"})])
            case _:
                return Say("Both are sent.")

    async with ModelServer(script(worker, plan=SEND_PLAN)) as server:
        given = settings(server)
        async with talking(tmp_path, toolsets=[shop.functions, outbox], **given) as talk:
            assert "May I run `send`: text = `hello Ann`?" in (await talk.asked("greet ann")).text
            assert sent == []
        async with talking(tmp_path, toolsets=[shop.functions, outbox], **given) as talk:  # another process
            assert "text = `and goodbye`" in (await talk.asked("yes")).text
            assert sent == ["hello Ann"]
            assert (await talk.answered("yes")).strip() == "Both are sent."
    assert sent == ["hello Ann", "and goodbye"]
    assert shop.asked == ["Ann"], "a finished call is not made twice"


@pytest.mark.proves("worker.approval")
async def test_a_no_to_a_workers_call_ends_its_step(tmp_path: Path) -> None:
    sent, outbox = outgoing()
    worker = script(lambda messages: Call([("send", {"text": "hello"})]), plan=SEND_PLAN)
    async with (
        ModelServer(worker) as server,
        talking(tmp_path, toolsets=[Shop().functions, outbox], **settings(server)) as talk,
    ):
        await talk.asked("greet ann")
        assert "you said no" in await talk.answered("no")
    assert sent == []


@pytest.mark.proves("worker.approval")
async def test_a_plan_written_by_hand_cannot_say_yes_for_the_person(tmp_path: Path) -> None:
    sent, outbox = outgoing()
    written = {"id": "w", "worker": "general", "arguments": {"task": "greet"}, "tools": ["send"], "agreed": ["1.1"]}
    worker = script(lambda messages: Call([("send", {"text": "hello"})]))
    async with ModelServer(worker) as server, talking(tmp_path, toolsets=[outbox], **settings(server)) as talk:
        assert "May I run `send`" in (await talk.asked(f"/plan {json.dumps({'steps': [written]})}")).text
    assert sent == []


@pytest.mark.proves("worker.approval")
async def test_a_template_made_of_a_turn_asks_anew_for_what_was_agreed_to_then(tmp_path: Path) -> None:
    sent, outbox = outgoing()

    def worker(messages: list[dict[str, Any]]) -> Behaviour:
        return Say("It is sent.") if heard(messages) else Call([("send", {"text": "hello"})])

    async with (
        ModelServer(script(worker, plan=SEND_PLAN)) as server,
        talking(tmp_path, toolsets=[Shop().functions, outbox], **settings(server)) as talk,
    ):
        await talk.asked("greet ann")
        await talk.answered("yes")
        assert "Saved" in await talk.told("/save greet")
        assert "May I run `send`" in (await talk.asked("/run greet")).text
        assert sent == ["hello"]


@pytest.mark.proves("worker.key")
async def test_each_call_of_a_worker_has_a_key_of_its_own(tmp_path: Path) -> None:
    keys: list[str] = []

    @tool(read_only=True)
    def price(seller: str, key: IdempotencyKey) -> str:
        """The price of tea."""
        keys.append(key)
        return "3 EUR"

    def worker(messages: list[dict[str, Any]]) -> Behaviour:
        return Say("Ann") if heard(messages) else Call([("price", {"seller": name}) for name in ("Ann", "Bob")])

    async with (
        ModelServer(script(worker)) as server,
        talking(tmp_path, toolsets=[Functions([price])], **settings(server)) as talk,
    ):
        await talk.answered("who sells the cheapest tea?")
    assert keys == ["t1/w/1.1", "t1/w/1.2"]


@pytest.mark.proves("worker.without_a_model")
async def test_without_a_model_a_task_fails_and_says_why(tmp_path: Path) -> None:
    async with talking(tmp_path, toolsets=[Shop().functions]) as talk:
        assert "no model is configured for workers" in await talk.answered(f"/plan {PLAN}")
        assert "nobody does that work" in await talk.told('/plan w: @nobody(task="x")')
        assert "one argument, the task" in await talk.told('/plan w: @general(work="x")')


@pytest.mark.proves("plan.one_step_fallback")
async def test_a_request_whose_plan_could_not_run_twice_becomes_one_task(tmp_path: Path) -> None:
    shop = Shop()

    def behaviour(request: dict[str, Any]) -> Behaviour:
        if request["messages"][0]["content"].startswith("You are a worker"):
            return Say("Ann, for 3 EUR") if heard(request["messages"]) else Call([("price", {"seller": "Ann"})])
        return Call([("plan", {"steps": "a: nothing_like_it()"})])

    async with (
        ModelServer(behaviour) as server,
        talking(tmp_path, toolsets=[shop.functions], **settings(server)) as talk,
    ):
        assert "Ann, for 3 EUR" in await talk.answered("who sells the cheapest tea?")
        assert "could not run, twice" in await talk.told("/why")
    assert shop.asked == ["Ann"]


@pytest.mark.proves("worker.stop")
async def test_a_stop_ends_a_worker_and_its_model_call_at_once(tmp_path: Path) -> None:
    async with (
        ModelServer(script(lambda _: Hang())) as server,
        talking(tmp_path, toolsets=[Shop().functions], **settings(server)) as talk,
    ):
        turn = await talk.send("who sells the cheapest tea?")
        await _until_asked(server, talk, calls=2)
        await talk.send("/stop")
        part = await talk.outcome(turn)
        assert not isinstance(part, Question)
        assert part.text.startswith("Stopped.")
        await server.gone.wait()


@pytest.mark.proves("worker.stop")
async def test_a_stop_ends_a_workers_tool_at_once_and_names_what_may_have_happened(tmp_path: Path) -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    @tool
    async def pay(amount: int) -> str:
        """Pay."""
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        return ""

    calls = script(lambda _: Call([("pay", {"amount": 5})]), plan='w: @general(task="x", tools=["pay"]) # pay Ann')
    async with (
        ModelServer(calls) as server,
        talking(tmp_path, toolsets=[Functions([pay])], **settings(server)) as talk,
        asyncio.timeout(20),
    ):
        await talk.asked("pay ann 5")
        turn = await talk.send("yes")
        await begun.wait()
        await talk.send("/stop")
        part = await talk.outcome(turn)
        assert part.text == "Stopped. Under way, and perhaps done: pay Ann."
        assert ended.is_set()


async def _until_asked(server: ModelServer, talk: Talk, *, calls: int) -> None:
    async with asyncio.timeout(20):
        while server.calls < calls:
            await asyncio.sleep(0.01)


@pytest.mark.proves("trust.long_results")
async def test_a_worker_reads_a_long_result_in_parts(tmp_path: Path) -> None:
    @tool(read_only=True)
    def price(seller: str) -> str:
        """The prices of a seller."""
        return f"{'x' * 11_990}</result> and {'y' * 12_000}Darjeeling for 3 EUR"

    seen: list[str] = []

    def worker(messages: list[dict[str, Any]]) -> Behaviour:
        seen[:] = heard(messages)
        if not seen:
            return Call([("price", {"seller": "Ann"})])
        if "Darjeeling" in seen[-1]:
            return Say("Darjeeling, for 3 EUR")
        number, start = re.findall(r'read_on\(result="([\d.]+)", start=(\d+)\)', seen[-1])[-1]
        return Call([("read_on", {"result": "9", "start": 1}), ("read_on", {"result": number, "start": int(start)})])

    async with ModelServer(script(worker)) as server:
        tools = [Functions([price])]
        async with talking(tmp_path, toolsets=tools, **settings(server)) as talk:
            assert "Darjeeling, for 3 EUR" in await talk.answered("find the cheapest tea")
    assert "[characters 1 to 12,000 of " in seen[0]
    assert "There is no long result '9', but 1.1." in "".join(seen)
    assert all(each.count("</result") == 1 for each in seen if each.startswith("<result"))
    assert "".join(seen).count("y") >= 12_000, "every character was shown"
