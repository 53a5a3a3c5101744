"""One side of a channel: the one that people are on."""

import asyncio
from abc import ABC, abstractmethod

from adapters.base import Adapter
from orchestrator.messages import Address
from tests.adapters.core import LONGEST_WAIT


class Driver(ABC):
    """One side of a channel: the one that people are on."""

    many_chats = True
    room_for = 3_000  # repetitions of a word that one message takes

    def __init__(self, channel: Adapter) -> None:
        self.channel = channel

    def address(self, chat: str = "1") -> Address:
        return Address(channel=self.channel.name, chat=chat)

    def elsewhere(self) -> Address:
        """A place where nobody is."""
        return Address(channel=self.channel.name, chat="unknown", thread="7")

    @abstractmethod
    async def say(self, text: str, *, chat: str = "1") -> None:
        """Words that arrive through the platform."""

    @abstractmethod
    def raw(self) -> str:
        """Everything that has gone to the person's side, as it went."""

    @abstractmethod
    def finals(self, chat: str = "1") -> list[str]:
        """The final parts that the person sees, in their order."""

    @abstractmethod
    def is_marked(self, text: str) -> bool:
        """Whether this final part is marked as one that may have been seen before."""

    async def sees(self, text: str) -> None:
        """Wait until this has gone to the person's side."""
        async with asyncio.timeout(LONGEST_WAIT):
            while text not in self.raw():
                await asyncio.sleep(0.001)  # a file tells nobody that it has grown
