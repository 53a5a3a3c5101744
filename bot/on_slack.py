"""Slack as the settings want it."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

from pydantic import SecretStr

from adapters.hooks import Hooks
from bot.app import App
from bot.page import PAGE, on_the_page
from bot.settings import Settings
from bot.shelf import StoreShelf, content, slash_words
from orchestrator.errors import SettingsInvalid

if TYPE_CHECKING:
    from adapters.slack.channel import Slack
    from adapters.slack.http import Listen
    from adapters.slack.installations import Installs

NO_WAY_IN = (
    "slack_bot_token needs slack_app_token (xapp-..., for Socket Mode) or slack_signing_secret (for HTTP mode); "
    "`errand init slack` tells where both are."
)


@asynccontextmanager
async def slack_of(settings: Settings, app: App, hooks: Hooks | None = None) -> AsyncIterator["Slack"]:
    """The Slack app of the settings. Raises SettingsInvalid."""
    try:
        from adapters.slack.channel import Slack  # noqa: PLC0415 - only who uses it needs its packages
    except ImportError as missing:
        raise SettingsInvalid(
            f"Slack needs a package: pip install '.[slack]' in Errand's folder ({missing.name})"
        ) from None
    app_token, secret = _secret(settings.slack_app_token), _secret(settings.slack_signing_secret)
    if not (app_token or secret):
        raise SettingsInvalid(NO_WAY_IN)
    async with AsyncExitStack() as opened:
        installs = await _installs(settings, opened)
        channel = Slack(
            StoreShelf(app.store, Slack.name),
            token=_secret(settings.slack_bot_token),
            app_token=app_token,
            signing_secret=secret,
            at=_listen(settings, hooks) if secret else None,
            installs=installs,
            api=f"{settings.slack_api.rstrip('/')}/",
            people=settings.slack_people.split(","),
            single=settings.slack_direct == "one",
            follows=settings.slack_follow,
            streams=settings.slack_streams,
            words=[name for name, _ in slash_words(app)],
            rate=settings.slack_rate,
            read_file=partial(content, app),
        )
        yield await opened.enter_async_context(channel)


async def _installs(settings: Settings, opened: AsyncExitStack) -> "Installs | None":
    if not settings.slack_client_id:
        return None
    from adapters.slack.installations import Installs  # noqa: PLC0415 - only who has several workspaces needs it

    if not (settings.slack_client_secret and settings.slack_signing_secret and settings.slack_public_url):
        raise SettingsInvalid("slack_client_id needs slack_client_secret, slack_signing_secret and slack_public_url.")
    installs = Installs(
        settings.slack_installs,
        client_id=settings.slack_client_id,
        client_secret=_secret(settings.slack_client_secret),
        public=settings.slack_public_url,
    )
    opened.callback(installs.close)
    await installs.open()
    return installs


def _listen(settings: Settings, hooks: Hooks | None) -> "Listen | Hooks":
    from adapters.slack.http import Listen  # noqa: PLC0415 - as above

    if settings.slack_listen == PAGE:
        return on_the_page(settings, hooks)
    host, _, port = settings.slack_listen.rpartition(":")
    if not port.isdecimal():
        raise SettingsInvalid(f"slack_listen is {settings.slack_listen!r}; write 127.0.0.1:3000, or page")
    return Listen(host or "127.0.0.1", int(port))


def _secret(value: SecretStr | None) -> str:
    return value.get_secret_value() if value else ""
