"""SIGKILL inside a worker's loop: the next process goes on where it was, and repeats nothing that was finished."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.conversations.program import calls_made, serving
from tests.conversations.test_sigkill import live_and_die, say
from tests.fakes.model_server import Behaviour, Call, ModelServer, Say

LOOKUPS = '/plan w: @general(task="look things up", tools=["lookup"])'
NOTE = '/plan w: @general(task="note it", tools=["note"])'
WRITES = 6  # a round of two calls, each result, a round of one call, its result, the last reply

pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(120)]


def model(request: dict[str, Any]) -> Behaviour:
    """Looks up one and two at once, then three; or notes hello."""
    answered = [message for message in request["messages"] if message["role"] == "tool"]
    if "note it" in request["messages"][1]["content"]:
        return Say("It is noted.") if answered else Call([("tests__note", {"text": "hello"})])
    match len(answered):
        case 0:
            return Call([("tests__lookup", {"key": "one"}), ("tests__lookup", {"key": "two"})])
        case 2:
            return Call([("tests__lookup", {"key": "three"})])
        case _:
            return Say("I have all three.")


@pytest.fixture
async def server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ModelServer]:
    """The model of every process that is started meanwhile."""
    async with ModelServer(model) as running:
        monkeypatch.setenv("ERRAND_OPENAI_BASE_URL", running.url)
        monkeypatch.setenv("ERRAND_OPENAI_API_KEY", "obviously-fake-key")
        monkeypatch.setenv("ERRAND_WORKER", "openai:small")
        yield running


@pytest.mark.proves("restart.one_answer", "restart.no_repeat")
@pytest.mark.parametrize("write", range(1, WRITES + 1))
async def test_a_worker_killed_after_any_of_its_writes_goes_on_and_repeats_no_call(
    tmp_path: Path, write: int, server: ModelServer
) -> None:
    deliveries = await live_and_die(tmp_path, ("keep_step", "after", str(write)), LOOKUPS)
    assert {each["delivery"] for each in deliveries} == {"t1.0"}
    assert "I have all three." in deliveries[-1]["part"]["text"]
    keys = [arguments["key"] for _, arguments in calls_made(tmp_path)]
    under_way = 1 if write == 2 else 0  # the two go out together: one result is stored, the other perhaps not yet
    assert keys[-1] == "three"
    assert set(keys) == {"one", "two", "three"}
    assert len(keys) <= 3 + under_way
    assert server.calls == 3, "what the model has said is not asked for again"


@pytest.mark.proves("restart.no_repeat")
async def test_a_harmless_call_of_a_worker_that_was_under_way_is_made_again(
    tmp_path: Path, server: ModelServer
) -> None:
    deliveries = await live_and_die(tmp_path, ("keep_step", "before", "5"), LOOKUPS)
    assert "I have all three." in deliveries[-1]["part"]["text"]
    keys = [arguments["key"] for _, arguments in calls_made(tmp_path)]
    assert sorted(keys) == ["one", "three", "three", "two"]


@pytest.mark.proves("restart.unknown_outcome", "worker.approval")
async def test_a_yes_is_good_for_one_try_however_often_the_process_dies_in_it(
    tmp_path: Path, server: ModelServer
) -> None:
    async with serving(tmp_path, "keep_step", "before", "4") as first:  # its round, waiting, begun, and its result
        assert "May I run" in (await say(first, "event-1", NOTE))["text"]
        first.send("event-2", "yes")
        await first.death()
    async with serving(tmp_path, "keep_step", "before", "3") as second:  # waiting, begun again, and its result
        assert "may have happened or not" in (await second.delivery())["part"]["text"]
        assert len(calls_made(tmp_path)) == 1
        second.send("event-3", "run it again")
        await second.death()
    async with serving(tmp_path) as third:
        assert "may have happened or not" in (await third.delivery())["part"]["text"]
        assert len(calls_made(tmp_path)) == 2
        assert "it may have happened" in (await say(third, "event-4", "leave it"))["text"]
        await third.end_of_input()
    assert len(calls_made(tmp_path)) == 2
