"""A conversation as server-sent events: what a program has not seen, then what comes, until it goes."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from adapters.web.api.contract import Going
from adapters.web.api.telling import part
from adapters.web.events import HEARTBEAT_SECONDS, PACE_SECONDS
from adapters.web.items import Moment
from adapters.web.record import Shown
from adapters.web.rooms import Rooms
from orchestrator.messages import Draft, Live, Status

BEAT = ": still here\n\n"


async def follow(rooms: Rooms, session: str, missed: Callable[[], Awaitable[Sequence[Shown]]]) -> AsyncIterator[str]:
    """The events. It looks before it reads what was `missed`, so that nothing can come between."""
    with rooms.looking(session) as page:
        sent = [final(each) for each in await missed()]
        for event in sent:
            yield event
        told: Mapping[str, Moment] = {}
        while True:
            moments = {turn: replace(now) for turn, now in rooms.find(session).moments.items()}
            for event in _going(told, moments):
                yield event
            told = moments
            news = await page.news(within=HEARTBEAT_SECONDS)
            for event in news.items:
                if event not in sent:
                    yield event
            if news.ended:
                return
            if not (news.items or news.live):
                yield BEAT
            await asyncio.sleep(PACE_SECONDS)


def final(shown: Shown) -> str:
    """A final part as an event, by whose id a stream can be resumed."""
    return f"id: {shown.id}\nevent: part\ndata: {part(shown).model_dump_json()}\n\n"


def _going(told: Mapping[str, Moment], moments: Mapping[str, Moment]) -> Iterator[str]:
    """What looks different now in the turns that run."""
    for turn, now in moments.items():
        was = told.get(turn, Moment())
        if now.card and now.card != was.card:
            yield _live(turn, now.card)
        if now.draft and now.draft != was.draft:
            yield _live(turn, Draft(text=now.draft))
        if now.status and now.status != was.status:
            yield _live(turn, Status(text=now.status))


def _live(turn: str, now: Live) -> str:
    return f"event: live\ndata: {Going(turn=turn, part=now).model_dump_json()}\n\n"
