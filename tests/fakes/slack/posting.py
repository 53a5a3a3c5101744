"""HTTP mode: signed requests to the app, and what it answers."""

import hashlib
import hmac
import json
import time
from asyncio import FIRST_COMPLETED, ensure_future, gather, wait
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import aiohttp

from tests.fakes.slack.deliveries import Deliveries, Delivery
from tests.fakes.slack.people import Wire
from tests.fakes.slack.state import SIGNING_SECRET, State

OLD = 600  # seconds: twice of what an app may take


@dataclass(frozen=True)
class Answer:
    """What the app answered to a request."""

    name: str
    status: int  # 0 where there was none
    body: str
    seconds: float  # real ones


def signature(body: str, timestamp: str, secret: str = SIGNING_SECRET) -> str:
    """Of a request, as Slack signs (docs.slack.dev, verifying requests)."""
    made = hmac.new(secret.encode(), f"v0:{timestamp}:{body}".encode(), hashlib.sha256)
    return f"v0={made.hexdigest()}"


class Posting:
    """Sends to the app's request URL."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._client: aiohttp.ClientSession | None = None
        self._bad_signatures = 0
        self._old_timestamps = 0
        self.url = ""
        self.deliveries = Deliveries(state, self._send, late="http_timeout")
        self.answers: list[Answer] = []

    def bad_signature(self, times: int = 1) -> None:
        """The next requests are not signed with the app's secret."""
        self._bad_signatures += times

    def old_timestamp(self, times: int = 1) -> None:
        """The next requests are signed well, and ten minutes old."""
        self._old_timestamps += times

    async def verifies(self, url: str) -> bool:
        """Whether the app passes the check that Slack makes when a request URL is entered."""
        self.url = url
        body = {"token": "fake-verification", "challenge": "fake-challenge", "type": "url_verification"}
        answer = await self._post("url_verification", json.dumps(body), "application/json", {})
        return answer.status == 200 and "fake-challenge" in answer.body

    async def close(self) -> None:
        if self._client:
            await self._client.close()

    async def _send(self, delivery: Delivery) -> bool:
        if not self.url:
            return False
        self._state.background.start(self._attempt(delivery))
        return True

    async def _attempt(self, delivery: Delivery) -> None:
        """One request, which is not waited for longer than Slack does."""
        delivery.sent()
        text, kind = _body(delivery)
        number = {
            "X-Slack-Retry-Num": str(delivery.attempts - 1),
            "X-Slack-Retry-Reason": (delivery.reasons or [""])[-1],
        }
        retry = number if delivery.attempts > 1 else {}
        post = ensure_future(self._post(delivery.name, text, kind, retry))
        late = ensure_future(self._state.clock.sleep(self._state.limits.ack_seconds))
        try:
            await wait((post, late), return_when=FIRST_COMPLETED)
            if post.done():
                await self._answered(delivery, post.result())
        finally:
            late.cancel()
            post.cancel()
            await gather(late, post, return_exceptions=True)

    async def _answered(self, delivery: Delivery, answer: Answer) -> None:
        if answer.status // 100 == 2:
            self.deliveries.acknowledge(delivery, _payload(answer.body))
        elif delivery.kind == "events_api":
            await self.deliveries.retry(delivery, "http_error" if answer.status else "connection_failed")

    async def _post(self, name: str, body: str, kind: str, more: dict[str, str]) -> Answer:
        began = time.monotonic()
        self._client = self._client or aiohttp.ClientSession()
        headers = {"Content-Type": kind, **more, **self._signed(body)}
        try:
            async with self._client.post(self.url, data=body.encode(), headers=headers) as response:
                answer = Answer(name, response.status, await response.text(), time.monotonic() - began)
        except aiohttp.ClientError:
            answer = Answer(name, 0, "", time.monotonic() - began)
        self.answers.append(answer)
        self._state.changes.tell()
        return answer

    def _signed(self, body: str) -> dict[str, str]:
        timestamp = int(time.time())
        secret = SIGNING_SECRET
        if self._old_timestamps:
            self._old_timestamps -= 1
            timestamp -= OLD
        if self._bad_signatures:
            self._bad_signatures -= 1
            secret = "not-the-secret"
        signed = signature(body, str(timestamp), secret)
        return {"X-Slack-Request-Timestamp": str(timestamp), "X-Slack-Signature": signed}


def _body(delivery: Delivery) -> tuple[str, str]:
    form = "application/x-www-form-urlencoded"
    match delivery.kind:
        case "events_api":
            return json.dumps(delivery.body), "application/json"
        case "slash_commands":
            return urlencode(delivery.body), form
        case "interactive":
            return urlencode({"payload": json.dumps(delivery.body)}), form


def _payload(body: str) -> Wire | None:
    """What an acknowledgement says, as it would over a socket."""
    if not body:
        return None
    read: Any = json.loads(body) if body.startswith("{") else {"text": body}
    return dict(read)
