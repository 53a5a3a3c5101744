"""Voice messages become words, by whichever tool the settings name for it."""

from dataclasses import replace

from orchestrator.errors import BadInput, ToolError
from orchestrator.messages import Attachment, Message
from orchestrator.sessions import Talk
from orchestrator.tools.catalog import Catalog
from orchestrator.words import say

PATHS = ("path", "file", "audio", "file_path", "filename")  # what such a tool calls its parameter


class Listening:
    """Hears voice messages. `tool` is the name of a tool that takes the path of a sound file and gives back words."""

    def __init__(self, catalog: Catalog, tool: str, *, seconds: float) -> None:
        self._catalog = catalog
        self._tool = tool
        self._seconds = seconds

    async def heard(self, talk: Talk) -> Talk:
        """The talk with what was said for words, where nothing was written. Raises BadInput."""
        message = talk.inbound
        if not isinstance(message, Message) or message.text.strip():
            return talk
        voice = next((each for each in message.attachments if each.kind in {"voice", "audio"} and each.file), None)
        if voice is None:
            return talk
        words = await self._words(voice, key=talk.arrived.turn)
        return replace(talk, inbound=message.model_copy(update={"text": words}))

    async def _words(self, voice: Attachment, *, key: str) -> str:
        spec = self._catalog.find(self._tool) if self._tool else None
        if spec is None:
            raise BadInput(
                say(
                    "I cannot listen to voice messages here. Please write, or ask the one who runs me to set up "
                    "transcription."
                )
            )
        name = next((each for each in PATHS if each in spec.properties), next(iter(spec.properties), "path"))
        try:
            answer = await self._catalog.call(
                spec.name, {name: voice.file}, key=f"{key}/heard", timeout_seconds=self._seconds
            )
        except ToolError as error:
            raise BadInput(say("I could not make out your voice message: {reason}", reason=error)) from None
        if answer.is_error or not answer.text.strip():
            reason = answer.text.strip() or say("there were no words in it")
            raise BadInput(say("I could not make out your voice message: {reason}", reason=reason))
        return answer.text.strip()
