"""Messages on their way to Telegram: at its pace, to where a chat has moved, in the form that its server knows."""

import logging
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from telegram import (
    Bot,
    ForceReply,
    InlineKeyboardMarkup,
    InputFile,
    LinkPreviewOptions,
    MessageEntity,
    ReplyParameters,
)
from telegram import Message as Sent
from telegram.constants import ChatAction
from telegram.error import BadRequest, ChatMigrated, RetryAfter, TelegramError

from adapters.telegram.entities import Styled
from adapters.telegram.errors import (
    is_about_formatting,
    is_about_thread,
    is_message_gone,
    is_missing_method,
    is_unchanged,
    seconds_of,
)
from adapters.telegram.inbound import Place
from adapters.telegram.pacing import Pacer

log = logging.getLogger(__name__)
T = TypeVar("T")

Markup = InlineKeyboardMarkup | ForceReply | None
Moved = Callable[[int, int], Awaitable[None]]
PROBES = 10  # messages that may have come in between, of others or in other chats
PHOTO_BYTES = 10_000_000  # a larger image goes out as a document
NO_PREVIEW = LinkPreviewOptions(is_disabled=True)


class Sender:
    """The ways out. Every method raises TelegramError, but for what can be told otherwise: that is done."""

    def __init__(self, bot: Bot, pacer: Pacer, *, moved: Moved) -> None:
        self._bot = bot
        self._pacer = pacer
        self._moved = moved
        self._now_at: dict[int, int] = {}
        self._without_thread: set[Place] = set()
        self.has_drafts = True
        self.has_rich = True

    def has_moved(self, old: int, new: int) -> None:
        """Send what is meant for the old chat to the new one from now on."""
        self._now_at[old] = new

    async def text(
        self,
        place: Place,
        styled: Styled,
        *,
        markup: Markup = None,
        reply_to: int | None = None,
        at_once: bool = False,
    ) -> int:
        """Send a message; its id. `at_once` is for what has had its turn, or was counted by `may_show`."""

        async def send(chat: int, thread: int | None, *, plain: bool = False) -> Sent:
            return await self._bot.send_message(
                chat,
                styled.text,
                entities=[] if plain else entities_of(styled),
                message_thread_id=thread,
                reply_markup=markup,
                reply_parameters=_reply(reply_to),
                link_preview_options=NO_PREVIEW,
            )

        try:
            return (await self._sent(place, send, at_once=at_once)).message_id
        except BadRequest as error:
            if not is_about_formatting(error):
                raise
            log.warning("Telegram refused the formatting", extra={"reason": error.message})

        async def send_plain(chat: int, thread: int | None) -> Sent:
            return await send(chat, thread, plain=True)

        return (await self._sent(place, send_plain)).message_id

    async def rich(self, place: Place, html: str, *, markup: Markup = None, reply_to: int | None = None) -> int | None:
        """Send a rich message that has had its turn; its id. None where the server does not take it."""
        fields: dict[str, Any] = {"rich_message": {"html": html}, "reply_markup": markup}
        if reply_to is not None:
            fields["reply_parameters"] = _reply(reply_to)

        async def send(chat: int, thread: int | None) -> Any:
            given = {"chat_id": chat, "message_thread_id": thread, **fields}
            return await self._bot.do_api_request(
                "sendRichMessage", {name: value for name, value in given.items() if value is not None}, return_type=Sent
            )

        if not self.has_rich:
            return None
        try:
            sent = await self._sent(place, send, at_once=True)
        except TelegramError as error:
            if is_missing_method(error):
                self.has_rich = False
            elif not isinstance(error, BadRequest):
                raise
            log.info("a rich message goes out as a plain one", extra={"reason": error.message})
            return None
        return int(sent.message_id)

    async def edit(
        self,
        place: Place,
        message: int,
        styled: Styled,
        *,
        markup: InlineKeyboardMarkup | None = None,
        at_once: bool = False,
    ) -> bool:
        """Write a message anew; False where it is not there any more."""

        async def edit(chat: int, thread: int | None) -> object:
            return await self._bot.edit_message_text(
                styled.text,
                chat,
                message,
                entities=entities_of(styled),
                reply_markup=markup,
                link_preview_options=NO_PREVIEW,
            )

        return await self._edited(place, edit, at_once=at_once)

    async def keyboard(
        self, place: Place, message: int, markup: InlineKeyboardMarkup | None, *, at_once: bool = False
    ) -> bool:
        """Give a message another keyboard, or none; False where it is not there any more."""

        async def edit(chat: int, thread: int | None) -> object:
            return await self._bot.edit_message_reply_markup(chat, message, reply_markup=markup)

        return await self._edited(place, edit, at_once=at_once)

    async def found_behind(self, place: Place, message: int, markup: Markup) -> int | None:
        """A message of ours a little behind this one, of which nobody has told us; None where there is none.

        It is asked for by giving it the keyboard that it has: Telegram says then that nothing has changed.
        """
        inline = markup if isinstance(markup, InlineKeyboardMarkup) else None
        for behind in range(message + 1, message + 1 + PROBES) if message else ():
            try:
                if await self.keyboard(place, behind, inline, at_once=True):
                    return behind
            except BadRequest as error:
                log.info("a message cannot be looked at", extra={"reason": error.message})
        return None

    async def delete(self, place: Place, message: int) -> None:
        """Take a message away, if it is still there."""
        try:
            await self._bot.delete_message(self._chat(place), message)
        except BadRequest as error:
            log.info("a message cannot be taken away", extra={"reason": error.message})

    async def draft(self, place: Place, draft: int, styled: Styled) -> None:
        """Show what an answer is so far, in a private chat, with a button that stops it."""
        await self._bot.send_message_draft(
            self._chat(place),
            draft,
            styled.text,
            message_thread_id=self._thread(place),
            entities=entities_of(styled),
            api_kwargs={"can_stop": True},
        )

    async def typing(self, place: Place) -> None:
        await self._bot.send_chat_action(self._chat(place), ChatAction.TYPING, message_thread_id=self._thread(place))

    async def file(self, place: Place, content: bytes, *, name: str, is_image: bool) -> int:
        """Send a file that has had its turn, an image so that it is seen; its message's id."""
        file = InputFile(content, filename=name)

        async def photo(chat: int, thread: int | None) -> Sent:
            return await self._bot.send_photo(chat, file, message_thread_id=thread)

        async def document(chat: int, thread: int | None) -> Sent:
            return await self._bot.send_document(chat, file, message_thread_id=thread)

        if is_image and len(content) <= PHOTO_BYTES:
            try:
                return (await self._sent(place, photo, at_once=True)).message_id
            except BadRequest as error:  # no picture to Telegram: too long, too wide, or none at all
                log.info("a picture goes out as a document", extra={"reason": error.message})
        return (await self._sent(place, document, at_once=True)).message_id

    async def title(self, place: Place, name: str) -> None:
        """Name a topic."""
        assert place.thread is not None
        await self._bot.edit_forum_topic(self._chat(place), place.thread, name=name)

    async def cosmetic(self, request: Awaitable[object]) -> None:
        """Make a request that nothing depends on."""
        try:
            await request
        except TelegramError as error:
            log.info("Telegram refused something of no importance", extra={"reason": str(error)})

    async def turn(self, place: Place) -> None:
        """Wait until a message may be sent there."""
        await self._pacer.turn(self._chat(place))

    def may_show(self, place: Place) -> bool:
        """Whether there is room for a live part now."""
        return self._pacer.may_show(self._chat(place))

    def pause(self, place: Place, error: RetryAfter) -> None:
        self._pacer.close(self._chat(place), seconds_of(error))

    async def _sent(self, place: Place, send: Callable[[int, int | None], Awaitable[T]], *, at_once: bool = False) -> T:
        """Send at Telegram's pace; once more where the chat has moved, or the topic is not there."""
        chat = self._chat(place)
        if not at_once:
            await self._pacer.turn(chat)
        try:
            return await send(chat, self._thread(place))
        except RetryAfter as error:
            self._pacer.close(chat, seconds_of(error))
            raise
        except ChatMigrated as error:
            self.has_moved(place.chat, error.new_chat_id)
            await self._moved(place.chat, error.new_chat_id)
            return await self._sent(place, send)
        except BadRequest as error:
            if not is_about_thread(error) or place in self._without_thread:
                raise
            self._without_thread.add(place)
            return await self._sent(place, send)

    async def _edited(
        self, place: Place, edit: Callable[[int, int | None], Awaitable[object]], *, at_once: bool = False
    ) -> bool:
        try:
            await self._sent(place, edit, at_once=at_once)
        except BadRequest as error:
            if is_message_gone(error):
                return False
            if not is_unchanged(error):
                raise
        return True

    def _chat(self, place: Place) -> int:
        return self._now_at.get(place.chat, place.chat)

    def _thread(self, place: Place) -> int | None:
        return None if place in self._without_thread else place.thread


def entities_of(styled: Styled) -> list[MessageEntity]:
    return [
        MessageEntity(each.type, each.offset, each.length, url=each.url or None, language=each.language or None)
        for each in styled.entities
    ]


def _reply(message: int | None) -> ReplyParameters | None:
    """A reply that is sent also where the message that it answers was deleted."""
    return None if message is None else ReplyParameters(message, allow_sending_without_reply=True)
