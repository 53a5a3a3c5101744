"""The endpoints of a conversation: what people do becomes Inbounds, and what they look at is read for them."""

import re
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from adapters.base import Shelf, reason_of
from adapters.web import page
from adapters.web.events import follow
from adapters.web.html import Html
from adapters.web.items import PICTURES, items_of, said
from adapters.web.reading import Refused, body_of, form_of, theme_of
from adapters.web.record import Record, Stretch, address_of, place_of
from adapters.web.rooms import Rooms
from adapters.web.uploads import Uploads
from adapters.web.visitors import Visitors
from orchestrator.messages import (
    Accept,
    Answer,
    Arriving,
    Attachment,
    Choice,
    Feedback,
    Form,
    Inbound,
    Message,
    Person,
    Receipt,
    Stop,
)
from orchestrator.words import say, speaking

CONVERSATION = re.compile(r"[a-z0-9]{4,40}")
EVENT = re.compile(r"[A-Za-z0-9-]{8,64}")
TURN = re.compile(r"t\d{1,9}")
DELIVERY = re.compile(r"[\w.-]{1,60}", re.ASCII)
UPLOAD_SECONDS = 300.0
MOST_PAGES = 200  # that look at once
SHOWN_TITLE = 80  # characters
WHILE_GONE = {"Retry-After": "2"}

Endpoint = Callable[[Request], Awaitable[Response]]
Fields = Mapping[str, Sequence[str]]


