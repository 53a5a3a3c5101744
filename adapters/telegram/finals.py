"""Final parts on their way: page by page, each noted before it is sent, so that a restart neither loses nor doubles.

A page whose sending was cut off may have arrived. It is looked for behind the last message that is known; where it is
not found, it is sent once more, and says that it may have been seen.
"""

import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field, replace
from functools import partial

from telegram import ForceReply
from telegram.error import TelegramError

from adapters.base import Shelf
from adapters.telegram.entities import Styled, joined, plain, render, units
from adapters.telegram.errors import is_unclear
from adapters.telegram.inbound import Place
from adapters.telegram.rich import rich_html
from adapters.telegram.sending import Markup, Sender
from adapters.telegram.splitting import LONGEST, split
from adapters.text import SEEN
from orchestrator.messages import Answer, Attachment, Delivery
from orchestrator.words import say

SENDING = "sending/"  # keys of notes, one a session
IMAGES = {"image/png", "image/jpeg"}  # what Telegram shows as a picture

ReadFile = Callable[[Attachment], Awaitable[bytes | None]]
"""The content of a kept file; None where it is not there any more."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a delivery is: the messages of its pages that were sent, and whether the next one may have been. That one
    would stand behind the message `after`, which is 0 where nothing is known. A `rich` one has one page."""

    delivery: str
    sent: tuple[int, ...] = ()
    unclear: bool = False
    after: int = 0
    rich: bool = False

    def written(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def read(cls, note: str) -> "Progress":
        known = json.loads(note)
        return cls(**{**known, "sent": tuple(known["sent"])})


@dataclass(frozen=True, slots=True)
class Look:
    """How a delivery is to look: what stands below its text, its buttons, what it answers, and the message that has
    shown the turn so far and is to become its first page."""

    below: Styled = field(default_factory=lambda: Styled(""))
    markup: Markup = None
    reply_to: int | None = None
    live: int | None = None


class Finals:
    """Sends final parts. Raises TelegramError; sending the same delivery again goes on where it was."""

    def __init__(self, sender: Sender, shelf: Shelf, read_file: ReadFile) -> None:
        self._sender = sender
        self._shelf = shelf
        self._read_file = read_file
        self._begun: dict[str, Progress] = {}  # by session
        self._last: dict[str, int] = {}  # the newest message that is known, by session

    def heard(self, session: str, message: int) -> None:
        """This message is there: what is sent from now on stands behind it."""
        self._last[session] = max(message, self._last.get(session, 0))

    async def send(self, delivery: Delivery, look: Look) -> int:
        """Send what is not sent yet. The id of the message with the last words."""
        place, session = Place.of(delivery.address), delivery.address.session
        progress = await self._progress(delivery, session)
        if not progress.sent and (html := self._rich(delivery, look)):
            page = await self._rich_page(place, replace(progress, rich=True), html, look)
            progress = page or progress
        if progress.rich and progress.sent:
            return await self._with_files(delivery, progress, pages=1)
        pages = split(joined([render(delivery.part.text), look.below]), LONGEST - units(SEEN) - 1)
        for number in range(len(progress.sent), len(pages)):
            markup = look.markup if number == len(pages) - 1 else None
            progress = await self._text(session, progress, pages[number], replace(look, markup=markup), place=place)
        return await self._with_files(delivery, progress, pages=len(pages))

    async def _progress(self, delivery: Delivery, session: str) -> Progress:
        """What is known of this delivery; what is known of an older one of its session is of no use any more."""
        if session not in self._begun and delivery.repeated:
            note = await self._shelf.noted(f"{SENDING}{session}")
            self._begun[session] = Progress.read(note) if note else Progress(delivery.id)
        known = self._begun.get(session)
        return known if known and known.delivery == delivery.id else Progress(delivery.id)

    def _rich(self, delivery: Delivery, look: Look) -> str:
        if not (self._sender.has_rich and isinstance(delivery.part, Answer)) or look.live is not None:
            return ""
        return rich_html(delivery.part.text) or ""

    async def _rich_page(self, place: Place, progress: Progress, html: str, look: Look) -> Progress | None:
        """The whole of it as a rich message; None where the server takes none."""

        async def send(unclear: bool) -> int | None:  # noqa: FBT001 - it is called with one word
            text = f"<p>{SEEN}</p>{html}" if unclear else html
            return await self._sender.rich(place, text, markup=look.markup, reply_to=look.reply_to)

        return await self._page(place, progress, send, markup=look.markup)

    async def _text(self, session: str, progress: Progress, page: Styled, look: Look, *, place: Place) -> Progress:
        """One page: written over the message that has shown the turn, where there is one, else sent."""
        live = None if progress.sent else look.live
        if live is not None and not isinstance(look.markup, ForceReply):
            if await self._sender.edit(place, live, page, markup=look.markup):
                return self._kept(session, replace(progress, sent=(live,), unclear=False))
            live = None

        async def send(unclear: bool) -> int:  # noqa: FBT001 - it is called with one word
            text = joined([plain(SEEN), page], between="\n") if unclear else page
            reply_to = None if progress.sent else look.reply_to
            return await self._sender.text(place, text, markup=look.markup, reply_to=reply_to, at_once=True)

        sent = await self._page(place, progress, send, markup=look.markup)
        assert sent is not None
        if live is not None:  # an edit cannot open a keyboard
            await self._sender.delete(place, live)
        return sent

    async def _with_files(self, delivery: Delivery, progress: Progress, *, pages: int) -> int:
        """The files behind the text, each a message of its own. The id of the last message with words."""
        place, session = Place.of(delivery.address), delivery.address.session
        files = delivery.part.files if isinstance(delivery.part, Answer) else ()
        for file in files[len(progress.sent) - pages :]:
            sent = await self._page(place, progress, partial(_as_page, await self._file(place, file)))
            assert sent is not None
            progress = sent
        self._begun.pop(session, None)
        return progress.sent[pages - 1]

    async def _file(self, place: Place, file: Attachment) -> Callable[[], Awaitable[int]]:
        """Sends a file; where it was deleted meanwhile, a word in its place, so that the answer is not held back."""
        content = await self._read_file(file)
        if content is None:
            gone = plain(say("{name} is not there any more.", name=file.name))
            return partial(self._sender.text, place, gone, at_once=True)
        return partial(self._sender.file, place, content, name=file.name, is_image=file.mime in IMAGES)

    async def _page(
        self, place: Place, progress: Progress, send: Callable[[bool], Awaitable[int | None]], *, markup: Markup = None
    ) -> Progress | None:
        """Send one page, noted before. `send` hears whether it may have been sent already, and says None to decline."""
        session = place.address.session
        if progress.unclear and (found := await self._sender.found_behind(place, progress.after, markup)):
            return self._kept(session, replace(progress, sent=(*progress.sent, found), unclear=False))
        await self._sender.turn(place)
        progress = replace(progress, after=progress.after if progress.unclear else self._last.get(session, 0))
        await self._shelf.note({f"{SENDING}{session}": replace(progress, unclear=True).written()})
        try:
            message = await send(progress.unclear)
        except TelegramError as error:
            self._kept(session, replace(progress, unclear=progress.unclear or is_unclear(error)))
            raise
        if message is None:
            return None
        return self._kept(session, replace(progress, sent=(*progress.sent, message), unclear=False))

    def _kept(self, session: str, progress: Progress) -> Progress:
        if progress.sent:
            self.heard(session, progress.sent[-1])
        self._begun[session] = progress
        return progress


async def _as_page(send: Callable[[], Awaitable[int | None]], _: bool) -> int | None:  # noqa: FBT001
    """A page that looks the same when it is sent once more."""
    return await send()
