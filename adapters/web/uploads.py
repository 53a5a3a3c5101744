"""Files that people send: kept as they come, and known by a name of ours until the message that they belong to."""

import json
import mimetypes
import re
import secrets
from collections.abc import Sequence
from pathlib import PurePosixPath

from adapters.base import Shelf
from adapters.text import one_line
from adapters.web.reading import Refused
from adapters.web.record import Record
from orchestrator.messages import Attachment, FileKind, Person
from orchestrator.words import say

NOTE = "upload/"  # keys of notes
MIME = re.compile(r"[a-z]+/[a-z0-9][a-z0-9.+-]{0,80}")
LONGEST_NAME = 150  # characters
MOST_FILES = 10  # of one message
KINDS: dict[str, FileKind] = {"image": "photo", "audio": "audio", "video": "video"}


class Uploads:
    """The files that nobody has sent a message with yet."""

    def __init__(self, record: Record, shelf: Shelf) -> None:
        self._record = record
        self._shelf = shelf

    async def take(self, person: Person, name: str, mime: str, data: bytes) -> str:
        """Keep a file of this person; the name under which it can be sent. Raises StorageError."""
        name = PurePosixPath(one_line(name).replace("\\", "/")).name[-LONGEST_NAME:] or "file"
        mime = mime if MIME.fullmatch(mime) else (mimetypes.guess_type(name)[0] or "application/octet-stream")
        file = Attachment(
            kind=KINDS.get(mime.partition("/")[0], "document"),
            name=name,
            mime=mime,
            size=len(data),
            file=await self._record.keep(name, mime, data),
        )
        ref = secrets.token_hex(8)
        written = json.dumps({"person": person.id, "file": file.model_dump()})
        await self._shelf.note({f"{NOTE}{ref}": written})
        return ref

    async def sent(self, person: Person, refs: Sequence[str]) -> tuple[Attachment, ...]:
        """The files that a message comes with. Raises Refused for one that this person has not brought."""
        if len(refs) > MOST_FILES:
            raise Refused(say("A message takes {count} files.", count=MOST_FILES))
        return tuple([await self._sent(person, ref) for ref in refs])

    async def over(self, refs: Sequence[str]) -> None:
        """These have been sent."""
        if refs:
            await self._shelf.note({f"{NOTE}{ref}": None for ref in refs})

    async def _sent(self, person: Person, ref: str) -> Attachment:
        note = await self._shelf.noted(f"{NOTE}{ref}")
        known = json.loads(note) if note else {}
        if known.get("person") != person.id:
            raise Refused(say("That file is not here any more. Please add it again."))
        return Attachment.model_validate(known["file"])
