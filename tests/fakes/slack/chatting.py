"""Messages of the app: chat.postMessage and what belongs to it."""

from typing import Any

from tests.fakes.slack.calls import (
    LONGEST_BLOCKS,
    LONGEST_MARKDOWN,
    LONGEST_TEXT,
    LONGEST_UPDATE,
    Asked,
    message_of,
    open_room,
    room_of,
    serves,
    thread_of,
    wanted,
)
from tests.fakes.slack.limits import message_problems, size, tables
from tests.fakes.slack.people import Wire
from tests.fakes.slack.refusals import Refused, explained
from tests.fakes.slack.rooms import Room, Shown
from tests.fakes.slack.state import APP_ID, State


@serves("chat.postMessage", "chat:write")
def post_message(state: State, asked: Asked) -> Wire:
    wanted(asked, "channel")
    room = open_room(state, asked)
    where = threaded(state, room, asked)
    shown = state.post(room, authored(state, asked) | where | content(state, asked))
    if where:
        room.session(where["thread_ts"]).status = ""
    state.events.said(shown)
    return {"channel": room.id, "ts": shown.ts, "message": dict(shown.wire)}


@serves("chat.update", "chat:write")
def update(state: State, asked: Asked) -> Wire:
    wanted(asked, "channel", "ts")
    room = room_of(state, asked)
    shown = own_message(room.messages.get(asked["ts"]), asked, "cant_update_message")
    if shown.is_streaming:
        raise Refused("streaming_state_conflict")
    if len(asked["text"] or "") > LONGEST_UPDATE:
        raise Refused("msg_too_long")
    before = dict(shown.wire)
    changed = content(state, asked)
    shown.stream = None
    kept = {name: value for name, value in before.items() if name not in ("blocks", "text", "attachments")}
    if "blocks" not in changed and asked["text"] is None:
        kept = before
    edited = {} if asked["blocks"] else {"edited": {"user": asked.bot.id, "ts": state.next_ts()}}
    shown.wire = kept | changed | edited
    state.changed(shown)
    state.events.edited(shown, before)
    return {"channel": room.id, "ts": shown.ts, "text": shown.fallback(), "message": dict(shown.wire)}


@serves("chat.delete", "chat:write")
def delete(state: State, asked: Asked) -> Wire:
    wanted(asked, "channel", "ts")
    room = room_of(state, asked)
    shown = own_message(room.messages.get(asked["ts"]), asked, "cant_delete_message")
    if shown.is_streaming:
        raise Refused("cant_delete_message")
    shown.deleted = True
    state.changed(shown)
    state.events.deleted(shown)
    return {"channel": room.id, "ts": shown.ts}


@serves("chat.postEphemeral", "chat:write")
def post_ephemeral(state: State, asked: Asked) -> Wire:
    wanted(asked, "channel", "user")
    room = open_room(state, asked)
    if asked["user"] not in room.members:
        raise Refused("user_not_in_channel")
    said = authored(state, asked) | threaded(state, room, asked) | content(state, asked)
    shown = state.post(room, said | {"is_ephemeral": True}, ephemeral_for=asked["user"])
    return {"message_ts": shown.ts}


@serves("chat.getPermalink")
def permalink(state: State, asked: Asked) -> Wire:
    wanted(asked, "channel", "message_ts")
    shown = message_of(room_of(state, asked), asked["message_ts"])
    return {"channel": shown.room.id, "permalink": f"{state.url}/archives/{shown.room.id}/p{shown.ts.replace('.', '')}"}


def own_message(shown: Shown | None, asked: Asked, error: str) -> Shown:
    """A message of this app. Raises Refused."""
    if shown is None or shown.deleted:
        raise Refused("message_not_found")
    if shown.sender != asked.bot.id:
        raise Refused(error)
    return shown


def authored(state: State, asked: Asked) -> Wire:
    """Who says it: always the app."""
    bot = asked.bot
    icons = {f"image_{size}": f"{state.url}/icon.png" for size in (36, 48, 72)}
    profile = {"id": bot.bot_id, "app_id": APP_ID, "name": bot.name, "deleted": False, "team_id": bot.team_id}
    profile |= {"icons": icons, "updated": 1700000000}
    who: Wire = {"user": bot.id, "bot_id": bot.bot_id, "app_id": APP_ID, "team": bot.team_id, "bot_profile": profile}
    return who | ({"username": asked["username"]} if asked["username"] else {})


def threaded(state: State, room: Room, asked: Asked) -> Wire:
    """Where it stands. Raises Refused."""
    thread = thread_of(room, asked)
    return placed(state, room, thread, broadcast=bool(asked["reply_broadcast"])) if thread else {}


def placed(state: State, room: Room, thread: str, *, broadcast: bool) -> Wire:
    """In a thread, and shown in the channel too where it is broadcast."""
    if not broadcast:
        return {"thread_ts": thread}
    root = told(room.messages[thread])
    return {"thread_ts": thread, "subtype": "thread_broadcast", "root": root, "client_msg_id": state.new_id("m")}


def told(shown: Shown) -> Wire:
    """A message as history tells it: a root says how many answers it has."""
    wire = dict(shown.wire) | ({"blocks": shown.blocks} if shown.blocks else {})
    answers = [each for each in shown.room.in_thread(shown.ts) if each is not shown]
    if not answers or shown.thread_ts not in (None, shown.ts):
        return wire
    people = sorted({each.sender for each in answers})
    about = {"thread_ts": shown.ts, "reply_count": len(answers), "latest_reply": answers[-1].ts}
    return wire | about | {"reply_users": people, "reply_users_count": len(people)}


def content(state: State, asked: Asked) -> Wire:
    """What it says. Raises Refused."""
    text, markdown, blocks = asked["text"], asked["markdown_text"], asked["blocks"]
    if markdown is not None and (text is not None or blocks is not None):
        raise explained("markdown_text_conflict", "markdown_text goes neither with text nor with blocks")
    if not (text or markdown or blocks or asked["attachments"]):
        raise Refused("no_text")
    if len(text or "") > LONGEST_TEXT or len(markdown or "") > LONGEST_MARKDOWN:
        raise Refused("msg_too_long")
    said: Wire = {"text": text or markdown or ""}
    if blocks is not None:
        said["blocks"] = checked_blocks(state, blocks)
    if markdown:
        said["blocks"] = checked_blocks(state, [{"type": "markdown", "text": markdown}])
    return said | {name: asked[name] for name in ("attachments", "metadata") if asked[name]}


def checked_blocks(state: State, blocks: Any) -> list[Wire]:
    """Blocks with their ids. Raises Refused for those that Slack does not take."""
    problems = message_problems(blocks)
    if problems:
        raise explained("invalid_blocks", *problems)
    if tables(blocks) > 1:
        raise explained("invalid_attachments", "only_one_table_allowed")
    markdown = [each for each in blocks if each["type"] == "markdown"]
    if size(blocks) > LONGEST_BLOCKS or size(markdown) > LONGEST_MARKDOWN:
        raise Refused("msg_blocks_too_long")
    return with_ids(state, blocks)


def with_ids(state: State, blocks: list[Wire]) -> list[Wire]:
    """Slack gives an id to every block that has none."""
    return [{"block_id": state.new_id("b"), **each} for each in blocks]
