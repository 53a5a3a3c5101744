"""`errand health`: whether the Errand of these settings serves, as a container's health check asks."""

from http.client import HTTPConnection, HTTPException
from ipaddress import ip_address

from adapters.base import ChannelClosed
from bot.settings import Settings
from orchestrator.errors import SettingsInvalid

SECONDS = 3.0  # that the answer may take
LOOPBACK = {4: "127.0.0.1", 6: "::1"}


def health(settings: Settings) -> str:
    """What its page says of itself. Raises SettingsInvalid where there is no page to ask, ChannelClosed where the page
    is not well."""
    if not settings.web or not settings.web_port:
        raise SettingsInvalid("health asks the page: it needs web=true, and a web_port that is not 0.")
    host, port = _reached_at(settings.web_host), settings.web_port
    asked = HTTPConnection(host, port, timeout=SECONDS)
    try:
        asked.request("GET", "/healthz")
        answer = asked.getresponse()
        said = answer.read(200).decode(errors="replace").strip()
    except (OSError, HTTPException) as error:
        raise ChannelClosed(f"Nothing answers at {host}:{port}: {error}. Is `errand serve` running?") from None
    finally:
        asked.close()
    if answer.status != 200:
        raise ChannelClosed(f"{host}:{port} says {answer.status}: {said}")
    return said


def _reached_at(host: str) -> str:
    """Where this machine itself reaches what listens there: one that listens everywhere is on the loopback too."""
    try:
        address = ip_address(host)
    except ValueError:
        return host
    return LOOPBACK[address.version] if address.is_unspecified else host
