"""What every endpoint of the page shares: the language of its person, how refusals are told, and what a path names."""

import re
from collections.abc import Awaitable, Callable, Mapping

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from adapters.base import reason_of
from adapters.web import page
from adapters.web.reading import Refused, theme_of
from adapters.web.record import Record
from orchestrator.messages import Person
from orchestrator.words import say, speaking

CONVERSATION = re.compile(r"[a-z0-9]{4,40}")
TURN = re.compile(r"t\d{1,9}")
HERE = "/c/{conversation}"
WHILE_GONE = {"Retry-After": "2"}

Endpoint = Callable[[Request], Awaitable[Response]]


def route(record: Record, path: str, endpoint: Endpoint, method: str = "GET") -> Route:
    """An endpoint in the language of the person; what it refuses is told."""

    async def spoken(request: Request) -> Response:
        try:
            with speaking(await record.language(person_of(request))):
                return await endpoint(request)
        except Refused as refused:
            return _told(request, str(refused), refused.status)
        except Exception as error:  # noqa: BLE001 - an edge: the person is told, and their words are still theirs
            return _told(request, reason_of(error), 503, WHILE_GONE)

    return Route(path, spoken, methods=[method])


def person_of(request: Request) -> Person:
    """Whom the guard has let in."""
    person: Person = request.state.person
    return person


def conversation_in(request: Request) -> str:
    """The conversation that the path names. Raises Refused."""
    conversation: str = request.path_params["conversation"]
    if not CONVERSATION.fullmatch(conversation):
        raise Refused(say("There is no such conversation."), 404)
    return conversation


def turn_in(request: Request, name: str) -> str | None:
    """The turn that a value of the query names, if it names one."""
    given = request.query_params.get(name, "")
    return given if TURN.fullmatch(given) else None


def wants_data(request: Request) -> bool:
    """Whether the script asks, and not a browser without it."""
    return "application/json" in request.headers.get("accept", "")


def _told(request: Request, problem: str, status: int, headers: Mapping[str, str] | None = None) -> Response:
    if wants_data(request) or request.method != "GET":
        return JSONResponse({"problem": problem}, status, headers)
    return HTMLResponse(page.trouble(problem, theme=theme_of(request)), status, headers)
