"""What a channel shows back: the conversations of a place, what was said in them, and the words that are looked for."""

import uuid
from dataclasses import replace

import pytest

from storage.records import Letter, StoredPlan, StoredStep
from storage.store import Store, open_store
from tests.storage.samples import NOW, arrive, conclusion, question, talk
from tests.storage.test_opening import execute

BACK = (
    *(f"DROP TABLE {each}" for each in ("votes", "petitions", "link_codes", "accounts", "appointments")),  # came later
    "DROP INDEX inbox_of_session",
    "DROP INDEX outbox_of_session",
    "DROP INDEX plans_of_session",
    "UPDATE errand_version SET version_num = '0012'",
)
BACK_IN_SQLITE = (
    *(f"DROP TRIGGER turn_words_{what}" for what in ("insert", "delete", "update")),
    "DROP TABLE turn_words",
)
BACK_IN_POSTGRESQL = ("DROP INDEX turn_words",)


async def said(store: Store, session: str, request: str, answer: str, *, outcome: str = "direct") -> str:
    """A finished turn with these words."""
    turn = await arrive(store, uuid.uuid4().hex, session=session)
    ended = conclusion(turn, session=session, outcome=outcome)
    await store.finish(replace(ended, record=replace(ended.record, request=request, answer=answer)))
    return turn


@pytest.mark.proves("store.conversations")
async def test_a_place_has_its_own_conversations_and_no_others(store: Store) -> None:
    await said(store, "web:ann", "In the place itself", "Yes")
    await said(store, "web:ann/1", "First", "Yes")
    await said(store, "web:ann/1", "Second", "Yes")
    for session in ("web:Ann/2", "web:anna/3", "web:an_/4", "slack:ann/5"):
        await said(store, session, "Not yours", "No")
    listed = await store.conversations("web:ann")
    assert {(each.session, each.title) for each in listed} == {
        ("web:ann", "In the place itself"),
        ("web:ann/1", "First"),
    }


@pytest.mark.proves("store.conversations")
async def test_a_conversation_says_when_it_waits_for_its_person(store: Store) -> None:
    turn = await arrive(store, "1", session="web:ann/1")
    await store.finish(conclusion(turn, session="web:ann/1", question=question("q1", session="web:ann/1")))
    (listed,) = await store.conversations("web:ann")
    assert listed.open_question
    assert (await store.talk("web:ann/1", last=10)).question == "q1"


@pytest.mark.proves("store.conversations")
async def test_a_conversation_without_an_answer_has_no_title_yet(store: Store) -> None:
    await arrive(store, "1", session="web:ann/1")
    (listed,) = await store.conversations("web:ann")
    assert listed.title == ""
    shown = await store.talk("web:ann/1", last=10)
    assert shown.is_busy
    assert [each.done for each in shown.said] == [False]


@pytest.mark.proves("store.conversations")
async def test_a_talk_is_read_from_its_end_or_from_a_turn_on(store: Store) -> None:
    turns = await talk(store, *["direct"] * 6, session="web:ann/1")
    await talk(store, "direct", session="web:ann/2")
    newest = await store.talk("web:ann/1", last=2)
    assert [each.turn for each in newest.said] == turns[4:]
    assert [each.id for each in newest.shown] == [f"{turn}.0" for turn in turns[4:]]
    assert not newest.is_busy
    before = await store.talk("web:ann/1", last=2, before=turns[4])
    assert [each.turn for each in before.said] == turns[2:4]
    since = await store.talk("web:ann/1", last=2, since=turns[1])
    assert [each.turn for each in since.said] == turns[1:]
    assert (await store.talk("web:nobody", last=2)).said == ()


@pytest.mark.proves("store.conversations")
async def test_a_talk_has_the_plans_that_its_turns_worked_on(store: Store) -> None:
    turn = await arrive(store, "1", session="web:ann/1")
    other = await arrive(store, "2", session="web:ann/2")
    await store.save_plan(plan := StoredPlan(turn, "web:ann/1", turn, "{}"))
    await store.save_plan(StoredPlan(other, "web:ann/2", other, "{}"))
    await store.keep_step(turn, step := StoredStep("a", "done", "{}"))
    shown = await store.talk("web:ann/1", last=10)
    assert shown.plans == (plan,)
    assert shown.steps == {turn: [step]}


