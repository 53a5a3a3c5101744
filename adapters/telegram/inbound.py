"""A Telegram update as an Inbound: pure, so that every rule of it can be read and tested alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from telegram import Message as Sent
from telegram import (
    MessageEntity,
    MessageOriginChannel,
    MessageOriginChat,
    MessageOriginHiddenUser,
    MessageOriginUser,
    Update,
    User,
)

from orchestrator.messages import Address, Attachment, Edit, Foreign, Message, Person, Stop

NAME = "telegram"
STOPPED = "stopped_message_generation"  # newer than python-telegram-bot 22.8, which hands it over as it came
REPLIED = 2_000  # characters of a message that is replied to


@dataclass(frozen=True, slots=True)
class Me:
    """The bot itself."""

    id: int
    username: str

    @classmethod
    def of(cls, user: User) -> "Me":
        return cls(user.id, (user.username or "").casefold())


@dataclass(frozen=True, slots=True)
class Place:
    """Where in Telegram: a chat, and in it perhaps a topic. Groups have negative ids."""

    chat: int
    thread: int | None = None

    @property
    def is_private(self) -> bool:
        return self.chat > 0

    @property
    def address(self) -> Address:
        thread = None if self.thread is None else str(self.thread)
        return Address(channel=NAME, chat=str(self.chat), thread=thread)

    @classmethod
    def of(cls, address: Address) -> "Place":
        return cls.named(address.chat, address.thread)

    @classmethod
    def named(cls, chat: str, thread: str | None) -> "Place":
        return cls(int(chat), None if thread is None else int(thread))


def place_of(sent: Sent) -> Place:
    """Replies in groups without topics carry a thread too, which is no session of its own."""
    return Place(sent.chat.id, sent.message_thread_id if sent.is_topic_message else None)


def event_of(sent: Sent) -> str:
    """A message's event id: the same for the message and for what is said about it later."""
    return f"{sent.chat.id}:{sent.message_id}"


def message_of(sent: Sent, me: Me, *, place: Place | None = None) -> Message:
    """A person's message, as the core takes it. `place` is where it counts as said, where that is another one."""
    forwarded = Foreign(kind="forward", text=_text(sent), author=_origin(sent)) if sent.forward_origin else None
    return Message(
        event_id=event_of(sent),
        address=(place or place_of(sent)).address,
        person=person_of(sent),
        sent_at=sent.date,
        private=place_of(sent).is_private,
        text="" if forwarded else words_of(sent, me),
        attachments=(*attachments_of(sent), *_replied_files(sent)),
        foreign=tuple(filter(None, (forwarded, _reply(sent, me)))),
    )


def edit_of(update: Update, sent: Sent, me: Me, *, place: Place | None = None) -> Edit:
    """New words for a message."""
    return Edit(
        event_id=f"u{update.update_id}",
        address=(place or place_of(sent)).address,
        person=person_of(sent),
        sent_at=sent.edit_date or sent.date,
        private=place_of(sent).is_private,
        edits=event_of(sent),
        text=words_of(sent, me),
    )


def stop_of(update: Update, now: Any) -> Stop | None:
    """The native stop button of a draft, which there are only in private chats: the chat is the person."""
    stopped: Mapping[str, Any] | None = update.api_kwargs.get(STOPPED)
    if not stopped:
        return None
    place = Place(stopped["chat"]["id"], stopped.get("message_thread_id"))
    person = Person(id=str(place.chat))
    return Stop(event_id=f"u{update.update_id}", address=place.address, person=person, sent_at=now)


def person_of(sent: Sent) -> Person:
    if sent.sender_chat:
        return Person(id=str(sent.sender_chat.id), name=sent.sender_chat.effective_name or "")
    user = sent.from_user
    return Person(id=str(user.id), name=user.full_name) if user else Person(id="0")


def is_addressed(sent: Sent, me: Me) -> bool:
    """Whether a message is for the bot: any in private; elsewhere a command, a mention, or a reply to it."""
    commands = [text for entity, text in _entities(sent) if entity.type == MessageEntity.BOT_COMMAND]
    if commands and commands[0] == (_text(sent).split() or [""])[0]:
        _, _, bot = commands[0].partition("@")
        return bot.casefold() in {"", me.username}
    if sent.chat.type == sent.chat.PRIVATE:
        return True
    replied = sent.reply_to_message
    is_reply = replied is not None and not replied.forum_topic_created  # what is said in a topic "answers" its head
    to_me = is_reply and replied is not None and replied.from_user is not None and replied.from_user.id == me.id
    return to_me or any(_is_mention(entity, text, me) for entity, text in _entities(sent))


