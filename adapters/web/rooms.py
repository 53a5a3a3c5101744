"""What goes on in each conversation right now, and the pages that look at it."""

import asyncio
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from adapters.web.items import Moment, number_of
from orchestrator.messages import Draft, Live, PlanCard, Status

MOST_WAITING = 200  # items that wait for a page which does not read; it is sent away, and reads all anew


@dataclass(frozen=True, slots=True)
class News:
    """What a page has not seen yet: `items` to show in their places, whether the running turns look different, whether
    the list of conversations does. Where it has `ended`, the page is to read all anew."""

    items: tuple[str, ...] = ()
    live: bool = False
    list: bool = False
    ended: bool = False


class Page:
    """One page that looks at a conversation. What it has not read yet is kept once, however often it changes."""

    def __init__(self) -> None:
        self._items: OrderedDict[str, str] = OrderedDict()
        self._live = self._list = self._ended = False
        self._has_news = asyncio.Event()

    def item(self, name: str, item: str) -> None:
        self._items[name] = item
        self._items.move_to_end(name)
        if len(self._items) > MOST_WAITING:
            self.end()
        self._has_news.set()

    def live(self) -> None:
        self._live = True
        self._has_news.set()

    def list(self) -> None:
        self._list = True
        self._has_news.set()

    def end(self) -> None:
        """Send it away."""
        self._ended = True
        self._items.clear()
        self._has_news.set()

    async def news(self, *, within: float) -> News:
        """What is new, as soon as something is; nothing, where nothing is new for so many seconds."""
        try:
            async with asyncio.timeout(within):
                await self._has_news.wait()
        except TimeoutError:
            return News()
        self._has_news.clear()
        told = News(tuple(self._items.values()), self._live, self._list, self._ended)
        self._items.clear()
        self._live = self._list = False
        return told


@dataclass(slots=True)
class Room:
    """One conversation while somebody looks at it or something runs in it. `moments` are by turn."""

    pages: set[Page] = field(default_factory=set)
    moments: dict[str, Moment] = field(default_factory=dict)


class Rooms:
    """The rooms by session key."""

    def __init__(self) -> None:
        self._rooms: dict[str, Room] = {}
        self._is_closed = False

    def find(self, session: str) -> Room:
        """The room as it is; an empty one where there is none."""
        return self._rooms.get(session) or Room()

    @contextmanager
    def looking(self, session: str) -> Iterator[Page]:
        """A page that looks at this session for as long as it is held open."""
        page = Page()
        room = self._rooms.setdefault(session, Room())
        room.pages.add(page)
        if self._is_closed:
            page.end()
        try:
            yield page
        finally:
            room.pages.discard(page)
            self._leave(session)

    def begins(self, session: str, turn: str) -> None:
        """A turn was accepted, and is under way."""
        room = self._rooms.setdefault(session, Room())
        room.moments.setdefault(turn, Moment())
        self._look(room)

    def take(self, session: str, turn: str, part: Live) -> None:
        """Show a live part of a turn."""
        room = self._rooms.setdefault(session, Room())
        moment = room.moments.setdefault(turn, Moment())
        match part:
            case Status(text=text):
                moment.status = text
            case PlanCard():
                moment.card, moment.status = part, ""
            case Draft(text=text):
                moment.draft, moment.status = text, ""
        self._look(room)

    def card(self, session: str, turn: str) -> PlanCard | None:
        """The plan that a running turn has shown."""
        moment = self.find(session).moments.get(turn)
        return moment.card if moment else None

    def ends(self, session: str, turn: str) -> None:
        """A turn has ended; those before it have too, perhaps without a word."""
        room = self.find(session)
        for known in [each for each in room.moments if number_of(each) <= number_of(turn)]:
            del room.moments[known]
        self._look(room)
        self._leave(session)

    def show(self, session: str, name: str, item: str) -> None:
        """Show an item, in the place of an older one of this name."""
        for page in self.find(session).pages:
            page.item(name, item)

    def list(self, place: str) -> None:
        """The list of conversations of a place has changed."""
        for session, room in self._rooms.items():
            if session == place or session.startswith(f"{place}/"):
                for page in room.pages:
                    page.list()

    def close(self) -> None:
        """Send all pages away, and those that come."""
        self._is_closed = True
        for room in self._rooms.values():
            for page in room.pages:
                page.end()

    @property
    def pages(self) -> int:
        """How many pages look, over all rooms."""
        return sum(len(room.pages) for room in self._rooms.values())

    @staticmethod
    def _look(room: Room) -> None:
        for page in room.pages:
            page.live()

    def _leave(self, session: str) -> None:
        room = self._rooms.get(session)
        if room and not (room.pages or room.moments):
            del self._rooms[session]
