"""Telegram as the settings want it."""

import sys
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from adapters.hooks import Hooks
from bot.app import App
from bot.page import PAGE, on_the_page
from bot.settings import Settings
from bot.shelf import StoreShelf, content, slash_words
from orchestrator.errors import SettingsInvalid
from orchestrator.roles import acting_with
from orchestrator.words import languages, speaking

if TYPE_CHECKING:
    from adapters.telegram.channel import Telegram
    from adapters.telegram.webhook import Webhook


def telegram_of(settings: Settings, app: App, hooks: Hooks | None = None) -> "Telegram":
    """The Telegram bot of the settings. Raises SettingsInvalid."""
    try:
        from adapters.telegram.channel import Telegram  # noqa: PLC0415 - only who uses it needs its packages
    except ImportError as missing:
        raise SettingsInvalid(
            f"Telegram needs a package: pip install '.[telegram]' in Errand's folder ({missing.name})"
        ) from None
    assert settings.telegram_token is not None
    return Telegram(
        settings.telegram_token.get_secret_value(),
        StoreShelf(app.store, Telegram.name),
        api=settings.telegram_api.rstrip("/"),
        people=settings.telegram_people.split(","),
        context=settings.telegram_context,
        rich=settings.telegram_rich,
        rate=settings.telegram_rate,
        webhook=_webhook(settings, hooks),
        menu=_menu(settings, app),
        read_file=partial(content, app),
        code_for_nobody=_tell_code,
    )


def _webhook(settings: Settings, hooks: Hooks | None) -> "Webhook | None":
    from adapters.telegram.webhook import Webhook  # noqa: PLC0415 - as above

    if not settings.telegram_webhook_url:
        return None
    if settings.telegram_webhook_secret is None:
        raise SettingsInvalid("telegram_webhook_url needs telegram_webhook_secret: letters, digits, - and _")
    secret = settings.telegram_webhook_secret.get_secret_value()
    if settings.telegram_webhook_listen == PAGE:
        return Webhook(settings.telegram_webhook_url, secret, hooks=on_the_page(settings, hooks))
    host, _, port = settings.telegram_webhook_listen.rpartition(":")
    if not port.isdecimal():
        raise SettingsInvalid(
            f"telegram_webhook_listen is {settings.telegram_webhook_listen!r}; write 127.0.0.1:8443, or page"
        )
    return Webhook(settings.telegram_webhook_url, secret, host or "127.0.0.1", int(port))


def _tell_code(code: str, bot: str) -> None:
    """Tell the operator how the first person comes in."""
    link = f"https://t.me/{bot}?start={code}"
    sys.stderr.write(f"Telegram: nobody may talk to @{bot} yet. Open {link} within the hour.\n")


def _menu(settings: Settings, app: App) -> Mapping[str, Sequence[tuple[str, str]]]:
    menu = {}
    for code in languages():
        with speaking(code), acting_with(app.people.rules.rights("member")):
            menu[code] = slash_words(app)
    return menu
