"""A program that talks to the HTTP API, as any in any language would."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

LONGEST_WAIT = 20  # seconds

Answer = tuple[int, Any, Mapping[str, str]]
"""Status, the data of the body, or its text, and the headers."""


class Event:
    """One event of a stream."""

    def __init__(self, lines: list[str]) -> None:
        fields = dict(line.split(": ", 1) for line in lines)
        self.id, self.kind = fields.get("id", ""), fields["event"]
        self.data: dict[str, Any] = json.loads(fields["data"])

    @property
    def part(self) -> dict[str, Any]:
        part: dict[str, Any] = self.data["part"]
        return part


class Stream:
    """A conversation that is followed. `seen` are all events so far."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response
        self.seen: list[Event] = []

    async def next(self) -> Event | None:
        """The next event; None at the end of the stream."""
        lines: list[str] = []
        async with asyncio.timeout(LONGEST_WAIT):
            while raw := await self._response.content.readline():
                line = raw.decode().rstrip("\n")
                if line and not line.startswith(":"):
                    lines.append(line)
                elif lines:
                    self.seen.append(Event(lines))
                    return self.seen[-1]
        return None

    async def until(self, kind: str) -> dict[str, Any]:
        """The next part, final or live, of this kind."""
        while event := await self.next():
            if event.part["kind"] == kind:
                return event.part
        raise AssertionError(f"the stream has ended; seen: {[each.data for each in self.seen]}")

    @property
    def ids(self) -> list[str]:
        """The final parts."""
        return [each.id for each in self.seen if each.id]


class Program:
    """A program with a token, or without one."""

    def __init__(self, address: str, http: aiohttp.ClientSession, token: str = "") -> None:
        self.address = address
        self.http = http
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}

    async def asks(self, method: str, path: str, body: Any = None, **given: Any) -> Answer:
        """A request; what comes back."""
        headers = {**self.headers, **given.pop("headers", {})}
        url = f"{self.address}/api/v1{path}"
        async with self.http.request(method, url, json=body, headers=headers, **given) as got:
            content = await got.read()
            is_json = got.headers["Content-Type"].endswith("json")
            return got.status, json.loads(content) if is_json else content, got.headers

    async def gets(self, path: str) -> Any:
        status, data, _ = await self.asks("GET", path)
        assert status == 200, data
        return data

    async def says(self, text: str, *files: str, session: str = "first", event: str = "", wait: int = 0) -> Any:
        """Send a message: its turn, if that ends within `wait`; else that it was taken."""
        body = {"event": event or uuid.uuid4().hex, "session": session, "text": text, "files": files}
        status, data, _ = await self.asks("POST", f"/messages?wait={wait}", body)
        assert status == (200 if wait else 202), data
        return data

    async def answers(self, question: str, wait: int = LONGEST_WAIT, **given: Any) -> Any:
        """Answer a question; the turn that does."""
        body = {"event": uuid.uuid4().hex, **given}
        status, data, _ = await self.asks("POST", f"/questions/{question}/answers?wait={wait}", body)
        assert status == (200 if wait else 202), data
        return data

    @asynccontextmanager
    async def following(self, session: str = "first", last: str = "") -> AsyncIterator[Stream]:
        """Follow a conversation, from behind a part."""
        headers = {**self.headers, **({"Last-Event-ID": last} if last else {})}
        async with self.http.get(f"{self.address}/api/v1/sessions/{session}/events", headers=headers) as got:
            assert got.status == 200, await got.text()
            yield Stream(got)


@asynccontextmanager
async def program(address: str, token: str = "") -> AsyncIterator[Program]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(LONGEST_WAIT)) as http:
        yield Program(address, http, token)