@pytest.mark.proves("store.conversations")
async def test_what_other_conversations_have_sent_stands_once_in_the_pieces_of_a_talk(store: Store) -> None:
    async def sends(text: str) -> None:
        letter = Letter("web:ann/1", "web", "{}", text)
        turn = await arrive(store, text, session="web:bob/1")
        await store.finish(replace(conclusion(turn, session="web:bob/1"), letters=(letter,)))

    turns = []
    for number in range(3):
        turns.append(await said(store, "web:ann/1", f"Ask {number}", "Yes"))
        await sends(f'"letter {number}"')
    pieces = [await store.talk("web:ann/1", last=1, before=each) for each in (turns[1], turns[2], None)]
    letters = [[each.payload for each in piece.shown if "letter" in each.payload] for piece in pieces]
    assert letters == [['"letter 0"'], ['"letter 1"'], ['"letter 2"']]
    alone = await store.talk_of("web:ann", turns[2])
    assert alone is not None
    assert [each.turn for each in alone[1].shown] == [turns[2]]


@pytest.mark.proves("store.conversations", "forget.everything")
async def test_a_turn_that_has_lost_its_words_is_not_shown(store: Store) -> None:
    turn = await said(store, "web:bob/1", "Call annabel", "Yes")
    other = await said(store, "web:bob/1", "Call cy", "Yes")
    await store.forget("web", "annabel", lambda _: ("", ""), waits=False, changes=lambda _: ())
    assert [each.turn for each in (await store.talk("web:bob/1", last=10)).said] == [other]
    assert await store.talk_of("web:bob", turn) is None
    assert await store.session_of("web:bob", turn) is None


@pytest.mark.proves("store.conversations")
async def test_a_part_is_found_in_its_own_place_alone(store: Store) -> None:
    (turn,) = await talk(store, "direct", session="web:ann/1")
    parcel = await store.parcel("web:ann", f"{turn}.0")
    assert parcel is not None
    assert parcel.session == "web:ann/1"
    assert await store.parcel("web:bob", f"{turn}.0") is None


@pytest.mark.proves("store.search")
async def test_words_are_found_by_their_beginnings_in_requests_and_answers(store: Store) -> None:
    ours = "web:ann/1"
    first = await said(store, ours, "Book a hotel in Zürich", "Booked the Alpenblick.")
    second = await said(store, ours, "And the weather?", "Sunny in Zürich, 21 °C.")
    await said(store, ours, "/why", "Because of Zürich", outcome="command")
    await said(store, "web:bob/1", "Zürich", "Zürich")
    assert [each.turn for each in await store.find("web:ann", "zür", last=5)] == [second, first]
    assert [each.turn for each in await store.find("web:ann", "Alpen HOTEL", last=5)] == [first]
    assert [each.turn for each in await store.find("web:ann", "zürich", last=1)] == [second]
    assert await store.find("web:ann", "Oslo", last=5) == []


@pytest.mark.proves("store.search")
@pytest.mark.parametrize(
    "wanted", ["", '"', "' OR 1=1 --", "NEAR(a b)", "hotel)", "a:*&|!b", "col:x*", "%", "\\", "🙂"]
)
async def test_no_search_breaks_and_none_is_a_command(store: Store, wanted: str) -> None:
    await said(store, "web:ann/1", "Hotel", "Booked")
    assert len(await store.find("web:ann", wanted, last=5)) <= 1


@pytest.mark.proves("store.search")
async def test_a_very_long_turn_can_be_stored_and_found(store: Store) -> None:
    long = " ".join(f"word{number}" for number in range(120_000))
    turn = await said(store, "web:ann/1", long, long)
    assert [each.turn for each in await store.find("web:ann", "word7", last=5)] == [turn]


@pytest.mark.proves("store.search")
async def test_an_older_database_is_searched_from_its_first_turn_on(url: str) -> None:
    store = await open_store(url)
    await said(store, "web:ann/1", "Hotel", "Booked")
    await store.close()
    for statement in (*(BACK_IN_SQLITE if url.startswith("sqlite") else BACK_IN_POSTGRESQL), *BACK):
        execute(url, statement)
    store = await open_store(url)
    assert len(await store.find("web:ann", "hotel", last=5)) == 1
    assert (await store.find("web:ann", "hotel", last=5))[0].finished_at == NOW
    await store.close()
