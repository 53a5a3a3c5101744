"""What leaves for a chat: no secret of this installation, and no image that a client would fetch by itself."""

import re

from markdown_it import MarkdownIt

from orchestrator.ending import Ending
from orchestrator.messages import FINAL, LIVE, Answer, Draft, Emit, Final, Live
from orchestrator.redaction import Redaction
from orchestrator.words import say

IMAGE = re.compile(r"!\[([^\[\]]*)\]\([^()]*\)")
FETCHED = re.compile(
    r"(?i)!(?=\[)|<(?=/?(?:img|image|picture|source|svg|iframe|object|embed|video|audio|link|style)\b)"
)
_parser = MarkdownIt("commonmark")


class Discretion:
    """Looks through everything that is shown."""

    def __init__(self, redaction: Redaction) -> None:
        self._redaction = redaction

    def ending(self, ending: Ending) -> Ending:
        """The ending as it may be shown. An answer that holds a secret is not sent."""
        part = ending.part
        if part is None:
            return ending
        if isinstance(part, Answer) and self._redaction.holds(part.text):
            text = say("I do not send this answer: it holds a key or a password of this installation.")
            return ending.showing(Answer(text=text))
        known: Final = FINAL.validate_python(self._redaction.known_struck_out(part.model_dump()))
        return ending.showing(known.model_copy(update={"text": without_images(known.text)}))

    def live(self, emit: Emit) -> Emit:
        """The same `emit`. A draft in which a secret begins is not shown."""

        async def discreet(part: Live) -> None:
            if isinstance(part, Draft):
                if not (self._redaction.begins(part.text) or self._redaction.holds(part.text)):
                    await emit(Draft(text=without_images(part.text)))
            else:
                await emit(LIVE.validate_python(self._redaction.known_struck_out(part.model_dump())))

        return discreet


def without_images(text: str) -> str:
    """A Markdown text whose images are their words: an image's address can carry away what a model was told.

    Pictures as files are no part of the text. Code that shows how an image is written stays as it is.
    """
    if not _fetches(text):
        return text
    plain = IMAGE.sub(r"[\1]", text)
    return FETCHED.sub(lambda found: f"{found[0]} ", plain) if _fetches(plain) else plain


def _fetches(text: str) -> bool:
    """Whether a client that renders this would fetch something, also one that takes HTML in it for HTML."""
    if not FETCHED.search(text):
        return False
    blocks = _parser.parse(text)
    parts = [*blocks, *(child for block in blocks for child in block.children or ())]
    return any(part.type == "image" or ("html" in part.type and FETCHED.search(part.content)) for part in parts)
