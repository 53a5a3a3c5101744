"""What is to come, on both databases: written once for a key, due once for a time, its person's alone."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from storage.changes import cancelling
from storage.records import Event, Scheduled
from storage.store import Store

NINE = datetime(2026, 11, 23, 9, tzinfo=UTC)
ANNS = Scheduled(key="t1/s1", channel="fake", person="ann", goes_to="fake", body="{}", next_at=NINE)
EVENT = Event(channel="fake", event_id="schedule:1", session="fake:1", address="{}", payload="{}")


@pytest.mark.proves("reminders.once")
async def test_a_schedule_is_written_once_for_its_key_even_when_it_is_over(store: Store) -> None:
    number = await store.schedule(ANNS)
    assert await store.schedule(ANNS) == number
    (due,) = await store.due(["fake"], NINE)
    await store.come_due(due, None, [])
    assert await store.schedule(ANNS) == number
    assert await store.scheduled("fake", "ann") == []


@pytest.mark.proves("reminders.once")
async def test_what_is_due_arrives_once_together_with_the_note_that_it_has(store: Store) -> None:
    await store.schedule(ANNS)
    (due,) = await store.due(["fake"], NINE)
    (arrived,) = await store.come_due(due, NINE + timedelta(days=1), [EVENT])
    assert arrived.event_id == "schedule:1"
    assert await store.come_due(due, NINE + timedelta(days=1), [EVENT]) == []
    assert [each.event_id for each in await store.unfinished(channels=["fake"])] == ["schedule:1"]
    assert await store.next_due(["fake"]) == NINE + timedelta(days=1)


@pytest.mark.proves("reminders.again")
async def test_nothing_is_due_too_early_in_other_channels_or_once_it_is_cancelled(store: Store) -> None:
    number = await store.schedule(ANNS)
    assert await store.due(["fake"], NINE - timedelta(seconds=1)) == []
    assert await store.due(["other"], NINE) == []
    (due,) = await store.due(["fake"], NINE)
    await store.change(cancelling("fake", "ann", [number]))
    assert await store.due(["fake"], NINE) == []
    assert await store.come_due(due, None, [EVENT]) == []
    assert await store.next_due(["fake"]) is None


@pytest.mark.proves("reminders.private")
async def test_schedules_are_listed_and_cancelled_for_their_person_alone(store: Store) -> None:
    number = await store.schedule(ANNS)
    await store.schedule(replace(ANNS, key="t2/s1", person="bob", next_at=NINE - timedelta(hours=1)))
    assert [each.id for each in await store.scheduled("fake", "ann")] == [number]
    assert await store.scheduled("elsewhere", "ann") == []
    await store.change(cancelling("fake", "bob", [number]), cancelling("elsewhere", "ann", [number]))
    assert [each.id for each in await store.scheduled("fake", "ann")] == [number]
