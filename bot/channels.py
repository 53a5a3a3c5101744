"""The channels that the settings ask for."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from adapters.base import Adapter
from adapters.lines import Lines
from bot.app import App
from bot.on_slack import slack_of
from bot.on_telegram import telegram_of
from bot.settings import Settings


@asynccontextmanager
async def channels_of(settings: Settings, app: App, *, lines: bool, live: bool) -> AsyncIterator[Sequence[Adapter]]:
    """What is to be served: Telegram and Slack where they have tokens; JSON lines where they are wanted, or there is
    nothing else.

    Raises SettingsInvalid.
    """
    async with AsyncExitStack() as open_channels:
        channels: list[Adapter] = []
        if settings.telegram_token:
            channels.append(await open_channels.enter_async_context(telegram_of(settings, app)))
        if settings.slack_bot_token or settings.slack_client_id:
            channels.append(await open_channels.enter_async_context(slack_of(settings, app)))
        if lines or not channels:
            channels.append(await Lines.on_standard_streams(live=live))
        yield channels
