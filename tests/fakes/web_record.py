"""What the web page shows of the past, in memory."""

from collections.abc import Sequence

from adapters.web.record import Hit, Listed, Shown, Stretch
from orchestrator.messages import Address, Attachment, Person


class MemoryRecord:
    """A past in which nothing has happened. `files` are contents by id."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}

    async def language(self, person: Person) -> str:
        return "en"

    async def conversations(self, person: Person) -> Sequence[Listed]:
        return ()

    async def stretch(self, address: Address, *, before: str | None = None, since: str | None = None) -> Stretch:
        return Stretch()

    async def find(self, person: Person, words: str) -> Sequence[Hit]:
        return ()

    async def shown(self, person: Person, delivery: str) -> Shown | None:
        return None

    async def content(self, file: Attachment) -> bytes | None:
        return self.files.get(file.file)

    async def keep(self, name: str, mime: str, data: bytes) -> str:
        self.files[name] = data
        return name
