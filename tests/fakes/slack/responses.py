"""What the app says without a token: by a response URL, or with an acknowledgement."""

from typing import Any

from tests.fakes.slack import schema
from tests.fakes.slack.calls import Asked
from tests.fakes.slack.chatting import authored, content
from tests.fakes.slack.deliveries import Delivery
from tests.fakes.slack.people import Wire
from tests.fakes.slack.refusals import Refused
from tests.fakes.slack.rooms import Shown
from tests.fakes.slack.state import ResponseUrl, State

OWN = ("response_type", "replace_original", "delete_original", "thread_ts", "unfurl_links", "unfurl_media", "metadata")
TAKES = frozenset((*OWN, "text", "blocks", "attachments", "mrkdwn", "markdown_text"))


def respond(state: State, key: str, given: Wire) -> Shown | None:
    """Do what is asked by a response URL. Raises Refused."""
    url = state.response_urls.get(key)
    if url is None:
        raise Refused("not_found", status=404)
    if state.clock() - url.issued_at > state.limits.response_seconds:
        raise Refused("expired_url", status=404)
    if url.uses >= state.limits.response_uses:
        raise Refused("used_url", status=404)
    url.uses += 1
    state.problems += [f"response_url: {name}: unknown" for name in given if name not in TAKES]
    return _said(state, url, given)


def answer_command(state: State, delivery: Delivery, said: Any) -> Shown | None:
    """What an acknowledgement of a command says, at once."""
    key = str(delivery.body["response_url"]).split("/response/")[1]
    url = state.response_urls[key]
    return _said(state, url, said) if isinstance(said, dict) and (said.get("text") or said.get("blocks")) else None


def _said(state: State, url: ResponseUrl, given: Wire) -> Shown | None:
    shown = _changed_or_posted(state, url, given)
    if shown:
        url.answers.append(shown)
        state.changes.tell()
    return shown


def _changed_or_posted(state: State, url: ResponseUrl, given: Wire) -> Shown | None:
    install = state.teams[url.room.team_id].install
    asked = Asked("chat.postMessage", given, install)
    message = url.message
    if given.get("delete_original") and message:
        message.deleted = True
        state.changed(message)
        return None
    said = content(state, asked)
    if given.get("blocks"):
        state.problems += _schema_problems(given)
    if given.get("replace_original") and message:
        before = dict(message.wire)
        message.wire = {name: value for name, value in before.items() if name != "blocks"} | said
        state.changed(message)
        if not message.ephemeral_for:
            state.events.edited(message, before)
        return message
    public = given.get("response_type") == "in_channel"
    thread = given.get("thread_ts") or url.thread
    wire = authored(state, asked) | said | ({"thread_ts": thread} if thread else {})
    shown = state.post(url.room, wire, ephemeral_for=None if public else url.owner)
    if public:
        state.events.said(shown)
    return shown


def _schema_problems(given: Wire) -> list[str]:
    if schema.why_not():
        return []
    return [f"response_url: {each}" for each in schema.schemas().block_problems(given)]
