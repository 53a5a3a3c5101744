"""Slack under load and under a kill: order, one answer each, and nobody is made to wait for an acknowledgement."""

import asyncio
import signal
from pathlib import Path

import pytest

from adapters.pacing import Limit
from orchestrator.models import ModelReply
from tests.conversations.program import serving_platform
from tests.conversations.slack_talk import errand_on
from tests.conversations.test_plans import Models
from tests.conversations.test_slack import answers
from tests.conversations.test_telegram_load import Slow
from tests.fakes.slack import Chat, Person, slack

BETWEEN = 0.005  # seconds between two messages: 200 a second, from one process that is Slack and Errand
TRIES = 3  # a machine that is busy with other work stalls now and then: the best of them counts
SLOWEST_ACK = 3.0  # seconds that Slack waits; on two quiet cores it was below 1 s


async def slowest_ack(folder: Path) -> float:
    """200 threads with five messages each, all answered in their order; the seconds of the slowest acknowledgement."""
    models = Models(one=lambda messages: ModelReply(f"heard: {messages[-1].text}", ""))
    async with slack(tiers=None, checked=False) as fake:
        people = [fake.person(f"P{number}") for number in range(200)]
        team = fake.channel("team", *people)
        async with errand_on(
            fake, folder, model=lambda name: Slow(models(name)), router="one", drain_seconds=5, slack_rate=100_000
        ) as app:
            threads = []
            for person in people:
                threads.append(team.thread(await person.mentions(team, "message 0")))
                await asyncio.sleep(BETWEEN)
            for number in range(1, 5):
                for person, thread in zip(people, threads, strict=True):
                    await person.says(thread, f"message {number}")
                    await asyncio.sleep(BETWEEN)
            async with asyncio.timeout(120):
                while sum(len(thread.from_bot) for thread in threads) < 1000:
                    await asyncio.sleep(0.2)
            await app.idle()
        for thread in threads:
            assert answers(thread) == [f"heard: message {number}" for number in range(5)]
        assert fake.problems == []
        return max(ack.delay for ack in fake.acks)


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.proves("slack.load")
async def test_two_hundred_threads_with_five_messages_each_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.slack.pacing.IN_A_CHANNEL", Limit(1000, 1.0))
    measured = []
    for number in range(TRIES):
        (folder := tmp_path / str(number)).mkdir()
        measured.append(await slowest_ack(folder))
        if measured[-1] < SLOWEST_ACK:
            break
    assert min(measured) < SLOWEST_ACK, f"the slowest acknowledgements took {measured} seconds"


@pytest.mark.slow
@pytest.mark.timeout(120)
@pytest.mark.proves("slack.killed")
async def test_after_a_kill_in_the_middle_everybody_has_one_answer(tmp_path: Path) -> None:
    async with slack(tiers=None) as fake:
        people: list[tuple[Person, Chat]] = [(each, each.direct()) for each in map(fake.person, map(str, range(60)))]
        for person, chat in people:
            await person.says(chat, "Hi")
        settings = {"slack_bot_token": fake.bot_token, "slack_app_token": fake.app_token, "slack_api": fake.api_url}
        async with serving_platform(tmp_path, **settings) as first:
            async with asyncio.timeout(60):
                while sum(bool(chat.from_bot) for _, chat in people) < 20:
                    await asyncio.sleep(0.01)
            first.send_signal(signal.SIGKILL)
            await first.wait()
        async with serving_platform(tmp_path, **settings):
            async with asyncio.timeout(60):
                while not all(chat.from_bot for _, chat in people):
                    await asyncio.sleep(0.1)
            person, chat = people[-1]
            await person.says(chat, "Hi")
            await fake.until(lambda: len(chat.from_bot) == 2, words="an answer to the next message")
        for _, each in people[:-1]:
            (answer,) = answers(each)
            assert "Hello! I can:" in answer
        assert [problem for problem in fake.problems if "acknowledge" not in problem] == []
