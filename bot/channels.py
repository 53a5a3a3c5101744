"""The channels that the settings ask for, and the page beside them."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

from adapters.base import Adapter
from adapters.hooks import Hooks
from adapters.lines import Lines
from bot.app import App
from bot.on_slack import slack_of
from bot.on_telegram import telegram_of
from bot.settings import Settings

if TYPE_CHECKING:
    from adapters.web.channel import Web


@asynccontextmanager
async def channels_of(
    settings: Settings, app: App, *, lines: bool, live: bool, hooks: Hooks | None = None
) -> AsyncIterator[Sequence[Adapter]]:
    """What is to be served: Telegram and Slack where they have tokens; JSON lines where they are wanted, or there is
    nothing else, not even the page. `hooks` are those of the page's server.

    Raises SettingsInvalid.
    """
    async with AsyncExitStack() as open_channels:
        channels: list[Adapter] = []
        if settings.telegram_token:
            channels.append(await open_channels.enter_async_context(telegram_of(settings, app, hooks)))
        if settings.slack_bot_token or settings.slack_client_id:
            channels.append(await open_channels.enter_async_context(slack_of(settings, app, hooks)))
        if lines or not (channels or settings.web):
            channels.append(await Lines.on_standard_streams(live=live))
        yield channels


@asynccontextmanager
async def page_of(settings: Settings, app: App, hooks: Hooks | None = None) -> AsyncIterator["Web | None"]:
    """The web page with the HTTP API, listening; None where it is not wanted. Raises SettingsInvalid, ChannelClosed."""
    if not settings.web:
        yield None
        return
    from bot.on_api import api_of  # noqa: PLC0415 - only who uses it needs its packages
    from bot.on_web import web_of  # noqa: PLC0415 - as above

    async with web_of(settings, app, api=api_of(settings, app), hooks=hooks) as page:
        yield page
