"""A conversation as server-sent events: first all of it, then what changes, until the page goes."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

from adapters.web.html import Html
from adapters.web.items import items_of, live
from adapters.web.record import Stretch
from adapters.web.rooms import News, Rooms
from orchestrator.messages import Address
from orchestrator.words import speaking

HEARTBEAT_SECONDS = 15.0  # so that proxies, and both ends, see that the other one is there
PACE_SECONDS = 0.05  # between two looks at what runs: more than that nobody can read


async def follow(
    rooms: Rooms,
    address: Address,
    *,
    conversation: str,
    whole: Callable[[], Awaitable[Stretch]],
    language: str,
) -> AsyncIterator[str]:
    """The events. It looks before it reads, so that nothing can come between; what comes twice has the same id."""
    session = address.session
    with rooms.looking(session) as page:
        stretch = await whole()
        with speaking(language):
            items = items_of(stretch, conversation)
        busy = stretch.is_busy or bool(rooms.find(session).moments)
        yield event("all", items=items, question=stretch.question, earlier=stretch.has_earlier, busy=busy)
        yield _live(rooms, session, language, busy=busy)
        while True:
            news = await page.news(within=HEARTBEAT_SECONDS)
            if news.items:
                yield event("items", items=news.items)
            if news.live:
                yield _live(rooms, session, language)
            if news.list:
                yield event("list")
            if news.ended:
                return
            if news == News():
                yield ": still here\n\n"
            await asyncio.sleep(PACE_SECONDS)


def event(kind: str, **data: Any) -> str:
    """One event, as the stream writes it."""
    return f"event: {kind}\ndata: {json.dumps(data)}\n\n"


def _live(rooms: Rooms, session: str, language: str, *, busy: bool = False) -> str:
    """What runs now."""
    moments = rooms.find(session).moments
    with speaking(language):
        items: Sequence[Html] = [live(turn, moment) for turn, moment in moments.items()]
    return event("live", items=items, busy=busy or bool(moments))
