"""What a channel is: three calls, of which only one must not fail."""

from typing import Protocol

from orchestrator.messages import Accept, Address, Delivery, Live


class DeliveryError(Exception):
    """The channel did not take it. `retry_after_seconds` is the platform's word on when to try again."""

    def __init__(self, message: str, *, retry_after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


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
