"""Somebody at the web page, without a browser: follows the stream of a conversation, and sends what forms send."""

import asyncio
import json
import re
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from html import unescape
from typing import Any

import aiohttp

LONGEST_WAIT = 10.0  # seconds

Fields = list[tuple[str, str]]


class Look:
    """One conversation as a page that looks at it shows it. `items` are HTML by id, `raw` is all that came."""

    def __init__(self, conversation: str) -> None:
        self.conversation = conversation
        self.items: dict[str, str] = {}
        self.live: list[str] = []
        self.question: str | None = None
        self.busy = False
        self.lists = 0
        self.connections = 0
        self.raw: list[str] = []
        self._changed = asyncio.Condition()

    async def take(self, kind: str, data: Mapping[str, Any]) -> None:
        """What a page does with an event."""
        self.raw.append("\n".join(data.get("items", ())))
        if kind == "all":
            self.items, self.question, self.connections = {}, data["question"], self.connections + 1
        if kind in {"all", "items"}:
            self.items.update({_attribute(item, "id"): item for item in data["items"]})
        if kind == "live":
            self.live = list(data["items"])
        if kind == "list":
            self.lists += 1
        self.busy = data.get("busy", self.busy)
        async with self._changed:
            self._changed.notify_all()

    def html(self) -> list[str]:
        """The items in their places."""
        return sorted(self.items.values(), key=_place)

    def texts(self, kind: str = "") -> list[str]:
        """The words of the items of a kind: said, answer, question, notice."""
        return [text_of(item) for item in self.html() if kind in _attribute(item, "class").split() or not kind]

    async def until(self, seen: Callable[["Look"], bool]) -> None:
        """Wait until the page shows it. Raises AssertionError with what it shows."""
        try:
            async with asyncio.timeout(LONGEST_WAIT), self._changed:
                await self._changed.wait_for(lambda: seen(self))
        except TimeoutError:
            raise AssertionError(f"shown: {self.texts()}, live: {self.live}") from None

    async def sees(self, words: str, kind: str = "") -> str:
        """The first item of a kind in which these words stand, once it is there."""
        await self.until(lambda look: any(words in text for text in look.texts(kind)))
        return next(item for item in self.html() if words in text_of(item) and kind in item)


class Visitor:
    """Somebody who has the page open. Their requests carry what a browser would send."""

    def __init__(self, address: str, http: aiohttp.ClientSession, *, headers: Mapping[str, str] | None = None) -> None:
        self.address = address
        self.http = http
        self._headers = {"Origin": address, "Accept": "application/json", **(headers or {})}

    async def get(self, path: str, **headers: str) -> tuple[int, str, Mapping[str, str]]:
        """Status, text and headers of a page."""
        async with self.http.get(
            f"{self.address}{path}", headers=self._headers | headers, allow_redirects=False
        ) as got:
            return got.status, await got.text(), got.headers

    async def post(self, path: str, fields: Fields, **headers: str) -> tuple[int, dict[str, Any]]:
        """What the server says to a form."""
        sent = aiohttp.FormData(fields)
        async with self.http.post(
            f"{self.address}{path}", data=sent, headers=self._headers | headers, allow_redirects=False
        ) as got:
            text = await got.text()
            return got.status, json.loads(text) if text.startswith("{") else {"problem": text}

    async def says(self, look: Look | str, text: str, *refs: str, event: str = "") -> tuple[int, dict[str, Any]]:
        """Send a message."""
        conversation = look if isinstance(look, str) else look.conversation
        fields = [("event", event or uuid.uuid4().hex), ("text", text), *(("file", ref) for ref in refs)]
        return await self.post(f"/c/{conversation}/messages", fields)

    async def presses(self, look: Look, choice: str) -> tuple[int, dict[str, Any]]:
        """Press a choice of the question that is asked."""
        question = _attribute(look.html()[-1], "data-question")
        fields = [("event", uuid.uuid4().hex), ("question", question), ("choice", choice)]
        return await self.post(f"/c/{look.conversation}/answers", fields)

    async def stops(self, look: Look) -> tuple[int, dict[str, Any]]:
        return await self.post(f"/c/{look.conversation}/stop", [("event", uuid.uuid4().hex)])

    async def brings(self, name: str, data: bytes, mime: str = "text/plain") -> tuple[int, dict[str, Any]]:
        """Upload a file; the answer has its ref."""
        headers = self._headers | {"Content-Type": mime}
        async with self.http.post(f"{self.address}/files", params={"name": name}, data=data, headers=headers) as got:
            return got.status, await got.json()

    async def fetches(self, path: str) -> tuple[int, bytes, Mapping[str, str]]:
        async with self.http.get(f"{self.address}{path}", headers=self._headers) as got:
            return got.status, await got.read(), got.headers

    @asynccontextmanager
    async def looking(self, conversation: str, *, comes_back: bool = False) -> AsyncIterator[Look]:
        """The conversation, followed as a page does it. With `comes_back` it connects again after a loss."""
        look = Look(conversation)
        following = asyncio.ensure_future(self._follow(look, comes_back=comes_back))
        try:
            async with asyncio.timeout(LONGEST_WAIT):
                await look.until(lambda each: each.connections > 0)
            yield look
        finally:
            following.cancel()
            with suppress(asyncio.CancelledError, aiohttp.ClientError):
                await following

    async def _follow(self, look: Look, *, comes_back: bool) -> None:
        while True:
            try:
                await self._read(look)
            except aiohttp.ClientError:
                if not comes_back:
                    raise
            if not comes_back:
                return
            await asyncio.sleep(0.02)

    async def _read(self, look: Look) -> None:
        url = f"{self.address}/c/{look.conversation}/events"
        headers = {name: value for name, value in self._headers.items() if name != "Origin"}
        async with self.http.get(url, headers=headers, timeout=aiohttp.ClientTimeout(total=None)) as stream:
            stream.raise_for_status()
            kind = ""
            async for line in stream.content:
                words = line.decode().rstrip("\n")
                if words.startswith("event: "):
                    kind = words.removeprefix("event: ")
                elif words.startswith("data: "):
                    await look.take(kind, json.loads(words.removeprefix("data: ")))


@asynccontextmanager
async def visitor(address: str, **headers: str) -> AsyncIterator[Visitor]:
    """Somebody at the page at this address."""
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
        yield Visitor(address, http, headers={name.replace("_", "-"): value for name, value in headers.items()})


def text_of(item: str) -> str:
    """The words of an item, a line for each block, without its hidden ones."""
    visible = re.sub(r'<(\w+)[^>]*class="hidden"[^>]*>.*?</\1>', "", item)
    visible = re.sub(r"<svg.*?</svg>|<summary>.*?</summary>", "", visible)
    lines = re.sub(r"<br>|</(p|li|div|button|tr|form)>", "\n", visible)
    return "\n".join(line for line in unescape(re.sub(r"<[^>]+>", "", lines)).split("\n") if line.strip())


def _attribute(item: str, name: str) -> str:
    found = re.search(rf' {name}="([^"]*)"', item)
    return unescape(found[1]) if found else ""


def _place(item: str) -> tuple[int, int]:
    return int(_attribute(item, "data-turn")), int(_attribute(item, "data-rank"))
