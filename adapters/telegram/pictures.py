"""What a running turn looks like: a draft in a private chat, one edited message in a group, and typing until then."""

import logging
import time
from collections.abc import Awaitable, Callable

from telegram.error import BadRequest, RetryAfter, TelegramError

from adapters import running
from adapters.telegram.entities import Styled, joined, plain, render
from adapters.telegram.errors import is_missing_method
from adapters.telegram.inbound import Place
from adapters.telegram.sending import Sender
from adapters.telegram.splitting import tail
from adapters.text import MARKS, card_title, step_text
from orchestrator.messages import PlanCard

log = logging.getLogger(__name__)

QUICK = 0.4  # seconds: what is answered by then needs no picture
QUICK_IN_GROUPS = 1.5  # seconds: there a picture is a message, which people are notified of
DRAFT_PACE = 0.5  # seconds between two drafts
EDIT_PACE = {True: 1.1, False: 3.1}  # seconds between two edits, in private chats and in groups
TYPING_PACE = 4.5  # seconds: Telegram shows it for five
KEEP_ALIVE = 20.0  # seconds: a draft goes away after thirty
MOST_FAILURES = 3
LONGEST = 600.0  # seconds that one turn has a picture

Noted = Callable[[int], Awaitable[None]]
"""Hears of the message that shows a running turn, before it shows anything else."""


class Picture(running.Picture):
    """One running turn as it is seen. `message` is the one that an earlier process has left to show it."""

    def __init__(
        self,
        sender: Sender,
        place: Place,
        *,
        draft: int,
        reply_to: int | None,
        noted: Noted,
        message: int | None = None,
    ) -> None:
        super().__init__(longest=LONGEST)
        self._sender = sender
        self._place = place
        self._draft = draft
        self.reply_to = reply_to
        self._noted = noted
        self.message = message
        self._shown: Styled | None = None
        self._shown_at = 0.0
        self._failures = 0

    async def _run(self) -> None:
        if await self._ends_within(QUICK):
            return
        typed_at = started = time.monotonic()
        await self._tried(self._sender.typing(self._place))
        while not self._ended.is_set() and self._failures < MOST_FAILURES:
            now = time.monotonic()
            if self._is_due(now, started):
                await self._show()
            elif now - typed_at >= TYPING_PACE and not (self._uses_drafts and self._shown):
                typed_at = now
                await self._tried(self._sender.typing(self._place))
            await self._ends_within(self._pause)

    @property
    def _uses_drafts(self) -> bool:
        return self._place.is_private and self._sender.has_drafts

    @property
    def _pause(self) -> float:
        return DRAFT_PACE if self._uses_drafts else min(EDIT_PACE[self._place.is_private], TYPING_PACE) / 2

    def _is_due(self, now: float, started: float) -> bool:
        """Whether something is to be shown: news at its pace, and a draft before it goes away."""
        if not self._place.is_private and now - started < QUICK_IN_GROUPS - QUICK:
            return False
        since = now - self._shown_at
        pace = DRAFT_PACE if self._uses_drafts else EDIT_PACE[self._place.is_private]
        news = self._changed.is_set() and since >= pace
        return news or (self._uses_drafts and self._shown is not None and since >= KEEP_ALIVE)

    async def _show(self) -> None:
        styled = self._styled()
        if not styled.text or not self._sender.may_show(self._place):
            return
        self._changed.clear()
        self._shown_at = time.monotonic()
        if self._uses_drafts:
            await self._tried(self._sender.draft(self._place, self._draft, styled))
        elif styled == self._shown:
            return
        elif self.message is None:
            await self._tried(self._posted(styled))
        else:
            await self._tried(self._sender.edit(self._place, self.message, styled, at_once=True))
        self._shown = styled

    async def _posted(self, styled: Styled) -> None:
        self.message = await self._sender.text(self._place, styled, reply_to=self.reply_to, at_once=True)
        await self._noted(self.message)

    async def _tried(self, request: Awaitable[object]) -> None:
        """Make a request of no importance."""
        try:
            await request
        except RetryAfter as error:
            self._sender.pause(self._place, error)
        except BadRequest as error:
            self._failures += 1
            log.info("a live part was refused", extra={"reason": error.message})
        except TelegramError as error:
            if is_missing_method(error):
                self._sender.has_drafts = False
                self._changed.set()
            else:
                self._failures += 1
                log.info("a live part was not shown", extra={"reason": error.message})

    def _styled(self) -> Styled:
        """The status, else the plan and how far it is, and below it the answer so far."""
        parts = [card_text(self.card)] if self.card else []
        if self._text:
            parts.append(render(self._text))
        if self._status:
            parts.append(plain(self._status))
        return tail(joined(parts))


def card_text(card: PlanCard) -> Styled:
    """A plan card: its title in bold, a line a step."""
    lines = "\n".join(f"{MARKS[step.state]} {step_text(step)}" for step in card.steps)
    return joined([plain(card_title(card), "bold"), plain(lines)], between="\n")
