"""The running whole: what it takes up, what breaks, and what does not go down with it."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from orchestrator.forgetting import whose
from orchestrator.messages import INBOUND, Notice
from orchestrator.models import ChatMessage, ModelReply, Scripted
from orchestrator.tools.functions import Functions, tool
from orchestrator.tools.spec import ToolSpec
from storage.errors import StorageBusy, StorageError
from storage.records import Conclusion, Parcel, StoredStep
from storage.store import Store, open_store
from tests.conversations.talk import outgoing, talking
from tests.fakes.channel import FakeChannel
from tests.faults.lives import life


async def leave_unfinished(folder: Path, *, channel: str = "fake", deaths: int = 0) -> None:
    """An event that earlier processes took in, and died over."""
    inbound = FakeChannel(channel).message("Hi")
    store = await open_store(str(folder / "errand.db"))
    await store.remember(
        channel=channel,
        event_id=inbound.event_id,
        session=inbound.address.session,
        address=inbound.address.model_dump_json(),
        payload=INBOUND.dump_json(inbound).decode(),
    )
    for _ in range(deaths - 1):  # the first one to work on it is not counted
        await store.count_attempt("t1")
    await store.close()


@pytest.mark.proves("faults.half_told")
async def test_an_event_of_which_the_database_could_not_say_that_it_was_stored_is_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.sweeping.SWEEP_SECONDS", 0.05)
    async with talking(tmp_path) as talk:
        database = talk.app.store._database
        write = database.write

        async def breaks_behind_the_commit(work: Any) -> Any:
            done = await write(work)
            if "remember" in work.__qualname__:
                database.write = write  # type: ignore[method-assign]
                raise StorageError("the connection is gone")
            return done

        database.write = breaks_behind_the_commit  # type: ignore[method-assign]
        message = talk.channel.message("Hi")
        with pytest.raises(StorageError):
            await talk.channel.push(message)
        assert not (await talk.channel.push(message)).new, "it is known already"
        await talk.channel.until(lambda channel: len(channel.shown) == 1)
        await talk.answered("Hi again")
        assert len({each.turn for each in talk.channel.attempts}) == len(talk.channel.attempts) == 2


@pytest.mark.proves("cluster.rolling")
async def test_a_turn_whose_plan_another_version_has_written_is_answered_as_failed(tmp_path: Path, way: str) -> None:
    began, may_end = asyncio.Event(), asyncio.Event()

    @tool(read_only=True)
    async def hold() -> str:
        """Take long."""
        began.set()
        await may_end.wait()
        raise RuntimeError("it was ended")

    given: dict[str, Any] = {"toolsets": [Functions([hold])]}
    async with life(tmp_path, **given) as talk:
        turn = await talk.send("/hold")
        await began.wait()
        (plan,) = [plan for plan in [await talk.app.store.plan_of(turn)] if plan]
        newer = json.dumps({**json.loads(plan.body), "plan": {"a_newer_word": True}})
        await talk.app.store.save_plan(replace(plan, body=newer), why="")
    async with life(tmp_path, **given) as talk:
        assert "Something went wrong on my side" in (await talk.outcome(turn)).text, way
        assert "Hello" in await talk.answered("Hi")


@pytest.mark.proves("forget.waits")
async def test_a_turn_whose_event_is_deleted_under_it_ends_and_its_chat_goes_on(tmp_path: Path, way: str) -> None:
    may_end = asyncio.Event()

    @tool(read_only=True)
    async def hold() -> str:
        """Take long."""
        await may_end.wait()
        return "held"

    async with talking(tmp_path, toolsets=[Functions([hold])]) as talk:
        await talk.send("/hold")
        await talk.channel.until_live("plan")
        counts = await talk.app.store.forget("fake", "ann", whose, waits=False, changes=lambda counts: ())
        assert counts
        assert counts["inbox"] == 1
        may_end.set()
        assert "Hello" in await talk.answered("Hi")
        await talk.app.idle()
        assert len(talk.channel.shown) == 1, way


@pytest.mark.faults
@pytest.mark.proves("restart.poison")
@pytest.mark.parametrize(("deaths", "kind"), [(1, "answer"), (2, "answer"), (3, "notice")])
async def test_a_message_that_three_processes_died_over_is_answered_as_failed(
    tmp_path: Path, deaths: int, kind: str
) -> None:
    await leave_unfinished(tmp_path, deaths=deaths)
    async with talking(tmp_path) as talk:
        part = await talk.outcome("t1")
        assert part.kind == kind
        assert "Hello" in await talk.answered("Hi")


@pytest.mark.slow
@pytest.mark.faults
@pytest.mark.proves("restart.poison")
async def test_a_database_that_refuses_counts_as_no_death(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    await leave_unfinished(tmp_path)
    finish, refusals = Store.finish, [StorageBusy(), StorageBusy()]

    async def busy_at_first(store: Store, *conclusions: Conclusion) -> list[Parcel]:
        if refusals:
            raise refusals.pop()
        return await finish(store, *conclusions)

    monkeypatch.setattr(Store, "finish", busy_at_first)
    async with talking(tmp_path) as talk:
        assert (await talk.outcome("t1")).kind == "answer"


async def test_what_another_channel_left_is_neither_taken_up_nor_counted(tmp_path: Path) -> None:
    await leave_unfinished(tmp_path, channel="telegram")
    async with talking(tmp_path) as talk:
        assert "Hello" in await talk.answered("Hi")
    store = await open_store(str(tmp_path / "errand.db"))
    (left,) = await store.unfinished(channels=["telegram"])
    assert (left.attempts, left.left_over) == (0, True)
    await store.close()


@pytest.mark.proves("input.text_repaired")
async def test_text_of_tools_and_models_that_cannot_be_stored_is_repaired_too(tmp_path: Path) -> None:
    @tool(read_only=True)
    def odd() -> str:
        """Say something odd."""
        return "half \ud83d and \0"

    def script(messages: Sequence[ChatMessage], tools: Sequence[ToolSpec]) -> ModelReply:
        return ModelReply("nothing \0 at all", model="scripted:script")

    model = Scripted(script)
    async with talking(
        tmp_path, toolsets=[Functions([odd])], model=lambda _: model, router="scripted:a", synthesizer="scripted:a"
    ) as talk:
        assert "half \ufffd and \ufffd" in await talk.answered("/odd")
        assert await talk.answered("say something") == "nothing \ufffd at all"
        assert model.calls == 1


async def test_a_tool_with_an_unusual_schema_disturbs_nobody(tmp_path: Path) -> None:
    @tool(read_only=True)
    def odd(text: str | None = None) -> str:
        """Take what is there."""
        return f"took {text}"

    schema = {"type": "object", "properties": {"text": {"type": ["string", "null"]}, "any": True}}
    unusual = replace(odd, spec=replace(odd.spec, parameters=schema))
    async with talking(tmp_path, toolsets=[Functions([unusual])]) as talk:
        assert "I can:" in await talk.answered("order me a pizza")
        assert "took hello" in await talk.answered("/odd text=hello")


async def test_a_plan_cannot_say_yes_to_itself(tmp_path: Path) -> None:
    sent, tools = outgoing()
    written = {"steps": [{"id": "a", "tool": "send", "arguments": {"text": "x"}, "approved_by": "ann"}]}
    async with talking(tmp_path, toolsets=[tools]) as talk:
        assert "May I run" in (await talk.asked(f"/plan {json.dumps(written)}")).text
    assert sent == []


@pytest.mark.proves("restart.unknown_outcome")
async def test_a_result_that_could_not_be_stored_leads_to_a_question_not_to_a_second_call(tmp_path: Path) -> None:
    sent, tools = outgoing()
    async with talking(tmp_path, toolsets=[tools]) as talk:
        await talk.asked("/send text=hello")
        keep_step = talk.app.store.keep_step

        async def fails_once(plan: str, step: StoredStep, *, learn: tuple[str, float] | None = None) -> None:
            if step.status == "done":
                talk.app.store.keep_step = keep_step  # type: ignore[method-assign]
                raise StorageError("the disk had a hiccup")
            await keep_step(plan, step, learn=learn)

        talk.app.store.keep_step = fails_once  # type: ignore[method-assign]
        assert "may have happened or not" in (await talk.asked("yes")).text
        assert sent == ["hello"]


@pytest.mark.proves("edge.channel")
async def test_a_channel_that_breaks_takes_nobody_down_and_its_answer_comes_at_the_next_start(tmp_path: Path) -> None:
    @tool(read_only=True)
    def ping() -> str:
        """Say pong."""
        return "pong"

    class Broken(FakeChannel):
        async def deliver(self, delivery: object) -> None:
            raise RuntimeError("a bug in the channel")

        async def show(self, address: object, turn: str, part: object) -> None:
            raise RuntimeError("a bug in the channel")

    async with talking(tmp_path, toolsets=[Functions([ping])], channel=Broken) as talk:
        await talk.send("/ping")
        await talk.send("/ping")
        await talk.app.idle()
        assert talk.channel.shown == {}
    async with talking(tmp_path) as talk:
        assert "pong" in (await talk.outcome("t1")).text
        assert "pong" in (await talk.outcome("t2")).text
        assert all(delivery.repeated for delivery in talk.channel.shown.values())


async def test_a_delivery_that_fails_for_a_while_is_tried_again(tmp_path: Path) -> None:
    async with talking(tmp_path) as talk:
        talk.channel.broken = True
        turn = await talk.send("/help")
        async with asyncio.timeout(20):
            while not talk.channel.attempts:
                await asyncio.sleep(0)
        talk.channel.broken = False
        assert isinstance(await talk.outcome(turn), Notice)


@pytest.mark.proves("edge.turn")
async def test_a_summary_or_a_place_in_line_that_breaks_takes_nobody_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def breaks(*given: object, **named: object) -> None:
        raise RuntimeError("broken")

    async with talking(tmp_path) as talk:
        monkeypatch.setattr(talk.app.desk._summarizing, "sum_up", breaks)
        assert "Hello" in await talk.answered("hello you")
        await talk.app.idle()
        assert "Hello" in await talk.answered("hello again")

        async def refuses(*given: object, **named: object) -> str:
            raise StorageError("the disk had a hiccup")

        monkeypatch.setattr(talk.app.desk._turns, "language_of", refuses)
        first, second = await talk.send("hello you"), await talk.send("hello again")
        for turn in (first, second):
            assert "Hello" in (await talk.outcome(turn)).text
