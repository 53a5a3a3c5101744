"""The Bolt app: a request of Slack is made durable, then acknowledged; those of one thread in their order."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from re import compile as pattern
from typing import Any

from slack_bolt.app.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.context.async_context import AsyncBoltContext
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse

from adapters.base import OURS
from adapters.locks import Locks
from adapters.slack.errors import SlackTrouble
from adapters.slack.inbound import Me

log = logging.getLogger(__name__)

ANY = pattern(".*")
RETRIES = 3  # times that Slack brings an event again (docs.slack.dev/apis/events-api)
Payload = Mapping[str, Any]
Problems = Mapping[str, str]
Take = Callable[[Payload, Me], Awaitable[Problems | None]]
"""Makes a request durable. What is wrong with it, by block, where it is a dialog."""
Told = Callable[[Payload, Exception], Awaitable[None]]
"""Tells the person of a request why it was not taken."""
Listener = Callable[[Payload, AsyncBoltContext, AsyncAck, AsyncBoltRequest], Awaitable[None]]


class Orderly(AsyncApp):
    """An AsyncApp that takes what belongs to one thread one after the other, and can be waited for."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(process_before_response=True, attaching_conversation_kwargs_enabled=False, **settings)
        self._threads = Locks()
        self._running = 0
        self._idle = asyncio.Event()
        self._idle.set()

    async def async_dispatch(self, req: AsyncBoltRequest) -> BoltResponse:
        self._running += 1
        self._idle.clear()
        try:
            async with self._threads.of(_thread_of(req.body)):
                return await super().async_dispatch(req)
        finally:
            self._running -= 1
            if not self._running:
                self._idle.set()

    async def idle(self) -> None:
        """Returns once nothing is being taken."""
        await self._idle.wait()


def listen(
    app: AsyncApp,
    *,
    event: Take,
    command: Take,
    shortcut: Take,
    pressed: Take,
    filled_in: Take,
    seen: Take,
    told: Told,
) -> None:
    """Let the app hand over what comes. `seen` hears of each request first, `told` of what could not be taken.

    What raises is not acknowledged, so that Slack brings it again; its person is told where it does not. What cannot
    be read is acknowledged, as it never could be.
    """

    def acknowledged(take: Take) -> Listener:
        async def listener(body: Payload, context: AsyncBoltContext, ack: AsyncAck, request: AsyncBoltRequest) -> None:
            me = _me(body, context)
            try:
                problems = await _taken(seen, take, body, me=me)
            except Exception as error:
                if take is not event or _is_last_try(request):
                    await told(body, error)
                raise
            if problems:
                await ack(response_action="errors", errors=dict(problems))
            else:
                await ack()

        return listener

    app.event(ANY)(acknowledged(event))
    app.command(ANY)(acknowledged(command))
    app.shortcut(ANY)(acknowledged(shortcut))
    app.action(ANY)(acknowledged(pressed))
    app.view(ANY)(acknowledged(filled_in))


def _me(body: Payload, context: AsyncBoltContext) -> Me:
    """Who the app is here. Its installation in a whole organisation has no workspace; what came has one."""
    team = context.team_id or str(body.get("context_team_id") or "")
    enterprise = context.enterprise_id if context.is_enterprise_install else ""
    return Me(context.bot_user_id or "", context.bot_id or "", team, enterprise or "")


def _is_last_try(request: AsyncBoltRequest) -> bool:
    """Whether Slack will not bring an event once more."""
    tries = (request.headers.get("x-slack-retry-num") or ["0"])[0]
    return tries.isdecimal() and int(tries) >= RETRIES


async def _taken(seen: Take, take: Take, body: Payload, *, me: Me) -> Problems | None:
    try:
        await seen(body, me)
        return await take(body, me)
    except SlackTrouble:
        raise
    except Exception as error:
        if type(error).__module__.startswith(OURS):
            raise
        log.exception("something from Slack could not be read")
        return None


def _thread_of(body: Payload) -> str:
    """What a request belongs to: within one thread, the order counts."""
    event: Payload = body.get("event") or {}
    inner: Payload = event.get("message") or event.get("previous_message") or event
    if event:
        return f"{event.get('channel')}/{inner.get('thread_ts') or inner.get('ts')}"
    message: Payload = body.get("message") or {}
    channel = (body.get("channel") or {}).get("id") if isinstance(body.get("channel"), dict) else None
    return f"{channel or body.get('channel_id')}/{message.get('thread_ts') or message.get('ts')}"
