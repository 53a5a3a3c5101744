"""A call of the bot, and what most calls ask for: the chat, the topic, the message that is answered, the text."""

import html
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.fakes.telegram import entities, keyboards
from tests.fakes.telegram.refusals import bad_request, forbidden
from tests.fakes.telegram.state import BOT_ID, Room, Shown, State, Wire, without_reply

TAG = re.compile(r"<[^>]*>")
LONGEST_TEXT = 4096  # code points, after parsing (td's MessageContent.cpp, read 2026-11)
LONGEST_CAPTION = 1024
LONGEST_RAW = 32768  # bytes, before parsing (telegram-bot-api's Client.cpp, read 2026-11)


@dataclass(frozen=True)
class Upload:
    """A file that came with a call."""

    name: str
    data: bytes
    mime: str


@dataclass(frozen=True)
class Asked:
    """A call that is known and read: `given` are its parameters with their types."""

    method: str
    given: Mapping[str, Any]
    uploads: Mapping[str, Upload]

    def __getitem__(self, name: str) -> Any:
        return self.given.get(name)

    @property
    def chat(self) -> int:
        return chat if isinstance(chat := self["chat_id"], int) else 0


Serve = Callable[[State, Asked], Any]
SERVED: dict[str, Serve] = {}


def serves(method: str) -> Callable[[Serve], Serve]:
    """This function answers that method."""

    def served(function: Serve) -> Serve:
        SERVED[method] = function
        return function

    return served


def room_of(state: State, asked: Asked) -> Room:
    """The chat that a call names. Raises Refused where there is none, or it has moved."""
    chat = asked["chat_id"]
    if chat in (None, 0, ""):
        raise bad_request("chat_id is empty")
    room = state.rooms.get(chat) if isinstance(chat, int) else None
    if room is None and chat in state.users and chat != BOT_ID:
        raise forbidden("bot can't initiate conversation with a user")
    if room is None:
        raise bad_request("chat not found")
    if room.migrated_to:
        words = "group chat was upgraded to a supergroup chat"
        raise bad_request(words, migrate_to_chat_id=room.migrated_to)
    return room


def open_room(state: State, asked: Asked) -> Room:
    """A chat that the bot may write to. Raises Refused."""
    room = room_of(state, asked)
    if room.user and room.user.deactivated:
        raise forbidden("user is deactivated")
    if room.user and room.user.blocking:
        raise forbidden("bot was blocked by the user")
    status = room.members.get(BOT_ID, "left")
    if not room.user and status in ("kicked", "left"):
        words = "was kicked from" if status == "kicked" else "is not a member of"
        raise forbidden(f"bot {words} the {room.kind} chat")
    return room


def thread_of(room: Room, asked: Asked) -> int | None:
    """The topic that a call names. Raises Refused; the general topic has no number that messages could be sent to."""
    thread = asked["message_thread_id"]
    if thread is not None and thread not in room.topics:
        raise bad_request("message thread not found")
    return None if thread is None else int(thread)


def message_of(room: Room, number: Any, *, called: str) -> Shown:
    """A message that is still there. Raises Refused."""
    if number is None:
        raise bad_request("message identifier is not specified")
    shown = room.messages.get(number)
    if shown is None or shown.deleted:
        raise bad_request(f"{called} not found")
    return shown


def reply_of(room: Room, asked: Asked) -> Wire:
    """What a message says of the one that it answers. Raises Refused."""
    wanted = asked["reply_parameters"] or {"message_id": asked["reply_to_message_id"]}
    number = wanted.get("message_id")
    if number is None:
        return {}
    lenient = wanted.get("allow_sending_without_reply") or asked["allow_sending_without_reply"]
    answered = room.messages.get(number)
    if answered is None or answered.deleted:
        if lenient:
            return {}
        raise bad_request("message to be replied not found")
    reply: Wire = {"reply_to_message": without_reply(answered.wire)}
    if quote := wanted.get("quote"):
        if quote not in answered.text:
            raise bad_request("QUOTE_TEXT_INVALID")
        reply["quote"] = {"text": quote, "position": entities.units(answered.text.split(quote)[0]), "is_manual": True}
    return reply


def text_of(state: State, asked: Asked, *, empty: bool = False) -> Wire:
    """The text and its entities. Raises Refused."""
    text, marked = _words(state, asked, asked["text"], asked["entities"])
    if not text and not empty:
        raise bad_request("message text is empty")
    if len(text) > LONGEST_TEXT:
        raise bad_request("message is too long")
    return {"text": text} | ({"entities": marked} if marked else {})


def caption_of(state: State, asked: Asked | Mapping[str, Any]) -> Wire:
    """A caption and its entities. Raises Refused."""
    given = asked.given if isinstance(asked, Asked) else asked
    text, marked = _words(state, given, given.get("caption"), given.get("caption_entities"))
    if len(text) > LONGEST_CAPTION:
        raise bad_request("message caption is too long")
    if not text:
        return {}
    return {"caption": text} | ({"caption_entities": marked} if marked else {})


def markup_of(asked: Asked) -> Wire:
    """The keyboard under a message. Raises Refused."""
    markup = keyboards.accepted(asked["reply_markup"])
    return {"reply_markup": markup} if markup else {}


def _words(
    state: State, given: Mapping[str, Any] | Asked, text: str | None, marked: list[Wire] | None
) -> tuple[str, list[Wire]]:
    mode = given["parse_mode"] if isinstance(given, Asked) else given.get("parse_mode")
    if mode == "HTML" and not state.checked:  # for bots of others, in benchmarks: the words count, not the styles
        text = html.unescape(TAG.sub("", text or ""))
    elif mode:
        state.problems.append("parse_mode is not imitated here: send entities")
        raise bad_request("unsupported parse_mode")
    if len((text or "").encode()) > LONGEST_RAW:
        raise bad_request("text is too long")
    words, shown = entities.accepted(text or "", [each for each in marked or () if each])
    if len(shown) > entities.SHOWN_ENTITIES:
        state.problems.append(
            f"{len(shown)} entities in one message: those beyond {entities.SHOWN_ENTITIES} are not shown"
        )
    return words, shown[: entities.SHOWN_ENTITIES]
