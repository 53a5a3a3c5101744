"""Who leads a channel shows what is in the outbox."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from bot.cluster.leading import Leading
from orchestrator.messages import FINAL, Address, Answer
from storage.errors import StorageError
from storage.records import Parcel
from tests.fakes.channel import FakeChannel

ADDRESS = Address(channel="fake", chat="1")
SAID = Parcel(
    "t1.0", "t1", ADDRESS.session, "fake", ADDRESS.model_dump_json(), FINAL.dump_json(Answer(text="Hello.")).decode()
)


class Outbox:
    """It cannot be read just when something was put there."""

    def __init__(self) -> None:
        self.parcels: list[Parcel] = []
        self.reads: list[Sequence[str] | None] = []

    async def undelivered(self, turns: Sequence[str] | None) -> list[Parcel]:
        self.reads.append(turns)
        if turns is not None and "t1" in turns:
            raise StorageError("there are too many connections")
        return [each for each in self.parcels if turns is None or each.turn in turns]

    async def delivered(self, parcel: str) -> None:
        self.parcels = [each for each in self.parcels if each.id != parcel]


@pytest.mark.proves("faults.postgresql")
async def test_what_could_not_be_read_is_shown_soon_however_much_is_told_of_other_turns(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("bot.cluster.leading.LOOK_SECONDS", 0.3)
    channel, outbox = FakeChannel(), Outbox()
    given: dict[str, Any] = {"store": outbox, "files": None, "line": None}
    leading = Leading(channel, **given)
    running = asyncio.create_task(leading.run())

    async def others_speak() -> None:
        while not channel.shown:
            leading.hear({"turn": "t2"})
            await asyncio.sleep(0.02)

    async with asyncio.timeout(10):
        while not outbox.reads:
            await asyncio.sleep(0.001)
        outbox.parcels.append(SAID)
        leading.hear({"turn": "t1"})
        await others_speak()
    assert any("t1" in each for each in outbox.reads if each)
    running.cancel()
    await asyncio.wait({running})
    assert [each.part.text for each in channel.shown.values()] == ["Hello."]
