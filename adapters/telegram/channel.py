"""Telegram as a channel: what people do there comes in, once, and what they are to see goes out."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection
from types import TracebackType
from typing import Self, TypeVar

from telegram import Bot
from telegram.error import InvalidToken, TelegramError

from adapters.asked import OpenQuestions
from adapters.base import ChannelClosed, FileRefused, Shelf
from adapters.telegram.arrivals import Arrivals
from adapters.telegram.door import Door
from adapters.telegram.errors import as_delivery_error
from adapters.telegram.finals import ReadFile
from adapters.telegram.inbound import Me
from adapters.telegram.menu import Menu, show_commands
from adapters.telegram.over_aiohttp import AiohttpRequest
from adapters.telegram.pacing import RATE, Pacer
from adapters.telegram.polling import UNKNOWN_TOKEN, poll
from adapters.telegram.sending import Sender
from adapters.telegram.showing import Showing
from adapters.telegram.webhook import Webhook, listen
from orchestrator.messages import Accept, Address, Attachment, Delivery, Live
from orchestrator.words import say

log = logging.getLogger(__name__)
T = TypeVar("T")
logging.getLogger("telegram.Bot").setLevel(logging.INFO)  # below that it writes addresses, and the token is in them

API = "https://api.telegram.org"
FILE_BYTES = 20_000_000  # that a bot may fetch (Bot API, getFile)
CONNECTIONS = 100
LONGEST_PAUSE = 30.0


class Telegram:
    """A bot. Use it as a context manager around everything that may still deliver.

    `people` are those who may talk to it without a code, "*" is everybody. `code_for_nobody` hears a code that lets
    the first person in, and the bot's name, where nobody is in yet. `rate` is messages a second over all chats.
    """

    name = "telegram"

    def __init__(
        self,
        token: str,
        shelf: Shelf,
        *,
        api: str = API,
        people: Collection[str] = (),
        context: int = 0,
        rich: bool = True,
        rate: int = RATE,
        webhook: Webhook | None = None,
        menu: Menu | None = None,
        read_file: ReadFile,
        code_for_nobody: Callable[[str, str], None] = lambda code, bot: None,
    ) -> None:
        self._shelf = shelf
        self._context = context
        self._webhook = webhook
        self._menu = menu or {}
        self._code_for_nobody = code_for_nobody
        self._requests = AiohttpRequest(CONNECTIONS), AiohttpRequest(2)  # so that a poll never waits for a message
        sending, polling = self._requests
        self._bot = Bot(
            token,
            base_url=f"{api}/bot",
            base_file_url=f"{api}/file/bot",
            request=sending,
            get_updates_request=polling,
        )
        self._door = Door(shelf, people)
        self._sender = Sender(self._bot, Pacer(rate=rate), moved=self._moved)
        self._sender.has_rich = rich
        self._tasks = asyncio.TaskGroup()
        self._questions = OpenQuestions(shelf)
        self._showing = Showing(self._sender, shelf, self._tasks, questions=self._questions, read_file=read_file)
        self._arrivals: Arrivals | None = None

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        for request in self._requests:
            await request.initialize()
        await self._door.open()
        await self._showing.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._showing.end()
        await self._tasks.__aexit__(None, None, None)
        for request in self._requests:
            await request.shutdown()

    async def run(self, accept: Accept) -> None:
        """Listen until cancelled. Raises ChannelClosed where Telegram does not know the token."""
        me = Me.of(await _reached(self._bot.get_me))
        async with asyncio.TaskGroup() as tasks:
            arrivals = self._arrivals = Arrivals(
                self._bot,
                me,
                shelf=self._shelf,
                questions=self._questions,
                door=self._door,
                sender=self._sender,
                showing=self._showing,
                accept=accept,
                tasks=tasks,
                context=self._context,
            )
            await arrivals.open()
            await self._show_menu()
            if self._door.is_nobody_in and (code := await self._door.new_code()):
                self._code_for_nobody(code, me.username)
            if self._webhook:
                await listen(self._bot, lambda update: arrivals.take([update]), self._webhook)
            else:
                await _reached(self._bot.delete_webhook)
                await poll(self._bot, arrivals.take)

    async def show(self, address: Address, turn: str, part: Live) -> None:
        await self._showing.show(address, turn, part)

    async def deliver(self, delivery: Delivery) -> None:
        await self._showing.deliver(delivery)

    async def fetch(self, attachment: Attachment) -> bytes:
        """The content of a file that was sent to the bot. Raises FileRefused, DeliveryError."""
        if attachment.size and attachment.size > FILE_BYTES:
            size, limit = round(attachment.size / 1e6), FILE_BYTES // 10**6
            raise FileRefused(
                say(
                    "I could not take {name}: it has {size} MB, and I can take {limit} MB here.",
                    name=attachment.name,
                    size=size,
                    limit=limit,
                )
            )
        try:
            file = await self._bot.get_file(attachment.ref)
            return bytes(await file.download_as_bytearray())
        except TelegramError as error:
            raise as_delivery_error(error) from None

    async def _show_menu(self) -> None:
        try:
            await show_commands(self._bot, self._menu)
        except TelegramError as error:
            log.warning("the menu of commands is not up to date", extra={"reason": str(error)})

    async def _moved(self, old: int, new: int) -> None:
        if self._arrivals:
            await self._arrivals.moved(old, new)


async def _reached(ask: Callable[[], Awaitable[T]]) -> T:
    """What Telegram says to this. Where it cannot be reached yet, it is waited for. Raises ChannelClosed."""
    pause = 1.0
    while True:
        try:
            return await ask()
        except InvalidToken:
            raise ChannelClosed(UNKNOWN_TOKEN) from None
        except TelegramError as error:
            log.warning("Telegram cannot be reached", extra={"reason": str(error), "again_in_seconds": pause})
        await asyncio.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE)
