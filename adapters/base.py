"""What a channel is: three calls, of which only one must not fail."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

from orchestrator.messages import Accept, Address, Attachment, Delivery, Edit, Foreign, Inbound, Live, Receipt, Stop

log = logging.getLogger(__name__)

OURS = ("orchestrator.", "storage.")


class DeliveryError(Exception):
    """The channel did not take it, and may take it later.

    `retry_after_seconds` is the platform's word on when to try again; `gone` says that there is no use in that.
    """

    def __init__(self, message: str, *, retry_after_seconds: float | None = None, gone: bool = False) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds
        self.gone = gone


class ChannelClosed(Exception):
    """The channel cannot go on; the message is a sentence for the operator that names the fix."""


class Shelf(Protocol):
    """What a channel keeps over restarts. Every method raises StorageError."""

    async def note(self, written: Mapping[str, str | None]) -> None:
        """Write these notes, each over the older one of its key, in one transaction; None takes one away."""
        ...

    async def noted(self, key: str) -> str | None: ...

    async def notes(self, prefix: str) -> Mapping[str, str]:
        """Every note whose key begins so, oldest first."""
        ...

    async def knows(self, event_id: str) -> bool:
        """Whether this event of the channel has been accepted."""
        ...


class FileRefused(Exception):
    """The channel cannot bring this file, and trying again would not help. The message is a sentence for the person:
    which file, why, and what they can do instead."""


class Adapter(Protocol):
    """One channel. Its platform's events go in through `accept`; what people see comes out of the other two."""

    @property
    def name(self) -> str:
        """The channel's name, which is `Address.channel`."""
        ...

    async def run(self, accept: Accept) -> None:
        """Listen until the channel ends or this is cancelled.

        The platform is acknowledged after `accept` has returned. Where it raises, the message was not taken: the
        person is told so, and their words are not lost.
        """
        ...

    async def show(self, address: Address, turn: str, part: Live) -> None:
        """Show a live part of a running turn. It may be dropped; the channel's trouble is not the turn's."""
        ...

    async def deliver(self, delivery: Delivery) -> None:
        """Show a final part. Returns once the channel has it. Raises DeliveryError."""
        ...


@runtime_checkable
class Fetches(Protocol):
    """What a channel can do besides whose people send files."""

    async def fetch(self, attachment: Attachment) -> bytes:
        """The bytes behind an attachment's `ref`. May be called again for one that was fetched before.

        Raises FileRefused, and DeliveryError for trouble that may pass.
        """
        ...


@runtime_checkable
class Recalls(Protocol):
    """What a channel can do besides that keeps what was said."""

    async def recall(self, foreign: Foreign) -> Sequence[Foreign]:
        """The words behind a `ref`, oldest first. May be called again. Raises DeliveryError."""
        ...


class Unanswered:
    """The turns that a channel has started and whose final part it has not shown yet: what it waits for at its end."""

    def __init__(self) -> None:
        self._turns: set[str] = set()
        self._early: set[str] = set()
        self._none = asyncio.Event()
        self._none.set()

    def __bool__(self) -> bool:
        return bool(self._turns)

    async def accepted(self, accept: Accept, inbound: Inbound) -> Receipt:
        """Let it be accepted, and remember its turn. One at a time. Raises what `accept` raises."""
        self._early.clear()
        receipt = await accept(inbound)
        if receipt.turn and receipt.turn not in self._early and not isinstance(inbound, Stop | Edit):
            self._turns.add(receipt.turn)
            self._none.clear()
        return receipt

    def answered(self, turn: str) -> None:
        """A final part of this turn was shown, perhaps before its `accept` has returned."""
        self._early.add(turn)
        self._turns.discard(turn)
        if not self._turns:
            self._none.set()

    def give_up(self) -> None:
        """Nobody can be shown anything any more."""
        self._turns.clear()
        self._none.set()

    async def none_left(self) -> None:
        await self._none.wait()


def reason_of(error: Exception) -> str:
    """Why something was not taken, for the person: our own errors say it. What others say is for the log."""
    if type(error).__module__.startswith(OURS):
        log.warning("message not taken", extra={"reason": str(error)})
        return str(error)
    log.error("message not taken", exc_info=error)
    return "Something went wrong on my side."