@dataclass(slots=True)
class Chat:
    """Endpoints for people. `accept` is None while nothing can be taken in."""

    record: Record
    shelf: Shelf
    rooms: Rooms
    visitors: Visitors
    upload_bytes: int
    links: Sequence[tuple[str, str]] = ()
    accept: Accept | None = None
    _uploads: Uploads = field(init=False)

    def __post_init__(self) -> None:
        self._uploads = Uploads(self.record, self.shelf)

    def routes(self) -> list[Route]:
        """Where each of them is."""
        here = "/c/{conversation}"
        return [
            self._route("/", self._new),
            self._route(here, self._conversation),
            self._route(f"{here}/events", self._events),
            self._route(f"{here}/earlier", self._earlier),
            self._route(f"{here}/messages", self._message, "POST"),
            self._route(f"{here}/answers", self._answer, "POST"),
            self._route(f"{here}/stop", self._stop, "POST"),
            self._route(f"{here}/feedback", self._feedback, "POST"),
            self._route("/conversations", self._listing),
            self._route("/search", self._search),
            self._route("/files", self._upload, "POST"),
            self._route("/files/{delivery}/{number:int}", self._download),
        ]

    def _route(self, path: str, endpoint: Endpoint, method: str = "GET") -> Route:
        """An endpoint in the language of the person; what it refuses is told."""

        async def spoken(request: Request) -> Response:
            person: Person = request.state.person
            try:
                with speaking(await self.record.language(person)):
                    return await endpoint(request)
            except Refused as refused:
                return _told(request, str(refused), refused.status)
            except Exception as error:  # noqa: BLE001 - an edge: the person is told, and their words are still theirs
                return _told(request, reason_of(error), 503, WHILE_GONE)

        return Route(path, spoken, methods=[method])

    # --- what people look at

    async def _new(self, request: Request) -> Response:
        return await self._page(request, secrets.token_hex(6), Stretch())

    async def _conversation(self, request: Request) -> Response:
        address = address_of(request.state.person, _conversation_in(request))
        stretch = await self.record.stretch(address, since=_turn(request, "since"))
        return await self._page(request, _conversation_in(request), stretch)

    async def _page(
        self, request: Request, conversation: str, stretch: Stretch, *, found: Html | None = None
    ) -> Response:
        person: Person = request.state.person
        listed = await self.record.conversations(person)
        view = page.View(
            person=person,
            conversation=conversation,
            title=next((each.title for each in listed if each.id == conversation), ""),
            items=items_of(stretch, conversation),
            listed=listed,
            language=await self.record.language(person),
            theme=theme_of(request),
            since=_turn(request, "since") or "",
            is_busy=stretch.is_busy,
            has_earlier=stretch.has_earlier,
            has_sign_out=bool(self.visitors.token),
            upload_bytes=self.upload_bytes,
            links=self.links,
            found=found,
        )
        return HTMLResponse(page.document(view))

    async def _events(self, request: Request) -> Response:
        """What the conversation looks like, and from then on what changes, as server-sent events."""
        person: Person = request.state.person
        conversation = _conversation_in(request)
        if self.rooms.pages >= MOST_PAGES:
            raise Refused(say("Too many pages are open. Please close one."), 503)
        address, since = address_of(person, conversation), _turn(request, "since")
        language = await self.record.language(person)

        async def whole() -> Stretch:
            return await self.record.stretch(address, since=since)

        def events() -> AsyncIterator[str]:
            return follow(self.rooms, address, conversation=conversation, whole=whole, language=language)

        return StreamingResponse(events(), media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})

    async def _earlier(self, request: Request) -> Response:
        conversation, before = _conversation_in(request), _turn(request, "before")
        address = address_of(request.state.person, conversation)
        stretch = await self.record.stretch(address, before=before)
        if not _wants_data(request):
            since = stretch.spoken[0].turn if stretch.spoken else before
            return RedirectResponse(f"/c/{conversation}?since={since}", 303)
        return JSONResponse({"items": items_of(stretch, conversation), "earlier": stretch.has_earlier})

    async def _listing(self, request: Request) -> Response:
        listed = await self.record.conversations(request.state.person)
        current = request.query_params.get("current", "")
        title = next((each.title for each in listed if each.id == current), "")
        return JSONResponse({"html": page.listing(listed, current), "title": title[:SHOWN_TITLE]})

    async def _search(self, request: Request) -> Response:
        wanted = request.query_params.get("q", "")[:200]
        hits = await self.record.find(request.state.person, wanted)
        result = page.found(hits, wanted)
        if _wants_data(request):
            return JSONResponse({"html": result})
        return await self._page(request, secrets.token_hex(6), Stretch(), found=result)

    # --- what people do

    async def _message(self, request: Request) -> Response:
        given = await form_of(request)
        refs = list(given.get("file", ()))

        async def message(arrival: Mapping[str, Any]) -> Inbound:
            person: Person = request.state.person
            return Message(**arrival, text=_one(given, "text"), attachments=await self._uploads.sent(person, refs))

        response = await self._arrives(request, given, message)
        await self._uploads.over(refs)
        return response

    async def _answer(self, request: Request) -> Response:
        given = await form_of(request)
        question, choice = _one(given, "question"), _one(given, "choice")
        values = _values(given)

        async def answer(arrival: Mapping[str, Any]) -> Inbound:
            if choice:
                return Choice(**arrival, question=question, value=choice)
            return Form(**arrival, question=question, values=values)

        if not (choice or any(values.values())):
            raise Refused(say("Please fill this in."))
        return await self._arrives(request, given, answer)

    async def _stop(self, request: Request) -> Response:
        async def stop(arrival: Mapping[str, Any]) -> Inbound:
            return Stop(**arrival)

        return await self._arrives(request, await form_of(request), stop)

    async def _feedback(self, request: Request) -> Response:
        given = await form_of(request)
        turn, rating = _one(given, "turn"), _one(given, "rating")
        if not TURN.fullmatch(turn) or rating not in {"good", "bad"}:
            raise Refused(say("That cannot be rated."))
        arrival = self._arrival(request, given)
        await self._accepted(Feedback.model_validate({**arrival, "turn": turn, "rating": rating}))
        return self._done(request, {})

    async def _arrives(
        self, request: Request, given: Fields, inbound: Callable[[Mapping[str, Any]], Awaitable[Inbound]]
    ) -> Response:
        """Take something in, once, and show it on every page of the conversation."""
        arrival = self._arrival(request, given)
        if await self.shelf.knows(arrival["event_id"]):
            return self._done(request, {"new": False})
        taken = await inbound(arrival)
        receipt = await self._accepted(taken)
        if receipt.turn and receipt.new:
            self._show(taken, receipt.turn)
        return self._done(request, {"new": receipt.new, "turn": receipt.turn})

    def _show(self, taken: Inbound, turn: str) -> None:
        session = taken.address.session
        if item := said(taken, turn):
            self.rooms.show(session, taken.event_id, item)
        if not isinstance(taken, Stop) and not _is_stop(taken):
            self.rooms.begins(session, turn)
        self.rooms.list(place_of(taken.person))

    async def _accepted(self, inbound: Arriving) -> Receipt:
        if self.accept is None:
            raise Refused(say("I am just starting or ending. Your words are kept here, and sent again."), 503)
        return await self.accept(inbound)

    def _arrival(self, request: Request, given: Fields) -> dict[str, Any]:
        person: Person = request.state.person
        event = _one(given, "event") or secrets.token_hex(16)
        if not EVENT.fullmatch(event):
            raise Refused("'event' must have 8 to 64 letters, digits or dashes.")
        return {
            "event_id": f"{quote(person.id, safe='@.-_')}/{event}",
            "address": address_of(person, _conversation_in(request)),
            "person": person,
            "sent_at": datetime.now(UTC),
            "private": True,
        }

    @staticmethod
    def _done(request: Request, told: Mapping[str, Any]) -> Response:
        if _wants_data(request):
            return JSONResponse(told)
        return RedirectResponse(f"/c/{_conversation_in(request)}", 303)

    # --- files

    async def _upload(self, request: Request) -> Response:
        try:
            data = await body_of(request, most=self.upload_bytes, seconds=UPLOAD_SECONDS)
        except Refused as refused:
            if refused.status != 413:
                raise
            limit = self.upload_bytes // 10**6
            raise Refused(say("This file is too large: I take {limit} MB.", limit=limit), 413) from None
        mime = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        ref = await self._uploads.take(request.state.person, request.query_params.get("name", ""), mime, data)
        return JSONResponse({"ref": ref})

    async def _download(self, request: Request) -> Response:
        """A file of an answer. Only pictures are shown; nothing of any file is ever run."""
        name = request.path_params["delivery"]
        shown = await self.record.shown(request.state.person, name) if DELIVERY.fullmatch(name) else None
        files: Sequence[Attachment] = shown.part.files if shown and isinstance(shown.part, Answer) else ()
        number: int = request.path_params["number"]
        if number >= len(files):
            raise Refused(say("There is no such file."), 404)
        data = await self.record.content(files[number])
        if data is None:
            raise Refused(say("There is no such file."), 404)
        return Response(data, headers=_file_headers(files[number], save="save" in request.query_params))


