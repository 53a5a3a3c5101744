"""What the bot sends: messages, drafts, what it is doing, files."""

import struct
from collections.abc import Mapping
from typing import Any

from tests.fakes.telegram.calls import (
    Asked,
    Upload,
    caption_of,
    markup_of,
    open_room,
    reply_of,
    serves,
    text_of,
    thread_of,
)
from tests.fakes.telegram.refusals import Refused, bad_request
from tests.fakes.telegram.state import Draft, Revision, Room, State, StoredFile, Typing, Wire

ACTIONS = frozenset(
    "typing upload_photo record_video upload_video record_voice upload_voice upload_document choose_sticker "
    "find_location record_video_note upload_video_note".split()
)
PICTURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF8", b"RIFF")
FOLDERS = {"photo": "photos", "document": "documents", "voice": "voice", "audio": "music"}
ALBUM = range(2, 11)


@serves("sendMessage")
def send_message(state: State, asked: Asked) -> Wire:
    return post(state, asked, text_of(state, asked))


@serves("sendMessageDraft")
def send_message_draft(state: State, asked: Asked) -> bool:
    content = text_of(state, asked, empty=True)
    return write_draft(state, asked, content["text"])


@serves("sendChatAction")
def send_chat_action(state: State, asked: Asked) -> bool:
    if asked["action"] not in ACTIONS:
        raise bad_request("wrong parameter action in request")
    room = open_room(state, asked)
    room.typing.append(Typing(asked["action"], state.clock(), thread_of(room, asked)))
    state.changes.tell()
    return True


@serves("sendPhoto")
def send_photo(state: State, asked: Asked) -> Wire:
    return _send_file(state, asked, "photo")


@serves("sendDocument")
def send_document(state: State, asked: Asked) -> Wire:
    return _send_file(state, asked, "document")


@serves("sendVoice")
def send_voice(state: State, asked: Asked) -> Wire:
    return _send_file(state, asked, "voice")


@serves("sendAudio")
def send_audio(state: State, asked: Asked) -> Wire:
    return _send_file(state, asked, "audio")


@serves("sendMediaGroup")
def send_media_group(state: State, asked: Asked) -> list[Wire]:
    media = asked["media"] or []
    if len(media) not in ALBUM:
        raise bad_request("an album has 2 to 10 items")
    kinds = {each["type"] for each in media}
    if len(kinds - {"photo", "video"}) and len(kinds) > 1:
        raise bad_request("documents and audio can't be mixed with other media in an album")
    contents = [_content(state, asked, each["type"], each["media"], each) for each in media]
    group = {"media_group_id": str(next(state.numbers))}
    return [post(state, asked, content | group) for content in contents]


def post(state: State, asked: Asked, content: Wire, **rich: str) -> Wire:
    """The message that people see then. Raises Refused."""
    markup = markup_of(asked)
    room = open_room(state, asked)
    thread = thread_of(room, asked)
    content = content | reply_of(room, asked) | markup
    shown = state.post(room, state.bot, thread, content, **rich)
    shown.below = None if markup else asked["reply_markup"]
    return shown.wire


def write_draft(state: State, asked: Asked, text: str, *, html: str = "") -> bool:
    """Show what a message is going to be, for half a minute. Raises Refused."""
    room = open_room(state, asked)
    if not room.is_private:
        raise bad_request("drafts are shown in private chats only")
    if not asked["draft_id"]:
        raise bad_request("draft_id must be non-zero")
    draft = _draft(room, asked["draft_id"], thread_of(room, asked))
    if draft.stopped:
        return True  # the person pressed Stop: further ones are not shown
    draft.revisions.append(Revision(state.clock(), text))
    draft.html = html
    draft.can_stop, draft.keep_on_stop = bool(asked["can_stop"]), bool(asked["keep_on_stop"])
    state.changes.tell()
    return True


def _draft(room: Room, number: int, thread: int | None) -> Draft:
    for draft in room.drafts:
        if (draft.id, draft.thread) == (number, thread) and not draft.final:
            return draft
    for draft in room.drafts:
        draft.final = draft.final or draft.thread == thread
    room.drafts.append(Draft(number, thread))
    return room.drafts[-1]


def _send_file(state: State, asked: Asked, kind: str) -> Wire:
    return post(state, asked, _content(state, asked, kind, asked[kind], asked.given))


def _content(state: State, asked: Asked, kind: str, named: str | None, given: Mapping[str, Any]) -> Wire:
    """What a message with this file holds. Raises Refused."""
    caption = caption_of(state, given)
    file = _file(state, asked, kind, named)
    described: Any = file.wire
    if kind == "photo":
        width, height = _size(file.data)
        names = {name: file.wire[name] for name in ("file_id", "file_unique_id", "file_size")}
        described = [names | {"width": width, "height": height}]
    elif kind in ("voice", "audio"):
        described = file.wire | {"duration": given.get("duration") or 1}
        if kind == "voice":
            described.pop("file_name", None)
    return {kind: described} | caption


def _file(state: State, asked: Asked, kind: str, named: str | None) -> StoredFile:
    upload = asked.uploads.get(named.removeprefix("attach://") if named else kind)
    if upload:
        return _stored(state, kind, upload)
    if not named:
        raise bad_request(f"there is no {kind} in the request")
    if "://" in named:
        state.problems.append(
            f"{asked.method}: {named[:80]!r} makes the server fetch an address, which is not imitated"
        )
        raise bad_request("failed to get HTTP URL content")
    if named not in state.files:
        raise bad_request("wrong file identifier/HTTP URL specified")
    return state.files[named]


def _stored(state: State, kind: str, upload: Upload) -> StoredFile:
    if len(upload.data) > state.limits.upload:
        raise Refused(413, "Request Entity Too Large")
    if not upload.data:
        raise bad_request("file must be non-empty")
    if kind == "photo" and len(upload.data) > state.limits.photo:
        raise bad_request("file is too big")
    if kind == "photo" and not upload.data.startswith(PICTURES):
        raise bad_request("IMAGE_PROCESS_FAILED")
    return state.store(FOLDERS[kind], upload.data, name=upload.name, mime=upload.mime)


def _size(data: bytes) -> tuple[int, int]:
    """Width and height of a PNG; other pictures are all the same to us."""
    if data.startswith(PICTURES[0]) and len(data) >= 24:
        width, height = struct.unpack(">II", data[16:24])
        return int(width), int(height)
    return 100, 100
