"""Updates by long polling: they are taken in, which makes them durable, and only then confirmed."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

from telegram import Bot, Update
from telegram.error import Conflict, InvalidToken, RetryAfter, TelegramError

from adapters.base import ChannelClosed
from adapters.telegram.errors import seconds_of

log = logging.getLogger(__name__)

POLL_SECONDS = 50  # as long as Telegram holds a poll at most
STALE_SECONDS = 80.0  # without an answer: the connection is dead, and nobody has told us
LONGEST_PAUSE = 30.0
CONFLICT_PAUSE = 10.0  # seconds, and so many more at each further time: the other poll ends within 30
LONGEST_CONFLICT_PAUSE = 60.0
UNKNOWN_TOKEN = "Telegram does not know this token: take it from @BotFather anew (setting telegram_token)."  # noqa: S105
WANTED = [
    "message",
    "edited_message",
    "callback_query",
    "my_chat_member",
    "stopped_message_generation",  # Bot API 10.3; a server that does not know it leaves it out
]

Take = Callable[[Sequence[Update]], Awaitable[None]]
"""Make updates durable. Where it raises, they come again."""


async def poll(bot: Bot, take: Take, *, seconds: int = POLL_SECONDS) -> None:
    """Take updates in, for ever. Trouble that may pass is waited out. Raises ChannelClosed."""
    offset: int | None = None
    troubles = 0
    while True:
        try:
            async with asyncio.timeout(seconds + STALE_SECONDS - POLL_SECONDS):
                updates = await bot.get_updates(
                    offset=offset, timeout=seconds, allowed_updates=WANTED, read_timeout=seconds + 15
                )
        except InvalidToken:
            raise ChannelClosed(UNKNOWN_TOKEN) from None
        except (TelegramError, TimeoutError) as error:
            troubles += 1
            pause = _pause(error, troubles)
            log.warning("no updates from Telegram", extra={"reason": str(error), "again_in_seconds": pause})
            await asyncio.sleep(pause)
            continue
        try:
            await take(updates)
        except Exception:  # an edge: what could not be taken comes again, as it is not confirmed
            if (task := asyncio.current_task()) and task.cancelling():  # a group of errors hides that it is over
                raise asyncio.CancelledError from None
            troubles += 1
            log.exception("updates were not taken")
            await asyncio.sleep(_pause(None, troubles))
            continue
        troubles = 0
        if updates:
            offset = updates[-1].update_id + 1


def _pause(error: Exception | None, troubles: int) -> float:
    if isinstance(error, Conflict):
        return min(CONFLICT_PAUSE * troubles, LONGEST_CONFLICT_PAUSE)
    if isinstance(error, RetryAfter):
        return seconds_of(error)
    return min(0.5 * 2.0 ** min(troubles - 1, 10), LONGEST_PAUSE)
