"""The local Telegram: how updates reach a bot, by polling and by a webhook, once, again, late or in the wrong order."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from telegram import Bot
from telegram.error import BadRequest, Conflict, RetryAfter

from tests.fakes.model_server import Loopback
from tests.fakes.telegram import Chat, Pace, Person, World
from tests.fakes.telegram.client import client, connected

IN_TIME = 5  # seconds


def chat_with_somebody(world: World) -> tuple[Person, Chat]:
    mara = world.person("Mara")
    return mara, mara.private_chat()


async def ids(bot: Bot, offset: int = 0, *, limit: int = 100, timeout: int = 0) -> list[int]:
    return [each.update_id for each in await bot.get_updates(offset=offset, limit=limit, timeout=timeout)]


@pytest.mark.proves("telegram_fake.polling")
async def test_updates_come_again_until_a_larger_offset_confirms_them() -> None:
    async with connected() as (bot, world):
        mara, chat = chat_with_somebody(world)
        for word in ("a", "b", "c"):
            await chat.says(mara, word)
        assert await ids(bot, limit=2) == [1, 2]
        assert await ids(bot) == [1, 2, 3]
        assert await ids(bot, 2) == [2, 3]
        assert await ids(bot, 0) == [2, 3]
        assert await ids(bot, -1) == [3]
        assert await ids(bot, 4) == []


@pytest.mark.proves("telegram_fake.polling")
async def test_a_poll_is_held_until_something_comes() -> None:
    async with connected() as (bot, world), asyncio.timeout(IN_TIME):
        mara, chat = chat_with_somebody(world)
        held = asyncio.ensure_future(ids(bot, timeout=50))
        await until_held(world)
        await chat.says(mara, "wake up")
        assert await held == [1]


async def until_held(world: World) -> None:
    await world.until(lambda: world.updates.is_held, words="a poll")


@pytest.mark.proves("telegram_fake.polling")
async def test_a_second_poller_ends_the_first_one() -> None:
    async with connected() as (bot, world), asyncio.timeout(IN_TIME):
        first = asyncio.ensure_future(bot.get_updates(timeout=50))
        await until_held(world)
        async with client(world) as second:
            assert await second.get_updates() == ()
        with pytest.raises(Conflict, match="terminated by other getUpdates request; make sure that only one bot"):
            await first
        assert world.updates.conflicts == 1


@pytest.mark.proves("telegram_fake.polling")
async def test_a_poller_that_has_gone_away_is_no_conflict() -> None:
    async with connected() as (bot, world), asyncio.timeout(IN_TIME):
        async with client(world) as killed:
            gone = asyncio.ensure_future(killed.get_updates(timeout=50))
            await until_held(world)
            gone.cancel()
            await asyncio.gather(gone, return_exceptions=True)
        await world.until(lambda: not world.updates.is_held, words="the end of the poll")
        mara, chat = chat_with_somebody(world)
        await chat.says(mara, "Hi")
        assert await ids(bot, timeout=50) == [1]
        assert world.updates.conflicts == 0


@pytest.mark.proves("telegram_fake.polling")
async def test_what_a_bot_did_not_ask_for_does_not_come() -> None:
    async with connected() as (bot, world):
        mara, chat = chat_with_somebody(world)
        said = await chat.says(mara, "one")
        await mara.reacts(said, "👍")
        await bot.get_updates(allowed_updates=["message_reaction"])
        await chat.says(mara, "two")
        await mara.reacts(said, "🔥")
        updates = await bot.get_updates()
        assert [bool(each.message) for each in updates] == [True, False]
        assert updates[1].message_reaction
        assert [each.emoji for each in updates[1].message_reaction.old_reaction] == ["👍"]  # type: ignore[attr-defined]
        await bot.get_updates(offset=99, allowed_updates=[])
        await mara.reacts(said, "👍")
        await chat.says(mara, "three")
        assert [each.message.text for each in await bot.get_updates() if each.message] == ["three"]


@pytest.mark.proves("telegram_fake.redelivery")
async def test_a_confirmed_update_can_come_once_more_and_a_batch_in_the_wrong_order() -> None:
    async with connected() as (bot, world):
        mara, chat = chat_with_somebody(world)
        for word in ("a", "b", "c"):
            await chat.says(mara, word)
        assert await ids(bot, 3) == [3]
        world.redeliver(1)
        assert await ids(bot, 3) == [1, 3]
        assert await ids(bot, 3) == [3]
        await chat.says(mara, "d")
        world.reverse_next_batch()
        assert await ids(bot, 3) == [4, 3]


class Receiver(Loopback):
    """A bot that takes updates: `answers` are the statuses it gives, in their order, then 200."""

    def __init__(self, *answers: int) -> None:
        self.took: list[tuple[int, str]] = []
        self.secrets: set[str | None] = set()
        self.wait: Callable[[int], asyncio.Event | None] = lambda update: None
        self._answers = list(answers)
        super().__init__([Route("/hook", self._take, methods=["POST"])])

    async def _take(self, request: Request) -> Response:
        update = await request.json()
        self.took.append((update["update_id"], update["message"]["text"]))
        self.secrets.add(request.headers.get("X-Telegram-Bot-Api-Secret-Token"))
        if waiting := self.wait(update["update_id"]):
            await waiting.wait()
        return Response(status_code=self._answers.pop(0) if self._answers else 200)


@asynccontextmanager
async def hooked(*answers: int, **options: object) -> AsyncIterator[tuple[Bot, World, Receiver]]:
    async with Receiver(*answers) as receiver, connected(**options) as (bot, world):
        await bot.set_webhook(f"{receiver.url}/hook", secret_token="shh", max_connections=2)
        yield bot, world, receiver


async def brought(world: World) -> None:
    """Everything has reached the bot."""
    await world.until(lambda: not world.updates.pending, words="the last update")


@pytest.mark.proves("telegram_fake.webhook")
async def test_a_webhook_gets_updates_with_its_secret_in_the_order_of_the_chat() -> None:
    async with hooked(500, 503) as (bot, world, receiver):
        mara, chat = chat_with_somebody(world)
        for word in ("a", "b", "c"):
            await chat.says(mara, word)
        await brought(world)
        assert receiver.took == [(1, "a"), (1, "a"), (1, "a"), (2, "b"), (3, "c")]
        assert receiver.secrets == {"shh"}
        told = await bot.get_webhook_info()
        assert (told.pending_update_count, told.max_connections) == (0, 2)
        assert told.last_error_message == "Wrong response from the webhook: 503 Service Unavailable"


@pytest.mark.proves("telegram_fake.webhook")
async def test_a_chat_that_is_slow_holds_up_no_other_one() -> None:
    async with hooked() as (_bot, world, receiver):
        mara, chat = chat_with_somebody(world)
        tom = world.person("Tom")
        goes_on = asyncio.Event()
        receiver.wait = lambda update: goes_on if update == 1 else None
        await chat.says(mara, "slow")
        await chat.says(mara, "behind it")
        await tom.private_chat().says(tom, "quick")
        await world.until(lambda: 3 not in world.updates.pending, words="the quick one")
        assert sorted(world.updates.pending) == [1, 2]
        goes_on.set()
        await brought(world)


@pytest.mark.proves("telegram_fake.webhook")
async def test_an_answer_that_comes_too_late_brings_the_update_again() -> None:
    async with hooked(webhooks=Pace(timeout_seconds=0.1)) as (_bot, world, receiver):
        mara, chat = chat_with_somebody(world)
        over = asyncio.Event()
        tries = iter([over])
        receiver.wait = lambda update: next(tries, None)
        await chat.says(mara, "a")
        await brought(world)
        assert receiver.took == [(1, "a"), (1, "a")]
        world.redeliver(1)
        await world.until(lambda: len(receiver.took) == 3, words="the update again")
        over.set()


@pytest.mark.proves("telegram_fake.webhook")
async def test_a_webhook_and_polling_exclude_each_other() -> None:
    async with hooked(flood=None) as (bot, world, receiver):
        with pytest.raises(Conflict, match="can't use getUpdates method while webhook is active; use deleteWebhook"):
            await bot.get_updates()
        await bot.delete_webhook()
        mara, chat = chat_with_somebody(world)
        await chat.says(mara, "a")
        assert await ids(bot) == [1]
        await bot.set_webhook(f"{receiver.url}/hook")
        await brought(world)
        assert receiver.took == [(1, "a")]
        with pytest.raises(BadRequest, match="an https url must be provided"):
            await bot.set_webhook("http://bot.example/hook")


@pytest.mark.filterwarnings("ignore:Deprecated since version v22.2")  # retry_after as a timedelta
@pytest.mark.proves("telegram_fake.webhook")
async def test_a_webhook_is_set_no_more_than_once_a_second() -> None:
    async with hooked() as (bot, _world, receiver):
        with pytest.raises(RetryAfter):
            await bot.set_webhook(f"{receiver.url}/hook")
