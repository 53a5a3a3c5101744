"""Socket Mode: the links that apps.connections.open gives, and what goes over them."""

import asyncio
import json
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSCloseCode, WSMsgType, web

from tests.fakes.slack.deliveries import Deliveries, Delivery
from tests.fakes.slack.state import APP_ID, State

MOST = 10  # connections of an app


@dataclass(eq=False)
class Socket:
    """One connection. A retired one still takes acknowledgements; a silent one says nothing at all."""

    ws: web.WebSocketResponse
    transport: asyncio.BaseTransport | None
    retired: bool = False
    silent: bool = False
    open: dict[str, Delivery] = field(default_factory=dict)  # by the id of the envelope


class Sockets:
    """All connections of the app."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._there: list[Socket] = []
        self._tickets: set[str] = set()
        self._turn = 0
        self.deliveries = Deliveries(state, self._send, late="timeout")
        self.opened = 0  # how often a connection was made

    @property
    def count(self) -> int:
        """Connections that take something."""
        return len(self._ready)

    @property
    def _ready(self) -> list[Socket]:
        return [each for each in self._there if not each.retired and not each.ws.closed]

    def new_link(self) -> str:
        """Where to connect to, once."""
        ticket = f"ticket-{next(self._state.numbers)}"
        self._tickets.add(ticket)
        return f"{self._state.url.replace('http', 'ws', 1)}/link/?ticket={ticket}&app_id={APP_ID}"

    async def connected(self, number: int = 1) -> None:
        """Wait until there are so many. Raises AssertionError."""
        await self._until(lambda: self.count >= number, f"{number} connections, there are {self.count}")

    async def disconnect(self, reason: str) -> None:
        """Slack says goodbye. After `warning` the connection still works for a while; after the others nothing comes
        over it. A little later it is closed."""
        for socket in list(self._ready):
            socket.retired = reason != "warning"
            await self._say(socket, {"type": "disconnect", "reason": reason, "debug_info": {"host": "local"}})
            self._state.background.start(self._leave(socket))

    async def breaks(self) -> None:
        """Every connection is gone, without a word."""
        for socket in list(self._there):
            socket.retired = True
            if isinstance(socket.transport, asyncio.Transport):
                socket.transport.abort()

    def silence(self) -> None:
        """Nothing comes any more, no answers to pings either, and what the app says is lost."""
        for socket in self._there:
            socket.silent = True

    async def close(self) -> None:
        for socket in list(self._there):
            socket.silent = False
            with suppress(ConnectionError):
                await socket.ws.close(code=WSCloseCode.GOING_AWAY)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """One connection, until it ends."""
        ticket = request.query.get("ticket", "")
        if ticket not in self._tickets:
            return web.Response(status=401)
        self._tickets.discard(ticket)
        ws = web.WebSocketResponse(autoping=False)
        await ws.prepare(request)
        socket = Socket(ws, request.transport)
        self._there.append(socket)
        try:
            await self._hello(socket)
            await self._listen(socket)
        finally:
            self._there.remove(socket)
            self._state.changes.tell()
        return ws

    async def _hello(self, socket: Socket) -> None:
        self.opened += 1
        if self.count > MOST:
            await self._say(socket, {"type": "disconnect", "reason": "too_many_websockets", "debug_info": {}})
            socket.retired = True
            return
        about = {"host": "local", "build_number": 1, "approximate_connection_time": 18060}
        hello = {"type": "hello", "num_connections": self.count, "debug_info": about}
        await self._say(socket, hello | {"connection_info": {"app_id": APP_ID}})
        self._state.changes.tell()
        self.deliveries.resume()

    async def _leave(self, socket: Socket) -> None:
        await self._state.clock.sleep(self._state.limits.goodbye_seconds)
        socket.retired = True
        with suppress(ConnectionError):
            await socket.ws.close()

    async def _listen(self, socket: Socket) -> None:
        async for message in socket.ws:
            if socket.silent:
                continue
            if message.type == WSMsgType.PING:
                with suppress(ConnectionError):
                    await socket.ws.pong(message.data)
            elif message.type == WSMsgType.TEXT:
                self._hear(socket, json.loads(message.data))

    def _hear(self, socket: Socket, said: dict[str, Any]) -> None:
        delivery = socket.open.pop(said.get("envelope_id", ""), None)
        if delivery is None:
            self._state.problems.append(f"an acknowledgement for nothing that is open: {said}")
            return
        payload = said.get("payload")
        if payload and not delivery.takes_answer:
            self._state.problems.append(f"{delivery.name}: its acknowledgement may say nothing: {payload}")
        self.deliveries.acknowledge(delivery, payload)

    async def _send(self, delivery: Delivery) -> bool:
        """Over one of the connections, in turn. False where there is none."""
        ready = self._ready
        if not ready:
            return False
        self._turn += 1
        socket = ready[self._turn % len(ready)]
        delivery.sent()
        envelope = delivery.envelope()
        socket.open[envelope["envelope_id"]] = delivery
        await self._say(socket, envelope)
        return True

    async def _say(self, socket: Socket, message: dict[str, Any]) -> None:
        if not socket.silent:
            with suppress(ConnectionError):
                await socket.ws.send_json(message)

    async def _until(self, is_so: Any, words: str) -> None:
        failing = f"waited in vain for {words}"
        await self._state.changes.until(lambda: is_so() or None, seconds=10, failing=lambda: failing)
