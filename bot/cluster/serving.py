"""errand serve --cluster: one process of several."""

import gc
from contextlib import AsyncExitStack

from adapters.base import Adapter
from adapters.hooks import Hooks
from bot.app import build
from bot.channels import channels_of, page_of
from bot.cluster.member import Member
from bot.cluster.node import Node
from bot.settings import Settings

ALONE = "telegram"  # whose server answers only one process that asks for what is new


async def serve_part(settings: Settings, *, only: str | None, lines: bool, live: bool) -> None:
    """Listen in the channels of the settings, or `only` "work" off sessions, or both; until cancelled, or every
    channel has ended. Raises SettingsInvalid, StorageError, ChannelClosed."""
    member = Member(settings.database)
    async with AsyncExitStack() as parts:
        app = await parts.enter_async_context(build(settings, member=member, patient=only == "work"))
        channels: list[Adapter] = []
        if only != "work":
            hooks = Hooks()
            channels += await parts.enter_async_context(channels_of(settings, app, lines=lines, live=live, hooks=hooks))
            if page := await parts.enter_async_context(page_of(settings, app, hooks)):
                channels += page.channels
        node = Node(
            app,
            member,
            channels,
            alone=[] if settings.telegram_webhook_url else [ALONE],
            at_once=0 if only == "channels" else settings.cluster_sessions,
            drain_seconds=settings.drain_seconds,
        )
        gc.freeze()  # what is there now stays, and need not be looked through again
        await node.run()
