"""The web page as a channel: what people do on it comes in, once, and what they are to see goes out to every page."""

import asyncio
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from starlette.routing import BaseRoute, Route

from adapters.base import Adapter, Shelf
from adapters.hooks import PATHS, Hooks
from adapters.web.api.channel import Api
from adapters.web.doing import Doing
from adapters.web.door import Door
from adapters.web.files import Files
from adapters.web.items import shown
from adapters.web.looking import Links, Looking, nowhere
from adapters.web.record import NAME, Record, Shown, conversation_of, place_of
from adapters.web.rooms import Rooms
from adapters.web.server import Server, bound
from adapters.web.site import site
from adapters.web.uploads import Uploads
from adapters.web.visitors import Visitors
from orchestrator.messages import Accept, Address, Delivery, Live, Person, Question
from orchestrator.words import speaking

HOOKS = [f"{path}{{rest:path}}" if path.endswith("/") else path for path in PATHS]
UPLOAD_BYTES = 20_000_000


class Web:
    """The page. Use it as a context manager around everything that may still deliver: it serves as long.

    A `port` of 0 is any free one; where the port is taken, `further` ones are tried. `sections` are further routes of
    the same site, for visitors that its guard has let in, and `links` lead to them from the page. `api` is served
    beside the page, and `hooks` are for platforms.
    """

    name = NAME

    def __init__(
        self,
        record: Record,
        shelf: Shelf,
        visitors: Visitors,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        further: bool = False,
        upload_bytes: int = UPLOAD_BYTES,
        language: str = "en",
        sections: Sequence[BaseRoute] = (),
        links: Links = nowhere,
        api: Api | None = None,
        hooks: Hooks | None = None,
    ) -> None:
        self._record = record
        self._rooms = Rooms()
        uploads = Uploads(record, shelf)
        self._doing = Doing(record, shelf, self._rooms, uploads=uploads)
        own = (
            Door(visitors, language=language),
            Looking(
                record,
                self._rooms,
                has_sign_out=bool(visitors.token),
                upload_bytes=upload_bytes,
                links=links,
            ),
            self._doing,
            Files(record, uploads, upload_bytes=upload_bytes),
        )
        self._api = api
        routes = [*(each for part in own for each in part.routes()), *(api.routes() if api else ()), *sections]
        routes += [Route(each, hooks) for each in HOOKS] if hooks else []
        self._site = site(routes, visitors)
        self._at = host, port
        self._further = further
        self._tasks = asyncio.TaskGroup()

    async def __aenter__(self) -> Self:
        """Listen from now on. Raises ChannelClosed where that cannot be."""
        host, port = self._at
        listening = bound(host, port, further=self._further)
        self._place = host, int(listening.getsockname()[1])
        self._server = Server(self._site, listening)
        await self._tasks.__aenter__()
        self._tasks.create_task(self._server.run_until_told(), name="page")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._rooms.close()
        if self._api:
            self._api.close()
        self._server.leave()
        await self._tasks.__aexit__(None, None, None)

    @property
    def channels(self) -> Sequence[Adapter]:
        """All that are served here: the page, and the API."""
        return [self, self._api] if self._api else [self]

    @property
    def address(self) -> str:
        """Where the page is, for somebody on this machine."""
        host, port = self._place
        shown_host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
        return f"http://{shown_host}:{port}"

    async def run(self, accept: Accept) -> None:
        """Take in what people do until cancelled."""
        self._doing.accept = accept
        try:
            await asyncio.Event().wait()
        finally:
            self._doing.accept = None

    async def show(self, address: Address, turn: str, part: Live) -> None:
        self._rooms.take(address.session, turn, part)

    async def deliver(self, delivery: Delivery) -> None:
        """Show it on every page that looks. The others will read it from the record, in which it is already."""
        address, part = delivery.address, delivery.part
        session = address.session
        with speaking(await self._record.language(Person(id=address.chat))):
            item = shown(
                Shown(delivery.id, delivery.turn, part),
                conversation_of(address),
                card=self._rooms.card(session, delivery.turn),
                question=part.id if isinstance(part, Question) else None,
                repeated=delivery.repeated,
            )
        self._rooms.ends(session, delivery.turn)
        self._rooms.show(session, delivery.id, item)
        self._rooms.list(place_of(Person(id=address.chat)))
