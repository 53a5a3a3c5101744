"""What can be asked of the API: each operation with its description, and the route that carries it out."""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from adapters.base import reason_of
from adapters.web.api.archive import Archive
from adapters.web.api.contract import NAME, Wrong
from adapters.web.api.problems import Unfit, problem, unfit
from adapters.web.reading import FORM_BYTES, FORM_SECONDS, Refused, body_of
from orchestrator.messages import Person
from orchestrator.words import speaking

ROOT = "/api/v1"
JSON = "application/json"
LATER = {"Retry-After": "2"}
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")

M = TypeVar("M", bound=BaseModel)
B = TypeVar("B")

Work = Callable[[Request], Awaitable[Response]]
Who = Callable[[Request], Awaitable[Person | None]]
"""Whose request it is; None where nobody has shown that it is theirs."""


@dataclass(frozen=True, slots=True)
class Named:
    """Something that a path names: how names of it look, what it is, and one of them."""

    pattern: str
    what: str
    example: str


NAMED: Mapping[str, Named] = {
    "session": Named(NAME, "conversation", "first"),
    "turn": Named(r"^t[0-9]{1,9}$", "turn", "t1"),
    "plan": Named(r"^t[0-9]{1,9}$", "plan", "t1"),
    "question": Named(r"^(q[0-9]{1,9}|(a[0-9a-f]{16}|b[0-9]{1,9})-[0-9]{1,9})$", "question", "q2"),
    "part": Named(r"^t[0-9]{1,9}\.[0-9]{1,3}$", "answer", "t1.0"),
    "number": Named(r"^[0-9]{1,2}$", "file", "0"),
}

Answer = TypeAdapter[object] | str
"""What comes back: what it is made of, or its media type."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that can be asked: `name` is its id. `answers` are by status; `problems` are the statuses of refusals
    besides those that every request may meet. `body` is what it takes, or the media type of that. Who may not say the
    slash `word` may not have it either. `is_open` needs no token."""

    method: str
    path: str
    name: str
    summary: str
    work: Work
    answers: Mapping[int, Answer]
    problems: Sequence[int] = ()
    body: Answer | None = None
    query: type[BaseModel] | None = None
    headers: Sequence[tuple[str, str]] = ()
    word: str = ""
    is_open: bool = False

    @property
    def names(self) -> Sequence[str]:
        """What the path names."""
        return re.findall(r"\{(\w+)\}", self.path)


def kind(model: object) -> TypeAdapter[object]:
    """What an answer or a body is made of."""
    return TypeAdapter(model)


def data(model: BaseModel, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """An answer."""
    return Response(model.model_dump_json(), status, headers, JSON)


def route(operation: Operation, who: Who, archive: Archive) -> Route:
    """The route of an operation, with the rights and in the language of the person; what it refuses is told."""

    async def answered(request: Request) -> Response:
        if request.method != operation.method:
            allowed = {"Allow": operation.method}
            return problem(405, f"This takes {operation.method}, not {request.method}.", headers=allowed)
        try:
            person = None if operation.is_open else await who(request)
            if person is None and not operation.is_open:
                return _unknown()
            _check_names(operation, request)
            if person is None:
                return await operation.work(request)
            request.state.person = person
            with speaking(await archive.language(person)):
                if refused := await archive.refusal(person, operation.word):
                    return problem(403, refused)
                return await operation.work(request)
        except Unfit as unfit_fields:
            return problem(422, str(unfit_fields), errors=unfit_fields.wrong)
        except Refused as refused:
            return problem(refused.status, str(refused), headers=LATER if refused.status == 503 else None)
        except Exception as error:  # noqa: BLE001 - an edge: the program is told that nothing was taken
            return problem(503, f"{reason_of(error)} Send the same request again later.", headers=LATER)

    return Route(f"{ROOT}{operation.path}", answered, methods=[*METHODS], name=operation.name)


async def nowhere(request: Request) -> Response:
    """The answer for every other path."""
    return problem(404, f"There is nothing at {request.url.path!r}; {ROOT}/openapi.json lists what there is.")


async def given(request: Request, taken: TypeAdapter[B]) -> B:
    """The JSON that came with a request. Raises Refused."""
    if media_of(request) != JSON:
        raise Refused(f"Send it as Content-Type: {JSON}.", 415)
    body = await body_of(request, most=FORM_BYTES, seconds=FORM_SECONDS)
    try:
        return taken.validate_json(body)
    except ValidationError as invalid:
        raise unfit(invalid) from None


def asked(request: Request, model: type[M]) -> M:
    """The query of a request. Raises Unfit."""
    query: QueryParams = request.query_params
    if twice := [name for name in query if len(query.getlist(name)) > 1]:
        raise Unfit([Wrong(field=twice[0], problem="it is there twice")])
    try:
        return model.model_validate(dict(query))
    except ValidationError as invalid:
        raise unfit(invalid) from None


def nothing_of(what: str) -> Refused:
    """There is none, or it is somebody else's: nobody is told which."""
    return Refused(f"You have no such {what}.", 404)


def _check_names(operation: Operation, request: Request) -> None:
    for name in operation.names:
        if not re.fullmatch(NAMED[name].pattern, request.path_params[name], re.ASCII):
            raise nothing_of(NAMED[name].what)


def _unknown() -> Response:
    told = "Send a token that is known here: Authorization: Bearer TOKEN. `errand token add NAME` makes one."
    return problem(401, told, headers={"WWW-Authenticate": 'Bearer realm="errand"'})


def media_of(request: Request) -> str:
    """What is said to be in the body; empty where nothing is said."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()
