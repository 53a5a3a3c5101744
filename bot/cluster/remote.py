"""A channel that another process leads, as a worker sees it."""

import asyncio
import uuid
from collections.abc import Sequence

from adapters.base import Adapter, DeliveryError, FileRefused
from bot.cluster.line import Line, Message, to_channel
from bot.fetching import no_files_here
from orchestrator.messages import LIVE, Accept, Address, Attachment, Delivery, Foreign, Live
from storage.files import FileStore

ASK_AGAIN_SECONDS = 2.0  # whoever leads the channel may have died, and another one leads it now


class Asking:
    """Questions to other processes, until they are answered. `process` is who asks."""

    def __init__(self, process: str, line: Line) -> None:
        self._process = process
        self._line = line
        self._open: dict[str, asyncio.Future[Message]] = {}

    async def ask(self, topic: str, question: Message) -> Message:
        """The answer of the one who hears this topic; the caller limits how long it may take."""
        name = uuid.uuid4().hex
        answer = self._open[name] = asyncio.get_running_loop().create_future()
        try:
            while True:
                self._line.tell(topic, {**question, "ask": name, "by": self._process})
                await asyncio.wait({answer}, timeout=ASK_AGAIN_SECONDS)
                if answer.done():
                    result: Message = answer.result()
                    return result
        finally:
            del self._open[name]

    def answered(self, message: Message) -> None:
        """Another process has answered."""
        waiting = self._open.get(message["answers"])
        if waiting and not waiting.done():
            waiting.set_result(message)


class Remote:
    """The adapter of a channel elsewhere. What is final is shown by the leader, as it stands in the outbox."""

    def __init__(self, name: str, line: Line, asking: Asking, files: FileStore) -> None:
        self.name = name
        self._line = line
        self._asking = asking
        self._files = files

    async def run(self, accept: Accept) -> None:
        raise AssertionError(f"{self.name} listens elsewhere")

    async def show(self, address: Address, turn: str, part: Live) -> None:
        live = {"live": LIVE.dump_python(part, mode="json"), "address": address.model_dump(mode="json"), "turn": turn}
        self._line.tell(to_channel(self.name), live, instead=(turn, part.kind))

    async def deliver(self, delivery: Delivery) -> None:
        raise AssertionError(f"{self.name} is shown this elsewhere")

    async def fetch(self, attachment: Attachment) -> bytes:
        """The leader puts the file where both can read it. Raises FileRefused, DeliveryError."""
        answer = await self._asked({"fetch": attachment.model_dump(mode="json")})
        if "kept" not in answer:
            raise no_files_here(attachment)
        try:
            return await self._files.read(answer["kept"])
        finally:
            await self._files.delete(answer["kept"])

    async def recall(self, foreign: Foreign) -> Sequence[Foreign]:
        """Raises DeliveryError."""
        answer = await self._asked({"recall": foreign.model_dump(mode="json")})
        return [Foreign.model_validate(each) for each in answer.get("recalled", [foreign.model_dump()])]

    async def _asked(self, question: Message) -> Message:
        answer = await self._asking.ask(to_channel(self.name), question)
        if "refused" in answer:
            raise FileRefused(answer["refused"])
        if "failed" in answer:
            raise DeliveryError(answer["failed"], retry_after_seconds=answer["retry_after"], gone=answer["gone"])
        return answer


class Remotes(dict[str, Adapter]):
    """Every channel there may be, each as one that another process leads."""

    def __init__(self, line: Line, asking: Asking, files: FileStore) -> None:
        super().__init__()
        self._parts = line, asking, files

    def __missing__(self, name: str) -> Remote:
        remote = self[name] = Remote(name, *self._parts)
        return remote
