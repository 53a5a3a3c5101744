"""Updates brought to the bot: in order within a chat, side by side between chats, again and again until it says 2xx."""

import asyncio
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx2

from tests.fakes.telegram.refusals import bad_request
from tests.fakes.telegram.state import State, Wire
from tests.fakes.telegram.updates import Update

SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"
MOST_CONNECTIONS = 100
USUAL_CONNECTIONS = 40
LOOPBACK = ("127.0.0.1", "localhost", "::1")
DOUBLINGS = 6  # pauses between tries grow no further


@dataclass(frozen=True)
class Pace:
    """How long a bot may take, and the first pause before it is tried again, in seconds; each further one is twice as
    long. Telegram's own are 60 and 1."""

    timeout_seconds: float = 5.0
    pause_seconds: float = 0.01


class Webhook:
    """One address that updates are brought to. `tried` are the ids of the updates, in the order of the tries."""

    def __init__(self, state: State, pace: Pace, *, url: str, secret: str, connections: int) -> None:
        self.url = url
        self.connections = connections
        self.last_error = ""
        self.last_error_at = 0.0
        self.tried: list[int] = []
        self._state = state
        self._pace = pace
        self._headers = {SECRET_HEADER: secret} if secret else {}
        self._free = asyncio.Semaphore(connections)
        self._lanes: defaultdict[int, deque[Update]] = defaultdict(deque)
        self._tasks: set[asyncio.Task[None]] = set()
        self._client = httpx2.AsyncClient(trust_env=False, timeout=pace.timeout_seconds)

    def bring(self, update: Update) -> None:
        """In its turn; the bot must say that it has it."""
        lane = self._lanes[_chat(update)]
        lane.append(update)
        if len(lane) == 1:
            task = asyncio.create_task(self._empty(lane))  # ours: close() ends it
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._client.aclose()

    async def _empty(self, lane: deque[Update]) -> None:
        while lane:
            for pause in self._pauses():
                async with self._free:
                    if await self._brought(lane[0]):
                        break
                await asyncio.sleep(pause)
            self._state.updates.confirm(lane.popleft()["update_id"])

    async def _brought(self, update: Update) -> bool:
        self.tried.append(update["update_id"])
        try:
            answer = await self._client.post(self.url, json=update, headers=self._headers)
        except httpx2.HTTPError as error:
            return self._failed(f"Connection failed: {type(error).__name__}")
        if not answer.is_success:
            return self._failed(f"Wrong response from the webhook: {answer.status_code} {answer.reason_phrase}")
        if b'"method"' in answer.content:
            self._state.problems.append("a call in the answer to a webhook is not imitated")
        return True

    def _failed(self, words: str) -> bool:
        self.last_error, self.last_error_at = words, self._state.clock()
        self._state.changes.tell()
        return False

    def _pauses(self) -> Iterator[float]:
        tries = 0
        while True:
            yield self._pace.pause_seconds * 2 ** min(tries, DOUBLINGS)
            tries += 1


class Webhooks:
    """The webhook of the bot, if it has one."""

    def __init__(self, state: State, pace: Pace) -> None:
        self._state = state
        self._pace = pace
        self.now: Webhook | None = None

    async def put(self, given: Mapping[str, Any]) -> bool:
        """Set another one, or none. Raises Refused."""
        url = given.get("url") or ""
        _check(url, given)
        await self.close()
        self._state.updates.subscribe(given.get("allowed_updates"))
        if given.get("drop_pending_updates"):
            self._state.updates.pending.clear()
        if url:
            connections = min(max(given.get("max_connections") or USUAL_CONNECTIONS, 1), MOST_CONNECTIONS)
            secret = given.get("secret_token") or ""
            self._begin(Webhook(self._state, self._pace, url=url, secret=secret, connections=connections))
        return True

    def told(self) -> Wire:
        """A WebhookInfo."""
        hook, updates = self.now, self._state.updates
        info: Wire = {
            "url": hook.url if hook else "",
            "has_custom_certificate": False,
            "pending_update_count": len(updates.pending),
        }
        if hook:
            info["max_connections"] = hook.connections
            if hook.last_error:
                info |= {"last_error_date": int(hook.last_error_at), "last_error_message": hook.last_error}
        return info | ({"allowed_updates": list(updates.allowed)} if updates.allowed else {})

    async def close(self) -> None:
        hook, self.now = self.now, None
        self._state.updates.webhook = None
        if hook:
            await hook.close()

    def _begin(self, hook: Webhook) -> None:
        self.now = hook
        self._state.updates.end_poll("terminated by setWebhook request")
        self._state.updates.webhook = hook.bring
        for update in _in_order(self._state.updates.pending.values()):
            hook.bring(update)


def _in_order(updates: Any) -> Sequence[Update]:
    return sorted(updates, key=lambda update: int(update["update_id"]))


def _check(url: str, given: Mapping[str, Any]) -> None:
    if url and not (url.startswith("https://") or urlsplit(url).hostname in LOOPBACK):
        raise bad_request("bad webhook: An HTTPS URL must be provided for webhook")
    secret = given.get("secret_token") or ""
    if len(secret) > 256:
        raise bad_request("secret token is too long")
    if secret and not secret.replace("_", "").replace("-", "").isalnum():
        raise bad_request("secret token contains unallowed characters")


def _chat(update: Update) -> int:
    """What an update belongs to: its chat, or the person where it has none."""
    body = next(value for name, value in update.items() if name != "update_id")
    chat = body.get("chat") or body.get("message", {}).get("chat") or body.get("from") or {}
    return int(chat.get("id", 0))
