"""What a client makes of what somebody types: mentions and links are marked, the rest is escaped."""

import html
import re
from collections.abc import Iterator

from tests.fakes.slack.people import Wire

MARKED = re.compile(r"<@(?P<user>[UW]\w+)>|<#(?P<channel>C\w+)(?:\|[^>]*)?>|(?P<link>https?://[^\s<>]+)")


def composed(text: str) -> tuple[str, list[Wire]]:
    """The text of the message, and the elements of its rich text. A mention is typed as `<@U...>`."""
    parts = list(_parts(text))
    return "".join(_plain(each) for each in parts), parts


def _parts(text: str) -> Iterator[Wire]:
    at = 0
    for found in MARKED.finditer(text):
        if found.start() > at:
            yield {"type": "text", "text": text[at : found.start()]}
        yield _marked(found)
        at = found.end()
    if at < len(text):
        yield {"type": "text", "text": text[at:]}


def _marked(found: re.Match[str]) -> Wire:
    if user := found["user"]:
        return {"type": "user", "user_id": user}
    if channel := found["channel"]:
        return {"type": "channel", "channel_id": channel}
    return {"type": "link", "url": found["link"]}


def _plain(part: Wire) -> str:
    match part["type"]:
        case "user":
            return f"<@{part['user_id']}>"
        case "channel":
            return f"<#{part['channel_id']}>"
        case "link":
            return f"<{part['url']}>"
        case _:
            return html.escape(part["text"], quote=False)
