"""The API as a channel: what programs send comes in, once, and what they are to get waits for them or streams."""

import asyncio
from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from adapters.base import Shelf
from adapters.web.api.archive import NAME, Archive
from adapters.web.api.contract import Ready
from adapters.web.api.description import document
from adapters.web.api.operations import METHODS, ROOT, Operation, data, kind, nowhere, route
from adapters.web.api.showing import Showing
from adapters.web.api.streams import final
from adapters.web.api.taking import Taking
from adapters.web.api.tokens import Callers, Tokens
from adapters.web.record import Shown
from adapters.web.rooms import Rooms
from adapters.web.uploads import Uploads
from adapters.web.visitors import Visitors
from orchestrator.messages import Accept, Address, Delivery, Live


class Api:
    """The channel of programs. It has no server of its own: the page's carries its `routes`."""

    name = NAME

    def __init__(self, archive: Archive, shelf: Shelf, visitors: Visitors, *, upload_bytes: int) -> None:
        self._archive = archive
        self._rooms = Rooms()
        self._callers = Callers(Tokens(shelf), visitors)
        uploads = Uploads(archive, shelf)
        self._taking = Taking(archive, self._rooms, uploads, upload_bytes=upload_bytes)
        self._showing = Showing(archive, self._rooms)
        self.operations: Sequence[Operation] = [
            *self._taking.operations(),
            *self._showing.operations(),
            Operation(
                "GET",
                "/openapi.json",
                "describe",
                "This document.",
                self._describe,
                {200: kind(dict[str, object])},
                is_open=True,
            ),
        ]

    def routes(self) -> Sequence[BaseRoute]:
        """Everything below /api/v1, and /readyz."""
        known = [route(each, self._callers.of, self._archive) for each in self.operations]
        rest = Route(f"{ROOT.rpartition('/')[0]}/{{rest:path}}", nowhere, methods=[*METHODS])
        return [*known, rest, Route("/readyz", self._ready)]

    def close(self) -> None:
        """Send those away who follow a conversation."""
        self._rooms.close()

    async def run(self, accept: Accept) -> None:
        """Take in what programs send until cancelled."""
        self._taking.accept = accept
        try:
            await asyncio.Event().wait()
        finally:
            self._taking.accept = None

    async def show(self, address: Address, turn: str, part: Live) -> None:
        self._rooms.take(address.session, turn, part)

    async def deliver(self, delivery: Delivery) -> None:
        """Bring it to those who follow. The others will read it from the archive, in which it is already."""
        session = delivery.address.session
        self._rooms.ends(session, delivery.turn)
        self._rooms.show(session, delivery.id, final(Shown(delivery.id, delivery.turn, delivery.part)))

    async def _describe(self, request: Request) -> Response:
        return JSONResponse(document(self.operations, need_tokens=self._callers.need_tokens))

    async def _ready(self, request: Request) -> Response:
        """Whether messages are worked on. Whoever asks is told no more than that, and names."""
        known = await self._archive.ready()
        listens = self._taking.accept is not None
        told = Ready(ready=known.ready and listens, **known.model_dump(exclude={"ready"}))
        return data(told, 200 if told.ready else 503)
