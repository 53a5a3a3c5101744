"""How a request is told that it was not taken: problem details, RFC 9457."""

from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus

from pydantic import ValidationError
from starlette.responses import Response

from adapters.web.api.contract import Problem, Wrong
from adapters.web.reading import Refused

MEDIA = "application/problem+json"


class Unfit(Refused):
    """A request whose fields cannot be taken. Each is told with what is wrong with it."""

    def __init__(self, wrong: Iterable[Wrong]) -> None:
        self.wrong = tuple(wrong)
        told = "; ".join(f"{each.field}: {each.problem}" for each in self.wrong)
        super().__init__(f"{told}. /api/v1/openapi.json describes what is taken.", 422)


def problem(
    status: int, detail: str, *, errors: Sequence[Wrong] = (), headers: Mapping[str, str] | None = None
) -> Response:
    """The answer to a request that was not taken."""
    told = Problem(title=HTTPStatus(status).phrase, status=status, detail=detail, errors=tuple(errors))
    return Response(told.model_dump_json(), status, headers, MEDIA)


def unfit(invalid: ValidationError) -> Unfit:
    """What a model says to what was given."""
    return Unfit(
        Wrong(field=".".join(str(part) for part in error["loc"]) or "body", problem=error["msg"])
        for error in invalid.errors(include_url=False, include_input=False, include_context=False)
    )
