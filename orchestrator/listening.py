"""Voice messages: a tool that the settings name writes down what they say."""

import logging
from collections.abc import Mapping

from orchestrator.errors import ToolError
from orchestrator.messages import Attachment, Message
from orchestrator.repair import repaired
from orchestrator.tools.catalog import Catalog
from orchestrator.tools.paths import file_parameters
from orchestrator.tools.spec import ToolResult, ToolSpec
from orchestrator.words import say
from storage.files import FileStore

log = logging.getLogger(__name__)


class Listening:
    """Has voice messages written down. Without a `tool` they stay unheard, and the person is told what to do."""

    def __init__(self, catalog: Catalog, files: FileStore, *, tool: str, seconds: float) -> None:
        self._catalog = catalog
        self._files = files
        self._tool = tool
        self._seconds = seconds

    async def heard(self, message: Message, *, turn: str) -> Message:
        """The same with what was said in it for its words, if it has none; or with the problem of each recording."""
        if message.text.strip() or not any(map(_is_unheard, message.attachments)):
            return message
        files = tuple([await self._listened(file, turn) for file in message.attachments])
        text = "\n".join(file.heard for file in files if file.heard)
        return message.model_copy(update={"text": text, "attachments": files})

    async def _listened(self, file: Attachment, turn: str) -> Attachment:
        if not _is_unheard(file):
            return file
        if not self._tool:
            cannot = say(
                "I cannot listen to voice messages here. "
                "Please write, or ask the one who runs me to set up transcription."
            )
            return file.model_copy(update={"problem": cannot})
        try:
            answer = await self._written_down(file, turn)
        except ToolError as error:
            answer = ToolResult(str(error), is_error=True)
        words = _words_of(answer)
        if answer.is_error or not words:
            log.warning("a voice message was not written down", extra={"turn": turn, "reason": answer.text[:200]})
            failed = say("I could not understand your voice message. Please write, or send it again.")
            return file.model_copy(update={"problem": failed})
        return file.model_copy(update={"heard": words})

    async def _written_down(self, file: Attachment, turn: str) -> ToolResult:
        """Raises ToolError."""
        tool = self._catalog.find(self._tool)
        if tool is None:
            return ToolResult(f"there is no tool {self._tool!r}", is_error=True)
        arguments = {_parameter(tool): str(self._files.path(file.file))}
        key = f"{turn}/transcription/{file.file}"
        return await self._catalog.call(tool.name, arguments, key=key, timeout_seconds=self._seconds)


def _is_unheard(file: Attachment) -> bool:
    return file.kind in {"voice", "audio"} and bool(file.file) and not (file.heard or file.problem)


def _parameter(tool: ToolSpec) -> str:
    """The parameter that takes a file, by its name; else the first one."""
    return next(iter([*file_parameters(tool), *tool.properties, "path"]))


def _words_of(answer: ToolResult) -> str:
    """The text itself, also where it is a field of the result."""
    data = answer.data
    text = data.get("text") if isinstance(data, Mapping) else None
    return repaired(text if isinstance(text, str) else answer.text).strip()
