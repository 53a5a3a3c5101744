"""Messages on their way to Slack, each marked with the part that it shows, so that it can be found again."""

import logging
from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from slack_sdk.webhook.async_client import AsyncWebhookClient

from adapters.slack.api import Api
from adapters.slack.errors import FAILURES, SlackTrouble, trouble_of
from adapters.slack.inbound import Place
from adapters.slack.markdown import Page
from adapters.slack.pacing import POST, STREAM, UPDATE
from adapters.slack.tables import Block

log = logging.getLogger(__name__)

MARK = "errand_part"  # the type of the metadata that marks a message
LOOKED_THROUGH = 4_000  # messages of a conversation, at most
OK = 200
PLAIN = 38_000  # characters of a text without blocks; Slack cuts it at 40,000
PLAIN_UPDATE = 4_000  # of one that is written anew (docs.slack.dev, chat.update: msg_too_long)

Chunk = Mapping[str, Any]
"""One part of a stream: text, a task, the title of a plan."""


@dataclass(frozen=True, slots=True)
class Found:
    """What of a delivery is in Slack already: the messages of its pages by number, and the names of files since."""

    pages: Mapping[int, str]
    files: frozenset[str]


def mark(delivery: str, page: int) -> dict[str, Any]:
    """The metadata of a message that shows this page of a delivery."""
    return {"event_type": MARK, "event_payload": {"delivery": delivery, "page": page}}


def is_ours(message: Mapping[str, Any]) -> bool:
    """Whether a message shows a part of a delivery."""
    return bool((message.get("metadata") or {}).get("event_type") == MARK)


