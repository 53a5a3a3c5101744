"""Final parts on their way: page by page, each marked, so that a restart neither loses nor doubles one.

A page whose sending was cut off may have arrived: Slack is asked for messages with its mark before it is sent again.
"""

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from adapters.slack.errors import SlackTrouble
from adapters.slack.files import Files
from adapters.slack.inbound import Place
from adapters.slack.markdown import Page, markdown, pages
from adapters.slack.pictures import STREAM_BYTES, Picture
from adapters.slack.sending import Sender, mark
from adapters.slack.tables import Block
from adapters.slack.writing import written
from adapters.text import SEEN
from orchestrator.messages import Answer, Attachment, Delivery
from orchestrator.words import say

log = logging.getLogger(__name__)

Marked = dict[str, object]
ReadFile = Callable[[Attachment], Awaitable[bytes | None]]
"""The content of a kept file; None where it is not there any more."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a delivery is: the messages of its pages, its files that are there, and whether the next one may be."""

    pages: tuple[str, ...] = ()
    files: int = 0
    unclear: bool = False
    marked: bool = False


class Finals:
    """Sends final parts. Raises SlackTrouble; sending the same delivery again goes on where it was."""

    def __init__(self, sender: Sender, files: Files, read_file: ReadFile) -> None:
        self._sender = sender
        self._files = files
        self._read_file = read_file
        self._begun: dict[str, Progress] = {}  # by session: one delivery after the other

    async def send(
        self, delivery: Delivery, content: Sequence[Page], *, picture: Picture | None, live: str | None
    ) -> str:
        """Send what is not sent yet, the first page over the message `live` that shows the turn. The ts of the last
        page."""
        place = Place.of(delivery.address)
        progress = await self._progress(delivery, place, count=len(content))
        for number in range(len(progress.pages), len(content)):
            page = content[number]
            if progress.marked:
                page = replace(page, blocks=(markdown(SEEN), *page.blocks))
            over = live if number == 0 else None
            progress = await self._page(delivery, place, page, progress, over=over, picture=picture)
        await self._send_files(delivery, place, progress)
        self._begun.pop(_key(delivery), None)
        return progress.pages[-1]

    async def _progress(self, delivery: Delivery, place: Place, *, count: int) -> Progress:
        """What is known of this delivery; what is not known is looked for."""
        known = self._begun.get(_key(delivery))
        if known is not None and not known.unclear:
            return known
        if known is None and not delivery.repeated:
            return Progress()
        try:
            found = await self._sender.found(place, delivery.id)
        except SlackTrouble as trouble:
            if trouble.may_pass:
                raise
            log.warning("what was sent cannot be looked for", extra={"reason": str(trouble)})
            return replace(known or Progress(), unclear=False, marked=True)
        there = tuple(found.pages[number] for number in range(count) if number in found.pages)
        files = delivery.part.files if isinstance(delivery.part, Answer) else ()
        come = next((at for at, file in enumerate(files) if file.name not in found.files), len(files))
        return Progress(there, files=max(come, known.files if known else 0))

    async def _page(
        self,
        delivery: Delivery,
        place: Place,
        page: Page,
        progress: Progress,
        *,
        over: str | None,
        picture: Picture | None,
    ) -> Progress:
        marked = mark(delivery.id, len(progress.pages))
        try:
            if over is not None and await self._over(place, over, page, picture=picture, marked=marked):
                ts = over
            else:
                ts = await self._sender.post(place, page, marked=marked)
                if over is not None:
                    await self._sender.cosmetic(self._sender.delete(place, over))
        except SlackTrouble as trouble:
            self._begun[_key(delivery)] = replace(progress, unclear=trouble.unclear)
            raise
        progress = replace(progress, pages=(*progress.pages, ts))
        self._begun[_key(delivery)] = progress
        return progress

    async def _over(self, place: Place, ts: str, page: Page, *, picture: Picture | None, marked: Marked) -> bool:
        """Let the message that has shown the turn be its end; False where it cannot be."""
        stream = picture.stream if picture else None
        rest = _rest(stream.text, page) if stream and not stream.cards else None
        if rest is not None and await self._ended(place, ts, rest, page, marked=marked):
            return True
        if rest is None and place.is_private and (stream or picture is None):
            await self._ended(place, ts)
        return await self._sender.update(place, ts, page, marked=marked)

    async def _ended(
        self,
        place: Place,
        ts: str,
        rest: str = "",
        page: Page | None = None,
        *,
        marked: Marked | None = None,
    ) -> bool:
        """End a stream with what it does not show yet; False where it goes no further, and is to be written anew."""
        chunks = [{"type": "markdown_text", "text": rest}] if rest else []
        below = [block for block in page.blocks if block["type"] not in {"markdown", "table"}] if page else []
        try:
            await self._sender.stop_stream(place, ts, chunks=chunks, blocks=below, marked=marked)
        except SlackTrouble as trouble:
            if trouble.may_pass:
                raise
            log.info("a stream is written anew", extra={"reason": str(trouble)})
            return False
        return True

    async def _send_files(self, delivery: Delivery, place: Place, progress: Progress) -> None:
        """The files behind the text, each a message of its own."""
        files = delivery.part.files if isinstance(delivery.part, Answer) else ()
        for file in files[progress.files :]:
            content = await self._read_file(file)
            try:
                if content is None:
                    gone = pages(say("{name} is not there any more.", name=file.name))[0]
                    await self._sender.post(place, gone)
                else:
                    await self._files.send(place, content, name=file.name)
            except SlackTrouble as trouble:
                self._begun[_key(delivery)] = replace(progress, unclear=trouble.unclear)
                if not trouble.is_file_refused:
                    raise
                log.warning("a file was refused", extra={"reason": str(trouble)})
                refused = say("Slack does not take {name}: {reason}.", name=file.name, reason=trouble.code)
                await self._sender.post(place, pages(refused)[0])
            progress = replace(progress, files=progress.files + 1)
            self._begun[_key(delivery)] = progress


def _key(delivery: Delivery) -> str:
    return f"{delivery.address.session} {delivery.id}"


def _rest(shown: str, page: Page) -> str | None:
    """What a stream does not show yet of a page; None where it cannot become that page."""
    blocks: Sequence[Block] = [block for block in page.blocks if block["type"] in {"markdown", "table"}]
    whole = written(page.source)
    fits = all(block["type"] == "markdown" for block in blocks) and len(whole.encode()) <= STREAM_BYTES
    return whole[len(shown) :] if fits and whole.startswith(shown) else None
