"""What Slack's refusals mean, by its own words for them (docs.slack.dev, the errors of each method)."""

import asyncio
from collections.abc import Awaitable
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from adapters.base import DeliveryError

PLACE_GONE = {
    "app_not_installed",
    "channel_not_found",
    "not_in_channel",
    "user_not_in_channel",
    "is_archived",
    "is_inactive",
    "user_disabled",
    "thread_not_found",
    "cannot_reply_to_message",
    "messages_tab_disabled",
}
RESTRICTED = "restricted_action"  # with what all refusals begin that are a setting of the channel
TOKEN = {"invalid_auth", "not_authed", "token_revoked", "token_expired", "account_inactive"}
FORM = {
    "invalid_blocks",
    "invalid_blocks_format",
    "invalid_chunks",
    "msg_too_long",
    "msg_blocks_too_long",
    "too_many_attachments",
    "invalid_arguments",
    "invalid_metadata_format",
}
FILE_REFUSED = {
    "blocked_file_type",
    "file_upload_size_restricted",
    "file_uploads_disabled",
    "file_uploads_except_images_disabled",
    "malware_detected",
    "posting_to_channel_denied",
    "storage_limit_reached",
}
MESSAGE_GONE = {"message_not_found", "cant_update_message", "edit_window_closed", "thread_not_found"}
MISSING = {"unknown_method", "feature_not_enabled", "method_deprecated", "not_allowed_token_type", "access_denied"}
SERVER = {"internal_error", "fatal_error", "request_timeout", "service_unavailable"}
FAILURES = (SlackClientError, TimeoutError, aiohttp.ClientError, asyncio.IncompleteReadError, OSError)
DONE_ALREADY = {"message_not_in_streaming_state", "already_reacted", "no_reaction"}


class SlackTrouble(Exception):
    """Slack has not done it. `code` is its word for why, or ours where it said nothing.

    `seconds` is how long it wants to be left alone; `unclear` says that it may have done it all the same.
    """

    def __init__(self, code: str, *, seconds: float | None = None, unclear: bool = False, detail: str = "") -> None:
        super().__init__(f"{code} ({detail})" if detail else code)
        self.code = code
        self.seconds = seconds
        self.unclear = unclear

    @property
    def may_pass(self) -> bool:
        """Whether the same call is to be made again, or its outcome looked for."""
        return self.unclear or self.seconds is not None

    @property
    def is_about_form(self) -> bool:
        """Whether the same words in plain text may be taken."""
        return self.code in FORM

    @property
    def is_message_gone(self) -> bool:
        return self.code in MESSAGE_GONE

    @property
    def is_missing_feature(self) -> bool:
        """Whether this workspace, or this app, does not have what was asked for."""
        return self.code in MISSING or self.code == "missing_scope"

    @property
    def is_file_refused(self) -> bool:
        """Whether the workspace does not want this file, now or later."""
        return self.code in FILE_REFUSED

    @property
    def is_place_gone(self) -> bool:
        return self.code in PLACE_GONE or self.code.startswith(RESTRICTED)


async def answer_to(request: Awaitable[AsyncSlackResponse]) -> dict[str, Any]:
    """What Slack answers. Raises SlackTrouble."""
    try:
        response = await request
    except FAILURES as error:
        raise trouble_of(error) from None
    data = response.data
    return data if isinstance(data, dict) else {}


def trouble_of(error: Exception) -> SlackTrouble:
    """What a failed request means."""
    match error:
        case SlackApiError():
            return _refused(error)
        case TimeoutError():
            return SlackTrouble("timeout", unclear=True)
        case aiohttp.ClientConnectorError():
            return SlackTrouble("unreachable", detail=type(error).__name__)
    return SlackTrouble("broken connection", unclear=True, detail=type(error).__name__)


def _refused(error: SlackApiError) -> SlackTrouble:
    response: Any = error.response
    data = response.data if isinstance(response.data, dict) else {}
    code = str(data.get("error", "") or response.status_code)
    if response.status_code == 429:
        return SlackTrouble("ratelimited", seconds=_seconds(response.headers))
    messages = (data.get("response_metadata") or {}).get("messages") or ()
    needed = f"needs {data['needed']}" if data.get("needed") else ""
    unclear = response.status_code >= 500 or code in SERVER
    return SlackTrouble(code, unclear=unclear, detail="; ".join(filter(None, (needed, *map(str, messages)))))


def _seconds(headers: Any) -> float:
    known = {str(name).lower(): value for name, value in headers.items()}
    value = known.get("retry-after", "1")
    text = value[0] if isinstance(value, list) else value
    return max(float(text), 0.0) if str(text).replace(".", "", 1).isdecimal() else 1.0


def as_delivery_error(trouble: SlackTrouble) -> DeliveryError:
    """The same for the core, in words that name the fix where the operator can do something."""
    fix = ""
    if trouble.code in TOKEN:
        fix = "; take the bot token anew from api.slack.com/apps, OAuth & Permissions (setting slack_bot_token)"
    elif trouble.code == "missing_scope":
        fix = "; add the scope at api.slack.com/apps, OAuth & Permissions, and install the app again"
    gone = trouble.is_place_gone or trouble.is_about_form
    return DeliveryError(f"Slack: {trouble}{fix}", retry_after_seconds=trouble.seconds, gone=gone)
