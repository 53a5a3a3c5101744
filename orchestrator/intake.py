"""The door: text is repaired, slash words are read, and what arrived is made durable, once."""

import re
from typing import Any

from orchestrator.messages import (
    INBOUND,
    Arrival,
    Attachment,
    Choice,
    Command,
    Edit,
    Form,
    Inbound,
    Message,
    Saying,
    Stop,
)
from orchestrator.repair import repaired, repaired_data
from orchestrator.words import say
from storage.records import Arrived
from storage.store import Store

SLASH = re.compile(r"/(?P<name>[A-Za-z][\w-]*)(?:@\w+)?(?:\s+(?P<rest>.*))?", re.DOTALL)
UNASKED = ("schedule:", "review/", "petition/")  # what the ids of such events begin with


class Intake:
    """Makes Inbounds durable. Nothing is refused here: what cannot be used is stored, and answered with the reason."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def accept(self, inbound: Inbound) -> tuple[Arrived, Inbound] | None:
        """The remembered event and what it means; None where the same event was remembered before.

        Raises StorageError: then nothing was taken, and the channel must not acknowledge.
        """
        meant = understood(inbound)
        arrived = await self._store.remember(
            channel=meant.address.channel,
            event_id=meant.event_id,
            session=meant.address.session,
            address=meant.address.model_dump_json(),
            payload=INBOUND.dump_json(meant).decode(),
        )
        return (arrived, meant) if arrived else None


def understood(inbound: Inbound) -> Inbound:
    """The same event with its text repaired and its slash word read."""
    if isinstance(inbound, Choice):
        return inbound.model_copy(update={"value": repaired(inbound.value)})
    if isinstance(inbound, Form):
        return inbound.model_copy(update={"values": repaired_data(inbound.values)})
    if isinstance(inbound, Edit):
        text = repaired(inbound.text)
        is_stop = (slash := SLASH.fullmatch(text.strip())) is not None and slash["name"].lower() == "stop"
        return Stop(**_arrival(inbound)) if is_stop else inbound.model_copy(update={"text": text})
    if not isinstance(inbound, Message):
        return inbound
    text = repaired(inbound.text)
    files = tuple(each.model_copy(update=repaired_data(_names(each))) for each in inbound.attachments)
    foreign = tuple(each.model_copy(update={"text": repaired(each.text)}) for each in inbound.foreign)
    if slash := SLASH.fullmatch(text.strip()):
        name, rest = slash["name"].lower(), slash["rest"] or ""
        if name == "stop":
            return Stop(**_arrival(inbound))
        return Command(**_arrival(inbound), name=name, rest=rest, attachments=files)
    return inbound.model_copy(update={"text": text, "foreign": foreign, "attachments": files})


def _names(file: Attachment) -> dict[str, str]:
    return {"name": file.name, "mime": file.mime}


def edited(original: Inbound, edit: Edit) -> Inbound:
    """What was said, in the words of its edit: a slash word may become a message, or the other way round."""
    brought = {name: getattr(original, name) for name in ("attachments", "foreign") if hasattr(original, name)}
    return understood(Message(**_arrival(original), text=edit.text, **brought))


def _arrival(inbound: Inbound) -> dict[str, Any]:
    """What every Inbound has."""
    return {name: getattr(inbound, name) for name in Arrival.model_fields}


def is_unasked(inbound: Inbound) -> bool:
    """Whether nobody has just sent this: it was due, or somebody else has let it go on."""
    return isinstance(inbound, Saying) or inbound.event_id.startswith(UNASKED)


def problem_with(inbound: Inbound, *, limit: int) -> str | None:
    """Why this message cannot be worked on, in a sentence that names the fix. `limit` is in characters."""
    if not isinstance(inbound, Message):
        return None
    if not inbound.text.strip() and inbound.attachments and all(file.problem for file in inbound.attachments):
        return "\n".join(dict.fromkeys(file.problem for file in inbound.attachments))
    if not (inbound.text.strip() or inbound.attachments or inbound.foreign):
        return say("Your message was empty. Write what you need, or /help.")
    if len(inbound.text) > limit:
        return say(
            "Your message has {length:,} characters; I can work on {limit:,} at once. "
            "Nothing of it was run. Please send the part that matters, or several smaller messages.",
            length=len(inbound.text),
            limit=limit,
        )
    return None
