"""What people look at: the page, a conversation's stream and what was before it, the list, and what a search finds."""

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from adapters.web import page
from adapters.web.endpoints import HERE, conversation_in, person_of, route, turn_in, wants_data
from adapters.web.events import follow
from adapters.web.html import Html
from adapters.web.items import items_of
from adapters.web.reading import Refused, theme_of
from adapters.web.record import Record, Stretch, address_of
from adapters.web.rooms import Rooms
from orchestrator.words import say

MOST_PAGES = 200  # that look at once
LONGEST_SEARCH = 200  # characters

Links = Callable[[Request], Awaitable[Sequence[tuple[str, str]]]]
"""Names and addresses of what else whoever asks may look at."""


async def nowhere(request: Request) -> Sequence[tuple[str, str]]:
    """No links."""
    return ()


class Looking:
    """Endpoints that change nothing. `links` lead from the page to what else is served here for whoever asks."""

    def __init__(
        self,
        record: Record,
        rooms: Rooms,
        *,
        has_sign_out: bool,
        upload_bytes: int,
        links: Links = nowhere,
    ) -> None:
        self._record = record
        self._rooms = rooms
        self._has_sign_out = has_sign_out
        self._upload_bytes = upload_bytes
        self._links = links

    def routes(self) -> list[Route]:
        return [
            route(self._record, "/", self._new),
            route(self._record, HERE, self._conversation),
            route(self._record, f"{HERE}/events", self._events),
            route(self._record, f"{HERE}/earlier", self._earlier),
            route(self._record, "/conversations", self._listing),
            route(self._record, "/search", self._search),
        ]

    async def _new(self, request: Request) -> Response:
        return await self._page(request, secrets.token_hex(6), Stretch())

    async def _conversation(self, request: Request) -> Response:
        address = address_of(person_of(request), conversation_in(request))
        stretch = await self._record.stretch(address, since=turn_in(request, "since"))
        return await self._page(request, conversation_in(request), stretch)

    async def _page(
        self, request: Request, conversation: str, stretch: Stretch, *, found: Html | None = None
    ) -> Response:
        person = person_of(request)
        listed = await self._record.conversations(person)
        view = page.View(
            person=person,
            conversation=conversation,
            title=next((each.title for each in listed if each.id == conversation), ""),
            items=items_of(stretch, conversation),
            listed=listed,
            language=await self._record.language(person),
            theme=theme_of(request),
            since=turn_in(request, "since") or "",
            is_busy=stretch.is_busy,
            has_earlier=stretch.has_earlier,
            has_sign_out=self._has_sign_out,
            upload_bytes=self._upload_bytes,
            links=await self._links(request),
            found=found,
        )
        return HTMLResponse(page.document(view))

    async def _events(self, request: Request) -> Response:
        """What the conversation looks like, and from then on what changes, as server-sent events."""
        person = person_of(request)
        conversation = conversation_in(request)
        if self._rooms.pages >= MOST_PAGES:
            raise Refused(say("Too many pages are open. Please close one."), 503)
        address, since = address_of(person, conversation), turn_in(request, "since")
        language = await self._record.language(person)

        async def whole() -> Stretch:
            return await self._record.stretch(address, since=since)

        def events() -> AsyncIterator[str]:
            return follow(self._rooms, address, conversation=conversation, whole=whole, language=language)

        return StreamingResponse(events(), media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})

    async def _earlier(self, request: Request) -> Response:
        conversation, before = conversation_in(request), turn_in(request, "before")
        address = address_of(person_of(request), conversation)
        stretch = await self._record.stretch(address, before=before)
        if not wants_data(request):
            since = stretch.spoken[0].turn if stretch.spoken else before
            return RedirectResponse(f"/c/{conversation}?since={since}", 303)
        return JSONResponse({"items": items_of(stretch, conversation), "earlier": stretch.has_earlier})

    async def _listing(self, request: Request) -> Response:
        listed = await self._record.conversations(person_of(request))
        current = request.query_params.get("current", "")
        title = next((each.title for each in listed if each.id == current), "")
        return JSONResponse({"html": page.listing(listed, current), "title": title[: page.TITLE]})

    async def _search(self, request: Request) -> Response:
        wanted = request.query_params.get("q", "")[:LONGEST_SEARCH]
        hits = await self._record.find(person_of(request), wanted)
        result = page.found(hits, wanted)
        if wants_data(request):
            return JSONResponse({"html": result})
        return await self._page(request, secrets.token_hex(6), Stretch(), found=result)
