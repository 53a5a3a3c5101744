"""What the bot does with messages that are there: edits, deletions, reactions, answers to presses."""

from telegram.constants import ReactionEmoji

from tests.fakes.telegram.calls import Asked, markup_of, message_of, open_room, room_of, serves, text_of
from tests.fakes.telegram.refusals import bad_request
from tests.fakes.telegram.rich import rich_of
from tests.fakes.telegram.state import BOT_ID, CALLBACK_SECONDS, Shown, State, Wire

DELETABLE_SECONDS = 48 * 3600
LONGEST_TOAST = 200
SAME = (
    "message is not modified: specified new message content and reply markup are exactly the same as a current "
    "content and reply markup of the message"
)
TOO_OLD = "query is too old and response timeout expired or query ID is invalid"
EMOJIS = frozenset(map(str, ReactionEmoji))


@serves("editMessageText")
def edit_message_text(state: State, asked: Asked) -> Wire:
    rich = rich_of(state, asked) if asked["rich_message"] is not None else None
    content = rich.content if rich else text_of(state, asked)
    shown = _own(state, asked)
    if not shown.wire.keys() & {"text", "rich_message"}:
        raise bad_request("there is no text in the message to edit")
    kept = _without(shown, "text", "entities", "rich_message", "reply_markup")
    html, plain = (rich.html, rich.plain) if rich else ("", "")
    return _change(state, shown, kept | content | markup_of(asked), html=html, plain=plain)


@serves("editMessageReplyMarkup")
def edit_message_reply_markup(state: State, asked: Asked) -> Wire:
    shown = _own(state, asked)
    wire = _without(shown, "reply_markup") | markup_of(asked)
    return _change(state, shown, wire, html=shown.html, plain=shown.plain)


@serves("deleteMessage")
def delete_message(state: State, asked: Asked) -> bool:
    room = open_room(state, asked)
    shown = message_of(room, asked["message_id"], called="message to delete")
    is_ours = shown.is_from_bot or room.is_private or room.members[BOT_ID] == "administrator"
    if not is_ours or state.clock() - shown.sent_at > DELETABLE_SECONDS:
        raise bad_request("message can't be deleted")
    shown.deleted = True
    state.changes.tell()
    return True


@serves("setMessageReaction")
def set_message_reaction(state: State, asked: Asked) -> bool:
    room = open_room(state, asked)
    shown = message_of(room, asked["message_id"], called="message to react")
    wanted = asked["reaction"] or []
    if len(wanted) > 1:
        raise bad_request("REACTIONS_TOO_MANY")
    if any(each.get("emoji") not in EMOJIS for each in wanted):
        raise bad_request("REACTION_INVALID")
    shown.reactions.pop(BOT_ID, None)
    if wanted:
        shown.reactions[BOT_ID] = wanted[0]["emoji"]
    state.changes.tell()
    return True


@serves("answerCallbackQuery")
def answer_callback_query(state: State, asked: Asked) -> bool:
    query = state.queries.get(asked["callback_query_id"] or "")
    if query is None or query.answered or state.clock() - query.at > CALLBACK_SECONDS:
        raise bad_request(TOO_OLD)
    if len(asked["text"] or "") > LONGEST_TOAST:
        raise bad_request("MESSAGE_TOO_LONG")
    query.answered, query.text, query.alert = True, asked["text"] or "", bool(asked["show_alert"])
    state.changes.tell()
    return True


def _own(state: State, asked: Asked) -> Shown:
    """A message that the bot may edit. Raises Refused."""
    if asked["inline_message_id"]:
        raise bad_request("MESSAGE_ID_INVALID")
    room = room_of(state, asked)
    shown = message_of(room, asked["message_id"], called="message to edit")
    open_room(state, asked)
    if not shown.is_from_bot:
        raise bad_request("message can't be edited")
    return shown


def _change(state: State, shown: Shown, wire: Wire, *, html: str, plain: str) -> Wire:
    if wire == _without(shown):
        raise bad_request(SAME)
    shown.change(wire | {"edit_date": int(state.clock())}, state.clock(), html=html, plain=plain)
    state.changes.tell()
    return shown.wire


def _without(shown: Shown, *names: str) -> Wire:
    return {name: value for name, value in shown.wire.items() if name not in (*names, "edit_date")}
