"""Conversations that a slash word or a shortcut begins: their first message is the app's own, and names who asks.

What was asked is noted before Slack is told that it has arrived; the first message is marked, so that a restart finds
it.
"""

import asyncio
import json
import logging
from dataclasses import asdict, dataclass

from adapters.base import Shelf
from adapters.slack.arrivals import Arrivals
from adapters.slack.errors import SlackTrouble
from adapters.slack.inbound import Place, event_of, moment
from adapters.slack.markdown import pages
from adapters.slack.sending import Sender, mark
from adapters.text import shortened
from orchestrator.messages import Foreign, Message, Person
from orchestrator.words import say, speaking

log = logging.getLogger(__name__)

NOTE = "begin/"  # keys of notes
LONGEST_PAUSE = 30.0  # seconds between two tries
QUOTED = 600  # characters of a question that the first message shows


@dataclass(frozen=True, slots=True)
class Beginning:
    """What somebody asks. Without a `channel` the conversation is in their direct messages. `about` is the message of
    another one that it is about, and `author` who wrote that. At the `response_url` they can be told something where
    the app is not."""

    id: str
    user: str
    name: str
    text: str
    channel: str = ""
    about: str = ""
    author: str = ""
    response_url: str = ""
    language: str = "en"
    teams: tuple[str, ...] = ()


class Beginnings:
    """Begins conversations. With `single` direct messages are one long one."""

    def __init__(
        self,
        sender: Sender,
        shelf: Shelf,
        tasks: asyncio.TaskGroup,
        *,
        arrivals: Arrivals,
        single: bool,
    ) -> None:
        self._sender = sender
        self._shelf = shelf
        self._tasks = tasks
        self._arrivals = arrivals
        self._single = single

    async def open(self) -> None:
        """Go on with what an earlier process had not begun."""
        for note in (await self._shelf.notes(NOTE)).values():
            self._start(Beginning(**json.loads(note)), repeated=True)

    async def take(self, beginning: Beginning) -> None:
        """Make it durable, and begin it. Raises StorageError."""
        await self._shelf.note({f"{NOTE}{beginning.id}": json.dumps(asdict(beginning), ensure_ascii=False)})
        self._start(beginning)

    def _start(self, beginning: Beginning, *, repeated: bool = False) -> None:
        self._tasks.create_task(self._begin(beginning, repeated=repeated), name=f"beginning {beginning.id}")

    async def _begin(self, beginning: Beginning, *, repeated: bool) -> None:
        pause, unclear = 1.0, repeated
        while True:
            try:
                await self._said_or_told(beginning, look_first=unclear)
                await self._shelf.note({f"{NOTE}{beginning.id}": None})
            except SlackTrouble as trouble:
                log.warning("a conversation cannot be begun yet", extra={"reason": str(trouble)})
                unclear = unclear or trouble.unclear
                await asyncio.sleep(trouble.seconds or pause)
            except Exception:  # an edge: it is noted, and tried again
                log.exception("a conversation could not be begun")
                unclear = True
                await asyncio.sleep(pause)
            else:
                return
            pause = min(pause * 2, LONGEST_PAUSE)

    async def _said_or_told(self, beginning: Beginning, *, look_first: bool) -> None:
        """Begin it; where the app is not, say so."""
        try:
            await self._said(beginning, look_first=look_first)
        except SlackTrouble as trouble:
            if not trouble.is_place_gone:
                raise
            await self._not_there(beginning)

    async def _said(self, beginning: Beginning, *, look_first: bool) -> None:
        channel = beginning.channel or await self._direct(beginning.user)
        found = await self._sender.found(Place(channel), beginning.id) if look_first else None
        ts = found.pages.get(0) if found else None
        if ts is None:
            with speaking(beginning.language):
                page = pages(_words(beginning, is_private=not beginning.channel))[0]
            ts = await self._sender.post(Place(channel), page, marked=mark(beginning.id, 0))
        place = Place(channel, None if self._single and channel.startswith("D") else ts)
        await self._arrivals.accepted(_message(beginning, place, ts), message=ts, words=beginning.text)

    async def _direct(self, user: str) -> str:
        opened = await self._sender.api.call("conversations.open", user, users=user)
        return str(opened["channel"]["id"])

    async def _not_there(self, beginning: Beginning) -> None:
        with speaking(beginning.language):
            text = say("I am not in this channel. Invite me with `/invite`, or write to me directly.")
        if beginning.response_url:
            await self._sender.cosmetic(self._sender.respond(beginning.response_url, pages(text)[0]))


def _words(beginning: Beginning, *, is_private: bool) -> str:
    """The first message: who asks what, about what."""
    quoted = "\n".join(f"> {line}" for line in shortened(beginning.text, QUOTED).split("\n"))
    if beginning.about:
        short = " ".join(beginning.about.split())[:QUOTED]
        head = say("About what {author} wrote: “{text}”", author=beginning.author or "…", text=short)
        return f"{head}\n\n{quoted}"
    return quoted if is_private else f"{say('{name} asks:', name=beginning.name or beginning.user)}\n\n{quoted}"


def _message(beginning: Beginning, place: Place, ts: str) -> Message:
    about = Foreign(kind="forward", text=beginning.about, author=beginning.author)
    return Message(
        event_id=event_of(place.channel, ts),
        address=place.address,
        person=Person(id=beginning.user, name=beginning.name, teams=tuple(beginning.teams)),
        sent_at=moment(ts),
        private=place.is_private,
        text=beginning.text,
        foreign=(about,) if beginning.about else (),
    )