def _file_headers(file: Attachment, *, save: bool) -> Mapping[str, str]:
    shows = file.mime in PICTURES and not save
    kind = "inline" if shows else "attachment"
    return {
        "Content-Type": file.mime if shows else "application/octet-stream",
        "Content-Disposition": f"{kind}; filename*=UTF-8''{quote(file.name, safe='')}",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Cache-Control": "private, max-age=3600",
    }


def _values(given: Fields) -> dict[str, str]:
    """The fields of a question that were filled in; own words stand over a choice."""
    chosen = {name.removeprefix("field."): _one(given, name) for name in given if name.startswith("field.")}
    own = {
        name.removeprefix("own."): words for name in given if name.startswith("own.") and (words := _one(given, name))
    }
    return {name: value for name, value in {**chosen, **own}.items() if value.strip()}


def _is_stop(taken: Inbound) -> bool:
    return isinstance(taken, Message) and taken.text.strip().lower() == "/stop"


def _one(given: Fields, name: str) -> str:
    return next(iter(given.get(name, ())), "")


def _conversation_in(request: Request) -> str:
    conversation: str = request.path_params["conversation"]
    if not CONVERSATION.fullmatch(conversation):
        raise Refused(say("There is no such conversation."), 404)
    return conversation


def _turn(request: Request, name: str) -> str | None:
    given = request.query_params.get(name, "")
    return given if TURN.fullmatch(given) else None


def _wants_data(request: Request) -> bool:
    return "application/json" in request.headers.get("accept", "")


def _told(request: Request, problem: str, status: int, headers: Mapping[str, str] | None = None) -> Response:
    if _wants_data(request) or request.method != "GET":
        return JSONResponse({"problem": problem}, status, headers)
    return HTMLResponse(page.trouble(problem, theme=theme_of(request)), status, headers)
