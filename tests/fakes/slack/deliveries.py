"""What the app is told: events, commands and interactions, until it has acknowledged them."""

import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from tests.fakes.slack.people import Wire
from tests.fakes.slack.state import State

Kind = Literal["events_api", "slash_commands", "interactive"]
ANSWERED = "view_submission"  # the interaction whose acknowledgement may say something


@dataclass
class Delivery:
    """One thing that the app is told, perhaps several times."""

    kind: Kind
    body: Wire
    attempts: int = 0
    reasons: list[str] = field(default_factory=list)  # why it was sent again
    acked: bool = False
    payload: Any = None  # what came with the acknowledgement
    delay: float | None = None  # real seconds until it came
    timed_out: bool = False
    _sent: float = 0.0

    @property
    def event_id(self) -> str:
        return str(self.body.get("event_id", ""))

    @property
    def event(self) -> Wire:
        return dict(self.body.get("event") or {})

    @property
    def takes_answer(self) -> bool:
        return self.kind == "slash_commands" or self.body.get("type") == ANSWERED

    @property
    def name(self) -> str:
        """What it is, in a word or two."""
        return str(self.event.get("type") or self.body.get("command") or self.body.get("type"))

    def sent(self) -> None:
        self.attempts += 1
        self._sent = time.monotonic()

    def ack(self, payload: Any) -> None:
        self.acked = True
        self.payload = payload
        self.delay = time.monotonic() - self._sent

    def envelope(self) -> Wire:
        """As it goes over a socket; each attempt has an id of its own."""
        again = {"retry_attempt": self.attempts - 1, "retry_reason": self.reasons[-1] if self.reasons else ""}
        return {
            "envelope_id": str(uuid.uuid4()),
            "payload": self.body,
            "type": self.kind,
            "accepts_response_payload": self.takes_answer,
        } | (again if self.kind == "events_api" else {})


@dataclass(frozen=True)
class Ack:
    """An acknowledgement, and how long it took (real seconds)."""

    kind: Kind
    name: str
    delay: float
    payload: Any
    retry: int


class Deliveries:
    """Sends what there is, again where it is not acknowledged in time."""

    def __init__(self, state: State, send: Callable[[Delivery], Awaitable[bool]], *, late: str) -> None:
        self._state = state
        self._send = send
        self._late = late  # why it comes again where no acknowledgement came
        self.every: list[Delivery] = []
        self.acks: list[Ack] = []
        self.waiting: list[Delivery] = []  # for a socket

    def start(self, kind: Kind, body: Wire) -> Delivery:
        """The app is told, as soon as the loop runs."""
        delivery = Delivery(kind, body)
        self.every.append(delivery)
        self._state.background.start(self._deliver(delivery))
        return delivery

    def again(self, delivery: Delivery) -> None:
        """Once more, as if it had never been acknowledged."""
        delivery.acked = False
        delivery.reasons.append(self._late)
        self._state.background.start(self._deliver(delivery))

    def resume(self) -> None:
        """The app is there again: it gets what has waited."""
        waiting, self.waiting = self.waiting, []
        for delivery in waiting:
            self._state.background.start(self._deliver(delivery))

    def acknowledge(self, delivery: Delivery, payload: Any) -> None:
        if not delivery.acked and not delivery.timed_out:
            delivery.ack(payload)
        self.acks.append(Ack(delivery.kind, delivery.name, delivery.delay or 0.0, payload, delivery.attempts - 1))
        self._state.changes.tell()

    async def _deliver(self, delivery: Delivery) -> None:
        """One attempt. Where nobody is there it waits; what has failed comes again later, events only."""
        if not await self._send(delivery):
            self.waiting.append(delivery)
            return
        failed = len(delivery.reasons)
        await self._state.clock.sleep(self._state.limits.ack_seconds)
        if delivery.acked or len(delivery.reasons) > failed:
            return
        if delivery.kind == "events_api":
            await self.retry(delivery, self._late)
        else:
            self._fail(delivery)

    async def retry(self, delivery: Delivery, reason: str) -> None:
        """Once more after the next pause, unless there were enough attempts."""
        pauses = self._state.limits.retry_seconds
        failed = len(delivery.reasons)
        if failed >= len(pauses):
            return
        delivery.reasons.append(reason)
        if pauses[failed]:
            await self._state.clock.sleep(pauses[failed])
        if not delivery.acked:
            self._state.background.start(self._deliver(delivery))

    def _fail(self, delivery: Delivery) -> None:
        """A person sees that the app did not answer."""
        delivery.timed_out = True
        self._state.problems.append(f"{delivery.name}: operation_timeout, not acknowledged in time")
        self._state.changes.tell()
