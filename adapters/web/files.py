"""Files both ways: what people bring with a message, and what belongs to an answer."""

import re
from collections.abc import Mapping, Sequence
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from adapters.web.endpoints import person_of, route
from adapters.web.items import PICTURES
from adapters.web.reading import Refused, body_of
from adapters.web.record import Record
from adapters.web.uploads import Uploads
from orchestrator.messages import Answer, Attachment
from orchestrator.words import say

DELIVERY = re.compile(r"[\w.-]{1,60}", re.ASCII)
UPLOAD_SECONDS = 300.0


class Files:
    """Endpoints for files of up to `upload_bytes`."""

    def __init__(self, record: Record, uploads: Uploads, *, upload_bytes: int) -> None:
        self._record = record
        self._uploads = uploads
        self._upload_bytes = upload_bytes

    def routes(self) -> list[Route]:
        return [
            route(self._record, "/files", self._upload, "POST"),
            route(self._record, "/files/{delivery}/{number:int}", self._download),
        ]

    async def _upload(self, request: Request) -> Response:
        try:
            data = await body_of(request, most=self._upload_bytes, seconds=UPLOAD_SECONDS)
        except Refused as refused:
            if refused.status != 413:
                raise
            limit = self._upload_bytes // 10**6
            raise Refused(say("This file is too large: I take {limit} MB.", limit=limit), 413) from None
        mime = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        ref = await self._uploads.take(person_of(request), request.query_params.get("name", ""), mime, data)
        return JSONResponse({"ref": ref})

    async def _download(self, request: Request) -> Response:
        """A file of an answer. Only pictures are shown; nothing of any file is ever run."""
        name = request.path_params["delivery"]
        shown = await self._record.shown(person_of(request), name) if DELIVERY.fullmatch(name) else None
        files: Sequence[Attachment] = shown.part.files if shown and isinstance(shown.part, Answer) else ()
        number: int = request.path_params["number"]
        if number >= len(files):
            raise Refused(say("There is no such file."), 404)
        data = await self._record.content(files[number])
        if data is None:
            raise Refused(say("There is no such file."), 404)
        return Response(data, headers=file_headers(files[number], save="save" in request.query_params))


def file_headers(file: Attachment, *, save: bool) -> Mapping[str, str]:
    """How a file goes out: pictures may be shown, everything else is saved, and nothing of it is run."""
    shows = file.mime in PICTURES and not save
    kind = "inline" if shows else "attachment"
    return {
        "Content-Type": file.mime if shows else "application/octet-stream",
        "Content-Disposition": f"{kind}; filename*=UTF-8''{quote(file.name, safe='')}",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Cache-Control": "private, max-age=3600",
    }
