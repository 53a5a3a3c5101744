"""The review queue: what nobody could serve is told, looked at by a person, and answered where it was asked."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from adapters.base import DeliveryError
from bot.app import build
from bot.settings import read_settings
from orchestrator.errors import ModelUnreachable
from orchestrator.messages import Answer, Attachment, Delivery, Question
from orchestrator.models import ChatMessage, Model, ModelReply, Scripted
from orchestrator.tools.spec import ToolSpec
from tests.bot.test_app import leave_unfinished
from tests.conversations.talk import Talk, outgoing, talking
from tests.fakes.channel import FakeChannel

RITA = '[people]\n"fake:rita" = "admin"\n"fake:ron" = "admin"\n'
CHAIN: dict[str, Any] = {"router": "scripted:one", "policy": RITA, "model_retries": 0}
PROMISE = "A person will look at it, and the answer comes here."


def away(name: str) -> Model:
    """A model that does not answer."""

    def script(messages: Sequence[ChatMessage], tools: Sequence[ToolSpec]) -> ModelReply:
        raise ModelUnreachable

    return Scripted(script, name=name)


def back(name: str) -> Model:
    """The same, once it does."""
    return Scripted(lambda messages, _: ModelReply(f"served: {messages[-1].text}", name), name=name)


def switched(is_there: Callable[[], bool]) -> Callable[[str], Model]:
    """A model that answers while it is there."""

    def make(name: str) -> Model:
        def script(messages: Sequence[ChatMessage], tools: Sequence[ToolSpec]) -> ModelReply:
            if not is_there():
                raise ModelUnreachable
            return ModelReply(f"served: {messages[-1].text}", name)

        return Scripted(script, name=name)

    return make


def held(reached: asyncio.Event, *, waits_for: int) -> Callable[[str], Model]:
    """A model that is asked and says nothing, as when the process dies meanwhile."""
    asked: list[str] = []

    class Held(Scripted):
        async def reply(self, messages: Sequence[ChatMessage], **options: object) -> ModelReply:
            asked.append(messages[-1].text)
            if len(asked) == waits_for:
                reached.set()
            await asyncio.Event().wait()
            raise AssertionError

    return lambda name: Held(lambda *_: ModelReply("", name), name=name)


@asynccontextmanager
async def dying(
    folder: Path,
    *,
    model: Callable[[str], Model] | None = None,
    channel: Callable[[], FakeChannel] = FakeChannel,
    policy: str = RITA,
    **settings: Any,
) -> AsyncIterator[Talk]:
    """An Errand that ends at once when it is left, whatever it is at."""
    (folder / "policy.toml").write_text(policy)
    paths = {"database": "errand.db", "servers": "none.json", "policy_file": "policy.toml"}
    given = {**{name: str(folder / path) for name, path in paths.items()}, "drain_seconds": 0}
    async with build(read_settings(**given, **settings), toolsets=(), model=model) as app:
        fake = channel()
        serving = asyncio.ensure_future(app.serve([fake]))
        await fake.ready()
        yield Talk(app, fake)
        serving.cancel()
        await asyncio.wait({serving})


class Mute(FakeChannel):
    """A channel that cannot reach one chat."""

    def __init__(self) -> None:
        super().__init__()
        self.refused = asyncio.Event()

    async def deliver(self, delivery: Delivery) -> None:
        if delivery.address.chat == "1":
            self.refused.set()
            raise DeliveryError("nobody is there", retry_after_seconds=60)
        await super().deliver(delivery)


def somebody(talk: Talk, person: str) -> Talk:
    """Another person, in a chat of their own."""
    return Talk(talk.app, talk.channel, chat=person, person=person)


def told_to(talk: Talk) -> list[str]:
    """Everything final that a chat has seen, in its order."""
    return [each.part.text for each in talk.channel.shown.values() if each.address == talk.address]


async def until_told(talk: Talk, count: int) -> list[str]:
    await talk.channel.until(lambda _: len(told_to(talk)) >= count)
    return told_to(talk)


@pytest.mark.slow
@pytest.mark.proves("review.nothing_lost", "review.told")
async def test_a_hundred_requests_that_nobody_serves_are_all_kept_told_and_answered_after_a_retry(
    tmp_path: Path,
) -> None:
    people = [f"p{number}" for number in range(100)]
    async with talking(tmp_path, model=away, **CHAIN) as talk:
        parts = await asyncio.gather(*(somebody(talk, each).say(f"plan my trip {each}") for each in people))
        assert all(isinstance(part, Answer) and part.text.endswith(PROMISE) for part in parts)
        assert len(await talk.app.store.open_cases()) == 100
    reached = asyncio.Event()
    async with dying(tmp_path, model=held(reached, waits_for=100), **CHAIN) as talk:
        await somebody(talk, "rita").told("/review retry all")
        await asyncio.wait_for(reached.wait(), 20)  # all are under way, and the process ends
    async with talking(tmp_path, model=back, **CHAIN) as talk:
        for each in people:
            [answer] = await until_told(somebody(talk, each), 1)
            assert answer == f"You asked: “plan my trip {each}”\n\nserved: plan my trip {each}"
        await talk.app.idle()
        assert await talk.app.store.open_cases() == []
        assert "empty" in await somebody(talk, "rita").told("/review")
        shown = [each for each in talk.channel.shown.values() if each.address.chat != "rita"]
        assert len(shown) == 100


@pytest.mark.proves("review.told")
async def test_a_retry_that_fails_again_opens_the_case_again_and_tells_nobody_twice(tmp_path: Path) -> None:
    answers = [False]
    async with talking(tmp_path, model=switched(lambda: answers[0]), **CHAIN) as talk:
        await talk.answered("plan my trip")
        rita = somebody(talk, "rita")
        assert await rita.told("/review retry t1") == "I try again: t1."
        await talk.app.idle()
        assert len(told_to(talk)) == 1
        assert "`t1` fake:ann, nobody of my tiers could serve it" in await rita.told("/review")
        answers[0] = True
        await rita.told("/review retry t1")
        assert "served: plan my trip" in (await until_told(talk, 2))[1]
        await talk.app.idle()
        assert "t1 is closed already" in await rita.told("/review retry t1")


@pytest.mark.proves("review.worked_on")
async def test_a_reviewer_edits_a_request_or_answers_it_and_the_history_knows(tmp_path: Path) -> None:
    answers = [False]
    async with talking(tmp_path, model=switched(lambda: answers[0]), **CHAIN) as talk:
        rita = somebody(talk, "rita")
        await talk.answered("plan my tirp")
        await talk.answered("and for my boss?")
        answers[0] = True
        assert "in your words" in await rita.told("/review edit t1 plan my trip")
        assert "“plan my trip”\n\nserved: plan my trip" in (await until_told(talk, 3))[2]
        await rita.told("/review answer t2 He goes by train.")
        assert (await until_told(talk, 4))[3] == "You asked: “and for my boss?”\n\nA person answers: He goes by train."
        await talk.app.idle()
        assert (await talk.app.store.history(talk.address.session, last=1))[0].request == "and for my boss?"
        assert "A person answered" in await talk.told("/why")


@pytest.mark.proves("review.worked_on")
async def test_what_one_reviewer_has_claimed_another_must_claim_first(tmp_path: Path) -> None:
    async with talking(tmp_path, model=away, **CHAIN) as talk:
        rita, ron = somebody(talk, "rita"), somebody(talk, "ron")
        await talk.answered("plan my trip")
        assert await rita.told("/review claim t1") == "t1 is yours."
        assert "claimed by fake:rita" in await ron.told("/review t1")
        assert "fake:rita has claimed t1" in await ron.told("/review close t1")
        assert await ron.told("/review retry all") == "I try again: -."
        await ron.told("/review claim t1")
        assert "is closed; nobody is told" in await ron.told("/review close t1")
        assert "t1 is closed already" in await rita.told("/review answer t1 too late")
        assert "no case 't99'" in await rita.told("/review retry t99")
        assert len(told_to(talk)) == 1


@pytest.mark.proves("review.reviewers_only")
async def test_the_queue_is_shown_to_reviewers_alone_and_in_private_alone(tmp_path: Path) -> None:
    async with talking(tmp_path, model=away, **CHAIN) as talk:
        await talk.answered("my secret trip")
        for word in ("/review", "/review t1", "/review retry t1", "/review answer t1 x"):
            refused = await somebody(talk, "eve").told(word)
            assert refused == "/review is for admins and owners. Ask fake:rita, fake:ron."
        rita = somebody(talk, "rita")
        rita.private = False
        assert "where nobody reads along" in await rita.told("/review")
        assert (await talk.app.store.open_cases())[0].state == "open"


@pytest.mark.faults
@pytest.mark.proves("review.poison")
async def test_a_message_that_processes_died_over_is_a_case_and_is_answered_once_over_restarts(tmp_path: Path) -> None:
    await leave_unfinished(tmp_path, deaths=3)
    async with talking(tmp_path, policy=RITA) as talk:
        assert PROMISE in (await talk.outcome("t1")).text
        assert "processes died over it" in await somebody(talk, "rita").told("/review")
    mute = Mute()
    async with dying(tmp_path, channel=lambda: mute, policy=RITA) as talk:
        await somebody(talk, "rita").told("/review answer t1 Hi yourself.")
        await asyncio.wait_for(mute.refused.wait(), 20)
    async with talking(tmp_path, policy=RITA) as talk:
        [answer] = await until_told(talk, 1)
        assert answer == "You asked: “Hi”\n\nA person answers: Hi yourself."
    async with talking(tmp_path, policy=RITA) as talk:
        assert "empty" in await somebody(talk, "rita").told("/review")
        assert told_to(talk) == []


@pytest.mark.faults
@pytest.mark.proves("review.poison")
async def test_a_reviewers_answer_does_not_touch_the_files_that_may_have_been_the_trouble(tmp_path: Path) -> None:
    async with talking(tmp_path, model=away, **CHAIN) as talk:
        talk.channel.files["ref"] = b"a letter"
        await talk.say("sum this up", Attachment(name="letter.txt", mime="text/plain", ref="ref"))
        await somebody(talk, "rita").told("/review answer t1 It is a letter.")
        await until_told(talk, 2)
        assert '"attachments":[]' in str(await talk.app.store.payload("fake", "review/t1/1"))


@pytest.mark.proves("review.unanswered")
async def test_a_question_that_nobody_answered_is_a_case_until_somebody_does(tmp_path: Path) -> None:
    sent, tools = outgoing()
    async with talking(tmp_path, toolsets=[tools], unanswered_hours=1e-9, policy=RITA) as talk:
        rita = somebody(talk, "rita")
        await talk.asked("/send hello")
        assert "my question was not answered" in await rita.told("/review")
        assert await rita.told("/review retry all") == "I try again: -."
        await rita.told("/review retry t1")  # it is asked once more
        await talk.channel.until(
            lambda channel: sum(isinstance(each.part, Question) for each in channel.shown.values()) > 1
        )
        await talk.app.idle()
        assert "sent it" in await talk.answered("yes")
        assert "empty" in await rita.told("/review")
    assert sent == ["hello"]


@pytest.mark.proves("review.unanswered")
async def test_a_reviewer_who_answers_a_forgotten_question_ends_it(tmp_path: Path) -> None:
    sent, tools = outgoing()
    async with talking(tmp_path, toolsets=[tools], unanswered_hours=1e-9, policy=RITA) as talk:
        rita = somebody(talk, "rita")
        await talk.asked("/send hello")
        await rita.told("/review")
        await rita.told("/review answer t1 I sent it by hand.")
        await until_told(talk, 2)
        await talk.app.idle()
        assert await talk.app.store.open_question(talk.address.session) is None
        assert "empty" in await rita.told("/review")
    assert sent == []


@pytest.mark.proves("review.told")
async def test_without_reviewers_it_is_kept_for_the_operator_and_nobody_is_promised_more(tmp_path: Path) -> None:
    async with talking(tmp_path, model=away, router="scripted:one", model_retries=0) as talk:
        assert "kept it for the person who runs me" in await talk.answered("plan my trip")
        assert "/review" not in await talk.told("/help")


@pytest.mark.proves("review.worked_on")
async def test_a_retry_neither_interrupts_nor_steers_what_its_person_does_now(tmp_path: Path) -> None:
    answers = [False]
    for while_busy in ("interrupt", "steer"):
        folder = tmp_path / while_busy
        folder.mkdir()
        answers[0] = False
        async with talking(folder, model=switched(lambda: answers[0]), while_busy=while_busy, **CHAIN) as talk:
            await talk.answered("plan my trip")
            answers[0] = True
            await somebody(talk, "rita").told("/review retry t1")
            assert "served: now" in await talk.answered("now")
            assert len(await until_told(talk, 3)) == 3
