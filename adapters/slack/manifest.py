"""The manifest of the Slack app: what it may do, what it hears of, and how it shows itself."""

from typing import Any

EVENTS, INSTALL, INSTALLED = "/slack/events", "/slack/install", "/slack/oauth_redirect"  # paths in HTTP mode
ABOUT = "errand_ask_about"  # the id of the message shortcut, and of its dialog
SCOPES = (
    "app_mentions:read",
    "assistant:write",
    "channels:history",
    "channels:read",
    "chat:write",
    "commands",
    "files:read",
    "files:write",
    "groups:history",
    "groups:read",
    "im:history",
    "im:read",
    "im:write",
    "mpim:history",
    "mpim:read",
    "users:read",
)
EVENT_TYPES = (
    "agent_session_stopped",
    "app_home_opened",
    "app_mention",
    "app_uninstalled",
    "message.channels",
    "message.groups",
    "message.im",
    "message.mpim",
    "tokens_revoked",
)
USAGE = "[ask ... | new | why | stop | status | usage | help]"


def manifest(*, name: str = "Errand", public: str = "", installs: bool = False) -> dict[str, Any]:
    """A manifest for api.slack.com/apps, From a manifest. Without a `public` address it is for Socket Mode; with
    `installs` several workspaces can install it there."""
    about = "Answers, asks, and shows a plan before it acts."
    events = f"{public.rstrip('/')}{EVENTS}"
    address = {"url": events} if public else {}
    interactivity = {"is_enabled": True, **({"request_url": events} if public else {})}
    subscriptions = {"bot_events": list(EVENT_TYPES), **({"request_url": events} if public else {})}
    oauth: dict[str, Any] = {"scopes": {"bot": list(SCOPES)}}
    if installs:
        oauth["redirect_urls"] = [f"{public.rstrip('/')}{INSTALLED}"]
    return {
        "display_information": {"name": name, "description": about},
        "features": {
            "app_home": {
                "home_tab_enabled": False,
                "messages_tab_enabled": True,
                "messages_tab_read_only_enabled": False,
            },
            "agent_view": {"agent_description": about},
            "bot_user": {"display_name": name, "always_online": True},
            "shortcuts": [
                {
                    "name": f"Ask {name} about this",
                    "type": "message",
                    "callback_id": ABOUT,
                    "description": "Ask a question about a message, in private",
                }
            ],
            "slash_commands": [
                {
                    "command": f"/{name.casefold()}",
                    "description": "Ask, or steer what runs",
                    "usage_hint": USAGE,
                    "should_escape": True,
                    **address,
                }
            ],
        },
        "oauth_config": oauth,
        "settings": {
            "event_subscriptions": subscriptions,
            "interactivity": interactivity,
            "org_deploy_enabled": installs,
            "socket_mode_enabled": not public,
            "token_rotation_enabled": False,
        },
    }
