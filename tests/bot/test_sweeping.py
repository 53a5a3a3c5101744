"""Every event is put to work once."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.sweeping import Sweeping
from orchestrator.messages import INBOUND, Address, Inbound, Message, Person
from storage.records import Arrived

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
SAID = Message(event_id="e", address=Address(channel="fake", chat="1"), person=Person(id="ann"), sent_at=NOW, text="Hi")


def arrived(number: int) -> Arrived:
    payload = INBOUND.dump_json(SAID).decode()
    return Arrived(number, f"t{number}", "fake:1", "fake", f"e{number}", payload, NOW, left_over=True)


class Inbox:
    """What is unfinished, and what was put."""

    def __init__(self) -> None:
        self.open: list[Arrived] = []
        self.put: list[tuple[int, bool, bool]] = []

    async def unfinished(self, *, channels: Sequence[str]) -> list[Arrived]:
        return self.open

    def take(self, arrived: Arrived, inbound: Inbound, *, unasked: bool = False) -> None:
        self.put.append((arrived.number, unasked, arrived.left_over))


@pytest.mark.proves("faults.half_told")
async def test_what_nobody_has_put_is_found_at_the_second_look_and_has_one_turn_for_ever() -> None:
    inbox: Any = Inbox()
    sweeping = Sweeping(inbox, inbox.take)
    inbox.open = [arrived(1), arrived(2)]
    sweeping.put(arrived(1), SAID)
    await sweeping._look(["fake"])
    assert inbox.put == [(1, False, True)], "whoever has just taken it in may still put it"
    for _ in range(2):
        await sweeping._look(["fake"])
    found = (2, True, False)  # it interrupts nothing, and nobody has died over it
    assert inbox.put == [(1, False, True), found]
    inbox.open = []
    for _ in range(2):
        await sweeping._look(["fake"])
    sweeping.put(arrived(2), SAID)
    assert inbox.put == [(1, False, True), found], "it was answered long before it was brought again"


@pytest.mark.proves("faults.half_told")
async def test_what_another_version_has_written_is_looked_at_once(caplog: pytest.LogCaptureFixture) -> None:
    inbox: Any = Inbox()
    sweeping = Sweeping(inbox, inbox.take)
    inbox.open = [Arrived(3, "t3", "fake:1", "fake", "e3", "{}", NOW, left_over=True)]
    for _ in range(4):
        await sweeping._look(["fake"])
    assert inbox.put == []
    assert caplog.text.count("cannot be read") == 1
