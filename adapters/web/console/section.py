"""The endpoints of the console, each for those alone who have the right."""

import secrets
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from adapters.web.console import crew, desk, dossier, house, money, past
from adapters.web.console.data import Act, Console, Part
from adapters.web.console.frame import Notice, View, document, places
from adapters.web.console.log import LEVELS, LogTail, log_page
from adapters.web.endpoints import TURN, person_of, route, turn_in, wants_data
from adapters.web.html import Html
from adapters.web.reading import Refused, form_of, theme_of
from adapters.web.record import Record
from orchestrator.words import say

MOST_NOTICES = 100  # that wait for their page
MOST_LOGS = 20  # pages that follow the log at once
ACTS: dict[str, Act] = {each: each for each in ("claim", "retry", "edit", "answer", "close")}
BACK: Mapping[Part, str] = {"review": "/console/review", "trust": "/console/servers"}
WORDLESS = frozenset({"claim", "retry", "close"})
LONGEST_KEY = 500  # characters of a session's key

Content = Sequence[Html | None]


class Section:
    """The console as a part of the site."""

    def __init__(self, console: Console, record: Record, log: LogTail) -> None:
        self._console = console
        self._record = record
        self._log = log
        self._notices: OrderedDict[str, Notice] = OrderedDict()

    def routes(self) -> list[Route]:
        return [
            self._page("overview", "/console", self._overview),
            self._page("sessions", "/console/sessions", self._sessions),
            self._page("turns", "/console/turns", self._turns),
            self._page("turns", "/console/turns/{turn}", self._dossier),
            self._page("review", "/console/review", self._cases),
            self._page("workers", "/console/workers", self._crew),
            self._page("budgets", "/console/budgets", self._spending),
            self._page("insights", "/console/insights", self._wishes),
            self._page("servers", "/console/servers", self._sources),
            self._page("settings", "/console/settings", self._settings),
            self._page("log", "/console/log", self._lines),
            route(self._record, "/console/log/events", self._follow),
            route(self._record, "/console/review/{turn}", self._review, "POST"),
            route(self._record, "/console/servers/trust", self._trust, "POST"),
        ]

    async def links(self, request: Request) -> Sequence[tuple[str, str]]:
        """The way here from the chat, for those who may go it."""
        open_places = places(await self._console.parts(person_of(request)))
        return [(say("Console"), address) for _, address, _ in open_places[:1]]

    # --- what is looked at

    def _page(self, part: Part, path: str, look: Callable[[Request], Awaitable[Content]]) -> Route:
        async def endpoint(request: Request) -> Response:
            await self._admit(request, part)
            content = await look(request)
            turn = request.path_params.get("turn")
            view = View(
                part,
                title=say("Turn {turn}", turn=turn) if turn else _name(part),
                parts=await self._console.parts(person_of(request)),
                language=await self._record.language(person_of(request)),
                theme=theme_of(request),
                waiting=await self._console.waiting(),
                notice=self._notices.pop(request.query_params.get("told", ""), None),
            )
            return HTMLResponse(document(view, content))

        return route(self._record, path, endpoint)

    async def _overview(self, request: Request) -> Content:
        return past.overview(await self._console.overview(), await self._console.parts(person_of(request)))

    async def _sessions(self, request: Request) -> Content:
        return past.sessions(await self._console.sessions())

    async def _turns(self, request: Request) -> Content:
        session = request.query_params.get("session", "")[:LONGEST_KEY]
        page = await self._console.turns(session=session, before=turn_in(request, "before") or "")
        return past.turns(page, session=session)

    async def _dossier(self, request: Request) -> Content:
        turn = request.path_params["turn"]
        seen = await self._console.dossier(turn) if TURN.fullmatch(turn) else None
        if seen is None:
            raise Refused(say("There is no such turn."), 404)
        return dossier.dossier(seen)

    async def _cases(self, request: Request) -> Content:
        return desk.cases(await self._console.cases())

    async def _crew(self, request: Request) -> Content:
        return crew.crew(await self._console.crew())

    async def _spending(self, request: Request) -> Content:
        return money.spending(await self._console.spending())

    async def _wishes(self, request: Request) -> Content:
        return desk.wishes(await self._console.wishes())

    async def _sources(self, request: Request) -> Content:
        parts = await self._console.parts(person_of(request))
        return desk.sources(await self._console.sources(), may_trust="trust" in parts)

    async def _settings(self, request: Request) -> Content:
        return house.settings(self._console.settings())

    async def _lines(self, request: Request) -> Content:
        level = _level_in(request)
        return log_page(self._log.lines(level), level)

    async def _follow(self, request: Request) -> Response:
        """The log, line by line, as server-sent events."""
        await self._admit(request, "log")
        if self._log.pages >= MOST_LOGS:
            raise Refused(say("Too many pages are open. Please close one."), 503)
        events = self._log.follow(_level_in(request))
        return StreamingResponse(events, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})

    # --- what is done

    async def _review(self, request: Request) -> Response:
        turn = request.path_params["turn"]

        async def act() -> str:
            given = await form_of(request)
            wanted, words = _one(given.get("act", ())), _one(given.get("words", ())).strip()
            if wanted not in ACTS or not TURN.fullmatch(turn):
                raise Refused(say("That cannot be done."))
            if wanted not in WORDLESS and not words:
                raise Refused(say("Please write the words first."))
            return await self._console.review(turn, ACTS[wanted], words, by=person_of(request))

        return await self._done(request, "review", act)

    async def _trust(self, request: Request) -> Response:
        async def act() -> str:
            given = await form_of(request)
            server, digests = _one(given.get("server", ())), given.get("digest", ())
            return await self._console.trust(server, digests, by=person_of(request))

        return await self._done(request, "trust", act)

    async def _done(self, request: Request, part: Part, act: Callable[[], Awaitable[str]]) -> Response:
        """What was done, or why it was not: told to programs at once, and to people on the page that they come back
        to."""
        await self._admit(request, part)
        try:
            notice = Notice(await act())
        except Refused as refused:
            if wants_data(request):
                raise
            notice = Notice(str(refused), is_problem=True)
        if wants_data(request):
            return JSONResponse({"told": notice.words})
        key = secrets.token_hex(8)
        self._notices[key] = notice
        while len(self._notices) > MOST_NOTICES:
            self._notices.popitem(last=False)
        return RedirectResponse(f"{BACK[part]}?told={key}", 303)

    async def _admit(self, request: Request, part: Part) -> None:
        if why := await self._console.refusal(person_of(request), part):
            raise Refused(why, 403)


def _name(part: Part) -> str:
    ((_, _, name),) = places([part])
    return name


def _level_in(request: Request) -> str:
    level = request.query_params.get("level", "")
    return level if level in LEVELS else LEVELS[0]


def _one(values: Sequence[str]) -> str:
    return next(iter(values), "")
