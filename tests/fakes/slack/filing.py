"""Files of the app: the three steps of an upload, and what it may ask of a file."""

import mimetypes
from typing import Any

from tests.fakes.slack.calls import Asked, open_room, serves, wanted
from tests.fakes.slack.chatting import authored, checked_blocks, threaded
from tests.fakes.slack.people import User, Wire
from tests.fakes.slack.refusals import Refused
from tests.fakes.slack.state import State, StoredFile

LARGEST = 1_000_000_000  # bytes


@serves("files.getUploadURLExternal", "files:write")
def upload_url(state: State, asked: Asked) -> Wire:
    wanted(asked, "filename", "length")
    if int(asked["length"]) > LARGEST:
        raise Refused("file_upload_size_restricted")
    stored = store(state, asked["filename"], None, owner=asked.bot)
    return {"upload_url": f"{state.url}/upload/v1/{stored.id}", "file_id": stored.id}


@serves("files.completeUploadExternal", "files:write")
def complete(state: State, asked: Asked) -> Wire:
    wanted(asked, "files")
    files = [_uploaded(state, each) for each in asked["files"]]
    if asked["channel_id"]:
        room = open_room(state, asked, "channel_id")
        for each in files:
            each.channels.append(room.id)
        shared = [wire_of(state, each) for each in files]
        said: Wire = {"subtype": "file_share", "text": asked["initial_comment"] or "", "files": shared}
        if asked["blocks"]:
            said["blocks"] = checked_blocks(state, asked["blocks"])
        where = threaded(state, room, asked)
        state.events.said(state.post(room, authored(state, asked) | where | said))
    return {"files": [wire_of(state, each) for each in files]}


@serves("files.info", "files:read")
def info(state: State, asked: Asked) -> Wire:
    stored = state.files.get(asked["file"] or "")
    if stored is None or stored.data is None:
        raise Refused("file_not_found")
    return {"file": wire_of(state, stored)}


def store(state: State, name: str, data: bytes | None, *, owner: User, mime: str = "") -> StoredFile:
    """Keeps a file; without data it is still to come."""
    guessed = mime or mimetypes.guess_type(name)[0] or "application/octet-stream"
    stored = StoredFile(state.new_id("F"), name, data, guessed, owner.id, owner.team_id)
    state.files[stored.id] = stored
    return stored


def wire_of(state: State, stored: StoredFile) -> Wire:
    """A file as Slack tells it."""
    private = f"{state.url}/files-pri/{stored.team_id}-{stored.id}"
    kind = stored.name.rsplit(".", 1)[-1].lower() if "." in stored.name else "binary"
    flags: dict[str, Any] = dict.fromkeys(("editable", "is_external", "is_public", "public_url_shared"), False)
    return flags | {
        "id": stored.id,
        "created": int(state.clock()),
        "timestamp": int(state.clock()),
        "name": stored.name,
        "title": stored.title or stored.name,
        "mimetype": stored.mime,
        "filetype": kind,
        "pretty_type": kind.upper(),
        "user": stored.owner,
        "user_team": stored.team_id,
        "size": len(stored.data or b""),
        "mode": "hosted",
        "external_type": "",
        "display_as_bot": False,
        "username": "",
        "url_private": f"{private}/{stored.name}",
        "url_private_download": f"{private}/download/{stored.name}",
        "permalink": f"{state.url}/files/{stored.owner}/{stored.id}/{stored.name}",
        "channels": stored.channels,
        "groups": [],
        "ims": [],
        "has_rich_preview": False,
        "file_access": "visible",
    }


def _uploaded(state: State, named: Wire) -> StoredFile:
    stored = state.files.get(named["id"])
    if stored is None or stored.data is None:
        raise Refused("file_not_found")
    stored.title = named.get("title", "")
    return stored
