"""Webhooks on the page's server."""

from adapters.hooks import Hooks
from bot.settings import Settings
from orchestrator.errors import SettingsInvalid

PAGE = "page"  # in place of an address to listen on


def on_the_page(settings: Settings, hooks: Hooks | None) -> Hooks:
    """The hooks of the page's server. Raises SettingsInvalid where there is none."""
    if hooks is None or not settings.web:
        raise SettingsInvalid("A webhook is to be on the page's server, and there is none: set web=true, or host:port.")
    return hooks
