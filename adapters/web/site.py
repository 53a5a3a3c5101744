"""All routes behind one guard: the page, its files, and whatever else is served here."""

from collections.abc import Sequence
from hashlib import sha256

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from adapters.web.guard import Guard
from adapters.web.page import STATIC
from adapters.web.visitors import Visitors

KINDS = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}


def site(routes: Sequence[BaseRoute], visitors: Visitors) -> ASGIApp:
    """The app. What `routes` serve may ask `request.state.person` who is there."""
    static = Static()
    own = [Route("/static/{name}", static.file), Route("/healthz", _healthy)]
    return Guard(Starlette(routes=[*own, *routes]), visitors)


async def _healthy(request: Request) -> Response:
    return PlainTextResponse("ok")


class Static:
    """The files of the page, read once: a name that is none of them leads nowhere."""

    def __init__(self) -> None:
        self._files = {path.name: path.read_bytes() for path in STATIC.iterdir() if path.suffix in KINDS}
        self._tags = {name: f'"{sha256(data).hexdigest()[:16]}"' for name, data in self._files.items()}

    async def file(self, request: Request) -> Response:
        name: str = request.path_params["name"]
        data = self._files.get(name)
        if data is None:
            return PlainTextResponse("There is no such file.", 404)
        headers = {"Cache-Control": "no-cache", "ETag": self._tags[name]}
        if request.headers.get("if-none-match") == self._tags[name]:
            return Response(status_code=304, headers=headers)
        return Response(data, headers=headers, media_type=KINDS[name[name.rindex(".") :]])
