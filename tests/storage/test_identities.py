"""Who people are, on both databases: accounts that are one person, roles that were given, votes."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from storage.changes import leaving, offering_link, petitioning, preferring, remembering
from storage.records import Allowance, Amount, Appointment, Event, LinkCode, Petition, StoredPlan, Vote
from storage.store import Store
from tests.storage.samples import ADDRESS, NOW, SESSION, arrive

SOON = datetime.now(UTC) + timedelta(hours=1)


async def join(store: Store, one: str, other: str) -> bool:
    """Join the account `one`, which has the code, with the other one; both as channel:person."""
    channel, _, person = one.partition(":")
    await store.change(offering_link(LinkCode(f"of {one}", channel, person, person, SOON)))
    where, _, who = other.partition(":")
    return await store.join(f"of {one}", where, who)


async def names(store: Store, account: str) -> list[str]:
    channel, _, person = account.partition(":")
    return [f"{each.channel}:{each.person}" for each in await store.known_as(channel, person)]


@pytest.mark.proves("people.joined")
async def test_whoever_is_joined_with_one_is_joined_with_all_and_the_acting_account_comes_first(store: Store) -> None:
    assert await join(store, "a:1", "b:2")
    assert await join(store, "c:3", "d:4")
    assert await join(store, "b:2", "d:4")
    assert not await join(store, "a:1", "c:3"), "they are one already"
    assert sorted(await names(store, "a:1")) == ["a:1", "b:2", "c:3", "d:4"]
    assert (await names(store, "d:4"))[0] == "d:4"
    assert {each.identity for each in await store.known_as("c", "3")} == {"a:1"}
    await store.change(leaving("a", "1"))
    assert await names(store, "a:1") == ["a:1"]
    assert sorted(await names(store, "b:2")) == ["b:2", "c:3", "d:4"]
    assert {each.identity for each in await store.known_as("d", "4")} != {"a:1"}, "who has left takes the name along"
    for account in ("b:2", "c:3"):
        await store.change(leaving(*account.split(":")))
    assert await names(store, "d:4") == ["d:4"], "one alone is nobody's other account"
    await store.change(leaving("d", "4"))


@pytest.mark.proves("people.joined")
async def test_what_is_written_under_one_account_stays_there_and_is_read_under_all(store: Store) -> None:
    await store.change(remembering("a", "1", "one"), preferring("a", "1", language="de"))
    await store.change(remembering("b", "2", "two"), preferring("b", "2", language="en", verbosity="full"))
    await join(store, "a:1", "b:2")
    assert [each.text for each in await store.memories("b", "2")] == ["one", "two"]
    assert (await store.preferences("a", "1")).language == "de"
    assert (await store.preferences("a", "1")).verbosity == "full"
    await store.change(preferring("b", "2", language="de", time_zone="Europe/Rome"))
    await store.change(leaving("a", "1"))
    assert [each.text for each in await store.memories("a", "1")] == ["one"]
    assert (await store.preferences("a", "1")).time_zone == "Europe/Rome"


@pytest.mark.proves("people.joined")
async def test_what_was_spent_is_added_up_and_never_less_after_leaving(store: Store) -> None:
    async def spend(account: str, tokens: int) -> None:
        await store.reserve(f"{account} {tokens}", Amount(tokens), [Allowance(f"person:{account}", "2026-11")])
        await store.settle(f"{account} {tokens}", None)

    async def spent(account: str) -> int:
        return (await store.spent([Allowance(f"person:{account}", "2026-11")]))[0].tokens

    await spend("a:1", 5)
    await spend("b:2", 7)
    await join(store, "a:1", "b:2")
    await spend("a:1", 10)
    assert await spent("a:1") == 22
    await store.change(leaving("a", "1"))
    assert (await spent("a:1"), await spent("b:2")) == (22, 22)


@pytest.mark.proves("people.joined")
async def test_a_code_is_used_once_also_by_two_at_the_same_moment(store: Store) -> None:
    await store.change(offering_link(LinkCode("digest", "a", "1", "Ann", SOON)))
    joined = await asyncio.gather(*(store.join("digest", "b", str(number)) for number in range(8)))
    assert sorted(joined) == [False] * 7 + [True]
    past = datetime.now(UTC) - timedelta(seconds=1)
    await store.change(offering_link(LinkCode("late", "a", "1", "Ann", past)))
    assert await store.link_code("late") is None
    assert not await store.join("late", "b", "9")


@pytest.mark.proves("people.appointed")
async def test_of_two_owners_who_leave_at_once_one_stays(store: Store) -> None:
    for person in ("1", "2"):
        assert await store.appoint(Appointment("a", person, "owner", "me"), keeping=None)
    left = await asyncio.gather(*(store.dismiss("a", person, keeping="owner") for person in ("1", "2")))
    assert sorted(left) == [False, True]
    (owner,) = await store.appointments()
    assert not await store.appoint(Appointment("a", owner.person, "guest", "me"), keeping="owner")
    assert (await store.appointments())[0].role == "owner"


@pytest.mark.proves("people.first")
async def test_the_first_is_first_once_and_no_role_that_was_given_is_overwritten(store: Store) -> None:
    assert await store.appoint(Appointment("a", "0", "guest", "me"), keeping=None)
    assert not await store.appoint_first(Appointment("a", "0", "owner", "door"))
    made = await asyncio.gather(*(store.appoint_first(Appointment("a", str(n), "owner", "door")) for n in range(1, 6)))
    assert sorted(made) == [False] * 4 + [True]


@pytest.mark.proves("people.two_yeses")
async def test_a_vote_and_the_event_that_counts_it_are_stored_together_and_once(store: Store) -> None:
    turn = await arrive(store, "e1")
    await store.save_plan(StoredPlan("p1", SESSION, turn, "{}"))
    await store.change(petitioning(Petition("a1", "p1", SESSION, "{}", NOW)))
    await store.change(petitioning(Petition("a1", "p1", SESSION, "other", NOW)))
    assert (petition := await store.petition("a1")) is not None
    assert petition.payload == "{}"
    event = Event("console", "petition/a1/t7", SESSION, ADDRESS, "{}")
    first = await store.vote(Vote("a1", "a", "1", agreed=True, payload="x", given_at=NOW), event)
    assert first is not None
    assert await store.vote(Vote("a1", "a", "1", agreed=True, payload="x", given_at=NOW), event) is None
    later = Vote("a1", "a", "1", agreed=False, payload="y", given_at=NOW + timedelta(seconds=1))
    assert await store.vote(later, Event("console", "petition/a1/t8", SESSION, ADDRESS, "{}")) is not None
    (vote,) = await store.votes_on("a1")
    assert (bool(vote.agreed), vote.payload) == (False, "y")
    assert [each.event_id for each in await store.unfinished(channels=["console"])] == [
        "e1",
        "petition/a1/t7",
        "petition/a1/t8",
    ]
