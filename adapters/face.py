"""What a console needs of the terminal or the pipe in front of it."""

from contextlib import AbstractContextManager
from typing import Protocol

from orchestrator.messages import Delivery, Live


class Interrupted(Exception):
    """The person pressed Ctrl-C. `typed` is what stood in the line."""

    def __init__(self, typed: str) -> None:
        super().__init__()
        self.typed = typed


class Face(Protocol):
    """One of the two looks of a console."""

    @property
    def is_interactive(self) -> bool:
        """Whether a person types here, who need not wait for a reply."""
        ...

    def opened(self) -> AbstractContextManager[None]:
        """Around everything that the console does here."""
        ...

    async def read(self, default: str = "") -> str:
        """The next thing that is said, starting from `default`. Raises EOFError at the end, and Interrupted."""
        ...

    async def tell(self, text: str) -> None:
        """Say something of the console's own. Raises DeliveryError."""
        ...

    async def show(self, turn: str, part: Live) -> None: ...

    async def deliver(self, delivery: Delivery) -> None:
        """Raises DeliveryError."""
        ...
