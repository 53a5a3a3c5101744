"""What Slack sends as what the core takes: pure, so that every rule of it can be read and tested alone."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from html import unescape
from typing import Any

from orchestrator.messages import Address, Attachment, FileKind, Foreign, Message, Person

NAME = "slack"
Event = Mapping[str, Any]
"""JSON of Slack's: an event, or one of its parts."""

MARK = re.compile(r"<([^<>\s][^<>]*)>")
MENTION = re.compile(r"<@([UWB][A-Z0-9]+)(?:\|([^<>]*))?>")
FOREIGN = 4_000  # characters of one shared message
WORDS_OF_ALL = {"!here": "@here", "!channel": "@channel", "!everyone": "@everyone"}


@dataclass(frozen=True, slots=True)
class Me:
    """The app itself, in one workspace. With an `enterprise` a whole organisation has installed it."""

    user: str
    bot: str
    team: str
    enterprise: str = ""

    @classmethod
    def of(cls, answer: Event) -> "Me":
        """From what auth.test says."""
        return cls(
            user=str(answer.get("user_id", "")),
            bot=str(answer.get("bot_id", "")),
            team=str(answer.get("team_id", "")),
        )


@dataclass(frozen=True, slots=True)
class Place:
    """Where in Slack: a channel, and in it a thread, named by the ts of its first message."""

    channel: str
    thread: str | None = None

    @property
    def is_private(self) -> bool:
        """Whether it is a direct message with one person."""
        return self.channel.startswith("D")

    @property
    def address(self) -> Address:
        return Address(channel=NAME, chat=self.channel, thread=self.thread)

    @classmethod
    def of(cls, address: Address) -> "Place":
        return cls(address.chat, address.thread)


def place_of(event: Event, *, single: bool) -> Place:
    """Where something was said. With `single` direct messages that are in no thread are one long conversation."""
    channel, thread, ts = str(event["channel"]), event.get("thread_ts"), str(event["ts"])
    if thread is None and single and channel.startswith("D"):
        return Place(channel)
    return Place(channel, str(thread or ts))


def event_of(channel: str, ts: str) -> str:
    """A message's event id: the same for each event that is about it, so that none is taken twice."""
    return f"{channel}:{ts}"


def message_of(event: Event, me: Me, *, place: Place, person: Person, names: Mapping[str, str]) -> Message:
    """A person's message, as the core takes it. `names` are of the people who are mentioned."""
    return Message(
        event_id=event_of(str(event["channel"]), str(event["ts"])),
        address=place.address,
        person=person,
        sent_at=moment(str(event["ts"])),
        private=place.is_private,
        text=words_of(str(event.get("text", "")), me, names),
        attachments=tuple(attachments_of(event)),
        foreign=tuple(_shared(event, names)),
    )


def moment(ts: str) -> datetime:
    """When a message was sent."""
    return datetime.fromtimestamp(float(ts), UTC)


def words_of(text: str, me: Me, names: Mapping[str, str]) -> str:
    """What the person wrote, without the mention that only says for whom it is."""
    mine = MENTION.sub(lambda found: "" if found[1] == me.user else found[0], text)
    return decoded(mine, names).strip(" ,:\n")


def decoded(text: str, names: Mapping[str, str]) -> str:
    """Slack's marks as the canonical Markdown: mentions as names, links as links, entities as characters."""
    return unescape(MARK.sub(lambda found: _meaning(found[1], names), text))


def _meaning(mark: str, names: Mapping[str, str]) -> str:
    what, _, label = mark.partition("|")
    if what.startswith("@"):
        return f"@{label or names.get(what[1:]) or what[1:]}"
    if what.startswith("#"):
        return f"#{label or what[1:]}"
    if what.startswith("!"):
        return WORDS_OF_ALL.get(what) or label or what[1:]
    if what.startswith("mailto:") and label:
        return label
    return f"[{label}]({what})" if label and label != what else what


def mentioned_in(text: str) -> list[str]:
    """The ids of those who are mentioned, in their order."""
    return [found[1] for found in MENTION.finditer(text)]


def attachments_of(event: Event) -> Iterator[Attachment]:
    """The files of a message. One that lives elsewhere is a link, and a link is no file."""
    for file in event.get("files") or ():
        if file.get("mode") in {"external", "tombstone"} or file.get("is_external"):
            continue
        yield Attachment(
            kind=_kind(file),
            name=str(file.get("name") or file.get("title") or "file"),
            mime=str(file.get("mimetype") or "application/octet-stream"),
            size=file.get("size") or None,
            ref=f"{event.get('channel')}/{file.get('id')}",
        )


def _kind(file: Event) -> FileKind:
    subtype, mime = file.get("subtype"), str(file.get("mimetype", ""))
    if subtype == "slack_audio":
        return "voice"
    known: dict[str, FileKind] = {"image": "photo", "audio": "audio", "video": "video"}
    return known.get(mime.partition("/")[0], "document")


def _shared(event: Event, names: Mapping[str, str]) -> Iterator[Foreign]:
    """Messages of others that were shared with this one, and files that live elsewhere."""
    for each in event.get("attachments") or ():
        if each.get("is_share") or each.get("is_msg_unfurl"):
            text = decoded(str(each.get("text") or each.get("fallback") or ""), names)
            yield Foreign(kind="forward", text=text[:FOREIGN], author=str(each.get("author_name", "")))
    for file in event.get("files") or ():
        if file.get("mode") == "external" or file.get("is_external"):
            link = str(file.get("external_url") or file.get("url_private") or file.get("permalink") or "")
            yield Foreign(kind="forward", text=f"{file.get('title') or 'a file'}: {link}", author="")


def is_of_a_person(event: Event, me: Me) -> bool:
    """Whether somebody said it: not the app itself, no other bot, no note of Slack's on what has happened."""
    subtype = event.get("subtype")
    if subtype not in {None, "file_share", "thread_broadcast"}:
        return False
    user = event.get("user")
    return bool(user) and user not in {me.user, "USLACK", "USLACKBOT"} and not event.get("bot_id")