class Sender:
    """The ways out. Every method raises SlackTrouble, but for what can be told otherwise: that is done."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.has_streams = True
        self._has_status = True
        self._has_sessions = True

    async def post(
        self, place: Place, page: Page, *, marked: Mapping[str, Any] | None = None, at_once: bool = False
    ) -> str:
        """Send a message; its ts. In a form that Slack refuses, it goes out as plain text."""
        if not at_once:
            await self.api.pacer.turn(POST, place.channel)
        given: dict[str, Any] = {
            "channel": place.channel,
            "thread_ts": place.thread,
            "metadata": marked,
            "unfurl_links": False,
            "unfurl_media": False,
        }
        try:
            sent = await self.api.call(POST, place.channel, **given, text=page.text, blocks=list(page.blocks))
        except SlackTrouble as trouble:
            if not trouble.is_about_form:
                raise
            log.warning("a message goes out as plain text", extra={"reason": str(trouble)})
            plain = (page.source or page.text)[:PLAIN]
            sent = await self.api.call(POST, place.channel, **given, text=plain, mrkdwn=False)
        return str(sent["ts"])

    async def update(
        self, place: Place, ts: str, page: Page, *, marked: Mapping[str, Any] | None = None, at_once: bool = False
    ) -> bool:
        """Write a message anew; False where that cannot be done any more."""
        if not at_once:
            await self.api.pacer.turn(UPDATE, place.channel)
        given: dict[str, Any] = {"channel": place.channel, "ts": ts, "metadata": marked}
        try:
            await self.api.call(UPDATE, place.channel, **given, text=page.text, blocks=list(page.blocks))
        except SlackTrouble as trouble:
            if trouble.is_message_gone:
                return False
            if not trouble.is_about_form:
                raise
            plain = page.source or page.text
            if len(plain) > PLAIN_UPDATE:
                return False
            log.warning("a message is written as plain text", extra={"reason": str(trouble)})
            await self.api.call(UPDATE, place.channel, **given, text=plain, blocks=[])
        return True

    async def delete(self, place: Place, ts: str) -> None:
        """Take a message away, if it is still there."""
        try:
            await self.api.call("chat.delete", place.channel, channel=place.channel, ts=ts)
        except SlackTrouble as trouble:
            if not trouble.is_message_gone:
                raise

    async def ephemeral(self, place: Place, user: str, page: Page) -> None:
        """Say something that only one person sees."""
        await self.api.call(
            "chat.postEphemeral",
            place.channel,
            channel=place.channel,
            user=user,
            thread_ts=place.thread,
            text=page.text,
            blocks=list(page.blocks),
        )

    async def respond(self, url: str, page: Page) -> None:
        """Answer a slash command to its person alone, also where the app is not: Slack takes that for half an hour."""
        client = AsyncWebhookClient(url)
        try:
            answer = await client.send(text=page.text, blocks=list(page.blocks), response_type="ephemeral")
        except FAILURES as error:
            raise trouble_of(error) from None
        if answer.status_code != OK:
            raise SlackTrouble("the response was refused", detail=f"{answer.status_code} {answer.body[:100]}")

    async def found(self, place: Place, delivery: str) -> Found:
        """What of a delivery can be seen already."""
        pages: dict[int, str] = {}
        files: set[str] = set()
        async for message in self.said(place, metadata=True):
            payload = (message.get("metadata") or {}).get("event_payload") or {}
            if payload.get("delivery") == delivery:
                pages[int(payload.get("page", 0))] = str(message["ts"])
            elif pages and message.get("bot_id"):
                files.update(str(file.get("name")) for file in message.get("files") or ())
        return Found(pages, frozenset(files))

    async def unmarked(self, place: Place, *, after: str) -> str | None:
        """A message of ours in a direct message of which nobody has told us: a stream that has just begun."""
        found = None
        async for message in self.said(place, since=after, metadata=True):
            if message.get("bot_id") and not is_ours(message) and float(message["ts"]) > float(after):
                found = str(message["ts"])
        return found

    async def said(
        self, place: Place, *, since: str | None = None, before: str | None = None, metadata: bool = False
    ) -> AsyncIterator[Mapping[str, Any]]:
        """The messages of a thread, oldest first; of a conversation without one, the newest ones."""
        given: dict[str, Any] = {
            "channel": place.channel,
            "oldest": since,
            "latest": before,
            "include_all_metadata": metadata or None,
            "limit": 200,
        }
        method = "conversations.replies" if place.thread else "conversations.history"
        cursor, count = None, 0
        while count < LOOKED_THROUGH:
            answer = await self.api.call(method, place.channel, **given, ts=place.thread, cursor=cursor)
            messages: Sequence[Mapping[str, Any]] = answer.get("messages") or ()
            for message in messages if place.thread else reversed(messages):
                yield message
            count += len(messages)
            cursor = (answer.get("response_metadata") or {}).get("next_cursor")
            if not (cursor and place.thread):
                return

    # --- streams

    async def start_stream(self, place: Place, chunks: Sequence[Chunk]) -> str | None:
        """Begin a message that grows, in a direct message; None where the workspace has no such thing."""
        if not (self.has_streams and place.thread):
            return None
        try:
            sent = await self.api.call(
                "chat.startStream",
                place.channel,
                channel=place.channel,
                thread_ts=place.thread,
                task_display_mode="plan",
                chunks=list(chunks),
            )
        except SlackTrouble as trouble:
            if not trouble.is_missing_feature:
                raise
            self.has_streams = False
            log.info("this workspace has no streams", extra={"reason": str(trouble)})
            return None
        return str(sent["ts"])

    async def append(self, place: Place, ts: str, chunks: Sequence[Chunk]) -> None:
        await self.api.call(STREAM, place.channel, channel=place.channel, ts=ts, chunks=list(chunks))

    async def stop_stream(
        self,
        place: Place,
        ts: str,
        *,
        chunks: Sequence[Chunk] = (),
        blocks: Sequence[Block] = (),
        marked: Mapping[str, Any] | None = None,
    ) -> None:
        await self.api.call(
            "chat.stopStream",
            place.channel,
            channel=place.channel,
            ts=ts,
            chunks=list(chunks) or None,
            blocks=list(blocks) or None,
            metadata=marked,
        )

    # --- what is only for show

    async def status(self, place: Place, words: str) -> None:
        """Show below the thread what is going on; no words take it away."""
        if self._has_status and place.thread:
            self._has_status = await self._shown(
                "assistant.threads.setStatus",
                place,
                channel_id=place.channel,
                thread_ts=place.thread,
                status=words,
            )

    async def session(self, place: Place, status: str, *, title: str | None = None) -> None:
        """Say how the conversation is: processing (with a stop button), suspended, active."""
        if self._has_sessions and place.thread:
            self._has_sessions = await self._shown(
                "agents.sessions.setStatus",
                place,
                channel_id=place.channel,
                thread_ts=place.thread,
                status=status,
                title=title,
            )

    async def cosmetic(self, request: Awaitable[object]) -> None:
        """Make a request that nothing depends on."""
        try:
            await request
        except SlackTrouble as trouble:
            log.info("Slack refused something of no importance", extra={"reason": str(trouble)})

    async def _shown(self, method: str, place: Place, **given: Any) -> bool:
        """Whether the workspace has this at all. Its other troubles are of no importance."""
        try:
            await self.api.call(method, place.channel, **given)
        except SlackTrouble as trouble:
            log.info("Slack refused something of no importance", extra={"method": method, "reason": str(trouble)})
            return not trouble.is_missing_feature
        return True
