"""What programs look at: conversations and their streams, turns, dossiers, plans, files, and how things stand."""

from collections.abc import AsyncIterator, Sequence

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from adapters.web.api.archive import NAME, Archive
from adapters.web.api.contract import After, Before, Conversation, PlanView, Sessions, Turn
from adapters.web.api.description import STREAM
from adapters.web.api.operations import Operation, asked, data, kind, nothing_of
from adapters.web.api.streams import follow
from adapters.web.api.telling import conversation, session, turn
from adapters.web.endpoints import person_of
from adapters.web.files import file_headers
from adapters.web.looking import MOST_PAGES
from adapters.web.reading import Refused
from adapters.web.record import Shown, address_of
from adapters.web.rooms import Rooms
from orchestrator.messages import Answer, Attachment

LAST_EVENT = "Last-Event-ID"
BYTES = "application/octet-stream"


class Showing:
    """Operations that change nothing."""

    def __init__(self, archive: Archive, rooms: Rooms) -> None:
        self._archive = archive
        self._rooms = rooms

    def operations(self) -> Sequence[Operation]:
        return [
            Operation("GET", "/sessions", "listSessions", "Your conversations.", self._sessions, {200: kind(Sessions)}),
            Operation(
                "GET",
                "/sessions/{session}",
                "readSession",
                "The end of a conversation, or what stands before a turn of it.",
                self._session,
                {200: kind(Conversation)},
                problems=(404, 422),
                query=Before,
            ),
            Operation(
                "GET",
                "/sessions/{session}/events",
                "followSession",
                "What a conversation brings, as server-sent events: `part` with a Part, by whose id a stream can be "
                "resumed; `live` with a Going. Without an id it begins with the last parts.",
                self._events,
                {200: STREAM},
                problems=(404, 422, 503),
                query=After,
                headers=[(LAST_EVENT, "The id of the last part that you have seen.")],
            ),
            Operation("GET", "/turns/{turn}", "readTurn", "A turn.", self._turn, {200: kind(Turn)}, problems=(404,)),
            Operation(
                "GET",
                "/turns/{turn}/dossier",
                "readDossier",
                "What was decided in a turn that has ended, and why.",
                self._dossier,
                {200: kind(self._archive.dossier_model)},
                problems=(404,),
                word="why",
            ),
            Operation(
                "GET",
                "/plans/{plan}",
                "readPlan",
                "A plan, and how far it is. Its id is that of the turn that has made it.",
                self._plan,
                {200: kind(PlanView)},
                problems=(404,),
            ),
            Operation(
                "GET",
                "/files/{part}/{number}",
                "readFile",
                "A file of an answer, as its `path` says.",
                self._file,
                {200: BYTES},
                problems=(404,),
            ),
        ]

    async def _sessions(self, request: Request) -> Response:
        listed = await self._archive.conversations(person_of(request))
        return data(Sessions(sessions=tuple(map(session, listed))))

    async def _session(self, request: Request) -> Response:
        name = request.path_params["session"]
        before = asked(request, Before).before
        address = address_of(person_of(request), name, channel=NAME)
        stretch = await self._archive.stretch(address, before=before)
        is_there = stretch.spoken or (before and (await self._archive.stretch(address)).spoken)
        if not is_there:
            raise nothing_of("conversation")
        return data(conversation(name, stretch))

    async def _events(self, request: Request) -> Response:
        address = address_of(person_of(request), request.path_params["session"], channel=NAME)
        after = asked(request, After).after
        if not (await self._archive.stretch(address)).spoken:
            raise nothing_of("conversation")
        if self._rooms.pages >= MOST_PAGES:
            raise Refused("Too many streams are open; close one, and try again.", 503)

        async def missed() -> Sequence[Shown]:
            return await self._archive.shown_after(address, request.headers.get(LAST_EVENT) or after)

        events: AsyncIterator[str] = follow(self._rooms, address.session, missed)
        return StreamingResponse(events, media_type=STREAM, headers={"X-Accel-Buffering": "no"})

    async def _turn(self, request: Request) -> Response:
        found = await self._archive.turn(person_of(request), request.path_params["turn"])
        if found is None:
            raise nothing_of("turn")
        return data(turn(found))

    async def _dossier(self, request: Request) -> Response:
        dossier = await self._archive.dossier(person_of(request), request.path_params["turn"])
        if dossier is None:
            raise Refused("You have no such turn, or it has not ended: a dossier comes with the end.", 404)
        return data(dossier)

    async def _plan(self, request: Request) -> Response:
        found = await self._archive.plan(person_of(request), request.path_params["plan"])
        if found is None:
            raise nothing_of("plan")
        known, card = found
        return data(PlanView(**dict(card), turn=known.turn, session=known.conversation))

    async def _file(self, request: Request) -> Response:
        file = await self._named(request)
        content = await self._archive.content(file) if file else None
        if file is None or content is None:
            raise nothing_of("file")
        return Response(content, headers={**file_headers(file, save=True)})

    async def _named(self, request: Request) -> Attachment | None:
        shown = await self._archive.shown(person_of(request), request.path_params["part"])
        files = shown.part.files if shown and isinstance(shown.part, Answer) else ()
        return next(iter(files[int(request.path_params["number"]) :]), None)
