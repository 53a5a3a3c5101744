"""The bot's channels as tools: a message or a file to a place that the operator allows, or to this conversation."""

import asyncio
import mimetypes
from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import unquote

from orchestrator.coming import Coming, Diary, owner
from orchestrator.errors import BadInput
from orchestrator.keeping import kind_of
from orchestrator.messages import Address, Attachment
from orchestrator.tools.functions import IdempotencyKey, Registered, tool
from orchestrator.words import say
from storage.errors import StorageFileUnknown
from storage.files import HASH, FileStore

HERE = "here"
LONGEST = 20_000  # characters of a message


def sending_tools(diary: Diary, files: FileStore, places: Mapping[str, str]) -> list[Registered]:
    """They ask before they send anywhere but into the conversation where they are called. `places` are addresses by the
    names that people use."""
    allowed = {name: address_of(place) for name, place in places.items()}

    @tool(unasked={"to": HERE})
    async def send_message(to: str, text: str, key: IdempotencyKey) -> str:
        """Send a message to somebody else, or to another chat, in whatever channel that is.

        Args:
            to: The name of the place; "here" is this conversation.
            text: What to say there, in full.
        """
        if not 0 < len(text.strip()) <= LONGEST:
            raise BadInput(say("Say what, in at most {limit} characters.", limit=LONGEST))
        return await _sent(diary, _coming(allowed, to, text), to, key=key)

    @tool(unasked={"to": HERE})
    async def send_file(to: str, path: str, key: IdempotencyKey, text: str = "") -> str:
        """Send a file to somebody else, or to another chat: one that a person sent, or that a tool has made.

        Args:
            to: The name of the place; "here" is this conversation.
            path: Where the file is.
            text: Words to go with it.
        """
        file = await _file(files, path)
        coming = _coming(allowed, to, text or file.name, file)
        return await _sent(diary, coming, to, key=key)

    return [_with_places(each, (HERE, *allowed)) for each in (send_message, send_file)]


def address_of(place: str) -> Address:
    """The address that stands in a setting as channel:chat or channel:chat/thread. Raises ValueError."""
    channel, _, rest = place.strip().partition(":")
    chat, _, thread = rest.partition("/")
    if not (channel and chat):
        raise ValueError(f"{place!r} is no place; write channel:chat, such as slack:C0123 or telegram:42")
    return Address(channel=channel, chat=unquote(chat), thread=unquote(thread) or None)


def _with_places(tool: Registered, names: tuple[str, ...]) -> Registered:
    """The tool, and in its schema the names that `to` may be."""
    properties = tool.spec.parameters["properties"]
    to = {**properties["to"], "enum": list(names)}
    return replace(
        tool, spec=replace(tool.spec, parameters={**tool.spec.parameters, "properties": {**properties, "to": to}})
    )


def _coming(allowed: Mapping[str, Address], to: str, text: str, *files: Attachment) -> Coming:
    """Others are told who speaks. Raises BadInput for a place that is not allowed."""
    mine = owner()
    address = mine.address if to == HERE else allowed.get(to)
    if address is None:
        names = ", ".join((HERE, *allowed))
        raise BadInput(say("I may send to: {names}. The setting send_to names more.", names=names))
    sender = "" if to == HERE else mine.name or mine.person
    return Coming(about="message", text=text.strip(), address=address, files=files, sender=sender)


async def _sent(diary: Diary, coming: Coming, to: str, *, key: str) -> str:
    await diary.write(coming, diary.now(), key=key)
    return say("It is on its way to {place}.", place=to if to != HERE else say("this conversation"))


async def _file(files: FileStore, path: str) -> Attachment:
    """A kept file: nothing else of this machine is sent. Raises BadInput."""
    try:
        file_id = await asyncio.to_thread(files.id_at, path)
    except StorageFileUnknown:
        raise BadInput(say("I send only files that people have sent me, or that my tools have made.")) from None
    name = file_id[HASH + 1 :]
    mime = mimetypes.guess_type(name)[0] or "application/octet-stream"
    size = len(await files.read(file_id))
    return Attachment(kind=kind_of(mime), name=name, mime=mime, size=size, file=file_id)
