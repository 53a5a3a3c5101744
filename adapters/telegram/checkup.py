"""What is to be looked at before a bot is put to work: its token, what it may read, and how updates reach it."""

from collections.abc import AsyncIterator

from telegram import Bot
from telegram.error import InvalidToken, TelegramError

from adapters.telegram.over_aiohttp import AiohttpRequest

Finding = tuple[str, bool, str]
"""What was looked at, whether it is well, and a sentence that names the fix where it is not."""


async def checkup(token: str, *, api: str, webhook: str, everybody: bool) -> AsyncIterator[Finding]:
    """The findings on a bot, live. `webhook` is the address that the settings want; empty for polling."""
    requests = AiohttpRequest(2), AiohttpRequest(1)
    bot = Bot(token, base_url=f"{api}/bot", request=requests[0], get_updates_request=requests[1])
    for request in requests:
        await request.initialize()
    try:
        async for finding in _findings(bot, webhook, everybody=everybody):
            yield finding
    except InvalidToken:
        yield "token", False, "Telegram does not know it. Take it from @BotFather anew (setting telegram_token)."
    except TelegramError as error:
        yield "server", False, f"{api} cannot be reached: {error.message}. Check the network, and telegram_api."
    finally:
        for request in requests:
            await request.shutdown()


async def _findings(bot: Bot, webhook: str, *, everybody: bool) -> AsyncIterator[Finding]:
    me = await bot.get_me()
    yield "token", True, f"it is @{me.username}'s"
    if me.can_read_all_group_messages:
        yield "groups", True, "privacy mode is off: it hears every message, and answers those that are for it"
    else:
        yield "groups", True, "privacy mode is on: it hears commands, mentions and replies (@BotFather, /setprivacy)"
    known = (await bot.get_webhook_info()).url
    if known == webhook:
        yield "updates", True, f"they come to {webhook}" if webhook else "they are polled"
    elif webhook:
        yield "updates", True, f"the webhook is set at the start; now it is {known or 'none'}"
    else:
        yield "updates", False, f"a webhook is set, {known}: the start takes it away, and another program loses it"
    who = "everybody may talk to it" if everybody else "only people who were named or invited may talk to it"
    yield "people", True, who
