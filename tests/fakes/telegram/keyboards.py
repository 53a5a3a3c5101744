"""Buttons under a message, and what the server refuses of them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tests.fakes.telegram.refusals import bad_request

MOST_BUTTONS = 100
MOST_IN_A_ROW = 8
LONGEST_DATA = 64  # bytes
LONGEST_COPY_TEXT = 256
ACTIONS = (
    "callback_data",
    "url",
    "web_app",
    "login_url",
    "switch_inline_query",
    "switch_inline_query_current_chat",
    "switch_inline_query_chosen_chat",
    "copy_text",
    "callback_game",
    "pay",
    "disabled",
)

Markup = dict[str, Any]


def accepted(markup: Mapping[str, Any] | None) -> Markup | None:
    """The inline keyboard that a message has then; other keyboards are shown below the chat and kept nowhere."""
    if markup is None or "inline_keyboard" not in markup:
        return None
    rows: Sequence[Sequence[Mapping[str, Any]]] = markup["inline_keyboard"]
    if sum(map(len, rows)) > MOST_BUTTONS or any(len(row) > MOST_IN_A_ROW for row in rows):
        raise bad_request("reply markup is too long")
    for row in rows:
        for button in row:
            check_button(button)
    kept = [list(row) for row in rows if row]
    return {"inline_keyboard": kept} if kept else None


def check_button(button: Mapping[str, Any]) -> None:
    """Raises Refused."""
    if not button.get("text"):
        raise bad_request('can\'t parse inline keyboard button: Field "text" must be non-empty')
    actions = [action for action in ACTIONS if action in button]
    if not actions:
        raise bad_request("Text buttons are not allowed in the inline keyboard")
    if len(actions) > 1:
        raise bad_request("BUTTON_TYPE_INVALID")
    if "callback_data" in button and not 1 <= len(button["callback_data"].encode()) <= LONGEST_DATA:
        raise bad_request("BUTTON_DATA_INVALID")
    if "url" in button and "://" not in button["url"]:
        raise bad_request(f"inline keyboard button URL '{button['url']}' is invalid: Wrong HTTP URL")
    if "copy_text" in button and not 1 <= len(button["copy_text"]["text"]) <= LONGEST_COPY_TEXT:
        raise bad_request("BUTTON_COPY_TEXT_INVALID")


def buttons_of(markup: Mapping[str, Any] | None) -> Iterator[list[dict[str, Any]]]:
    """The rows of buttons."""
    for row in (markup or {}).get("inline_keyboard", ()):
        yield list(row)