def words_of(sent: Sent, me: Me) -> str:
    """What the person wrote, without the mention that only says for whom it is."""
    text = _text(sent) or _as_words(sent)
    raw = text.encode("utf-16-le")
    for entity, mention in reversed(_entities(sent)):
        if _is_mention(entity, mention, me):
            start, end = 2 * entity.offset, 2 * (entity.offset + entity.length)
            raw = raw[:start] + raw[end:]
    return raw.decode("utf-16-le", "replace").strip(" ,:\n")


def attachments_of(sent: Sent) -> tuple[Attachment, ...]:
    """The file of a message. Telegram has one a message; an album is several messages."""
    if sent.photo:
        photo = sent.photo[-1]  # the largest
        name = f"photo-{photo.file_unique_id}.jpg"
        return (Attachment(kind="photo", name=name, mime="image/jpeg", size=photo.file_size, ref=photo.file_id),)
    if voice := sent.voice:
        mime = voice.mime_type or "audio/ogg"
        name = f"voice-{voice.file_unique_id}.ogg"
        return (Attachment(kind="voice", name=name, mime=mime, size=voice.file_size, ref=voice.file_id),)
    if note := sent.video_note:
        name = f"video-{note.file_unique_id}.mp4"
        return (Attachment(kind="video", name=name, mime="video/mp4", size=note.file_size, ref=note.file_id),)
    for kind, file in (("audio", sent.audio), ("video", sent.video), ("document", sent.document)):
        if file:
            name = file.file_name or f"{kind}-{file.file_unique_id}"
            mime = file.mime_type or "application/octet-stream"
            fields = {"kind": kind, "name": name, "mime": mime, "size": file.file_size, "ref": file.file_id}
            return (Attachment.model_validate(fields),)
    return ()


def _text(sent: Sent) -> str:
    return sent.text or sent.caption or ""


def _entities(sent: Sent) -> list[tuple[MessageEntity, str]]:
    """The marks of a text or a caption, in their order, each with what it marks."""
    marked = sent.parse_entities() if sent.text else sent.parse_caption_entities()
    return sorted(marked.items(), key=lambda each: each[0].offset)


def _is_mention(entity: MessageEntity, text: str, me: Me) -> bool:
    named = entity.type == MessageEntity.MENTION and text.casefold() == f"@{me.username}"
    return named or (entity.type == MessageEntity.TEXT_MENTION and entity.user is not None and entity.user.id == me.id)


def _as_words(sent: Sent) -> str:
    """What is said without text: a sticker's emoji, a place, a contact."""
    if sent.sticker:
        return sent.sticker.emoji or ""
    if sent.location:
        return f"Location: {sent.location.latitude}, {sent.location.longitude}"
    if sent.contact:
        return f"Contact: {sent.contact.first_name} {sent.contact.last_name or ''} {sent.contact.phone_number}"
    return ""


def _origin(sent: Sent) -> str:
    """Who said first what was forwarded."""
    match sent.forward_origin:
        case MessageOriginUser(sender_user=user):
            return user.full_name
        case MessageOriginHiddenUser(sender_user_name=name):
            return name
        case MessageOriginChat(sender_chat=chat) | MessageOriginChannel(chat=chat):
            return chat.effective_name or ""
        case _:
            return ""


def _reply(sent: Sent, me: Me) -> Foreign | None:
    """What the message answers: the part that was quoted, else all of it."""
    replied = sent.reply_to_message
    if replied is None or replied.forum_topic_created:  # the head of a topic is "replied to" by all in it
        return None
    text = sent.quote.text if sent.quote else _text(replied)
    ours = replied.from_user is not None and replied.from_user.id == me.id
    author = "you" if ours else person_of(replied).name
    return Foreign(kind="reply", text=text[:REPLIED], author=author) if text else None


def _replied_files(sent: Sent) -> tuple[Attachment, ...]:
    """The file of the message that is answered: "what is this?" means it."""
    return attachments_of(sent.reply_to_message) if sent.reply_to_message else ()
